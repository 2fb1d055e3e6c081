/* SPDX-License-Identifier: MIT */
#include "docker_meta/lookup/lineage.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "common/base/alloc.h"

/* ---- Docker's word */

/* Without a chain it is the base device that all begins with. */
static const char *hash_of_chain(const struct docker_state *d, const char *chain)
{
	const struct layer *layer;

	if (!*chain)
		return "base";
	layer = layer_store_find(&d->layers, chain);
	return layer ? layer->cache_id : NULL;
}

static const char *parent_of_mount(const struct docker_state *d, const struct mount *m,
				   const char *hash)
{
	if (m->init_id && m->mount_id && !strcmp(hash, m->mount_id))
		return m->init_id;
	return m->whole || *m->parent ? hash_of_chain(d, m->parent) : NULL;
}

/* A snapshot's parent is another one, by the name of its device or its own, or a layer. */
static const char *parent_of_snapshot(const struct docker_state *d, const char *hash)
{
	const struct snapshot_record *record =
		d->has_buildkit ? snapshots_find(&d->snapshots, hash) : NULL;
	const struct snapshot_record *parent;
	const char *chain;

	if (!record || !record->parent)
		return NULL;
	chain = digest_hex(record->parent);
	if (chain || !*record->parent)
		return hash_of_chain(d, chain ? chain : "");
	parent = snapshots_find(&d->snapshots, record->parent);
	return parent && parent->committed ? parent->committed : record->parent;
}

/* Up to 1.9: the device is called as the container, its init device too. */
static const struct device_row *parent_of_old(const struct device_table *t,
					      const struct device_row *row, const char **ret_hash)
{
	char init[HEX_NAME + sizeof("-init")];

	if (has_suffix(row->hash, "-init")) {
		*ret_hash = *row->container->image ? row->container->image : NULL;
		return *ret_hash ? device_table_find(t, *ret_hash) : NULL;
	}
	(void)snprintf(init, sizeof(init), "%.*s-init", HEX_NAME, row->hash);
	*ret_hash = NULL;
	return device_table_find(t, init);
}

const struct device_row *lineage_parent(const struct device_table *t, const struct device_row *row,
					const char **ret_hash)
{
	const struct docker_state *d = t->docker;

	*ret_hash = NULL;
	if (!row->hash || !strcmp(row->hash, "base"))
		return NULL;
	if (row->layer)
		*ret_hash = row->layer->whole || *row->layer->parent
				    ? hash_of_chain(d, row->layer->parent)
				    : NULL;
	else if (row->mount)
		*ret_hash = parent_of_mount(d, row->mount, row->hash);
	else if (row->container && row->container->old_layout)
		return parent_of_old(t, row, ret_hash);
	else
		*ret_hash = parent_of_snapshot(d, row->hash);
	return *ret_hash ? device_table_find(t, *ret_hash) : NULL;
}

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
	const struct device_row *parent = lineage_parent(t, row, &l->missing);

	if (parent)
		l->missing = NULL;
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
		const char *hash;

		if (lineage_parent(t, &t->rows[i], &hash) != row)
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
