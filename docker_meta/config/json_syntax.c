/* SPDX-License-Identifier: MIT */
#include "docker_meta/config/json_syntax.h"

#include <ctype.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/alloc.h"

enum { MAX_DEPTH = 1000 };

enum expecting {
	A_VALUE,        /* one must come */
	VALUE_OR_CLOSE, /* behind [ */
	KEY_OR_CLOSE,   /* behind { */
	A_KEY,          /* behind a comma in an object */
	A_COLON,
	COMMA_OR_CLOSE,
	NOTHING, /* the value is complete */
};

struct key {
	size_t object, begin, nr; /* object: number of the object that it is in */
};

struct looking {
	const char *text;
	size_t size, at;
	struct json_syntax *found;
	enum expecting expecting;
	size_t depth, nr_objects;
	size_t stack[MAX_DEPTH]; /* number of an object, 0 for an array */
	struct key *keys;
	size_t nr_keys, capacity;
};

static struct json_place place_of(const char *text, size_t at)
{
	struct json_place p = { 1, 1 };

	for (size_t i = 0; i < at; i++) {
		p.column++;
		if (text[i] == '\n')
			p = (struct json_place){ p.line + 1, 1 };
	}
	return p;
}

static void complain(struct looking *l, size_t at, const char *format, ...) printf_like(3, 4);

static void complain(struct looking *l, size_t at, const char *format, ...)
{
	va_list args;

	if (l->found->broken)
		return;
	l->found->broken = true;
	l->found->at = place_of(l->text, at);
	va_start(args, format);
	(void)vsnprintf(l->found->text, sizeof(l->found->text), format, args);
	va_end(args);
}

static bool is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

static void skip_blanks(struct looking *l)
{
	while (l->at < l->size && is_blank(l->text[l->at]))
		l->at++;
}

static bool starts(const struct looking *l, const char *word)
{
	const size_t n = strlen(word);

	return l->size - l->at >= n && !memcmp(l->text + l->at, word, n);
}

/* ---- what people write that is no JSON */

static bool complain_of_habits(struct looking *l)
{
	const char c = l->text[l->at];

	if (c == '#' || starts(l, "//") || starts(l, "/*"))
		complain(l, l->at, "a comment: JSON has none");
	else if (c == '\'')
		complain(l, l->at, "a single quote: texts stand in double quotes");
	else if (starts(l, "\xe2\x80\x9c") || starts(l, "\xe2\x80\x9d"))
		complain(l, l->at, "a typographic quote: only \" is one");
	else if (starts(l, "\xc2\xa0"))
		complain(l, l->at, "a no-break space: only blanks, tabs and newlines may be there");
	else if (starts(l, "True") || starts(l, "False") || starts(l, "TRUE") ||
		 starts(l, "FALSE") || starts(l, "None") || starts(l, "NULL"))
		complain(l, l->at, "true, false and null are written small");
	else
		return false;
	return true;
}

static void complain_of_character(struct looking *l, const char *wanted)
{
	const unsigned char c = (unsigned char)l->text[l->at];

	if (complain_of_habits(l))
		return;
	if (isprint(c))
		complain(l, l->at, "'%c' where %s is expected", c, wanted);
	else
		complain(l, l->at, "byte 0x%02x where %s is expected", c, wanted);
}

/* ---- texts and numbers */

/* Past a text; l->at is at its quote. */
static void skip_text(struct looking *l)
{
	const size_t begin = l->at++;

	while (l->at < l->size && l->text[l->at] != '"') {
		const unsigned char c = (unsigned char)l->text[l->at];

		if (c == '\n') {
			complain(l, begin, "a text that does not end in its line");
			return;
		}
		if (c < ' ') {
			complain(l, l->at, "a control character in a text");
			return;
		}
		if (c == '\\' && l->at + 1 < l->size) {
			l->at++;
			if (!strchr("\"\\/bfnrtu", l->text[l->at])) {
				complain(l, l->at - 1, "a backslash with '%c': write \\\\ for one",
					 isprint((unsigned char)l->text[l->at]) ? l->text[l->at]
										: '?');
				return;
			}
		}
		l->at++;
	}
	if (l->at >= l->size)
		complain(l, begin, "a text that does not end");
	l->at++;
}

static size_t skip_digits(struct looking *l)
{
	const size_t begin = l->at;

	while (l->at < l->size && isdigit((unsigned char)l->text[l->at]))
		l->at++;
	return l->at - begin;
}

static char now(const struct looking *l)
{
	if (l->at >= l->size)
		return '\0';
	return l->text[l->at];
}

