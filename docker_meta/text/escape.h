/* SPDX-License-Identifier: MIT
 * escape.h: names from files that anybody may have written, in HTML and in JSON within HTML.
 *
 * Both write what is not to be seen as it would be written in C: control characters and bytes that
 * are no UTF-8 as \x1b, what turns the direction of writing or has no width as \u202e.  So nobody
 * is shown a name that reads other than it is.
 */
#ifndef DOCKER_META_TEXT_ESCAPE_H
#define DOCKER_META_TEXT_ESCAPE_H

#include <stdio.h>

/* In the text of an element, and between double quotes in an attribute. */
void put_text(FILE *out, const char *text);

/* A string of JSON with its quotes, which may stand in <script>; null for NULL. */
void put_json_text(FILE *out, const char *text);

#endif
