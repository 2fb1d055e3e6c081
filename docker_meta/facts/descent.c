/* SPDX-License-Identifier: MIT */
#include "docker_meta/facts/descent.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "common/base/alloc.h"
#include "common/pool/pool_lineage.h"
#include "docker_meta/facts/layer_use.h"
#include "docker_meta/facts/parent.h"

const char *descent_proof_name(enum lineage_proof proof)
{
	static const char *const names[] = {
		[LINEAGE_NONE] = "none",   [LINEAGE_DOCKER] = "docker", [LINEAGE_TIMES] = "times",
		[LINEAGE_GUESS] = "guess", [LINEAGE_LOST] = "lost",
	};

	return names[proof];
}

struct tracing {
	const struct device_table *t;
	const struct docker_state *d;
	struct descent *l;
};

/* ---- what Docker says */

static uint32_t number_of(const struct tracing *q, const struct device_row *row)
{
	return row ? (uint32_t)(row - q->t->rows) : NO_ROW;
}

static uint32_t parent_by_docker(const struct tracing *q, const struct device_row *row)
{
	const char *missing;

	return number_of(q, device_parent(q->t, row, &missing));
}

/* ---- what the pool says */

static uint32_t parent_by_times(const struct tracing *q, const struct device_row *row,
				enum lineage_proof *ret_proof)
{
	const struct pool_device *origin =
		row->pool ? pool_origin_find(&q->l->origins, row->pool) : NULL;

	*ret_proof = LINEAGE_TIMES;
	if (row->pool && !origin) {
		origin = pool_origin_guess(&q->l->origins, row->pool);
		*ret_proof = LINEAGE_GUESS;
	}
	if (origin)
		return number_of(q, device_table_find_id(q->t, origin->id));
	*ret_proof = row->pool && row->pool->details.creation_time ? LINEAGE_LOST : LINEAGE_NONE;
	return NO_ROW;
}

static void find_parents(struct tracing *q)
{
	for (size_t i = 0; i < q->t->nr; i++) {
		const struct device_row *row = &q->t->rows[i];
		enum lineage_proof proof = LINEAGE_DOCKER;
		uint32_t parent = i == q->l->base ? NO_ROW : parent_by_docker(q, row);

		if (parent == NO_ROW || parent == i)
			parent = parent_by_times(q, row, &proof);
		q->l->parent[i] = parent;
		q->l->proof[i] = (uint8_t)proof;
	}
}

/* ---- a forest */

/* Files can say anything: who is found to be their own ancestor loses the parent. */
static int cut_circles(uint32_t *parent, uint8_t *proof, size_t nr)
{
	uint32_t *walk = alloc_array(nr + 1, sizeof(*walk));

	if (!walk)
		return -ENOMEM;
	for (uint32_t i = 0; i < nr; i++) {
		for (uint32_t at = i; at != NO_ROW && !walk[at]; at = parent[at]) {
			walk[at] = i + 1;
			if (parent[at] == NO_ROW || walk[parent[at]] != i + 1)
				continue;
			parent[at] = NO_ROW;
			if (proof)
				proof[at] = LINEAGE_LOST;
		}
	}
	alloc_free(walk);
	return 0;
}

static void list_children(const struct tracing *q)
{
	struct descent *l = q->l;

	for (size_t i = 0; i < q->t->nr; i++)
		l->first_child[i] = NO_ROW;
	for (size_t i = q->t->nr; i-- > 0;) {
		const uint32_t parent = l->parent[i];

		if (parent == NO_ROW)
			continue;
		l->next[i] = l->first_child[parent];
		l->first_child[parent] = (uint32_t)i;
	}
	for (size_t i = 0; i < q->t->nr; i++) {
		if (l->parent[i] == NO_ROW)
			l->next[i] = NO_ROW;
	}
}

/* Each before its descendants, by id among brothers. */
static void put_in_order(const struct tracing *q)
{
	const struct descent *l = q->l;
	size_t nr = 0;

	for (uint32_t root = 0; root < q->t->nr; root++) {
		uint32_t at = l->parent[root] == NO_ROW ? root : NO_ROW;

		while (at != NO_ROW) {
			l->order[nr++] = at;
			if (l->first_child[at] != NO_ROW) {
				at = l->first_child[at];
				continue;
			}
			while (at != NO_ROW && l->next[at] == NO_ROW)
				at = l->parent[at];
			if (at != NO_ROW)
				at = l->next[at];
		}
	}
}

/* ---- bytes */

