/* SPDX-License-Identifier: MIT
 * salvage_stale_leaves.c: leaves that lead to data blocks which the last commit does not count, or
 * counts for others.
 */
#include "common/thin/salvage_stale.h"

#include <errno.h>
#include <stdlib.h>

#include "common/base/alloc.h"

#define MAX_CLAIMS (UINT64_C(1) << 22)

static const struct excess *excess_at(const struct trial *t, uint64_t data_block)
{
	const uint64_t *index = u64_map_find(&t->s->ledger.excess_at, data_block);

	return index && *index ? &t->s->ledger.excess[*index - 1] : NULL;
}

static int take_claims(void *context, uint64_t block, const void *raw, int error)
{
	struct trial *t = context;
	int64_t node = node_table_find(&t->s->table, block, KIND_MAPPING);
	struct node_fault ignored;
	struct btree_node leaf;

	if (error || node < 0 || btree_node_decode(raw, block, MAPPING_VALUE_SIZE, &leaf, &ignored))
		return 0;
	for (uint32_t i = 0; i < leaf.nr_entries; i++) {
		uint64_t value = btree_node_u64(&leaf, i);
		struct claim *grown;

		if (!excess_at(t, mapping_data_block(value)) || t->nr_claims >= MAX_CLAIMS)
			continue;
		grown = alloc_grow(t->claims, &t->claims_capacity, t->nr_claims, sizeof(*grown));
		if (!grown)
			return -ENOMEM;
		t->claims = grown;
		grown[t->nr_claims++] =
			(struct claim){ mapping_data_block(value), btree_node_key(&leaf, i),
					mapping_time(value), (uint32_t)node };
	}
	return 0;
}

/* By data block, the latest first, and those that say the same together. */
static int by_data_block(const void *a, const void *b)
{
	const struct claim *ca = a, *cb = b;

	if (ca->data != cb->data)
		return ca->data < cb->data ? -1 : 1;
	if (ca->time != cb->time)
		return ca->time > cb->time ? -1 : 1;
	if (ca->key != cb->key)
		return ca->key < cb->key ? -1 : 1;
	return (ca->node > cb->node) - (ca->node < cb->node);
}

static int collect_claims(struct trial *t)
{
	struct bitset leaves;
	int r = bitset_init(&leaves, t->s->nr_blocks);

	for (size_t i = 0; i < t->s->table.nr_nodes && !r; i++) {
		if (node_at(t, i)->kind == KIND_MAPPING && node_at(t, i)->leaf &&
		    !node_at(t, i)->bad)
			bitset_set(&leaves, node_at(t, i)->block);
	}
	if (!r)
		r = block_reader_run(t->s->reader, &leaves, take_claims, t);
	bitset_destroy(&leaves);
	if (t->nr_claims)
		qsort(t->claims, t->nr_claims, sizeof(*t->claims), by_data_block);
	return r;
}

/* Claims [first, last) are those of one data block. */
static size_t end_of_group(const struct trial *t, size_t first)
{
	size_t last = first;

	while (last < t->nr_claims && t->claims[last].data == t->claims[first].data)
		last++;
	return last;
}

static bool same_mapping(const struct claim *a, const struct claim *b)
{
	return a->time == b->time && a->key == b->key;
}

/* Of the latest claims those of one mapping, as many as were counted, are the current ones. */
static size_t nr_of_class(const struct trial *t, size_t first, size_t last)
{
	size_t nr = 1;

	while (first + nr < last && same_mapping(&t->claims[first], &t->claims[first + nr]))
		nr++;
	return nr;
}

/* Where the current ones stand in the group: [*ret_first, *ret_last); empty when nobody can tell.
 */
static void find_current(const struct trial *t, size_t first, size_t last, uint64_t stored,
			 size_t *ret_first, size_t *ret_last)
{
	size_t nr_fitting = 0, nr_classes = 0, nr;

	*ret_first = *ret_last = first;
	for (size_t i = first; i < last && t->claims[i].time == t->claims[first].time; i += nr) {
		nr = nr_of_class(t, i, last);
		nr_classes++;
		if (nr != stored)
			continue;
		nr_fitting++;
		*ret_first = i;
		*ret_last = i + nr;
	}
	/* A single one that is the latest, though there were more: some of them are lost. */
	if (nr_classes == 1 && !nr_fitting && nr_of_class(t, first, last) < stored)
		*ret_last = first + nr_of_class(t, first, last);
	else if (nr_fitting != 1)
		*ret_first = *ret_last = first;
}

