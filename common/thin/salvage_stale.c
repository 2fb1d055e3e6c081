/* SPDX-License-Identifier: MIT
 * salvage_stale.c: blocks that are whole, but not those of the last commit, because a write of
 * theirs was lost.
 *
 * They lead to nodes, or to data blocks, that the last commit does not count, or counts for others.
 * A space map may be wrong as well, and what is reached and whole is not given up for that alone:
 * something must be missed elsewhere, or a device must not have as many mappings as its details
 * say.  Of several that lead to the same data block those are stale whose mapping is the older one.
 */
#include "common/thin/salvage_stale.h"

#include <errno.h>
#include <stdlib.h>

#include "common/base/alloc.h"
#include "common/io/checksum.h"
#include "common/io/overlay_engine.h"

/* More nodes than this that nothing but one block of a space map speaks against: it is wrong. */
#define MAX_ACCUSED 2u

/* ---- what the devices' details say */

static void judge_devices(struct trial *t)
{
	for (size_t i = 0; i < t->s->nr_devices; i++) {
		const struct salvage_device *d = &t->s->devices[i];
		int64_t root =
			d->has_root ? node_table_find(&t->s->table, d->root, KIND_MAPPING) : -1;

		if (root < 0 || !d->has_details || node_at(t, (size_t)root)->incomplete ||
		    node_at(t, (size_t)root)->bad)
			continue;
		t->says[root] |= node_at(t, (size_t)root)->nr_values == d->details.mapped_blocks
					 ? VOUCHED
					 : DOUBTED;
	}
}

static void tell_children(struct trial *t, size_t node)
{
	const struct node *n = node_at(t, node);
	struct btree_node p;

	if (n->bad || n->leaf || !t->says[node])
		return;
	p = node_table_decoded(&t->s->table, n);
	for (uint32_t i = 0; i < p.nr_entries; i++) {
		int64_t child = node_table_find(&t->s->table, btree_node_u64(&p, i), KIND_MAPPING);

		if (child >= 0)
			t->says[child] |= t->says[node];
	}
}

static void tell_all(struct trial *t)
{
	for (int height = BTREE_MAX_DEPTH; height > 0; height--) {
		for (size_t i = 0; i < t->s->table.nr_nodes; i++) {
			if (node_at(t, i)->height == height && node_at(t, i)->kind == KIND_MAPPING)
				tell_children(t, i);
		}
	}
}

/* ---- out with it */

int trial_discard(struct trial *t, uint64_t block)
{
	void *zeros = alloc_aligned(MD_BLOCK_SIZE);
	int r;

	if (!zeros)
		return -ENOMEM;
	memset(zeros, 0, MD_BLOCK_SIZE);
	r = overlay_engine_put(t->s->overlay, block, zeros);
	alloc_free(zeros);
	t->s->shapes[block] = SHAPE_NONE;
	t->s->nr_entries[block] = 0;
	t->s->result->nr_stale++;
	t->found = true;
	return r;
}

/* The entry of a leaf with this mapping, or -1. */
static int64_t find_entry(const struct btree_node *leaf, const struct claim *c)
{
	for (uint32_t i = 0; i < leaf->nr_entries; i++) {
		uint64_t value = btree_node_u64(leaf, i);

		if (btree_node_key(leaf, i) == c->key && mapping_data_block(value) == c->data &&
		    mapping_time(value) == c->time)
			return i;
	}
	return -1;
}

static void remove_entry(uint8_t *raw, const struct btree_node *leaf, uint32_t i)
{
	const size_t width = sizeof(__le64), nr_behind = leaf->nr_entries - i - 1u;
	uint8_t *key = raw + sizeof(struct node_header) + i * width;
	uint8_t *value = key + (size_t)btree_max_entries(MAPPING_VALUE_SIZE) * width;
	__le32 nr = cpu_to_le32(leaf->nr_entries - 1u);

	memmove(key, key + width, nr_behind * width);
	memmove(value, value + width, nr_behind * width);
	memcpy(raw + offsetof(struct node_header, nr_entries), &nr, sizeof(nr));
	block_checksum_set(raw, SALT_BTREE_NODE);
}

