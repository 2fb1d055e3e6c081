/* SPDX-License-Identifier: MIT */
#include "docker_meta/output/json_build.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "common/base/alloc.h"

#define REPLACEMENT "\xef\xbf\xbd"

void json_put(json_t *object, const char *key, json_t *value, bool *failed)
{
	*failed |= json_object_set_new(object, key, value) != 0;
}

void json_append(json_t *array, json_t *value, bool *failed)
{
	*failed |= json_array_append_new(array, value) != 0;
}

json_t *json_number(uint64_t value)
{
	char digits[24];

	if (value <= INT64_MAX)
		return json_integer((json_int_t)value);
	(void)snprintf(digits, sizeof(digits), "%" PRIu64, value);
	return json_string(digits);
}

/* ---- UTF-8 (RFC 3629) */

/* How many bytes the character has that text begins with; 0: it is none. */
static size_t character(const unsigned char *text)
{
	static const struct {
		size_t nr;
		uint32_t min;
		unsigned char mask, lead;
	} forms[] = { { 1, 0, 0x80, 0x00 },
		      { 2, 0x80, 0xe0, 0xc0 },
		      { 3, 0x800, 0xf0, 0xe0 },
		      { 4, 0x10000, 0xf8, 0xf0 } };

	for (size_t i = 0; i < sizeof(forms) / sizeof(*forms); i++) {
		uint32_t code = text[0] & (unsigned char)~forms[i].mask;

		if ((text[0] & forms[i].mask) != forms[i].lead)
			continue;
		for (size_t n = 1; n < forms[i].nr; n++) {
			if ((text[n] & 0xc0) != 0x80)
				return 0;
			code = code << 6 | (text[n] & 0x3f);
		}
		return code < forms[i].min || code > 0x10ffff || (code >= 0xd800 && code < 0xe000)
			       ? 0
			       : forms[i].nr;
	}
	return 0;
}

static json_t *replaced(const char *value)
{
	char *text = alloc_array(strlen(value) + 1, sizeof(REPLACEMENT) - 1), *t = text;
	json_t *string;

	if (!text)
		return NULL;
	while (*value) {
		size_t nr = character((const unsigned char *)value);

		if (nr) {
			memcpy(t, value, nr);
			t += nr;
			value += nr;
		} else {
			memcpy(t, REPLACEMENT, sizeof(REPLACEMENT) - 1);
			t += sizeof(REPLACEMENT) - 1;
			value++;
		}
	}
	string = json_string(text);
	alloc_free(text);
	return string;
}

json_t *json_text(const char *value)
{
	json_t *string;

	if (!value)
		return json_null();
	string = json_string(value);
	return string ? string : replaced(value);
}

/* ---- the end */

static int finish(json_t *object, bool failed, size_t flags, FILE *out)
{
	int r = failed ? -ENOMEM : 0;

	if (!r && (json_dumpf(object, out, flags) || fputc('\n', out) == EOF))
		r = ferror(out) ? -EIO : -ENOMEM;
	json_decref(object);
	return r;
}

int json_finish(json_t *object, bool failed, FILE *out)
{
	return finish(object, failed, JSON_INDENT(2), out);
}

int json_finish_line(json_t *object, bool failed, FILE *out)
{
	return finish(object, failed, JSON_COMPACT, out);
}
