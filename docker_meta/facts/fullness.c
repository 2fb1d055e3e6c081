/* SPDX-License-Identifier: MIT */
#include "docker_meta/facts/fullness.h"

uint64_t per_cent(uint64_t part, uint64_t total)
{
	while (part >> 40) {
		part >>= 1;
		total >>= 1;
	}
	return total ? part * 100000 / total : 0;
}

bool is_nearly_full(uint64_t used, uint64_t total)
{
	return per_cent(used, total) > FULL_WARNING;
}