static void skip_number(struct looking *l)
{
	const size_t begin = l->at;
	bool good, leads_with_zero;
	size_t nr;

	l->at += now(l) == '-';
	leads_with_zero = now(l) == '0';
	nr = skip_digits(l);
	good = nr == 1 || (nr > 1 && !leads_with_zero);
	if (good && now(l) == '.') {
		l->at++;
		good = skip_digits(l) > 0;
	}
	if (good && (now(l) == 'e' || now(l) == 'E')) {
		l->at++;
		l->at += now(l) == '+' || now(l) == '-';
		good = skip_digits(l) > 0;
	}
	if (!good)
		complain(l, begin, "no number as JSON writes them");
	else if (isalpha((unsigned char)now(l)) || now(l) == '%')
		complain(l, l->at, "a unit behind a number: write it as a text, in double quotes");
}

/* ---- values */

static void value_done(struct looking *l)
{
	l->expecting = l->depth ? COMMA_OR_CLOSE : NOTHING;
}

static void open_bracket(struct looking *l, bool object)
{
	if (l->depth == MAX_DEPTH) {
		complain(l, l->at, "brackets deeper than anything of Docker's");
		return;
	}
	l->stack[l->depth++] = object ? ++l->nr_objects : 0;
	l->expecting = object ? KEY_OR_CLOSE : VALUE_OR_CLOSE;
	l->at++;
}

static void close_bracket(struct looking *l)
{
	l->depth--;
	l->at++;
	value_done(l);
}

static void take_value(struct looking *l)
{
	static const char *const words[] = { "true", "false", "null" };
	const char c = l->text[l->at];

	if (c == '{' || c == '[') {
		open_bracket(l, c == '{');
		return;
	}
	if (c == '"') {
		skip_text(l);
		value_done(l);
		return;
	}
	if (c == '-' || isdigit((unsigned char)c)) {
		skip_number(l);
		value_done(l);
		return;
	}
	for (size_t i = 0; i < ARRAY_SIZE(words); i++) {
		if (starts(l, words[i])) {
			l->at += strlen(words[i]);
			value_done(l);
			return;
		}
	}
	if (isalpha((unsigned char)c) && !complain_of_habits(l))
		complain(l, l->at, "a value without quotes: texts stand in double quotes");
	else
		complain_of_character(l, "a value");
}

/* ---- objects and arrays */

static int take_key(struct looking *l)
{
	struct key *grown;

	if (l->text[l->at] != '"') {
		if (isalpha((unsigned char)l->text[l->at]))
			complain(l, l->at, "a key without quotes: keys stand in double quotes");
		else
			complain_of_character(l, "a key in double quotes");
		return 0;
	}
	grown = alloc_grow(l->keys, &l->capacity, l->nr_keys, sizeof(*grown));
	if (!grown)
		return -ENOMEM;
	l->keys = grown;
	grown[l->nr_keys] = (struct key){ l->stack[l->depth - 1], l->at + 1, 0 };
	skip_text(l);
	if (!l->found->broken) {
		grown[l->nr_keys].nr = l->at - 1 - grown[l->nr_keys].begin;
		l->nr_keys++;
	}
	l->expecting = A_COLON;
	return 0;
}

static void take_colon(struct looking *l)
{
	if (l->text[l->at] == ':') {
		l->at++;
		l->expecting = A_VALUE;
	} else if (l->text[l->at] == '=') {
		complain(l, l->at, "'=' behind a key: a colon is expected");
	} else {
		complain_of_character(l, "a colon behind a key");
	}
}

/* The comma, or the end, of what is open. */
static void take_comma(struct looking *l)
{
	const bool object = l->stack[l->depth - 1] != 0;
	const char c = l->text[l->at], closing = object ? '}' : ']';

	if (c == ',') {
		l->at++;
		l->expecting = object ? A_KEY : A_VALUE;
	} else if (c == closing) {
		close_bracket(l);
	} else if (c == '"' || c == '{' || c == '[') {
		complain(l, l->at, "a comma is missing before this");
	} else if (c == '}' || c == ']') {
		complain(l, l->at, "'%c' where '%c' or a comma is expected", c, closing);
	} else {
		complain_of_character(l, object ? "a comma or }" : "a comma or ]");
	}
}

