/* SPDX-License-Identifier: MIT */
#include "common/base/number.h"

#include <stddef.h>
#include <sys/sysmacros.h>

const char *parse_u64_prefix(const char *text, uint64_t *ret_value)
{
	uint64_t value = 0;

	if (*text < '0' || *text > '9')
		return NULL;
	for (; *text >= '0' && *text <= '9'; text++) {
		if (__builtin_mul_overflow(value, UINT64_C(10), &value) ||
		    __builtin_add_overflow(value, (uint64_t)(*text - '0'), &value))
			return NULL;
	}
	*ret_value = value;
	return text;
}

bool parse_u64(const char *text, uint64_t *ret_value)
{
	uint64_t value;
	const char *end = parse_u64_prefix(text, &value);

	if (!end || *end)
		return false;
	*ret_value = value;
	return true;
}

const char *parse_device_prefix(const char *text, dev_t *ret_device)
{
	uint64_t major_number, minor_number;
	const char *end = parse_u64_prefix(text, &major_number);

	if (!end || *end != ':')
		return NULL;
	end = parse_u64_prefix(end + 1, &minor_number);
	if (!end || major_number > UINT32_MAX || minor_number > UINT32_MAX)
		return NULL;
	*ret_device = makedev((unsigned int)major_number, (unsigned int)minor_number);
	return end;
}
