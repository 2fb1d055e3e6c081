/* SPDX-License-Identifier: MIT
 * host_internal.h: the parts of host_read().  Included by docker_meta/host/ alone.
 */
#ifndef DOCKER_META_HOST_HOST_INTERNAL_H
#define DOCKER_META_HOST_HOST_INTERNAL_H

#include "docker_meta/host/dm.h"
#include "docker_meta/host/host.h"
#include "docker_meta/read/safe_dir.h"

/* What dmsetup prints, from the kernel or from files; NULL: there is none. */
struct dm_says {
	const char *table, *status;
	size_t table_bytes, status_bytes;
	const char *table_path, *status_path; /* of files, to tell of faults; else NULL */
	const struct dm_kernel *kernel;       /* NULL: files */
	const char *root_prefix;              /* by the root's own directory; "": it is not there */
	const char *pool_option;              /* --pool, or NULL */
};

/*
 * devices, statuses, and which pool is Docker's.  0, -ENOMEM, or -EINVAL with *ret_fault filled: a
 * line of a file is not what it should be.
 */
must_check int host_devices_make(const struct dm_says *says, struct host *h,
				 struct host_fault *ret_fault);

/* ROOT/devicemapper/mnt.  0 or -ENOMEM: what cannot be read is not there. */
must_check int host_mnt_dirs_read(const struct safe_dir *root, struct host *h);

/* ROOT/devicemapper/devicemapper/data. */
void host_data_file_read(const struct safe_dir *root, struct host *h);

/* proc is /proc, or a directory like it.  0 or -ENOMEM. */
must_check int host_semaphores_read(const char *proc, struct host *h);

/* sys is /sys, or a directory like it: loop devices; and of the pool its devices' sizes and path.
 */
must_check int host_loops_read(const char *sys, struct host *h);
must_check int host_pool_devices_read(const char *sys, const struct dm_kernel *kernel,
				      struct host *h);
void host_xfs_read(const char *sys, struct host *h);

#endif
