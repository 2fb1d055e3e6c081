/* SPDX-License-Identifier: MIT */
#include "docker_meta/judge/thresholds.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

enum unit { COUNT, BYTES, PERCENT };

#define NAMES "data, metadata, orphans, orphan-bytes, deleting"

static const struct {
	const char *name;
	enum unit unit;
} measures[NR_MEASURES] = {
	[MEASURE_DATA] = { "data", PERCENT },
	[MEASURE_METADATA] = { "metadata", PERCENT },
	[MEASURE_ORPHANS] = { "orphans", COUNT },
	[MEASURE_ORPHAN_BYTES] = { "orphan-bytes", BYTES },
	[MEASURE_DELETING] = { "deleting", COUNT },
};

const char *measure_name(enum measure_id id)
{
	return measures[id].name;
}

bool measure_is_percent(enum measure_id id)
{
	return measures[id].unit == PERCENT;
}

/* ---- numbers: all of [text, end) */

static bool take_digits(const char **text, const char *end, uint64_t *value)
{
	const char *begin = *text;

	for (*value = 0; *text < end && **text >= '0' && **text <= '9'; ++*text) {
		const uint64_t digit = (uint64_t)(**text - '0');

		if (*value > (UINT64_MAX - digit) / 10)
			return false;
		*value = *value * 10 + digit;
	}
	return *text > begin;
}

static bool take_percent(const char *text, const char *end, uint64_t *value)
{
	uint64_t part = 0, unit = 100;

	if (!take_digits(&text, end, value) || *value > 100)
		return false;
	*value *= 1000;
	if (text < end && *text == '.') {
		for (text++; text < end && *text >= '0' && *text <= '9' && unit; text++) {
			part += (uint64_t)(*text - '0') * unit;
			unit /= 10;
		}
		if (unit == 100)
			return false;
	}
	*value += part;
	text += text < end && *text == '%';
	return text == end && *value <= 100000;
}

static bool take_bytes(const char *text, const char *end, uint64_t *value)
{
	static const char units[] = "KMGTPE";
	const char *unit;

	if (!take_digits(&text, end, value))
		return false;
	unit = text < end ? strchr(units, *text) : NULL;
	if (unit && *unit) {
		const unsigned int shift = 10 * (unsigned int)(unit - units + 1);

		if (*value > UINT64_MAX >> shift)
			return false;
		*value <<= shift;
		text++;
	}
	return text == end;
}

static bool take_value(enum unit unit, const char *text, const char *end, uint64_t *value)
{
	if (unit == PERCENT)
		return take_percent(text, end, value);
	if (unit == BYTES)
		return take_bytes(text, end, value);
	return take_digits(&text, end, value) && text == end;
}

/* ---- ranges */

static bool take_range(enum unit unit, const char *text, const char *end, struct range *r)
{
	const char *colon;

	*r = (struct range){ .set = true };
	if (text < end && *text == '@') {
		r->inside = true;
		text++;
	}
	colon = memchr(text, ':', (size_t)(end - text));
	if (colon && colon == text + 1 && *text == '~')
		r->no_min = true;
	else if (colon && !take_value(unit, text, colon, &r->min))
		return false;
	if (colon)
		text = colon + 1;
	if (colon && text == end)
		r->no_max = true;
	else if (!take_value(unit, text, end, &r->max))
		return false;
	return r->no_max || r->min <= r->max;
}

static int take_one(const char *text, const char *end, struct range ranges[NR_MEASURES],
		    char *fault, size_t size)
{
	const int nr = end - text > 60 ? 60 : (int)(end - text);
	const char *equal = memchr(text, '=', (size_t)(end - text));

	for (size_t i = 0; equal && i < NR_MEASURES; i++) {
		if (strlen(measures[i].name) != (size_t)(equal - text) ||
		    strncmp(text, measures[i].name, (size_t)(equal - text)) != 0)
			continue;
		if (ranges[i].set) {
			(void)snprintf(fault, size, "%s is there twice", measures[i].name);
			return -EINVAL;
		}
		if (take_range(measures[i].unit, equal + 1, end, &ranges[i]))
			return 0;
		(void)snprintf(fault, size, "'%.*s' is no range such as %s", nr, text,
			       measures[i].unit == PERCENT ? "80, 20:80 or @90:100, in per cent"
			       : measures[i].unit == BYTES ? "1G, 1G: or 1G:2G"
							   : "10, 10: or 1:10");
		return -EINVAL;
	}
	(void)snprintf(fault, size, "'%.*s' is not WHAT=RANGE, of %s", nr, text, NAMES);
	return -EINVAL;
}

int thresholds_parse(const char *text, struct range ranges[NR_MEASURES], char *fault, size_t size)
{
	int r = 0;

	do {
		const char *end = strchrnul(text, ',');

		r = take_one(text, end, ranges, fault, size);
		text = *end ? end + 1 : NULL;
	} while (text && !r);
	return r;
}

bool range_alerts(const struct range *r, uint64_t value)
{
	const bool within = (r->no_min || value >= r->min) && (r->no_max || value <= r->max);

	return r->set && within == r->inside;
}

/* ---- and back */

static void join(const struct range *r, const char *min, const char *max, struct range_text *t)
{
	const bool from = r->no_min || r->no_max || strcmp(min, "0") != 0;

	(void)snprintf(t->text, sizeof(t->text), "%s%s%s%s", r->inside ? "@" : "",
		       r->no_min ? "~"
		       : from    ? min
				 : "",
		       from ? ":" : "", r->no_max ? "" : max);
}

struct range_text range_text(const struct range *r)
{
	struct range_text t = { "" };
	char min[24], max[24];

	if (!r->set)
		return t;
	(void)snprintf(min, sizeof(min), "%" PRIu64, r->min);
	(void)snprintf(max, sizeof(max), "%" PRIu64, r->max);
	join(r, min, max, &t);
	return t;
}

static void say_percent(char *text, size_t size, uint64_t value)
{
	int nr = snprintf(text, size, "%" PRIu64 ".%03" PRIu64, value / 1000, value % 1000);

	while (text[nr - 1] == '0')
		nr--;
	text[text[nr - 1] == '.' ? nr - 1 : nr] = '\0';
}

static void say_value(enum unit unit, uint64_t value, char *text, size_t size)
{
	static const char units[] = " KMGTPE";
	size_t n = 0;

	if (unit == PERCENT) {
		say_percent(text, size, value);
		return;
	}
	for (; unit == BYTES && value && value % 1024 == 0 && units[n + 1]; n++)
		value /= 1024;
	(void)snprintf(text, size, "%" PRIu64 "%.*s", value, n ? 1 : 0, units + n);
}

struct range_text range_words(enum measure_id id, const struct range *r)
{
	struct range_text t = { "" };
	char min[24], max[24];

	if (!r->set)
		return t;
	say_value(measures[id].unit, r->min, min, sizeof(min));
	say_value(measures[id].unit, r->max, max, sizeof(max));
	join(r, min, max, &t);
	if (measures[id].unit == PERCENT)
		(void)snprintf(t.text + strlen(t.text), sizeof(t.text) - strlen(t.text), "%%");
	return t;
}
