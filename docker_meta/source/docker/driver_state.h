/* SPDX-License-Identifier: MIT
 * driver_state.h: what Docker's devicemapper driver wrote below ROOT/devicemapper/metadata.
 *
 * One file for each thin device, named by its hash ("base" for the device of the hash ""), and two
 * for the whole: deviceset-metadata and transaction-metadata (moby 1.4 to 24, deviceset.go). Before
 * 0.12 one file, ROOT/devicemapper/json, had all devices; whoever finds it writes it out as files,
 * and renames it.
 */
#ifndef DOCKER_META_SOURCE_DOCKER_DRIVER_STATE_H
#define DOCKER_META_SOURCE_DOCKER_DRIVER_STATE_H

#include <stdbool.h>
#include <stdint.h>

#include "docker_meta/read/safe_dir.h"
#include "docker_meta/source/problems.h"

#define MAX_DEVICE_ID 0xffffff

struct device_record {
	char *hash;  /* owned: the file's name; "base" for the base device */
	bool usable; /* it could be read, and Docker takes its id; else only the name is known */
	int64_t device_id;
	uint64_t size;           /* bytes */
	uint64_t transaction_id; /* that was opened to make it: the pool's of then, and one */
	bool initialized, deleted;
	bool before_1_9; /* it has no "deleted", and may be Docker's up to 1.3 */
	time_t marked;   /* deleted: when its file was written last; 0: not known */
};

struct driver_state {
	bool present;                  /* there is a metadata directory, or the one file */
	bool unread;                   /* the directory is there and could not be listed */
	bool since_1_9;                /* some device's file has "deleted" */
	bool before_0_12;              /* there is devicemapper/json */
	struct device_record *records; /* owned, by hash */
	size_t nr_records, records_capacity;

	bool has_set, set_broken; /* deviceset-metadata: it can be used; it is there and cannot */
	uint64_t next_device_id;
	char *base_uuid, *base_filesystem; /* owned; NULL: not told */

	bool has_transaction; /* transaction-metadata */
	bool transaction_usable;
	uint64_t open_transaction_id;
	char *transaction_hash; /* owned; "" is the base device */
	int64_t transaction_device_id;
	time_t transaction_written; /* when Docker made or deleted its last device; 0: not known */
};

/*
 * What cannot be used becomes a problem.  A directory that is not there is an empty state.  0 or
 * -errno of our own.
 */
must_check int driver_state_read(const struct safe_dir *root, struct driver_state *ret_state,
				 struct problem_list *problems);
void driver_state_destroy(struct driver_state *s);

/* The record with this hash, or NULL. */
const struct device_record *driver_state_find(const struct driver_state *s, const char *hash);

#endif
