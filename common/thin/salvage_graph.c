/* SPDX-License-Identifier: MIT
 * salvage_graph.c: what all nodes that are left lead to, whichever commit they are of, read once.
 */
#include <errno.h>

#include "common/base/alloc.h"
#include "common/thin/salvage_commits.h"

#define MAX_CHILDREN (UINT64_C(1) << 27) /* 512 MiB of them: far more than any pool has */

struct reading {
	struct salvage *s;
	struct node_graph *graph;
};

static int add_entry(struct node_graph *g, uint64_t id, const struct device_details *d,
		     struct details_sum *sum)
{
	struct details_entry *grown =
		alloc_grow(g->entries, &g->entries_capacity, g->nr_entries, sizeof(*grown));

	if (!grown)
		return -ENOMEM;
	g->entries = grown;
	grown[g->nr_entries++] = (struct details_entry){ id, d->transaction_id, d->creation_time };
	sum->nr_entries++;
	sum->nr_mappings += d->mapped_blocks;
	if (d->transaction_id > sum->transaction_id)
		sum->transaction_id = d->transaction_id;
	if (d->creation_time > sum->creation_time)
		sum->creation_time = d->creation_time;
	if (d->snapshotted_time > sum->time) {
		sum->time = d->snapshotted_time;
		sum->snapshotted = id;
	}
	return 0;
}

static int note_details(struct node_graph *g, const struct btree_node *leaf)
{
	struct details_sum sum = { .first_entry = g->nr_entries },
			   *grown = alloc_grow(g->sums, &g->sums_capacity, g->nr_sums,
					       sizeof(*grown));
	int r = 0;

	if (!grown)
		return -ENOMEM;
	g->sums = grown;
	for (uint32_t i = 0; i < leaf->nr_entries && !r; i++) {
		struct device_details d = device_details_decode(btree_node_value(leaf, i));

		r = add_entry(g, btree_node_key(leaf, i), &d, &sum);
	}
	g->first[leaf->block] = g->nr_sums;
	grown[g->nr_sums++] = sum;
	return r;
}

static int note_child(struct node_graph *g, uint64_t block)
{
	uint32_t *grown = alloc_grow(g->children, &g->capacity, g->nr, sizeof(*grown));

	if (!grown)
		return -ENOMEM;
	g->children = grown;
	grown[g->nr++] = (uint32_t)block;
	return 0;
}

static int visit(void *context, uint64_t block, const void *raw, int error)
{
	struct reading *r = context;
	struct node_graph *g = r->graph;
	const bool details = r->s->shapes[block] == SHAPE_DETAILS_LEAF;
	struct node_fault ignored;
	struct btree_node n;
	int result = 0;

	if (error || btree_node_decode(raw, block, details ? DETAILS_SIZE : MAPPING_VALUE_SIZE, &n,
				       &ignored))
		return 0;
	if (details)
		return note_details(g, &n);
	g->first[block] = g->nr;
	for (uint32_t i = 0; i < n.nr_entries && !result && g->nr < MAX_CHILDREN; i++) {
		if (btree_node_u64(&n, i) >= r->s->nr_blocks)
			continue;
		result = note_child(g, btree_node_u64(&n, i));
		g->nr_children[block]++;
	}
	return result;
}

/* The kind of a node is that of the first whole leaf below.  seen: each is looked at once. */
/* NOLINTNEXTLINE(misc-no-recursion): at most BTREE_MAX_DEPTH deep */
static void find_kind(const struct salvage *s, struct node_graph *g, uint64_t block,
		      unsigned int depth, struct bitset *seen)
{
	if (g->kinds[block] != KIND_UNUSED || s->shapes[block] != SHAPE_INTERNAL ||
	    depth == BTREE_MAX_DEPTH || bitset_test(seen, block))
		return;
	bitset_set(seen, block);
	for (uint32_t i = 0; i < g->nr_children[block] && g->kinds[block] == KIND_UNUSED; i++) {
		find_kind(s, g, node_graph_child(g, block, i), depth + 1, seen);
		g->kinds[block] = g->kinds[node_graph_child(g, block, i)];
	}
}

/* NOLINTNEXTLINE(misc-no-recursion): at most BTREE_MAX_DEPTH deep */
static uint64_t find_values(struct node_graph *g, uint64_t block, unsigned int depth)
{
	uint64_t nr = 0;

	if (depth == BTREE_MAX_DEPTH)
		return 0;
	if (g->values[block])
		return g->values[block] - 1;
	g->values[block] = 1;
	for (uint32_t i = 0; i < g->nr_children[block]; i++)
		nr += find_values(g, node_graph_child(g, block, i), depth + 1);
	g->values[block] = nr + 1;
	return nr;
}

static int read_nodes(struct salvage *s, struct node_graph *g)
{
	struct reading reading = { s, g };
	struct bitset wanted;
	int r = bitset_init(&wanted, s->nr_blocks);

	for (uint64_t b = 0; b < s->nr_blocks && !r; b++) {
		if (s->shapes[b] == SHAPE_INTERNAL || s->shapes[b] == SHAPE_TOP_LEVEL_LEAF ||
		    s->shapes[b] == SHAPE_DETAILS_LEAF)
			bitset_set(&wanted, b);
		if (s->shapes[b] == SHAPE_TOP_LEVEL_LEAF)
			g->kinds[b] = KIND_TOP_LEVEL;
		else if (s->shapes[b] == SHAPE_DETAILS_LEAF)
			g->kinds[b] = KIND_DETAILS;
		else if (s->shapes[b] == SHAPE_MAPPING_LEAF)
			g->kinds[b] = KIND_MAPPING;
	}
	if (!r)
		r = block_reader_run(s->reader, &wanted, visit, &reading);
	bitset_destroy(&wanted);
	return r;
}

int node_graph_read(struct salvage *s, struct node_graph *ret_graph)
{
	struct node_graph *g = ret_graph;
	struct bitset seen = { 0 };
	int r;

	*g = (struct node_graph){ .first = alloc_array(s->nr_blocks, sizeof(*g->first)),
				  .nr_children = alloc_array(s->nr_blocks, sizeof(*g->nr_children)),
				  .kinds = alloc_array(s->nr_blocks, sizeof(*g->kinds)),
				  .values = alloc_array(s->nr_blocks, sizeof(*g->values)) };
	if (!g->first || !g->nr_children || !g->kinds || !g->values)
		return -ENOMEM;
	r = read_nodes(s, g);
	if (!r)
		r = bitset_init(&seen, s->nr_blocks);
	if (r)
		return r;
	salvage_sum_entries(s, g->values);
	for (uint64_t b = 0; b < s->nr_blocks; b++) {
		find_kind(s, g, b, 0, &seen);
		(void)find_values(g, b, 0);
	}
	bitset_destroy(&seen);
	return 0;
}

void node_graph_destroy(struct node_graph *g)
{
	alloc_free(g->first);
	alloc_free(g->nr_children);
	alloc_free(g->children);
	alloc_free(g->sums);
	alloc_free(g->entries);
	alloc_free(g->kinds);
	alloc_free(g->values);
}
