/* SPDX-License-Identifier: MIT */
#include "docker_meta/config/go_values.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/number.h"

/* How often times 1024, and past the unit; -1: there is none such. */
static int unit_of(const char *text)
{
	static const char units[] = "kmgtp";
	const char *at = *text ? strchr(units, tolower((unsigned char)*text)) : NULL;
	const int power = at ? (int)(at - units) + 1 : 0;

	text += at ? 1 : 0;
	if (at && tolower((unsigned char)*text) == 'i' && tolower((unsigned char)text[1]) == 'b')
		text++;
	text += tolower((unsigned char)*text) == 'b';
	return *text ? -1 : power;
}

bool go_size(const char *text, uint64_t *ret_bytes)
{
	const double limit = 9223372036854775807.0;
	size_t n = strspn(text, "0123456789"), end = n;
	double value;
	int power;

	if (!n)
		return false;
	if (text[n] == '.') {
		end += 1 + strspn(text + n + 1, "0123456789");
		if (end == n + 1)
			return false;
	}
	value = strtod(text, NULL);
	end += text[end] == ' ';
	power = unit_of(text + end);
	if (power < 0)
		return false;
	for (int i = 0; i < power; i++)
		value *= 1024;
	if (!(value < limit))
		return false;
	*ret_bytes = (uint64_t)value;
	return true;
}

bool go_bool(const char *text, bool *ret_value)
{
	static const char *const names[] = { "0", "f", "F", "false", "False", "FALSE",
					     "1", "t", "T", "true",  "True",  "TRUE" };

	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		if (strcmp(text, names[i]) != 0)
			continue;
		*ret_value = i >= ARRAY_SIZE(names) / 2;
		return true;
	}
	return false;
}

bool go_uint(const char *text, unsigned int bits, uint64_t *ret_value)
{
	return parse_u64(text, ret_value) && (bits >= 64 || *ret_value >> bits == 0);
}

enum { LONGEST = 48 };

static unsigned int least(unsigned int a, unsigned int b)
{
	return a < b ? a : b;
}

static bool same_letter(char a, char b)
{
	const int la = a == '_' ? '-' : tolower((unsigned char)a),
		  lb = b == '_' ? '-' : tolower((unsigned char)b);

	return la == lb;
}

unsigned int name_distance(const char *a, const char *b)
{
	const size_t na = strlen(a), nb = strlen(b);
	unsigned int row[LONGEST + 1];

	if (na > LONGEST || nb > LONGEST)
		return LONGEST;
	for (unsigned int j = 0; j <= nb; j++)
		row[j] = j;
	for (unsigned int i = 1; i <= na; i++) {
		unsigned int before = row[0];

		row[0] = i;
		for (size_t j = 1; j <= nb; j++) {
			const unsigned int changed = before + !same_letter(a[i - 1], b[j - 1]);

			before = row[j];
			row[j] = least(changed, 1 + least(row[j], row[j - 1]));
		}
	}
	return row[nb];
}
