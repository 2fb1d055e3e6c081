/* SPDX-License-Identifier: MIT
 * host.h: what the running host says: device-mapper's tables and status, what is mounted, and what
 * lies in Docker's mount points.
 *
 * Each source is the kernel or a file in its place; what was not looked at is no evidence: where
 * has_dm or has_mounts is false, nothing follows from what is not there.
 */
#ifndef DOCKER_META_HOST_HOST_H
#define DOCKER_META_HOST_HOST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/pool/dmsetup.h"
#include "docker_meta/host/mounts.h"
#include "docker_meta/options.h"

/* A device of device-mapper that is a pool or a thin device. */
struct host_device {
	const char *name; /* as in /dev/mapper; "": a line of a file without a name */
	const char *hash; /* in name, behind docker-MAJOR:MINOR-INODE-; NULL: it has none */
	const struct dm_target *target;
	bool is_pool;
	bool is_own;  /* Docker's pool, or a thin device of it */
	bool foreign; /* it has a hash, and another prefix than host.prefix */

	bool has_info; /* the kernel was asked: else all below is 0 */
	uint32_t major, minor;
	bool suspended, deferred_remove;
	uint32_t open_count;
};

/* A directory of ROOT/devicemapper/mnt. */
struct mnt_dir {
	char *name;      /* owned: a device's hash */
	bool mounted;    /* something is mounted on it, here and now */
	bool unreadable; /* then nothing else is known */
	bool empty;
};

/* A loop device that has a file: /sys/block/loop*, only of the running host. */
struct host_loop {
	unsigned int major, minor;
	char *file;   /* owned: the backing file, without " (deleted)" */
	bool deleted; /* the file is not there any more */
};

/* Sets of semaphores (/proc/sysvipc/sem), of which udev cookies take one each. */
struct host_semaphores {
	bool known;
	uint64_t nr, nr_cookies;
	uint64_t max; /* of sets; 0: not known */
};

/* A loop file, and the file system that it lies in. */
struct host_file {
	bool present;
	uint64_t bytes, allocated;  /* of the file */
	uint64_t fs_bytes, fs_free; /* of the file system; free for root */
};

struct host {
	bool has_dm, has_mounts; /* looked at */
	bool dm_live;            /* the kernel was asked, not files */
	bool has_table, has_status;

	struct pool_table table;     /* what devices point into */
	struct host_device *devices; /* owned, by name */
	size_t nr_devices;
	const struct host_device **by_hash; /* owned: those with a hash, own ones first */
	size_t nr_by_hash;
	const struct host_device **by_id; /* owned: thin devices of Docker's pool */
	size_t nr_by_id;
	struct pool_status *statuses; /* owned: of pools, by name */
	size_t nr_statuses, statuses_capacity;

	const char
		*wanted_pool; /* borrowed: what the user or the configuration calls it, or NULL */
	const char *configured_pool; /* borrowed: what the configuration calls it, or NULL */
	/* There is a device of this name, and it is no pool. */
	bool wanted_is_other, configured_is_other;
	const struct host_device *pool;   /* Docker's, active; NULL: not known */
	const struct pool_status *status; /* of it; NULL: not known */
	char *pool_metadata; /* owned: path of its metadata device, here; NULL: not known */
	uint64_t data_sectors, metadata_sectors; /* of its devices; 0: not known */
	char prefix[64]; /* "docker-MAJOR:MINOR-INODE-" of Docker's devices; "": not known */

	struct mount_table mounts;
	bool has_mnt_dirs;        /* there is ROOT/devicemapper/mnt, and it could be read */
	struct mnt_dir *mnt_dirs; /* owned, by name */
	size_t nr_mnt_dirs, mnt_dirs_capacity;

	struct host_loop *loops; /* owned, by file; of the running host alone */
	size_t nr_loops, loops_capacity;
	size_t nr_endless_xfs; /* Docker's mounted file systems that retry for ever when full */
	struct host_semaphores semaphores;
	struct host_file data_file; /* ROOT/devicemapper/devicemapper/data */

	/* The root is used by this host: it is no copy, and not another host's. */
	bool is_home;
	/* What is active, what is mounted, is of this root: it is at home, or files tell of it. */
	bool dm_concerns, mounts_concern;
};

/* Why the host could not be looked at, in one line. */
struct host_fault {
	char text[320];
};

/*
 * root is Docker's data-root; pool_name what its configuration calls the pool (dm.thinpooldev), or
 * NULL.  Without root's rights or without device-mapper in the kernel has_dm is false, and that is
 * no error.  0, or -errno with *ret_fault filled: a file that the options name cannot be used.  To
 * be destroyed in any case.
 */
must_check int host_read(const struct docker_meta_options *o, const char *root,
			 const char *pool_name, struct host *ret_host,
			 struct host_fault *ret_fault);
void host_destroy(struct host *h);

/* ---- look-ups, O(log n); NULL: not active, not mounted, or not looked at */

const struct host_device *host_device_named(const struct host *h, const char *dm_name);

/* The device of this hash: of this root's prefix, if there is one, else of another's. */
const struct host_device *host_device_of(const struct host *h, const char *hash);

/* The active device of this id in Docker's pool. */
const struct host_device *host_device_with_id(const struct host *h, uint64_t id);

/* A mount of this hash's device, in any namespace: Docker's own first. */
const struct host_mount *host_mount_of(const struct host *h, const char *hash);

/*
 * Why the thin device cannot be deleted now, for a sentence: "mounted on … by dockerd (229)",
 * "active as docker-…, open 1 times".  hash may be NULL.  False: nothing is known against it.
 */
must_check bool host_busy(const struct host *h, const char *hash, uint64_t id, char *text,
			  size_t size);

#endif
