/* SPDX-License-Identifier: MIT
 * dm.h: device-mapper in the kernel, through libdevmapper.
 *
 * It is only asked: names, tables, status and information.  Status is asked for without a flush,
 * else the kernel would commit the pool.  The one exception are the two messages at the end.
 */
#ifndef DOCKER_META_HOST_DM_H
#define DOCKER_META_HOST_DM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/base/compiler.h"

struct dm_device {
	char *name; /* owned */
	uint32_t major, minor;
	bool suspended; /* twice, with a pause between */
	bool deferred_remove;
	uint32_t open_count;
};

struct dm_text {
	char *text; /* owned; NULL where it is empty */
	size_t bytes, capacity;
};

struct dm_kernel {
	struct dm_device *devices; /* owned, by name; of every target */
	size_t nr_devices, capacity;
	struct dm_text table, status; /* as dmsetup prints them; the status of thin pools only */
};

/*
 * 0; -ENODEV: the kernel has no device-mapper, or it is not loaded; -EACCES: it is not for us to
 * ask; -EIO: it did not answer; -ENOMEM.  To be destroyed in any case.
 */
must_check int dm_kernel_read(struct dm_kernel *ret_kernel);
void dm_kernel_destroy(struct dm_kernel *k);

const struct dm_device *dm_kernel_find(const struct dm_kernel *k, const char *name);

/*
 * The only two calls of docker_meta that change anything: the pool makes a metadata snapshot, or
 * lets go of it.  0 or -errno as the kernel has it: -EBUSY: there is one.
 */
must_check int dm_reserve_metadata_snap(const char *pool);
must_check int dm_release_metadata_snap(const char *pool);

#endif
