/* SPDX-License-Identifier: MIT
 * find_lineage.c: what devices were made from (X5, J10), and what the build cache has (B5).
 */
#include <inttypes.h>
#include <string.h>

#include "common/base/alloc.h"
#include "docker_meta/facts/descent.h"
#include "docker_meta/judge/findings_internal.h"
#include "docker_meta/text/human.h"

static bool is_clear(const struct device_row *row)
{
	return row->pool && row->record && device_is_settled(row) && !row->of_other_transaction;
}

/* Docker snapshots the parent's own device; BuildKit takes whatever has the same content. */
static bool made_by_docker(const struct device_row *row)
{
	return row->hash && !is_buildkit_name(row->hash) && (row->layer || row->mount);
}

/* Whose content is that of a layer or a container, and of none that was dropped for another. */
static const struct device_row *row_in_use(const struct finder *f, uint64_t id)
{
	const struct device_row *row = device_table_find_id(f->t, id);

	if (!row || !is_clear(row))
		return NULL;
	return row->role == ROLE_BASE || made_by_docker(row) ? row : NULL;
}

static bool can_be_origin(const struct pool_device *parent, const struct pool_device *child)
{
	return parent->details.creation_time < child->details.creation_time &&
	       parent->details.snapshotted_time >= child->details.creation_time;
}

static void find_parent(struct finder *f, const struct descent *l, size_t i)
{
	const struct device_row *row = &f->t->rows[i], *parent, *real;
	const struct pool_device *origin;
	struct meta_finding *x;

	if (l->proof[i] != LINEAGE_DOCKER || !is_clear(row) || !made_by_docker(row))
		return;
	parent = &f->t->rows[l->parent[i]];
	if (!is_clear(parent) || !origin_is_snapshot(&l->origins, row->pool))
		return;
	origin = pool_origin_find(&l->origins, row->pool);
	if (origin == parent->pool || (!origin && can_be_origin(parent->pool, row->pool)))
		return;
	real = origin ? row_in_use(f, origin->id) : NULL;
	if (origin && !real)
		return;
	x = finder_add_of_device(f, ROW_X5, row);
	finder_found(f, x, alloc_string("pool"),
		     "device %" PRIu64 " was created at the pool's time %" PRIu32, row->id,
		     row->pool->details.creation_time);
	finder_against(f, x, alloc_string("layerdb"),
		       "its parent is device %" PRIu64 ", snapshotted last at %" PRIu32, parent->id,
		       parent->pool->details.snapshotted_time);
	if (real)
		finder_add_device(f, x, real);
	else
		finding_doubt(x);
}

/* The pool was empty when the base device was made in it, but for what was made again since. */
static void find_older_base(struct finder *f, const struct descent *l)
{
	const struct device_row *base = l->base == NO_ROW ? NULL : &f->t->rows[l->base];

	if (!base || !is_clear(base))
		return;
	for (size_t i = 0; i < f->t->nr; i++) {
		const struct device_row *row = &f->t->rows[i];
		const struct device_details *d = row->pool ? &row->pool->details : NULL;
		struct meta_finding *x;

		if (!d || row == base || row->pool == base->pool || !row->pool->nr_mapped ||
		    d->creation_time || d->transaction_id >= base->pool->details.transaction_id)
			continue;
		x = finder_add_of_device(f, ROW_J10, row);
		finder_found(f, x, alloc_string("pool"),
			     "device %" PRIu64 " is no snapshot, created in transaction %" PRIu64,
			     row->id, d->transaction_id);
		finder_against(f, x, alloc_string("metadata/base"),
			       "device %" PRIu64 ", created in %" PRIu64, base->id,
			       base->pool->details.transaction_id);
	}
}

static void find_build_cache(struct finder *f)
{
	const struct device_sets *s = f->facts->sets;

	for (size_t i = 0; i < s->nr; i++) {
		const struct device_set *set = &s->sets[i];
		struct meta_finding *x;

		if (set->kind != SET_BUILDS)
			continue;
		x = finder_add(f, ROW_B5, the_host());
		finder_found(f, x, alloc_string("pool"),
			     "%zu devices of BuildKit's alone, %s mapped by the largest",
			     set->nr_rows,
			     human_bytes(device_table_bytes(f->t, set->nr_largest)).text);
		x->bytes = device_table_bytes(f->t, set->nr_exclusive);
	}
}

void find_in_lineage(struct finder *f)
{
	struct descent l = { 0 };
	int r;

	find_build_cache(f);
	if (!f->t->pool)
		return;
	r = descent_trace(f->t, &l);
	f->failed |= r != 0;
	for (size_t i = 0; i < f->t->nr && !r; i++)
		find_parent(f, &l, i);
	if (!r)
		find_older_base(f, &l);
	descent_destroy(&l);
}
