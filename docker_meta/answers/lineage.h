/* SPDX-License-Identifier: MIT
 * lineage.h: which device is a snapshot of which.
 *
 * Two witnesses.  Docker: join/parent.h.  The pool: a snapshot moves the pool's time on, and both
 * it and its origin have the new time as the time of their last snapshot, the new one as that of
 * its creation, too (Linux: drivers/md/ dm-thin-metadata.c, __create_snap()).  So what a device
 * inherited has times before its creation.
 */
#ifndef DOCKER_META_ANSWERS_LINEAGE_H
#define DOCKER_META_ANSWERS_LINEAGE_H

#include "docker_meta/facts/devices.h"

struct lineage {
	const struct device_row **devices; /* owned: the device, its parent, … */
	size_t nr, capacity;
	const char *missing; /* hash of the one that should be next, and is not there */
	bool circle;         /* the parents lead back to a device that was there before */
	size_t nr_by_times;  /* steps of which Docker says nothing, but the pool's times do */
};

/*
 * All of Docker's chain; where it knows of no parent, that origin which the pool's times leave no
 * doubt of, in so many steps at most.  Cost: O(n) for each of these.  0 or -ENOMEM; to be destroyed
 * in any case.
 */
#define LINEAGE_MAX_BY_TIMES 100u
must_check int lineage_make(const struct device_table *t, const struct device_row *row,
			    struct lineage *ret_lineage);
void lineage_destroy(struct lineage *l);

/*
 * The nearest that was there already at that time: it, or its mapping, is where a mapping of that
 * time comes from.  NULL: none is known that was.  Those that the pool has not are passed over.
 */
const struct device_row *lineage_at(const struct lineage *l, uint32_t time);

/* Each in the chain that the pool has was made after the next one. */
bool lineage_fits_times(const struct lineage *l);

struct children {
	const struct device_row **devices; /* owned, by id */
	size_t nr, capacity;
};

/* Those whose parent, to Docker, it is.  0 or -ENOMEM; to be destroyed in any case. */
must_check int children_find(const struct device_table *t, const struct device_row *row,
			     struct children *ret_children);
void children_destroy(struct children *c);

/* What the pool's times alone say of a device's origin. */
struct origin {
	bool is_snapshot; /* false: nothing proves that it is one */
	/* The only one that was snapshotted last when this was made: it is the origin.  NULL: none,
	 * or several. */
	const struct pool_device *certain;
	uint64_t nr_possible; /* those that were there, and were snapshotted then or later */
	const struct pool_device *possible; /* the youngest of them */
};

/* pool is that of the device.  O(n). */
struct origin origin_find(const struct pool_state *pool, const struct pool_device *device);

#endif
