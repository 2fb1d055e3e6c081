/* SPDX-License-Identifier: MIT
 * dm_table.h: where the bytes of a linear device of device-mapper are.
 */
#ifndef THINMEND_TOOL_DM_TABLE_H
#define THINMEND_TOOL_DM_TABLE_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

/* Sectors [begin, begin + length) of a device lie on another one, from its sector on_begin on. */
struct dm_linear {
	uint64_t begin, length, on_begin;
	dev_t on;
};

/* Is rdev a device of device-mapper's that is made of linear pieces alone?  False where nobody can
 * tell. */
bool dm_table_is_linear(dev_t rdev);

/* The linear pieces of rdev, each in turn. */
void dm_table_linear(dev_t rdev, void (*visit)(void *context, const struct dm_linear *piece),
		     void *context);

#endif
