/* SPDX-License-Identifier: MIT
 * json_syntax.h: where the syntax of a JSON text is at fault, and why, for people who edit it.
 *
 * Values are not taken from here (state/go_json.h); this one knows what people put into such files
 * that is no JSON: comments, commas too many or too few, other quotes, a byte order mark.
 */
#ifndef DOCKER_META_CONFIG_JSON_SYNTAX_H
#define DOCKER_META_CONFIG_JSON_SYNTAX_H

#include <stdbool.h>
#include <stddef.h>

#include "common/base/compiler.h"

struct json_place {
	size_t line, column; /* from 1; columns are bytes */
};

struct json_twice {
	struct json_place first, last;
	char *key; /* owned: as it is written, without the quotes */
};

struct json_syntax {
	bool has_bom;  /* a byte order mark of UTF-8 in front, which is left out of all else */
	bool is_empty; /* nothing but blanks */
	bool broken;   /* the first fault: */
	struct json_place at; /* where it is seen */
	char text[200];       /* what it is, one line */
	size_t begin, end;    /* bytes of the first value, when it is not broken */
	bool has_rest;        /* something stands behind it: */
	struct json_place rest;
	struct json_twice *twice; /* owned: keys that an object has twice */
	size_t nr_twice, capacity;
};

/* Linear but for the sorting of keys.  0, however broken it is, or -ENOMEM; to be destroyed always.
 */
must_check int json_syntax_look(const char *text, size_t size, struct json_syntax *ret_syntax);
void json_syntax_destroy(struct json_syntax *s);

#endif
