/* SPDX-License-Identifier: MIT
 * same_storage.h: do two names lead to the same bytes on a disk?
 *
 * What a tool was told to read it must never write, whatever the names: links, device nodes,
 * /proc/PID/fd, a loop device and the file behind it, a partition and its disk, the devices below
 * one of device-mapper or of a RAID.
 */
#ifndef THINMEND_TOOL_SAME_STORAGE_H
#define THINMEND_TOOL_SAME_STORAGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/stat.h>

#include "common/base/compiler.h"

/* A file or a block device; all zero is neither. */
struct storage_node {
	dev_t rdev;   /* of a block device; else 0 */
	dev_t device; /* of a file */
	ino_t inode;
};

/* Bytes [begin, end) of it; UINT64_MAX: to its end. */
struct storage_extent {
	struct storage_node node;
	uint64_t begin, end;
};

struct storage {
	struct storage_node *nodes; /* owned: itself, then all that it stands on */
	size_t nr_nodes, nodes_capacity;
	struct storage_extent
		*extents; /* owned: where its bytes are, as far down as that is known */
	size_t nr_extents, extents_capacity;
	bool unknown; /* a loop device is in the way that cannot be asked: it may be anywhere */
};

/*
 * Find out what is below the file or block device that st is of.  Anything else, such as a pipe,
 * has no storage and shares none.  0 or -ENOMEM; to be destroyed in any case.
 */
must_check int storage_find(const struct stat *st, struct storage *ret);
void storage_destroy(struct storage *s);

/* Does writing to one of them change the other?  True also where that cannot be told. */
bool storage_overlaps(const struct storage *a, const struct storage *b);

/* The same of two files or devices: 1 or 0, or -ENOMEM. */
must_check int storage_compare(const struct stat *a, const struct stat *b);

/*
 * The same of two files or devices.  Where there is no memory to find out the answer is true:
 * nobody writes then.
 */
bool storage_is_same(const struct stat *a, const struct stat *b);

/* The same of two names.  A name that leads nowhere shares nothing. */
bool same_storage(const char *a, const char *b);

#endif
