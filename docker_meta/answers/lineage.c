/* SPDX-License-Identifier: MIT */
#include "docker_meta/answers/lineage.h"

#include <errno.h>

#include "common/base/alloc.h"
#include "docker_meta/facts/parent.h"

/* ---- the chain */

/* Docker has forgotten the device, or never said what it was made from; the pool may know. */
static const struct device_row *parent_by_times(const struct device_table *t,
						const struct device_row *row, struct lineage *l)
{
	const struct pool_device *origin =
		row->pool && row->role != ROLE_BASE && l->nr_by_times < LINEAGE_MAX_BY_TIMES
			? origin_find(t->pool, row->pool).certain
			: NULL;

	if (!origin)
		return NULL;
	l->nr_by_times++;
	return device_table_find_id(t, origin->id);
}

static const struct device_row *next_in_lineage(const struct device_table *t,
						const struct device_row *row, struct lineage *l)
{
	const struct device_row *parent = device_parent(t, row, &l->missing);

	return parent || l->missing ? parent : parent_by_times(t, row, l);
}

int lineage_make(const struct device_table *t, const struct device_row *row,
		 struct lineage *ret_lineage)
{
	struct lineage *l = ret_lineage;
	bool *seen = alloc_array(t->nr + 1, sizeof(*seen));
	int r = seen ? 0 : -ENOMEM;

	*l = (struct lineage){ 0 };
	while (row && !r) {
		const struct device_row **grown =
			alloc_grow(l->devices, &l->capacity, l->nr, sizeof(const void *));

		if (!grown) {
			r = -ENOMEM;
			break;
		}
		l->devices = grown;
		grown[l->nr++] = row;
		seen[row - t->rows] = true;
		row = next_in_lineage(t, row, l);
		l->circle = row && seen[row - t->rows];
		if (l->circle)
			break;
	}
	alloc_free(seen);
	return r;
}

void lineage_destroy(struct lineage *l)
{
	alloc_free(l->devices);
	*l = (struct lineage){ 0 };
}

const struct device_row *lineage_at(const struct lineage *l, uint32_t time)
{
	for (size_t i = 0; i < l->nr; i++) {
		const struct pool_device *p = l->devices[i]->pool;

		if (p && p->details.creation_time <= time)
			return l->devices[i];
	}
	return NULL;
}

bool lineage_fits_times(const struct lineage *l)
{
	const struct pool_device *child = NULL;

	for (size_t i = 0; i < l->nr; i++) {
		const struct pool_device *p = l->devices[i]->pool;

		if (!p)
			continue;
		if (child && (p->details.creation_time >= child->details.creation_time ||
			      p->details.snapshotted_time < child->details.creation_time))
			return false;
		child = p;
	}
	return true;
}

/* ---- downward */

int children_find(const struct device_table *t, const struct device_row *row,
		  struct children *ret_children)
{
	struct children *c = ret_children;

	*c = (struct children){ 0 };
	for (size_t i = 0; i < t->nr; i++) {
		const struct device_row **grown;
		const char *missing;

		if (device_parent(t, &t->rows[i], &missing) != row)
			continue;
		grown = alloc_grow(c->devices, &c->capacity, c->nr, sizeof(const void *));
		if (!grown)
			return -ENOMEM;
		c->devices = grown;
		grown[c->nr++] = &t->rows[i];
	}
	return 0;
}

void children_destroy(struct children *c)
{
	alloc_free(c->devices);
	*c = (struct children){ 0 };
}

/* ---- the pool's word */

/* Made in the same moment as another one: one of them is no snapshot, but which? */
static bool is_twin(const struct pool_device *a, const struct pool_device *b)
{
	return a != b && a->details.creation_time == b->details.creation_time;
}

struct origin origin_find(const struct pool_state *pool, const struct pool_device *device)
{
	const uint32_t made = device->details.creation_time;
	struct origin o = { .is_snapshot = made > 0 };
	uint64_t nr_certain = 0;

	for (size_t i = 0; i < pool->nr_devices; i++) {
		const struct pool_device *d = &pool->devices[i];

		if (is_twin(d, device))
			o.is_snapshot = false;
		if (d->details.creation_time >= made || d->details.snapshotted_time < made)
			continue;
		o.nr_possible++;
		if (!o.possible || d->details.creation_time > o.possible->details.creation_time)
			o.possible = d;
		if (d->details.snapshotted_time == made) {
			o.certain = d;
			nr_certain++;
		}
	}
	if (nr_certain != 1 || !o.is_snapshot)
		o.certain = NULL;
	return o;
}
