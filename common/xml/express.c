/* SPDX-License-Identifier: MIT */
#include "common/xml/express.h"

#include <string.h>

#include "common/thin/superblock.h"

/* Past the text, or NULL. */
#define skip_text(p, text) (memcmp(p, text, sizeof(text) - 1) ? NULL : (p) + sizeof(text) - 1)

/* Up to 18 digits, which cannot overflow. */
static inline const char *skip_number(const char *p, uint64_t *ret_value)
{
	const char *start = p;
	uint64_t value = 0;

	for (; *p >= '0' && *p <= '9'; p++)
		value = value * 10 + (uint64_t)(*p - '0');
	*ret_value = value;
	return p > start && p - start <= 18 ? p : NULL;
}

/* text, a number, and the quote behind it. */
#define skip_attribute(p, text, ret_value)       \
	do {                                     \
		(p) = skip_text(p, text);        \
		if (!(p))                        \
			return NULL;             \
		(p) = skip_number(p, ret_value); \
		if (!(p) || *(p)++ != '"')       \
			return NULL;             \
	} while (0)

static bool in_range(const struct mapping_run *run, uint64_t time)
{
	return time <= MAX_TIME && run->data_begin < MAX_DATA_BLOCKS &&
	       run->length <= MAX_DATA_BLOCKS;
}

static const char *single(const char *p, struct mapping_run *run)
{
	uint64_t time;

	run->length = 1;
	skip_attribute(p, " origin_block=\"", &run->thin_begin);
	skip_attribute(p, " data_block=\"", &run->data_begin);
	skip_attribute(p, " time=\"", &time);
	run->time = (uint32_t)time;
	return in_range(run, time) ? skip_text(p, "/>") : NULL;
}

static const char *range(const char *p, struct mapping_run *run)
{
	uint64_t time;

	skip_attribute(p, " origin_begin=\"", &run->thin_begin);
	skip_attribute(p, " data_begin=\"", &run->data_begin);
	skip_attribute(p, " length=\"", &run->length);
	skip_attribute(p, " time=\"", &time);
	run->time = (uint32_t)time;
	return in_range(run, time) ? skip_text(p, "/>") : NULL;
}

const char *express_mapping(const char *p, struct mapping_run *ret_run)
{
	const char *rest = skip_text(p, "<single_mapping");

	if (rest)
		return single(rest, ret_run);
	rest = skip_text(p, "<range_mapping");
	return rest ? range(rest, ret_run) : NULL;
}
