/* SPDX-License-Identifier: MIT
 * read_record.h: what readers asked for below a root, and what came of it: the list of inputs is
 * held against it, and no reader can take a lack of memory for something that is not there.
 */
#ifndef DOCKER_META_READ_READ_RECORD_H
#define DOCKER_META_READ_READ_RECORD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "docker_meta/read/digest.h"

struct read_name {
	char *path; /* owned: below the root */
	int error;  /* 0: it was opened; or -errno */
	bool has_digest;
	struct digest digest; /* of what was read, where all of it was at once */
	uint64_t bytes;
};

struct read_record {
	bool keeps_names; /* somebody will ask for them; else the next ones alone are noted */
	dev_t watched_device;
	ino_t watched_inode;     /* a file that must not be among those that are read; 0: none */
	bool met_watched;        /* it is */
	bool short_of_memory;    /* or of descriptors: whatever was concluded may be wrong */
	struct read_name *items; /* owned, in the order in which they were asked for */
	size_t nr, capacity;
};

/*
 * directory/name was read: error is 0 or -errno.  What is not there is not noted; -ENOMEM is noted
 * as short_of_memory alone.  O(1).
 */
void read_record_note(struct read_record *r, const char *directory, const char *name, int error);

/* What the last one has in it.  O(bytes). */
void read_record_content(struct read_record *r, const void *data, size_t bytes);

/* By path; NULL: it was not asked for.  To be sorted before.  O(log n). */
const struct read_name *read_record_find(const struct read_record *r, const char *path);

/* Each path once, in order; of a path that failed and was opened the failure. */
void read_record_sort(struct read_record *r);

/* The names alone: it is read once more. */
void read_record_forget(struct read_record *r);
void read_record_destroy(struct read_record *r);

#endif
