/* SPDX-License-Identifier: MIT */
#include "docker_meta/text/escape.h"

#include <stdbool.h>
#include <string.h>

#include "common/base/text.h"

/* What HTML takes for its own, in a form that is right in JSON or in HTML. */
static const char *reference(unsigned char c, bool json)
{
	switch (c) {
	case '<':
		return json ? "\\u003c" : "&lt;";
	case '>':
		return json ? "\\u003e" : "&gt;";
	case '&':
		return json ? "\\u0026" : "&amp;";
	case '\'':
		return json ? "\\u0027" : "&#39;";
	case '"':
		return json ? "\\\"" : "&quot;";
	case '\\':
		return json ? "\\\\" : NULL;
	default:
		return NULL;
	}
}

/* NN of \xNN as text.h has it, but a script has to escape the backslash too. */
static void put_bytes(FILE *out, const char *p, size_t nr, const char *backslash)
{
	for (size_t i = 0; i < nr; i++)
		(void)fprintf(out, "%sx%02x", backslash, (unsigned int)(unsigned char)p[i]);
}

static void put(FILE *out, const char *text, bool json)
{
	const char *backslash = json ? "\\\\" : "\\";
	const char *end = text + strlen(text);

	while (text < end) {
		size_t bad, safe = text_safe_prefix(text, (size_t)(end - text), &bad);

		for (; safe; safe--, text++) {
			const char *escaped = reference((unsigned char)*text, json);

			if (escaped)
				(void)fputs(escaped, out);
			else
				(void)fputc(*text, out);
		}
		put_bytes(out, text, bad, backslash);
		text += bad;
	}
}

void put_text(FILE *out, const char *text)
{
	put(out, text, false);
}

void put_json_text(FILE *out, const char *text)
{
	if (!text) {
		(void)fputs("null", out);
		return;
	}
	(void)fputc('"', out);
	put(out, text, true);
	(void)fputc('"', out);
}
