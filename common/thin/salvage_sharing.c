/* SPDX-License-Identifier: MIT
 * salvage_sharing.c: which mappings cannot be a device's, because others have them too.
 *
 * A device writes in place to what is not older than its last snapshot.  So such mappings are its
 * own: they stand in no leaf that others share, and lead to no data block that others lead to.
 */
#include <errno.h>

#include "common/base/alloc.h"
#include "common/thin/salvage_internal.h"

static uint32_t max_u32(uint32_t a, uint32_t b)
{
	return a > b ? a : b;
}

/* The latest mapping of a leaf to a data block that another leaf leads to. */
static int visit_leaf(void *context, uint64_t block, const void *raw, int error)
{
	struct salvage *s = context;
	int64_t node = node_table_find(&s->table, block, KIND_MAPPING);
	struct node_fault ignored;
	struct btree_node leaf;

	if (error || node < 0 || btree_node_decode(raw, block, MAPPING_VALUE_SIZE, &leaf, &ignored))
		return 0;
	for (uint32_t i = 0; i < leaf.nr_entries; i++) {
		uint64_t value = btree_node_u64(&leaf, i);

		if (ref_counts_get(&s->ledger.claims, mapping_data_block(value)) > 1)
			s->latest_shared[node] =
				max_u32(s->latest_shared[node], mapping_time(value) + 1);
	}
	return 0;
}

/* A metadata snapshot shares data blocks as well, and nobody minds. */
static int visit_leaves(struct salvage *s)
{
	struct bitset leaves;
	int r = bitset_init(&leaves, s->nr_blocks);

	for (size_t i = 0; i < s->table.nr_nodes && !r && !s->sb.held_root; i++) {
		const struct node *n = &s->table.nodes[i];

		if (n->kind == KIND_MAPPING && n->leaf && !n->bad)
			bitset_set(&leaves, n->block);
	}
	if (!r)
		r = block_reader_run(s->reader, &leaves, visit_leaf, s);
	bitset_destroy(&leaves);
	return r;
}

static void sum_up(struct salvage *s, size_t node)
{
	struct node *n = &s->table.nodes[node];
	struct btree_node p = node_table_decoded(&s->table, n);

	for (uint32_t i = 0; i < p.nr_entries; i++) {
		int64_t child = node_table_find(&s->table, btree_node_u64(&p, i), KIND_MAPPING);
		bool shared;

		if (child < 0)
			continue;
		shared = ref_counts_get(&s->table.refs, s->table.nodes[child].block) > 1;
		n->max_time = max_u32(n->max_time, s->table.nodes[child].max_time);
		s->latest_shared[node] = max_u32(s->latest_shared[node],
						 salvage_latest_shared(s, (size_t)child, shared));
	}
}

static bool anything_missed(const struct salvage *s)
{
	for (size_t i = 0; i < s->table.nr_nodes; i++) {
		if (s->deficit[i] && s->table.nodes[i].kind == KIND_MAPPING)
			return true;
	}
	return false;
}

int salvage_find_sharing(struct salvage *s)
{
	int r = 0;

	s->latest_shared = alloc_array(s->table.nr_nodes, sizeof(*s->latest_shared));
	if (!s->latest_shared)
		return -ENOMEM;
	if (!anything_missed(s))
		return 0;
	r = visit_leaves(s);
	for (unsigned int height = 1; height <= BTREE_MAX_DEPTH && !r; height++) {
		for (size_t i = 0; i < s->table.nr_nodes; i++) {
			const struct node *n = &s->table.nodes[i];

			if (n->kind == KIND_MAPPING && !n->bad && !n->leaf && n->height == height)
				sum_up(s, i);
		}
	}
	return r;
}

uint32_t salvage_latest_shared(const struct salvage *s, size_t node, bool shared)
{
	const struct node *n = &s->table.nodes[node];

	return shared && n->nr_values ? n->max_time + 1 : s->latest_shared[node];
}
