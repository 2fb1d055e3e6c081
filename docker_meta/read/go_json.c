/* SPDX-License-Identifier: MIT */
#include "docker_meta/read/go_json.h"

#include <ctype.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "common/base/alloc.h"
#include "docker_meta/read/go_parse.h"

static void set_fault(struct go_fault *fault, const char *format, ...) printf_like(2, 3);

static void set_fault(struct go_fault *fault, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	(void)vsnprintf(fault->text, sizeof(fault->text), format, args);
	va_end(args);
}

/* ---- objects */

static int parse_object(const char *text, size_t size, bool utf8_only, json_t **ret_object,
			struct go_fault *fault)
{
	json_t *object;
	int r = go_parse(text, size, utf8_only, &object, fault);

	*ret_object = NULL;
	if (r)
		return r;
	if (!json_is_object(object)) {
		set_fault(fault, "it is no JSON object");
		json_decref(object);
		return -EBADMSG;
	}
	*ret_object = object;
	return 0;
}

int go_json_parse(const char *text, size_t size, json_t **ret_object, struct go_fault *fault)
{
	return parse_object(text, size, false, ret_object, fault);
}

int go_json_parse_utf8(const char *text, size_t size, json_t **ret_object, struct go_fault *fault)
{
	return parse_object(text, size, true, ret_object, fault);
}

int go_json_read(const struct safe_dir *dir, const char *name, json_t **ret_object,
		 struct go_fault *fault)
{
	size_t size;
	char *text;
	int r = safe_dir_read(dir, name, GO_JSON_MAX, &text, &size);

	*ret_object = NULL;
	if (r) {
		set_fault(fault, "%s", safe_dir_fault(r));
		return r;
	}
	if (size)
		r = go_json_parse(text, size, ret_object, fault);
	else
		r = -EBADMSG;
	if (!size)
		set_fault(fault, "it is empty");
	alloc_free(text);
	return r;
}

/* The last one that says something, whatever its case. */
json_t *go_get(json_t *object, const char *key)
{
	json_t *value = NULL, *v;
	const char *k;

	json_object_foreach(object, k, v)
	{
		if (!strcasecmp(k, key) && !json_is_null(v))
			value = v;
	}
	return value;
}

static bool marked_u64(const json_t *value, uint64_t *ret)
{
	const char *text = json_string_value(value);
	unsigned long long number;
	char *end;

	if (!text || strncmp(text, GO_NUMBER_MARK, strlen(GO_NUMBER_MARK)) != 0)
		return false;
	text += strlen(GO_NUMBER_MARK);
	errno = 0;
	number = strtoull(text, &end, 10);
	if (errno || *end || !isdigit((unsigned char)*text))
		return false;
	*ret = number;
	return true;
}

bool go_take_u64(json_t *object, const char *key, uint64_t *value, struct go_fault *fault)
{
	const json_t *v = go_get(object, key);

	if (!v || marked_u64(v, value))
		return true;
	if (!json_is_integer(v) || json_integer_value(v) < 0) {
		set_fault(fault, "%s: an integer from 0 on is expected", key);
		return false;
	}
	*value = (uint64_t)json_integer_value(v);
	return true;
}

bool go_take_int(json_t *object, const char *key, int64_t *value, struct go_fault *fault)
{
	const json_t *v = go_get(object, key);

	if (!v)
		return true;
	if (!json_is_integer(v)) {
		set_fault(fault, "%s: an integer is expected", key);
		return false;
	}
	*value = json_integer_value(v);
	return true;
}

bool go_take_bool(json_t *object, const char *key, bool *value, struct go_fault *fault)
{
	const json_t *v = go_get(object, key);

	if (!v)
		return true;
	if (!json_is_boolean(v)) {
		set_fault(fault, "%s: true or false is expected", key);
		return false;
	}
	*value = json_is_true(v);
	return true;
}

bool go_take_string(json_t *object, const char *key, const char **value, struct go_fault *fault)
{
	const json_t *v = go_get(object, key);
	const char *text;

	if (!v)
		return true;
	text = json_string_value(v);
	if (!text || !strncmp(text, GO_NUMBER_MARK, strlen(GO_NUMBER_MARK)) ||
	    strlen(text) != json_string_length(v)) {
		set_fault(fault, "%s: a string is expected", key);
		return false;
	}
	*value = text;
	return true;
}
