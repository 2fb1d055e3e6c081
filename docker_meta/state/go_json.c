/* SPDX-License-Identifier: MIT */
#include "docker_meta/state/go_json.h"

#include <ctype.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "common/base/alloc.h"

static void set_fault(struct go_fault *fault, const char *format, ...) printf_like(2, 3);

static void set_fault(struct go_fault *fault, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	(void)vsnprintf(fault->text, sizeof(fault->text), format, args);
	va_end(args);
}

/* ---- integers that jansson has no type for */

/* jansson's integers are signed: above, one becomes a string with this in front. */
static const char unsigned_mark[] = "#u64:";

enum { U64_DIGITS = 20, S64_DIGITS = 19 };

static size_t nr_digits(const char *text)
{
	size_t n = 0;

	while (isdigit((unsigned char)text[n]))
		n++;
	return n;
}

static bool is_huge(const char *text, size_t n)
{
	if (n < S64_DIGITS || n > U64_DIGITS || strchr(".eE", text[n]))
		return text[n] == '\0' && n >= S64_DIGITS && n <= U64_DIGITS;
	return n == U64_DIGITS || strncmp(text, "9223372036854775807", n) > 0;
}

/* The text with huge integers as marked strings, to be freed by the caller. */
static char *mark_huge_integers(const char *text, size_t size)
{
	const size_t room = 2 * size + 1; /* a huge integer grows by less than it is long */
	char *marked = alloc_array(room, 1), *to = marked;
	bool in_string = false;

	for (size_t i = 0; marked && i < size;) {
		size_t n = in_string ? 0 : nr_digits(text + i);

		if (n && is_huge(text + i, n) && (!i || text[i - 1] != '-')) {
			to += snprintf(to, room - (size_t)(to - marked), "\"%s%.*s\"",
				       unsigned_mark, (int)n, text + i);
			i += n;
			continue;
		}
		n = n ? n : 1;
		if (in_string && text[i] == '\\' && i + 1 < size)
			n = 2;
		else if (text[i] == '"')
			in_string = !in_string;
		memcpy(to, text + i, n);
		to += n;
		i += n;
	}
	return marked;
}

static bool has_huge_integer(const char *text, size_t size)
{
	for (size_t i = 0; i < size; i++) {
		size_t n = nr_digits(text + i);

		if (n && is_huge(text + i, n))
			return true;
		i += n;
	}
	return false;
}

/* ---- objects */

int go_json_parse(char *text, size_t size, json_t **ret_object, struct go_fault *fault)
{
	char *marked = has_huge_integer(text, size) ? mark_huge_integers(text, size) : NULL;
	json_error_t error;
	json_t *object = json_loadb(marked ? marked : text, marked ? strlen(marked) : size,
				    JSON_ALLOW_NUL | JSON_DECODE_ANY, &error);

	alloc_free(marked);
	*ret_object = NULL;
	if (!object) {
		set_fault(fault, "line %d column %d: %s", error.line, error.column, error.text);
		return -EBADMSG;
	}
	if (!json_is_object(object)) {
		set_fault(fault, "it is no JSON object");
		json_decref(object);
		return -EBADMSG;
	}
	*ret_object = object;
	return 0;
}

static const char *explain(int error)
{
	switch (error) {
	case -ELOOP:
		return "it is a symbolic link";
	case -EINVAL:
		return "it is no regular file";
	case -EFBIG:
		return "it is too large";
	default:
		return strerror(-error);
	}
}

int go_json_read(const struct safe_dir *dir, const char *name, json_t **ret_object,
		 struct go_fault *fault)
{
	size_t size;
	char *text;
	int r = safe_dir_read(dir, name, GO_JSON_MAX, &text, &size);

	*ret_object = NULL;
	if (r) {
		set_fault(fault, "%s", explain(r));
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

/* The exact name first; of several that differ in case the last. */
json_t *go_get(json_t *object, const char *key)
{
	json_t *value = json_object_get(object, key), *v;
	const char *k;

	if (!value) {
		json_object_foreach(object, k, v)
		{
			if (!strcasecmp(k, key))
				value = v;
		}
	}
	return json_is_null(value) ? NULL : value;
}

static bool marked_u64(const json_t *value, uint64_t *ret)
{
	const char *text = json_string_value(value);
	char *end;

	if (!text || strncmp(text, unsigned_mark, strlen(unsigned_mark)) != 0)
		return false;
	errno = 0;
	*ret = strtoull(text + strlen(unsigned_mark), &end, 10);
	return !errno && !*end;
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
	uint64_t ignored;

	if (!v)
		return true;
	if (!json_is_string(v) || marked_u64(v, &ignored)) {
		set_fault(fault, "%s: a string is expected", key);
		return false;
	}
	*value = json_string_value(v);
	return true;
}
