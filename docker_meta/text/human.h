/* SPDX-License-Identifier: MIT
 * human.h: text for people: bytes, columns, lines of 80 columns, and nothing that steers a
 * terminal.
 */
#ifndef DOCKER_META_TEXT_HUMAN_H
#define DOCKER_META_TEXT_HUMAN_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

struct human {
	char text[16];
};

/* "1.4G", four characters of digits at most. */
struct human human_bytes(uint64_t bytes);

/* text_print() of as much as fits into so many columns.  The columns that it takes. */
int print_fitting(FILE *out, const char *text, size_t width);

/* A terminal that has colours, and nobody said no: NO_COLOR (no-color.org), TERM=dumb. */
bool wants_colour(FILE *out);

/* Left aligned in so many columns, and no more. */
void print_column(FILE *out, const char *text, size_t width);

/* A label, and from a fixed column on the words of text, below 80 columns. */
void print_wrapped(FILE *out, const char *label, const char *text);

/* The same with Docker's names of 64 digits cut to 12 and a star: still a pattern for a shell. */
void print_briefly(FILE *out, const char *label, const char *text);

/* The same behind so many columns of a line that was begun. */
void print_behind(FILE *out, int columns, const char *label, const char *text);

#endif
