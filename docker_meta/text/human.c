/* SPDX-License-Identifier: MIT */
#include "docker_meta/text/human.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/base/text.h"

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
	/* Halves go up, as on the page and in its script: printf() has them go to even. */
	if (unit && value < 9.95) {
		const unsigned int tenths = (unsigned int)(value * 10 + 0.5);

		(void)snprintf(h.text, sizeof(h.text), "%u.%u%c", tenths / 10, tenths % 10,
			       units[unit]);
	} else {
		(void)snprintf(h.text, sizeof(h.text), "%u%c", (unsigned int)(value + 0.5),
			       units[unit]);
	}
	return h;
}

/* Characters of UTF-8 among these bytes. */
static int nr_characters(const char *text, size_t nr)
{
	int n = 0;

	for (size_t i = 0; i < nr; i++)
		n += ((unsigned char)text[i] & 0xc0) != 0x80;
	return n;
}

/* With escapes (text.h), in at most `limit` columns, a character being one; out may be NULL. */
static int put_plain(FILE *out, const char *text, size_t nr, int limit)
{
	int columns = 0;

	while (nr && columns < limit) {
		size_t bad, safe = text_safe_prefix(text, nr, &bad);

		while (columns + nr_characters(text, safe) > limit)
			safe--;
		if (out)
			(void)fwrite(text, 1, safe, out);
		columns += nr_characters(text, safe);
		for (size_t i = 0; i < bad && columns + TEXT_ESCAPE <= limit; i++) {
			if (out)
				(void)fprintf(out, "\\x%02x",
					      (unsigned int)(unsigned char)text[safe + i]);
			columns += TEXT_ESCAPE;
		}
		text += safe + bad;
		nr -= safe + bad;
		if (columns + TEXT_ESCAPE > limit)
			break;
	}
	return columns;
}

int print_fitting(FILE *out, const char *text, size_t width)
{
	return put_plain(out, text, strlen(text), (int)width);
}

bool wants_colour(FILE *out)
{
	const char *no = getenv("NO_COLOR"), *term = getenv("TERM");

	return isatty(fileno(out)) && (!no || !*no) && term && *term && strcmp(term, "dumb") != 0;
}

void print_column(FILE *out, const char *text, size_t width)
{
	const int nr = print_fitting(out, text, width);

	(void)fprintf(out, "%*s ", (int)width - nr, "");
}

enum { NAME_DIGITS = 64, SHORT_DIGITS = 12 };

/* How many bytes a name of 64 digits has here: 64, or 0 where there is none. */
static int name_at(const char *text)
{
	return strspn(text, "0123456789abcdef") == NAME_DIGITS ? NAME_DIGITS : 0;
}

/* n bytes of text, with short names; out may be NULL.  The columns that takes. */
static int print_word(FILE *out, const char *text, int n, bool brief)
{
	int columns = 0;

	for (int i = 0; i < n;) {
		int name = 0, plain = 0;

		while (i + plain < n && !name) {
			name = brief && i + plain + NAME_DIGITS <= n ? name_at(text + i + plain)
								     : 0;
			plain += !name;
		}
		columns += put_plain(out, text + i, (size_t)plain, INT_MAX);
		i += plain;
		if (!name)
			break;
		columns += put_plain(out, text + i, SHORT_DIGITS, INT_MAX) + 1;
		if (out)
			(void)fputc('*', out);
		i += name;
	}
	return columns;
}

static void wrap(FILE *out, int begin, const char *label, const char *text, bool brief)
{
	int column = begin + fprintf(out, "  %-*s", INDENT - 2, label);

	while (*text) {
		const int n = (int)strcspn(text, " ");

		if (column > begin + INDENT &&
		    column + 1 + print_word(NULL, text, n, brief) > WIDTH) {
			column = fprintf(out, "\n%*s", INDENT, "") - 1;
			begin = 0;
		} else if (column > begin + INDENT) {
			(void)fputc(' ', out);
			column++;
		}
		column += print_word(out, text, n, brief);
		text += n + (text[n] == ' ');
	}
	(void)fputc('\n', out);
}

void print_wrapped(FILE *out, const char *label, const char *text)
{
	wrap(out, 0, label, text, false);
}

void print_briefly(FILE *out, const char *label, const char *text)
{
	wrap(out, 0, label, text, true);
}

void print_behind(FILE *out, int columns, const char *label, const char *text)
{
	wrap(out, columns, label, text, true);
}
