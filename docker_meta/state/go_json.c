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

static size_t nr_digits(const char *text)
{
	return strspn(text, "0123456789");
}

/* Characters of the number that stands there; 0 where none does. */
static size_t number_length(const char *text)
{
	return *text == '-' || isdigit((unsigned char)*text) ? strspn(text, "+-.0123456789eE") : 0;
}

/* An integer of n characters that does not fit into 63 bits. */
static bool is_huge(const char *text, size_t n)
{
	const bool negative = *text == '-';
	const char *most = negative ? "9223372036854775808" : "9223372036854775807";
	const size_t digits = strlen(most);

	text += negative;
	n -= negative;
	if (n < digits || *text == '0' || nr_digits(text) < n)
		return false;
	return n > digits || strncmp(text, most, n) > 0;
}

/* The text with huge integers as marked strings, to be freed by the caller. */
static char *mark_huge_integers(const char *text, size_t size, size_t *ret_size)
{
	const size_t room = 2 * size + 1; /* a huge integer grows by less than it is long */
	char *marked = alloc_array(room, 1), *to = marked;
	bool in_string = false;

	for (size_t i = 0; marked && i < size;) {
		size_t n = in_string ? 0 : number_length(text + i);

		if (n && is_huge(text + i, n)) {
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
	*ret_size = marked ? (size_t)(to - marked) : 0;
	return marked;
}

/* So many digits in a row, be it in a string: to look closer costs more than to parse. */
static bool may_have_huge_integer(const char *text, size_t size)
{
	for (size_t i = 0; i < size;) {
		size_t n = nr_digits(text + i);

		if (n >= 19)
			return true;
		i += n + 1;
	}
	return false;
}

/* ---- text that is no UTF-8 */

/* Bytes of the character that stands there, of at most size; 0: it is none. */
static size_t character_length(const unsigned char *c, size_t size)
{
	static const struct {
		unsigned char first, last, low, high; /* of the first byte; of the second */
		size_t length;
	} forms[] = {
		{ 0x00, 0x7f, 0, 0, 1 },       { 0xc2, 0xdf, 0x80, 0xbf, 2 },
		{ 0xe0, 0xe0, 0xa0, 0xbf, 3 }, { 0xe1, 0xec, 0x80, 0xbf, 3 },
		{ 0xed, 0xed, 0x80, 0x9f, 3 }, { 0xee, 0xef, 0x80, 0xbf, 3 },
		{ 0xf0, 0xf0, 0x90, 0xbf, 4 }, { 0xf1, 0xf3, 0x80, 0xbf, 4 },
		{ 0xf4, 0xf4, 0x80, 0x8f, 4 },
	};

	for (size_t i = 0; i < ARRAY_SIZE(forms); i++) {
		size_t n = 2;

		if (*c < forms[i].first || *c > forms[i].last)
			continue;
		if (forms[i].length > size ||
		    (forms[i].length > 1 && (c[1] < forms[i].low || c[1] > forms[i].high)))
			return 0;
		while (n < forms[i].length && (c[n] & 0xc0) == 0x80)
			n++;
		return n >= forms[i].length ? forms[i].length : 0;
	}
	return 0;
}

/* As Go takes it: U+FFFD in place of each byte that belongs to no character. */
static char *replace_bad_bytes(const char *text, size_t size, size_t *ret_size)
{
	char *good = alloc_array(3 * size + 1, 1), *to = good;

	for (size_t i = 0; good && i < size;) {
		size_t n = character_length((const unsigned char *)text + i, size - i);

		memcpy(to, n ? text + i : "\xef\xbf\xbd", n ? n : 3);
		to += n ? n : 3;
		i += n ? n : 1;
	}
	*ret_size = good ? (size_t)(to - good) : 0;
	return good;
}

/* ---- characters that are written as escapes of four digits */

/* The number of an escape that stands there; -1: none does. */
static int32_t escaped(const char *text, size_t size)
{
	int32_t code = 0;

	if (size < 6 || text[0] != '\\' || text[1] != 'u')
		return -1;
	for (size_t i = 2; i < 6; i++) {
		const char *digits = "0123456789abcdef";
		const char *found = strchr(digits, tolower((unsigned char)text[i]));

		if (!found || !text[i])
			return -1;
		code = code << 4 | (int32_t)(found - digits);
	}
	return code;
}

static bool is_high(int32_t code)
{
	return code >= 0xd800 && code < 0xdc00;
}

static bool is_low(int32_t code)
{
	return code >= 0xdc00 && code < 0xe000;
}

/*
 * As Go takes it: U+FFFD for half a pair of surrogates, which is no character; and for NUL, which
 * Go takes as it is, but jansson in no key.  A text of the same size, to be freed.
 */
static char *replace_bad_escapes(const char *text, size_t size)
{
	static const char replacement[6] = { '\\', 'u', 'f', 'f', 'f', 'd' };
	char *good = alloc_array(size + 1, 1);

	if (!good)
		return NULL;
	memcpy(good, text, size);
	for (size_t i = 0; i < size; i += text[i] == '\\' ? 2 : 1) {
		const int32_t code = escaped(text + i, size - i);

		if (is_high(code) && is_low(escaped(text + i + 6, size - i - 6)))
			i += 10;
		else if (!code || is_high(code) || is_low(code))
			memcpy(good + i, replacement, sizeof(replacement));
	}
	return good;
}

/* ---- objects */

static bool may_be_of_escapes(enum json_error_code code)
{
	return code == json_error_invalid_syntax || code == json_error_null_byte_in_key ||
	       code == json_error_null_character;
}

static json_t *parse(const char *text, size_t size, bool utf8_only, json_error_t *error)
{
	const size_t flags = JSON_ALLOW_NUL | JSON_DECODE_ANY;
	json_t *object = json_loadb(text, size, flags, error);
	char *whole = NULL, *good;

	if (!object && !utf8_only && json_error_code(error) == json_error_invalid_utf8) {
		whole = replace_bad_bytes(text, size, &size);
		object = whole ? json_loadb(whole, size, flags, error) : NULL;
		text = whole;
	}
	if (!object && text && may_be_of_escapes(json_error_code(error))) {
		good = replace_bad_escapes(text, size);
		object = good ? json_loadb(good, size, flags, error) : NULL;
		alloc_free(good);
	}
	alloc_free(whole);
	return object;
}

static int parse_object(const char *text, size_t size, bool utf8_only, json_t **ret_object,
			struct go_fault *fault)
{
	char *marked = NULL;
	json_error_t error;
	json_t *object;

	*ret_object = NULL;
	if (may_have_huge_integer(text, size)) {
		marked = mark_huge_integers(text, size, &size);
		if (!marked) {
			set_fault(fault, "%s", strerror(ENOMEM));
			return -ENOMEM;
		}
	}
	object = parse(marked ? marked : text, size, utf8_only, &error);
	alloc_free(marked);
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

	if (!text || strncmp(text, unsigned_mark, strlen(unsigned_mark)) != 0)
		return false;
	text += strlen(unsigned_mark);
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
	if (!text || !strncmp(text, unsigned_mark, strlen(unsigned_mark)) ||
	    strlen(text) != json_string_length(v)) {
		set_fault(fault, "%s: a string is expected", key);
		return false;
	}
	*value = text;
	return true;
}
