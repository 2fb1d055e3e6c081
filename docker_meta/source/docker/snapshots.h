/* SPDX-License-Identifier: MIT
 * snapshots.h: the snapshots that BuildKit keeps in Docker's storage: ROOT/buildkit/snapshots.db.
 *
 * (Docker: builder/builder-next/adapters/snapshot.)  The database has a bucket for each name: that
 * of a snapshot, which is also the name of its device; a name that was given to a snapshot when it
 * was committed; or "sha256:…", the chain id of an image's layer, whose device the layer store
 * knows.  A bucket may have no keys.
 */
#ifndef DOCKER_META_SOURCE_DOCKER_SNAPSHOTS_H
#define DOCKER_META_SOURCE_DOCKER_SNAPSHOTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/base/compiler.h"
#include "docker_meta/source/docker/bolt.h"

/* Texts are owned, and NULL where the key is not there. */
struct snapshot_record {
	const char *key;
	const char *parent;    /* a key, or a chain id; "" for none */
	const char *committed; /* the name of the device that this name stands for */
	const char *chainid;   /* the layer that it has become */
	uint64_t size;         /* bytes */
	bool has_size;
	bool is_committed; /* newer versions say it of what was committed */
};

struct snapshot_table {
	struct snapshot_record *records; /* owned, sorted by key */
	size_t nr, capacity;
	const char *
		*devices; /* owned: what is said to be committed, sorted; the texts are records' */
	size_t nr_devices;
	bool complete; /* nothing was unreadable or doubtful: no other snapshot is known to BuildKit
			*/
	struct bolt_fault fault; /* why it is not */
};

/*
 * Read the database that fd is open on.  0, also when it is damaged or no database: then what could
 * be read is there, complete is false and fault says why.  -EAGAIN, when it changed while it was
 * read, or what else bolt_open() returns; then there is nothing to destroy.
 */
must_check int snapshots_read(int fd, struct snapshot_table *ret_table);
void snapshots_destroy(struct snapshot_table *t);

/* The record of that key, or NULL. */
const struct snapshot_record *snapshots_find(const struct snapshot_table *t, const char *key);

/*
 * Does BuildKit use the device of that name: has it a record, or was it committed?  Where the table
 * is not complete, false proves nothing.
 */
bool snapshots_refer_to(const struct snapshot_table *t, const char *device);

#endif
