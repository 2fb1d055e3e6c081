/* SPDX-License-Identifier: MIT
 * origin.h: of which device a thin device is a snapshot, by the pool's times alone.
 *
 * Each snapshot is made at a time of its own: it is the snapshot's creation time, and its origin's
 * snapshot time until the origin is snapshotted again (Linux: dm-thin-metadata.c, __create_snap).
 * A device that is no snapshot repeats the time of the one before it, or has 0.
 */
#ifndef DOCKER_META_FACTS_ORIGIN_H
#define DOCKER_META_FACTS_ORIGIN_H

#include "common/pool/pool_state.h"

struct origins {
	const struct pool_device **by_snapshot; /* owned: by snapshot time */
	const struct pool_device **by_creation; /* owned: by creation time, then transaction */
	/* Owned: sums of the devices' numbers in the arrays above, of so many first ones. */
	uint64_t *sum_by_snapshot, *sum_by_creation;
	const struct pool_device *devices; /* that the numbers are of */
	size_t nr;
};

/* 0 or -ENOMEM; to be destroyed in any case.  The pool must outlive it. */
must_check int origins_make(const struct pool_state *s, struct origins *ret_origins);
void origins_destroy(struct origins *o);

/* The origin, or NULL: none, gone, snapshotted again since, or not to be told.  O(log n). */
const struct pool_device *pool_origin_find(const struct origins *o,
					   const struct pool_device *device);

/*
 * The only device that may be its origin if the origin is still there: it is older, and was
 * snapshotted then or later.  NULL: none, or several.  O(log n).
 */
const struct pool_device *pool_origin_guess(const struct origins *o,
					    const struct pool_device *device);

/* It was made as a snapshot: no device that is none repeats its time.  O(log n). */
bool origin_is_snapshot(const struct origins *o, const struct pool_device *device);

#endif
