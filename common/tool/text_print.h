/* SPDX-License-Identifier: MIT
 * text_print.h: names from outside, on a terminal or in a log.
 */
#ifndef THINMEND_TOOL_TEXT_PRINT_H
#define THINMEND_TOOL_TEXT_PRINT_H

#include <stddef.h>
#include <stdio.h>

/* nr bytes of text, with escapes (text.h). */
void text_print(FILE *out, const char *text, size_t nr);

#endif