static void judge_group(struct trial *t, size_t first, size_t last)
{
	const struct excess *e = excess_at(t, t->claims[first].data);
	size_t current_first = first, current_last = first;

	if (!e)
		return;
	if (e->stored)
		find_current(t, first, last, e->stored, &current_first, &current_last);
	for (size_t i = first; i < last; i++) {
		const struct claim *c = &t->claims[i];
		bool definite = !e->stored || c->time < t->claims[first].time ||
				current_first < current_last;

		if (i >= current_first && i < current_last)
			continue;
		t->source[c->node] = e->source;
		if (definite)
			t->nr_definite[c->node]++;
		else
			t->nr_excess[c->node]++;
	}
}

/* Stale, rather than that the space map is wrong? */
static bool convicted(const struct trial *t, size_t node)
{
	uint32_t nr = t->nr_definite[node];

	return nr && (accused(t, node) || t->s->ledger.nr_missing >= nr);
}

static uint64_t badness(const struct trial *t, size_t node)
{
	return (uint64_t)accused(t, node) << 32 | t->nr_excess[node];
}

/*
 * Of those that say the same more than there can be, some are stale.  One whose devices do not have
 * as many mappings as they should is, and one that is at odds with more than any other.  -1: none
 * is worse than all others.
 */
static int64_t worst_of_group(const struct trial *t, size_t first, size_t last)
{
	size_t worst = t->claims[first].node;
	bool rivalled = false, tied = false;

	for (size_t i = first + 1; i < last; i++) {
		size_t node = t->claims[i].node;

		if (node == worst)
			continue;
		rivalled = true;
		if (badness(t, node) >= badness(t, worst))
			tied = badness(t, node) == badness(t, worst);
		if (badness(t, node) > badness(t, worst))
			worst = node;
	}
	return rivalled && !tied ? (int64_t)worst : -1;
}

/*
 * What each block of the space map has too few of, all in all.  Whoever leads there in vain is
 * missed elsewhere; where fewer are missed than that, it is the block that is wrong.
 */
static int sum_by_source(const struct trial *t, struct u64_map *sums)
{
	size_t last;

	for (size_t first = 0; first < t->nr_claims; first = last) {
		const struct excess *e = excess_at(t, t->claims[first].data);
		uint64_t *sum = e ? u64_map_at(sums, e->source) : NULL;

		last = end_of_group(t, first);
		if (e && !sum)
			return -ENOMEM;
		if (e && last - first > e->stored)
			*sum += last - first - e->stored;
	}
	return 0;
}

static int settle_group(struct trial *t, size_t first, size_t last, const struct u64_map *sums,
			uint8_t *gone)
{
	const struct excess *e = excess_at(t, t->claims[first].data);
	int64_t worst = worst_of_group(t, first, last);
	bool settled = false, missed;
	int r = 0;

	for (size_t i = first; i < last; i++)
		settled |= gone[t->claims[i].node];
	if (!e || settled)
		return 0;
	missed = t->s->ledger.nr_missing >= *u64_map_find(sums, e->source);
	if (worst >= 0 && (missed || accused(t, (size_t)worst))) {
		gone[worst] = true;
		return trial_expel(t, (size_t)worst);
	}
	for (size_t i = first; i < last && missed && !r; i++)
		r = trial_drop_mapping(t, &t->claims[i]);
	return r;
}

/* Nothing is definite: what is left are claims that say the same. */
static int settle_rest(struct trial *t)
{
	uint8_t *gone = alloc_array(t->s->table.nr_nodes, 1);
	struct u64_map sums = { 0 };
	size_t last;
	int r = gone ? sum_by_source(t, &sums) : -ENOMEM;

	for (size_t first = 0; first < t->nr_claims && !r; first = last) {
		last = end_of_group(t, first);
		r = settle_group(t, first, last, &sums, gone);
	}
	u64_map_destroy(&sums);
	alloc_free(gone);
	return r;
}

int trial_judge_leaves(struct trial *t)
{
	uint32_t *nodes = alloc_array(t->s->table.nr_nodes, sizeof(*nodes));
	size_t last, nr = 0;
	int r = nodes ? collect_claims(t) : -ENOMEM;

	for (size_t first = 0; first < t->nr_claims && !r; first = last) {
		last = end_of_group(t, first);
		judge_group(t, first, last);
	}
	for (size_t i = 0; i < t->s->table.nr_nodes && !r; i++) {
		if (convicted(t, i))
			nodes[nr++] = (uint32_t)i;
	}
	if (!r)
		r = trial_discard_all(t, nodes, nr);
	if (!r && !t->found)
		r = settle_rest(t);
	alloc_free(nodes);
	return r;
}
