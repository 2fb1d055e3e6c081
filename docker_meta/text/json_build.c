/* SPDX-License-Identifier: MIT */
#include "docker_meta/text/json_build.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "common/base/alloc.h"
#include "common/base/text.h"

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

json_t *json_text(const char *value)
{
	char *text;
	json_t *string;

	if (!value)
		return json_null();
	text = text_escape_bytes(value);
	string = text ? json_string(text) : NULL;
	alloc_free(text);
	return string;
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
	return finish(object, failed, JSON_INDENT(2) | JSON_ENSURE_ASCII, out);
}

int json_finish_line(json_t *object, bool failed, FILE *out)
{
	return finish(object, failed, JSON_COMPACT | JSON_ENSURE_ASCII, out);
}
