/* SPDX-License-Identifier: MIT
 * pool_data.h: the file systems in the devices of a pool, looked at through its data device.
 *
 * Of each device thin block 0 alone is read, at most 4096 bytes; devices that share it are read
 * once.
 */
#ifndef DOCKER_META_DATA_POOL_DATA_H
#define DOCKER_META_DATA_POOL_DATA_H

#include "docker_meta/data/file_system.h"
#include "docker_meta/facts/devices.h"

struct pool_data {
	bool looked_at;              /* there is a data device, and it was read */
	bool named;                  /* by the user: a fault of it is one to be told */
	char fault[200];             /* why it could not be read; "": it could, or there is none */
	struct file_system *systems; /* owned, by row of the table; NULL: not looked at */
	const struct device_table *table; /* borrowed */
};

/*
 * Of the device or file that path names, or where it is NULL of the loop file below root.  What
 * cannot be read is not known, and no failure.  0 or -ENOMEM; to be destroyed in any case.
 */
must_check int pool_data_read(const char *path, const char *root, const struct safe_rules *rules,
			      const struct device_table *table, struct pool_data *ret_data);
void pool_data_destroy(struct pool_data *d);

/* What is in the device of a row; NULL where that is not known. */
const struct file_system *pool_data_find(const struct pool_data *d, const struct device_row *row);

#endif
