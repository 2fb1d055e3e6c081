/* SPDX-License-Identifier: MIT */
#include "docker_meta/read/go_parse.h"

#include <ctype.h>
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/alloc.h"

enum { MAX_DEPTH = 2048 };

#define REPLACEMENT "\xef\xbf\xbd"

struct parser {
	const char *begin, *at, *end; /* of the text; *end is NUL */
	bool utf8_only;
	char *room; /* for strings: those that are still needed stand one behind the other */
	unsigned int depth;
	struct go_fault *fault;
	int error; /* 0, -EBADMSG or -ENOMEM */
};

/* ---- faults; NULL, for those who return it */

static json_t *fail_at(struct parser *p, const char *at, const char *what)
{
	size_t line = 1;
	const char *start = p->begin;

	for (const char *c = p->begin; c < at; c++) {
		if (*c == '\n') {
			line++;
			start = c + 1;
		}
	}
	(void)snprintf(p->fault->text, sizeof(p->fault->text), "line %zu column %zu: %s", line,
		       (size_t)(at - start) + 1, what);
	p->error = -EBADMSG;
	return NULL;
}

static json_t *unexpected(struct parser *p, const char *at)
{
	char what[40];

	if (at == p->end)
		return fail_at(p, at, "unexpected end");
	(void)snprintf(what, sizeof(what),
		       isprint((unsigned char)*at) ? "unexpected '%c'" : "unexpected byte 0x%02x",
		       (unsigned char)*at);
	return fail_at(p, at, what);
}

static json_t *no_memory(struct parser *p)
{
	(void)snprintf(p->fault->text, sizeof(p->fault->text), "%s", strerror(ENOMEM));
	p->error = -ENOMEM;
	return NULL;
}

/* NULL there is because there was no memory. */
static json_t *made(struct parser *p, json_t *value)
{
	return value ? value : no_memory(p);
}

static void skip_blanks(struct parser *p)
{
	p->at += strspn(p->at, " \t\r\n");
}

/* ---- numbers */

static size_t nr_digits(const char *text)
{
	return strspn(text, "0123456789");
}

/* An integer beyond 63 bits, or a fraction beyond a double's range: it is kept as it is written. */
static json_t *marked_number(struct parser *p, const char *text, size_t n)
{
	char *marked = alloc_printf(GO_NUMBER_MARK "%.*s", (int)n, text);
	json_t *value = marked ? json_string_nocheck(marked) : NULL;

	alloc_free(marked);
	return made(p, value);
}

static json_t *number_value(struct parser *p, const char *text, size_t n, bool is_integer)
{
	long long integer = 0;
	double real = 0;

	errno = 0;
	if (is_integer)
		integer = strtoll(text, NULL, 10);
	else
		real = strtod(text, NULL);
	if ((is_integer && errno) || !isfinite(real))
		return marked_number(p, text, n);
	return made(p, is_integer ? json_integer(integer) : json_real(real));
}

/* The digits that have to stand there. */
static bool skip_digits(struct parser *p, const char **at)
{
	const size_t n = nr_digits(*at);

	*at += n;
	return n || unexpected(p, *at);
}

static json_t *parse_number(struct parser *p)
{
	const char *begin = p->at, *at = begin;
	bool is_integer = true;

	at += *at == '-';
	if (*at == '0')
		at++;
	else if (!skip_digits(p, &at))
		return NULL;
	if (*at == '.') {
		is_integer = false;
		at++;
		if (!skip_digits(p, &at))
			return NULL;
	}
	if (*at == 'e' || *at == 'E') {
		is_integer = false;
		at++;
		at += *at == '+' || *at == '-';
		if (!skip_digits(p, &at))
			return NULL;
	}
	p->at = at;
	return number_value(p, begin, (size_t)(at - begin), is_integer);
}

/* ---- strings */

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

