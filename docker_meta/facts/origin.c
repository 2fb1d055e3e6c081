/* SPDX-License-Identifier: MIT */
#include "docker_meta/facts/origin.h"

#include <errno.h>
#include <stdlib.h>

#include "common/base/alloc.h"

static uint32_t snapshotted(const struct pool_device *d)
{
	return d->details.snapshotted_time;
}

static uint32_t created(const struct pool_device *d)
{
	return d->details.creation_time;
}

static int by_snapshot(const void *a, const void *b)
{
	const struct pool_device *da = *(const struct pool_device *const *)a;
	const struct pool_device *db = *(const struct pool_device *const *)b;

	return (snapshotted(da) > snapshotted(db)) - (snapshotted(da) < snapshotted(db));
}

static int by_creation(const void *a, const void *b)
{
	const struct pool_device *da = *(const struct pool_device *const *)a;
	const struct pool_device *db = *(const struct pool_device *const *)b;

	if (created(da) != created(db))
		return created(da) < created(db) ? -1 : 1;
	return (da->details.transaction_id > db->details.transaction_id) -
	       (da->details.transaction_id < db->details.transaction_id);
}

int origins_make(const struct pool_state *s, struct origins *ret_origins)
{
	struct origins *o = ret_origins;

	*o = (struct origins){ .devices = s->devices, .nr = s->nr_devices };
	o->by_snapshot = alloc_array(o->nr + 1, sizeof(const void *));
	o->by_creation = alloc_array(o->nr + 1, sizeof(const void *));
	o->sum_by_snapshot = alloc_array(o->nr + 1, sizeof(uint64_t));
	o->sum_by_creation = alloc_array(o->nr + 1, sizeof(uint64_t));
	if (!o->by_snapshot || !o->by_creation || !o->sum_by_snapshot || !o->sum_by_creation)
		return -ENOMEM;
	for (size_t i = 0; i < o->nr; i++)
		o->by_snapshot[i] = o->by_creation[i] = &s->devices[i];
	if (o->nr) {
		qsort(o->by_snapshot, o->nr, sizeof(const void *), by_snapshot);
		qsort(o->by_creation, o->nr, sizeof(const void *), by_creation);
	}
	for (size_t i = 0; i < o->nr; i++) {
		o->sum_by_snapshot[i + 1] =
			o->sum_by_snapshot[i] + (uint64_t)(o->by_snapshot[i] - s->devices);
		o->sum_by_creation[i + 1] =
			o->sum_by_creation[i] + (uint64_t)(o->by_creation[i] - s->devices);
	}
	return 0;
}

void origins_destroy(struct origins *o)
{
	alloc_free(o->by_snapshot);
	alloc_free(o->by_creation);
	alloc_free(o->sum_by_snapshot);
	alloc_free(o->sum_by_creation);
	*o = (struct origins){ 0 };
}

/* The first of these with that time or a later one. */
static size_t first_at(const struct pool_device *const *sorted, size_t nr, uint32_t time,
		       uint32_t (*time_of)(const struct pool_device *))
{
	size_t low = 0, high = nr;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (time_of(sorted[middle]) < time)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

bool origin_is_snapshot(const struct origins *o, const struct pool_device *device)
{
	const struct pool_device *const *same = o->by_creation;
	const uint32_t time = created(device);
	size_t i = first_at(same, o->nr, time, created);

	/* Of those with one time the first is the snapshot; of two in one transaction, who knows.
	 */
	return time && same[i] == device &&
	       (i + 1 == o->nr || created(same[i + 1]) != time ||
		same[i + 1]->details.transaction_id != device->details.transaction_id);
}

static bool may_be_origin(const struct pool_device *d, const struct pool_device *snapshot)
{
	return created(d) < created(snapshot) && created(snapshot) <= snapshotted(d) &&
	       d->details.transaction_id <= snapshot->details.transaction_id;
}

const struct pool_device *pool_origin_find(const struct origins *o,
					   const struct pool_device *device)
{
	const uint32_t time = created(device);
	const struct pool_device *found = NULL;

	if (!origin_is_snapshot(o, device))
		return NULL;
	for (size_t i = first_at(o->by_snapshot, o->nr, time, snapshotted);
	     i < o->nr && snapshotted(o->by_snapshot[i]) == time; i++) {
		if (!may_be_origin(o->by_snapshot[i], device))
			continue;
		/* Two in a pool that somebody tampered with. */
		if (found)
			return NULL;
		found = o->by_snapshot[i];
	}
	return found;
}

/*
 * Older ones, less those that were last snapshotted before: where one is left, the sums of their
 * numbers tell which.
 */
const struct pool_device *pool_origin_guess(const struct origins *o,
					    const struct pool_device *device)
{
	const uint32_t time = created(device);
	size_t older = first_at(o->by_creation, o->nr, time, created);
	size_t before = first_at(o->by_snapshot, o->nr, time, snapshotted);
	uint64_t number = o->sum_by_creation[older] - o->sum_by_snapshot[before];

	if (!origin_is_snapshot(o, device) || older != before + 1 || number >= o->nr ||
	    !may_be_origin(&o->devices[number], device))
		return NULL;
	return &o->devices[number];
}
