/* SPDX-License-Identifier: MIT */
#include "docker_meta/output/human.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { WIDTH = 80, INDENT = 10 };

struct human human_bytes(uint64_t bytes)
{
	static const char units[] = "BKMGTPE";
	double value = (double)bytes;
	struct human h;
	size_t unit = 0;

	while (value >= 999.5 && unit + 1 < sizeof(units) - 1) {
		value /= 1024;
		unit++;
	}
	(void)snprintf(h.text, sizeof(h.text), unit && value < 9.95 ? "%.1f%c" : "%.0f%c", value,
		       units[unit]);
	return h;
}

void print_plain(FILE *out, const char *text, size_t nr)
{
	for (size_t i = 0; i < nr; i++)
		(void)fputc((unsigned char)text[i] < ' ' || text[i] == 0x7f ? '?' : text[i], out);
}

bool wants_colour(FILE *out)
{
	const char *no = getenv("NO_COLOR"), *term = getenv("TERM");

	return isatty(fileno(out)) && (!no || !*no) && term && *term && strcmp(term, "dumb") != 0;
}

void print_column(FILE *out, const char *text, size_t width)
{
	size_t nr = strnlen(text, width);

	print_plain(out, text, nr);
	(void)fprintf(out, "%*s ", (int)(width - nr), "");
}

void print_wrapped(FILE *out, const char *label, const char *text)
{
	int column = fprintf(out, "  %-*s", INDENT - 2, label);

	while (*text) {
		int n = (int)strcspn(text, " ");

		if (column > INDENT && column + 1 + n > WIDTH) {
			column = fprintf(out, "\n%*s", INDENT, "") - 1;
		} else if (column > INDENT) {
			(void)fputc(' ', out);
			column++;
		}
		print_plain(out, text, (size_t)n);
		column += n;
		text += n + (text[n] == ' ');
	}
	(void)fputc('\n', out);
}