/* The number of an escape of four digits that stands there; -1: none does. */
static int32_t escaped(const char *text)
{
	static const char digits[] = "0123456789abcdef";
	int32_t code = 0;

	if (text[0] != '\\' || text[1] != 'u')
		return -1;
	for (size_t i = 2; i < 6; i++) {
		const char *found =
			text[i] ? strchr(digits, tolower((unsigned char)text[i])) : NULL;

		if (!found)
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

static char *put_character(char *to, int32_t code)
{
	if (code < 0x80) {
		*to++ = (char)code;
	} else if (code < 0x800) {
		*to++ = (char)(0xc0 | code >> 6);
		*to++ = (char)(0x80 | (code & 0x3f));
	} else if (code < 0x10000) {
		*to++ = (char)(0xe0 | code >> 12);
		*to++ = (char)(0x80 | (code >> 6 & 0x3f));
		*to++ = (char)(0x80 | (code & 0x3f));
	} else {
		*to++ = (char)(0xf0 | code >> 18);
		*to++ = (char)(0x80 | (code >> 12 & 0x3f));
		*to++ = (char)(0x80 | (code >> 6 & 0x3f));
		*to++ = (char)(0x80 | (code & 0x3f));
	}
	return to;
}

/* As Go takes it: U+FFFD for half a pair of surrogates; and for NUL in a key, which jansson cannot
 * keep. */
static char *take_code(struct parser *p, char *to, bool is_key)
{
	int32_t code = escaped(p->at), second;

	if (code < 0) {
		(void)fail_at(p, p->at, "invalid escape");
		return NULL;
	}
	p->at += 6;
	second = is_high(code) ? escaped(p->at) : -1;
	if (is_low(second)) {
		p->at += 6;
		code = 0x10000 + ((code - 0xd800) << 10) + (second - 0xdc00);
	} else if (is_high(code) || is_low(code) || (!code && is_key)) {
		code = 0xfffd;
	}
	return put_character(to, code);
}

/* What a backslash stands in front of.  The end, or NULL. */
static char *take_escape(struct parser *p, char *to, bool is_key)
{
	static const char letters[] = "\"\\/bfnrt", meant[] = "\"\\/\b\f\n\r\t";
	const char *found = p->at[1] ? strchr(letters, p->at[1]) : NULL;

	if (!found)
		return take_code(p, to, is_key);
	*to++ = meant[found - letters];
	p->at += 2;
	return to;
}

/* One character, however it is written.  The end, or NULL. */
static char *take_character(struct parser *p, char *to, bool is_key)
{
	size_t n;

	if (*p->at == '\\')
		return take_escape(p, to, is_key);
	n = (unsigned char)*p->at < ' '
		    ? 0
		    : character_length((const unsigned char *)p->at, (size_t)(p->end - p->at));
	if (!n && ((unsigned char)*p->at < ' ' || p->utf8_only)) {
		(void)unexpected(p, p->at);
		return NULL;
	}
	/* The NUL comes behind the whole string.
	 * NOLINTNEXTLINE(bugprone-not-null-terminated-result) */
	memcpy(to, n ? p->at : REPLACEMENT, n ? n : strlen(REPLACEMENT));
	p->at += n ? n : 1;
	return to + (n ? n : strlen(REPLACEMENT));
}

/* To p->room, with a NUL behind it, which is not counted.  false: p->error. */
static bool take_string(struct parser *p, bool is_key, size_t *ret_size)
{
	char *to = p->room;

	for (p->at++; to && *p->at != '"';)
		to = take_character(p, to, is_key);
	if (!to)
		return false;
	p->at++;
	*to = '\0';
	*ret_size = (size_t)(to - p->room);
	return true;
}

static json_t *parse_string(struct parser *p)
{
	size_t size;

	return take_string(p, false, &size) ? made(p, json_stringn_nocheck(p->room, size)) : NULL;
}

/* ---- values */

static json_t *parse_value(struct parser *p);

/* Takes value, which may be NULL. */
static bool add_element(struct parser *p, json_t *array, json_t *value)
{
	if (!value)
		return false;
	return !json_array_append_new(array, value) || no_memory(p);
}

/* NOLINTNEXTLINE(misc-no-recursion): at most MAX_DEPTH deep */
static bool parse_element(struct parser *p, json_t *array)
{
	return add_element(p, array, parse_value(p));
}

/* The key is needed until its value is known.  NOLINTNEXTLINE(misc-no-recursion) */
static bool parse_member(struct parser *p, json_t *object)
{
	char *key = p->room;
	json_t *value;
	size_t size;

	skip_blanks(p);
	if (*p->at != '"')
		return unexpected(p, p->at);
	if (!take_string(p, true, &size))
		return false;
	p->room += size + 1;
	skip_blanks(p);
	if (*p->at != ':')
		return unexpected(p, p->at);
	p->at++;
	value = parse_value(p);
	p->room = key;
	if (!value)
		return false;
	return !json_object_set_new_nocheck(object, key, value) || no_memory(p);
}

/* What stands between brackets, of which p->at is at the first. */
/* NOLINTNEXTLINE(misc-no-recursion): at most MAX_DEPTH deep */
static bool parse_members(struct parser *p, json_t *into, char close)
{
	bool good = true;

	p->at++;
	skip_blanks(p);
	if (*p->at == close) {
		p->at++;
		return true;
	}
	while (good) {
		good = close == '}' ? parse_member(p, into) : parse_element(p, into);
		if (!good)
			return false;
		skip_blanks(p);
		if (*p->at == close)
			break;
		good = *p->at == ',' || unexpected(p, p->at);
		p->at += good;
	}
	p->at += good;
	return good;
}

/* NOLINTNEXTLINE(misc-no-recursion): at most MAX_DEPTH deep */
static json_t *parse_container(struct parser *p, json_t *into, char close)
{
	bool good;

	if (!into)
		return no_memory(p);
	if (++p->depth > MAX_DEPTH) {
		json_decref(into);
		return fail_at(p, p->at, "nested too deep");
	}
	good = parse_members(p, into, close);
	p->depth--;
	if (good)
		return into;
	json_decref(into);
	return NULL;
}

static json_t *parse_word(struct parser *p)
{
	static const struct {
		const char *word;
		enum { IS_TRUE, IS_FALSE, IS_NULL } meant;
	} words[] = { { "true", IS_TRUE }, { "false", IS_FALSE }, { "null", IS_NULL } };

	for (size_t i = 0; i < ARRAY_SIZE(words); i++) {
		if (strncmp(p->at, words[i].word, strlen(words[i].word)) != 0)
			continue;
		p->at += strlen(words[i].word);
		return words[i].meant == IS_NULL ? json_null()
						 : json_boolean(words[i].meant == IS_TRUE);
	}
	return unexpected(p, p->at);
}

/* NOLINTNEXTLINE(misc-no-recursion): at most MAX_DEPTH deep */
static json_t *parse_value(struct parser *p)
{
	skip_blanks(p);
	if (*p->at == '{')
		return parse_container(p, json_object(), '}');
	if (*p->at == '[')
		return parse_container(p, json_array(), ']');
	if (*p->at == '"')
		return parse_string(p);
	if (*p->at == '-' || isdigit((unsigned char)*p->at))
		return parse_number(p);
	return parse_word(p);
}

int go_parse(const char *text, size_t size, bool utf8_only, json_t **ret_value,
	     struct go_fault *fault)
{
	struct parser p = { .begin = text,
			    .at = text,
			    .end = text + size,
			    .utf8_only = utf8_only,
			    .fault = fault };
	/* A byte that is no UTF-8 becomes three; a string's NUL takes the place of a quote. */
	char *room = alloc_array(size + 1, strlen(REPLACEMENT));
	json_t *value;

	*ret_value = NULL;
	p.room = room;
	if (!room) {
		(void)no_memory(&p);
		return p.error;
	}
	value = parse_value(&p);
	skip_blanks(&p);
	if (value && p.at != p.end) {
		json_decref(value);
		value = unexpected(&p, p.at);
	}
	alloc_free(room);
	*ret_value = value;
	return value ? 0 : p.error;
}