static int step(struct looking *l)
{
	const char c = l->text[l->at];
	const bool closes = c == '}' || c == ']';

	switch (l->expecting) {
	case A_VALUE:
		if (closes && l->depth && !l->stack[l->depth - 1])
			complain(l, l->at, "a comma before this bracket: none may stand there");
		else
			take_value(l);
		return 0;
	case VALUE_OR_CLOSE:
		if (c == ']')
			close_bracket(l);
		else
			take_value(l);
		return 0;
	case KEY_OR_CLOSE:
		if (c == '}') {
			close_bracket(l);
			return 0;
		}
		return take_key(l);
	case A_KEY:
		if (!closes)
			return take_key(l);
		complain(l, l->at, "a comma before this bracket: none may stand there");
		return 0;
	case A_COLON:
		take_colon(l);
		return 0;
	case COMMA_OR_CLOSE:
		take_comma(l);
		return 0;
	case NOTHING:
		break;
	}
	return 0;
}

/* ---- keys twice */

static int compare_keys(const void *a, const void *b, void *looking)
{
	const char *text = ((const struct looking *)looking)->text;
	const struct key *ka = a, *kb = b;
	int order;

	if (ka->object != kb->object)
		return ka->object < kb->object ? -1 : 1;
	order = memcmp(text + ka->begin, text + kb->begin, ka->nr < kb->nr ? ka->nr : kb->nr);
	if (order)
		return order;
	if (ka->nr != kb->nr)
		return ka->nr < kb->nr ? -1 : 1;
	return (ka->begin > kb->begin) - (ka->begin < kb->begin);
}

static bool same_key(const struct looking *l, const struct key *a, const struct key *b)
{
	return a->object == b->object && a->nr == b->nr &&
	       !memcmp(l->text + a->begin, l->text + b->begin, a->nr);
}

static int add_twice(struct looking *l, const struct key *first, const struct key *last)
{
	struct json_syntax *s = l->found;
	struct json_twice *grown = alloc_grow(s->twice, &s->capacity, s->nr_twice, sizeof(*grown));

	if (!grown)
		return -ENOMEM;
	s->twice = grown;
	grown[s->nr_twice] =
		(struct json_twice){ place_of(l->text, first->begin - 1),
				     place_of(l->text, last->begin - 1),
				     alloc_printf("%.*s", (int)(first->nr < 200 ? first->nr : 200),
						  l->text + first->begin) };
	return grown[s->nr_twice++].key ? 0 : -ENOMEM;
}

enum { MAX_TWICE = 20 };

static int find_twice(struct looking *l)
{
	int r = 0;

	if (l->nr_keys)
		qsort_r(l->keys, l->nr_keys, sizeof(*l->keys), compare_keys, l);
	for (size_t i = 0; i < l->nr_keys && !r && l->found->nr_twice < MAX_TWICE;) {
		size_t n = i + 1;

		while (n < l->nr_keys && same_key(l, &l->keys[i], &l->keys[n]))
			n++;
		if (n > i + 1)
			r = add_twice(l, &l->keys[i], &l->keys[n - 1]);
		i = n;
	}
	return r;
}

/* ---- all */

static int look(struct looking *l)
{
	int r = 0;

	skip_blanks(l);
	l->found->is_empty = l->at >= l->size;
	l->found->begin = l->at;
	while (!r && !l->found->broken && l->expecting != NOTHING && !l->found->is_empty) {
		skip_blanks(l);
		if (l->at < l->size) {
			r = step(l);
			continue;
		}
		complain(l, l->size, "the end, where %s is expected",
			 l->expecting == A_COLON   ? "a colon"
			 : l->expecting == A_VALUE ? "a value"
						   : "a closing bracket");
	}
	l->found->end = l->at;
	skip_blanks(l);
	l->found->has_rest = !l->found->broken && l->at < l->size;
	if (l->found->has_rest)
		l->found->rest = place_of(l->text, l->at);
	return r;
}

int json_syntax_look(const char *text, size_t size, struct json_syntax *ret_syntax)
{
	struct looking *l = alloc_object(struct looking);
	int r;

	*ret_syntax =
		(struct json_syntax){ .has_bom = size >= 3 && !memcmp(text, "\xef\xbb\xbf", 3) };
	if (!l)
		return -ENOMEM;
	l->text = text;
	l->size = size;
	l->at = ret_syntax->has_bom ? 3 : 0;
	l->found = ret_syntax;
	r = look(l);
	if (!r)
		r = find_twice(l);
	alloc_free(l->keys);
	alloc_free(l);
	return r;
}

void json_syntax_destroy(struct json_syntax *s)
{
	for (size_t i = 0; i < s->nr_twice; i++)
		alloc_free(s->twice[i].key);
	alloc_free(s->twice);
	*s = (struct json_syntax){ 0 };
}
