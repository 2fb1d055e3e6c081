/* SPDX-License-Identifier: MIT */
#include "docker_meta/page/escape.h"

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "common/base/compiler.h"

/* Bytes of the character that p begins with; 0: it is none (Unicode, table 3-7). */
static size_t decode(const unsigned char *p, uint32_t *ret_character)
{
	static const uint32_t least[] = { 0, 0, 0x80, 0x800, 0x10000 };
	size_t nr = p[0] < 0x80 ? 1 : p[0] >= 0xf0 ? 4 : p[0] >= 0xe0 ? 3 : 2;
	uint32_t c = nr == 1 ? p[0] : p[0] & (0x7fu >> nr);

	if (p[0] >= 0xf8 || (p[0] >= 0x80 && p[0] < 0xc0))
		return 0;
	for (size_t i = 1; i < nr; i++) {
		if ((p[i] & 0xc0) != 0x80)
			return 0;
		c = c << 6 | (p[i] & 0x3f);
	}
	*ret_character = c;
	return c < least[nr] || c > 0x10ffff || (c >= 0xd800 && c < 0xe000) ? 0 : nr;
}

/* It has no shape of its own: it steers, joins, turns around, or is no character at all. */
static bool is_unseen(uint32_t c)
{
	static const struct {
		uint32_t first, last;
	} ranges[] = {
		{ 0x00ad, 0x00ad }, { 0x034f, 0x034f }, { 0x061c, 0x061c }, { 0x115f, 0x1160 },
		{ 0x17b4, 0x17b5 }, { 0x180b, 0x180f }, { 0x200b, 0x200f }, { 0x2028, 0x202e },
		{ 0x2060, 0x206f }, { 0x3164, 0x3164 }, { 0xfe00, 0xfe0f }, { 0xfeff, 0xfeff },
		{ 0xffa0, 0xffa0 }, { 0xfff0, 0xfffb }, { 0xfdd0, 0xfdef }, { 0xe0000, 0xe0fff },
	};

	if ((c & 0xfffe) == 0xfffe)
		return true;
	for (size_t i = 0; i < ARRAY_SIZE(ranges); i++) {
		if (c >= ranges[i].first && c <= ranges[i].last)
			return true;
	}
	return false;
}

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

static void put(FILE *out, const char *text, bool json)
{
	const unsigned char *p = (const unsigned char *)text;
	const char *backslash = json ? "\\\\" : "\\";
	size_t nr;

	for (uint32_t c = 0; *p; p += nr) {
		const char *escaped = reference(*p, json);

		nr = decode(p, &c);
		if (escaped)
			(void)fputs(escaped, out);
		else if (!nr || c < ' ' || (c >= 0x7f && c < 0xa0))
			(void)fprintf(out, "%sx%02x", backslash, (unsigned int)(nr ? c : *p));
		else if (is_unseen(c))
			(void)fprintf(out, "%su%04x", backslash, (unsigned int)c);
		else
			(void)fwrite(p, 1, nr, out);
		nr += !nr;
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