/* The nearest ancestor that the pool has, or NO_ROW. */
static void find_above(const struct device_table *t, const struct descent *l, uint32_t *above)
{
	const bool has_base = l->base != NO_ROW && t->rows[l->base].pool &&
			      !t->rows[l->base].pool->details.creation_time;

	for (size_t i = 0; i < t->nr; i++) {
		const uint32_t row = l->order[i], parent = l->parent[row];

		if (parent != NO_ROW)
			above[row] = t->rows[parent].pool ? parent : above[parent];
		else if (l->proof[row] == LINEAGE_LOST && has_base && row != l->base)
			above[row] = l->base;
		else
			above[row] = NO_ROW;
	}
}

static int count(const struct device_table *t, const struct pool_state *pool, struct descent *l)
{
	uint32_t *parent_of = alloc_array(pool->nr_devices + 1, sizeof(*parent_of));
	uint64_t *added = alloc_array(pool->nr_devices + 1, sizeof(*added));
	uint64_t *with = alloc_array(pool->nr_devices + 1, sizeof(*with));
	uint32_t *above = alloc_array(t->nr + 1, sizeof(*above));
	struct pool_lineage_totals totals = { 0 };
	int r = parent_of && added && with && above ? 0 : -ENOMEM;

	if (!r)
		find_above(t, l, above);
	for (size_t i = 0; i < pool->nr_devices && !r; i++)
		parent_of[i] = NO_PARENT;
	for (size_t i = 0; i < t->nr && !r; i++) {
		const struct pool_device *d = t->rows[i].pool;

		/* Of two files of a device the first is believed. */
		if (!d || (i && t->rows[i - 1].pool == d))
			continue;
		parent_of[d - pool->devices] =
			above[i] == NO_ROW ? NO_PARENT
					   : (uint32_t)(t->rows[above[i]].pool - pool->devices);
	}
	/* Of a forest of files, two of which may name one device. */
	if (!r)
		r = cut_circles(parent_of, NULL, pool->nr_devices);
	if (!r)
		r = pool_lineage_count(pool, parent_of, added, with, &totals);
	for (size_t i = 0; i < t->nr && !r; i++) {
		const struct pool_device *d = t->rows[i].pool;

		if (!d || (i && t->rows[i - 1].pool == d))
			continue;
		l->added[i] = added[d - pool->devices];
		l->with[i] = with[d - pool->devices];
	}
	l->nr_apart = totals.nr_apart;
	alloc_free(parent_of);
	alloc_free(added);
	alloc_free(with);
	alloc_free(above);
	return r;
}

/* ---- all */

static int begin(struct tracing *q)
{
	const size_t nr = q->t->nr + 1, nr_layers = q->d->layers.nr_layers + 1;
	struct descent *l = q->l;

	l->parent = alloc_array(nr, sizeof(*l->parent));
	l->proof = alloc_array(nr, sizeof(*l->proof));
	l->first_child = alloc_array(nr, sizeof(*l->first_child));
	l->next = alloc_array(nr, sizeof(*l->next));
	l->order = alloc_array(nr, sizeof(*l->order));
	l->row_of_layer = alloc_array(nr_layers, sizeof(*l->row_of_layer));
	l->added = alloc_array(nr, sizeof(*l->added));
	l->with = alloc_array(nr, sizeof(*l->with));
	if (!l->parent || !l->proof || !l->first_child || !l->next || !l->order ||
	    !l->row_of_layer || !l->added || !l->with || nr >= NO_ROW)
		return -ENOMEM;
	for (size_t i = 0; i < nr_layers; i++)
		l->row_of_layer[i] = NO_ROW;
	q->l->base = NO_ROW;
	for (size_t i = 0; i < q->t->nr; i++) {
		const struct device_row *row = &q->t->rows[i];

		if (row->layer)
			l->row_of_layer[row->layer - q->d->layers.layers] = (uint32_t)i;
		if (row->hash && !strcmp(row->hash, "base"))
			q->l->base = (uint32_t)i;
	}
	return 0;
}

int descent_trace(const struct device_table *t, struct descent *ret_descent)
{
	struct tracing q = { .t = t, .d = t->docker, .l = ret_descent };
	int r;

	*ret_descent = (struct descent){ 0 };
	r = begin(&q);
	if (!r && t->pool)
		r = origins_make(t->pool, &q.l->origins);
	if (!r) {
		find_parents(&q);
		r = cut_circles(q.l->parent, q.l->proof, t->nr);
	}
	if (!r) {
		list_children(&q);
		put_in_order(&q);
	}
	return r;
}

int descent_make(const struct device_table *t, struct descent *ret_descent)
{
	int r = descent_trace(t, ret_descent);

	return r || !t->pool ? r : count(t, t->pool, ret_descent);
}

void descent_destroy(struct descent *l)
{
	origins_destroy(&l->origins);
	alloc_free(l->parent);
	alloc_free(l->proof);
	alloc_free(l->first_child);
	alloc_free(l->next);
	alloc_free(l->order);
	alloc_free(l->row_of_layer);
	alloc_free(l->added);
	alloc_free(l->with);
	*l = (struct descent){ 0 };
}
