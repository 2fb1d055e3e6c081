/* SPDX-License-Identifier: MIT
 * dm_table.h: the table of a device of device-mapper.
 */
#ifndef THINMEND_TOOL_DM_TABLE_H
#define THINMEND_TOOL_DM_TABLE_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "common/base/compiler.h"

#define DM_NAME_BYTES 128

/* Sectors [begin, begin + length) of the device. */
struct dm_target {
	uint64_t begin, length;
	const char *type;       /* "linear", "thin-pool", … */
	const char *parameters; /* as the type has them */
};

/*
 * Visit the targets of device number rdev, and put its name into name.  0; -ENODEV where nobody can
 * tell: there is no device-mapper, or it is none of its devices; -ENOMEM, also for a table that
 * nobody has (more than 64 MiB).
 */
int dm_table_read(dev_t rdev, char name[DM_NAME_BYTES],
		  void (*visit)(void *context, const struct dm_target *target), void *context);

/* Sectors [begin, begin + length) of a device lie on another one, from its sector on_begin on. */
struct dm_linear {
	uint64_t begin, length, on_begin;
	dev_t on;
};

/*
 * Is rdev a device of device-mapper's that is made of linear pieces alone?  1 or 0, which it also
 * is where nobody can tell; or -ENOMEM.
 */
must_check int dm_table_is_linear(dev_t rdev);

/* The linear pieces of rdev, each in turn.  As dm_table_read(). */
must_check int dm_table_linear(dev_t rdev,
			       void (*visit)(void *context, const struct dm_linear *piece),
			       void *context);

#endif
