/* SPDX-License-Identifier: MIT
 * mounts.h: what is mounted of Docker's devices, in each mount namespace.
 *
 * (Linux: Documentation/filesystems/proc.rst, /proc/PID/mountinfo.)  Only mounts that have to do
 * with Docker are kept: those on .../devicemapper/mnt/HASH, and those of a device
 * /dev/mapper/docker-MAJOR:MINOR-INODE-HASH.
 */
#ifndef DOCKER_META_HOST_MOUNTS_H
#define DOCKER_META_HOST_MOUNTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/base/compiler.h"

#define MOUNT_TABLE_MAX 1000000u /* mounts that are kept */

struct mount_namespace {
	uint64_t inode;  /* of /proc/PID/ns/mnt; 0: not known */
	uint64_t pid;    /* a process in it: dockerd where it is, else the first; 0: not known */
	char holder[32]; /* comm of that process; "": not known */
	bool is_dockers; /* dockerd's, the first process's, or our own: where Docker mounts */
};

struct host_mount {
	char *hash;   /* owned: of Docker's device */
	char *point;  /* owned: as that namespace sees it, without escapes */
	char *source; /* owned */
	unsigned int major, minor;
	bool is_root;       /* on / of its namespace: a running container's */
	uint32_t namespace; /* index */
};

struct mount_table {
	struct mount_namespace *namespaces; /* owned */
	size_t nr_namespaces, namespaces_capacity;
	struct host_mount *mounts; /* owned, by hash, then Docker's own namespaces first */
	size_t nr_mounts, mounts_capacity;
	bool all_namespaces;   /* those of every process were looked at */
	bool has_processes;    /* processes were looked at, and: */
	bool has_dockerd;      /* one of them is dockerd */
	bool truncated;        /* there are more than were kept */
	uint64_t nr_unread;    /* processes whose mounts could not be read */
	uint64_t nr_bad_lines; /* that are no mountinfo */
};

/* One file in place of a namespace.  0, or -errno: it cannot be read; -EINVAL: it is no mountinfo.
 */
must_check int mount_table_read_file(const char *path, struct mount_table *ret_table);

/*
 * A directory like /proc: each mount namespace in it once.  Nothing blocks, and every file is read
 * up to a bound only.  0; -errno: it cannot be read at all.  To be destroyed in any case, as above.
 */
must_check int mount_table_read_proc(const char *path, struct mount_table *ret_table);
void mount_table_destroy(struct mount_table *t);

/* The first mount of this hash, and behind it all others of it; NULL: none. */
const struct host_mount *mount_table_find(const struct mount_table *t, const char *hash);

/* For those who fill it: lines of one mountinfo, which are written into; 0 or -ENOMEM. */
must_check int mount_table_parse(char *text, uint32_t namespace, struct mount_table *t);
must_check int mount_table_add_namespace(struct mount_table *t, const struct mount_namespace *n);
void mount_table_sort(struct mount_table *t);

#endif
