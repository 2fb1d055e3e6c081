/* SPDX-License-Identifier: MIT
 * read_record.h: what readers asked for below a root, and what came of it: the list of inputs is
 * held against it, and no reader can take a lack of memory for something that is not there.
 */
#ifndef DOCKER_META_READ_READ_RECORD_H
#define DOCKER_META_READ_READ_RECORD_H

#include <stdbool.h>
#include <stddef.h>

struct read_name {
	char *path; /* owned: below the root */
	int error;  /* 0: it was opened; or -errno */
};

struct read_record {
	struct read_name *items; /* owned, in the order in which they were asked for */
	size_t nr, capacity;
	bool short_of_memory; /* or of descriptors: whatever was concluded may be wrong */
};

/*
 * directory/name was read: error is 0 or -errno.  What is not there is not noted; -ENOMEM is noted
 * as short_of_memory alone.  O(1).
 */
void read_record_note(struct read_record *r, const char *directory, const char *name, int error);

/* Each path once, in order; of a path that failed and was opened the failure. */
void read_record_sort(struct read_record *r);

void read_record_destroy(struct read_record *r);

#endif
