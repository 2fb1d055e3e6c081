/* SPDX-License-Identifier: MIT
 * text.h: names from outside, made fit for terminals, log lines and JSON.
 *
 * A file may be called anything but NUL and '/'.  Control characters, also those above 0x7f, turn a
 * line into several or talk to the terminal; marks of direction make it read as something else; and
 * bytes that are not UTF-8 are no JSON.  They are escaped byte by byte as \xNN, in lower case; so
 * is a backslash that would begin such an escape.  Whoever puts back the bytes has the name again.
 */
#ifndef THINMEND_BASE_TEXT_H
#define THINMEND_BASE_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/base/compiler.h"

/* Bytes of the character that text begins with, text[0] being no NUL; 0: it begins with none
 * (Unicode, table 3-7). */
size_t utf8_decode(const char *text, uint32_t *ret_character);

/* A character that controls, steers, joins or turns around, and has no shape of its own. */
bool character_is_unseen(uint32_t c);

#define TEXT_ESCAPE 4 /* bytes that one escaped byte takes */

/*
 * How many of the first nr bytes of text, which has no NUL there, can be printed as they are; when
 * that is 0, *ret_bad is how many of them are to be escaped.
 */
size_t text_safe_prefix(const char *text, size_t nr, size_t *ret_bad);

/*
 * A copy for JSON, to be freed; NULL without memory.  JSON has escapes of its own for control
 * characters: only what is not UTF-8 is escaped, and a backslash in front of what looks like one.
 */
must_check char *text_escape_bytes(const char *text);

#endif
