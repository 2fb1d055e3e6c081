/* SPDX-License-Identifier: MIT */
#include "docker_meta/output/json_build.h"

#include <errno.h>

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
	return json_integer((json_int_t)value);
}

json_t *json_text(const char *value)
{
	json_t *string = value ? json_string(value) : NULL;

	return string ? string : json_null();
}

int json_finish(json_t *object, bool failed, FILE *out)
{
	int r = failed ? -ENOMEM : 0;

	if (!r && (json_dumpf(object, out, JSON_INDENT(2)) || fputc('\n', out) == EOF))
		r = -EIO;
	json_decref(object);
	return r;
}