int trial_drop_mapping(struct trial *t, const struct claim *c)
{
	const uint64_t block = node_at(t, c->node)->block;
	uint8_t *raw = alloc_aligned(MD_BLOCK_SIZE);
	struct node_fault ignored;
	struct btree_node leaf;
	int64_t entry = -1;
	int r;

	if (!raw)
		return -ENOMEM;
	r = block_read(t->s->overlay, block, raw);
	if (!r && !btree_node_decode(raw, block, MAPPING_VALUE_SIZE, &leaf, &ignored))
		entry = find_entry(&leaf, c);
	if (entry >= 0) {
		remove_entry(raw, &leaf, (uint32_t)entry);
		r = overlay_engine_put(t->s->overlay, block, raw);
		t->s->result->nr_dropped++;
		t->found = true;
	}
	alloc_free(raw);
	return r == -EIO ? 0 : r;
}

static int drop_claims_of(struct trial *t, size_t node)
{
	int r = 0;

	for (size_t i = 0; i < t->nr_claims && !r; i++) {
		if (t->claims[i].node == node)
			r = trial_drop_mapping(t, &t->claims[i]);
	}
	return r;
}

int trial_expel(struct trial *t, size_t node)
{
	const struct node *n = node_at(t, node);

	return n->leaf && n->kind == KIND_MAPPING && bitset_test(&t->s->mended, n->block)
		       ? drop_claims_of(t, node)
		       : trial_discard(t, n->block);
}

static int by_source(const void *a, const void *b, void *context)
{
	const struct trial *t = context;
	uint32_t sa = t->source[*(const uint32_t *)a], sb = t->source[*(const uint32_t *)b];

	return (sa > sb) - (sa < sb);
}

int trial_discard_all(struct trial *t, uint32_t *nodes, size_t nr)
{
	size_t last;
	int r = 0;

	qsort_r(nodes, nr, sizeof(*nodes), by_source, t);
	for (size_t first = 0; first < nr && !r; first = last) {
		size_t nr_not_accused = 0;

		for (last = first; last < nr && t->source[nodes[last]] == t->source[nodes[first]];
		     last++)
			nr_not_accused += !accused(t, nodes[last]);
		for (size_t i = first; i < last && !r; i++) {
			if (accused(t, nodes[i]) || nr_not_accused <= MAX_ACCUSED)
				r = trial_expel(t, nodes[i]);
		}
	}
	return r;
}

/* ---- one round */

static int prepare(struct trial *t)
{
	const size_t nr = t->s->table.nr_nodes;

	t->says = alloc_array(nr, sizeof(*t->says));
	t->nr_definite = alloc_array(nr, sizeof(*t->nr_definite));
	t->nr_excess = alloc_array(nr, sizeof(*t->nr_excess));
	t->source = alloc_array(nr, sizeof(*t->source));
	t->missed = alloc_array(nr, sizeof(*t->missed));
	t->worst = alloc_array(nr, sizeof(*t->worst));
	t->explained = alloc_array(nr, sizeof(*t->explained));
	return t->says && t->nr_definite && t->nr_excess && t->source && t->missed && t->worst &&
			       t->explained
		       ? 0
		       : -ENOMEM;
}

/* Those above first: what they lead to is not needed any more, and leads to much. */
int salvage_discard_stale(struct salvage *s, bool *ret_found)
{
	struct trial t = { .s = s };
	int r = prepare(&t);

	if (!r) {
		judge_devices(&t);
		tell_all(&t);
		r = trial_find_missed(&t);
	}
	if (!r)
		r = trial_judge_nodes(&t);
	if (!r && !t.found) {
		r = salvage_compare_data_counts(s);
		memset(t.nr_definite, 0, s->table.nr_nodes * sizeof(*t.nr_definite));
		memset(t.nr_excess, 0, s->table.nr_nodes * sizeof(*t.nr_excess));
		if (!r && s->ledger.nr_excess)
			r = trial_judge_leaves(&t);
	}
	*ret_found = t.found;
	alloc_free(t.says);
	alloc_free(t.nr_definite);
	alloc_free(t.nr_excess);
	alloc_free(t.source);
	alloc_free(t.missed);
	alloc_free(t.worst);
	alloc_free(t.explained);
	alloc_free(t.claims);
	return r;
}
