/* SPDX-License-Identifier: MIT
 * salvage_space_maps.c: where the space maps of a commit are whose superblock is lost.
 *
 * Of the blocks that the commit counts, the roots of their trees are the nodes of that kind that no
 * other leads to.
 */
#include <errno.h>

#include "common/base/alloc.h"
#include "common/thin/salvage_internal.h"

struct space_map_search {
	struct salvage *s;
	uint8_t *raws;          /* owned: BTREE_MAX_DEPTH blocks */
	struct bitset nodes;    /* counted, of trees of space maps */
	struct bitset children; /* what they lead to */
};

/* The size of the values of what must be a node of a space map; 0: it is none. */
static uint32_t read_node(struct space_map_search *q, uint64_t block, struct btree_node *ret)
{
	static const uint32_t sizes[] = { INDEX_ENTRY_SIZE, REF_COUNT_SIZE };
	struct node_fault ignored;

	if (block >= q->s->nr_blocks || block_read(q->s->overlay, block, q->raws))
		return 0;
	for (size_t i = 0; i < ARRAY_SIZE(sizes); i++) {
		if (!btree_node_decode(q->raws, block, sizes[i], ret, &ignored))
			return sizes[i];
	}
	return 0;
}

static void collect_nodes(struct space_map_search *q)
{
	const struct salvage *s = q->s;

	for (uint64_t b = 1; b < s->nr_blocks; b++) {
		if (!s->counts[b] || s->counts[b] == COUNT_UNKNOWN)
			continue;
		if (s->shapes[b] == SHAPE_OTHER_LEAF ||
		    (s->shapes[b] == SHAPE_INTERNAL &&
		     salvage_kind_of(q->s, b, q->raws) == KIND_UNUSED))
			bitset_set(&q->nodes, b);
	}
	for (uint64_t b = bitset_next(&q->nodes, 0); b < s->nr_blocks;
	     b = bitset_next(&q->nodes, b + 1)) {
		struct btree_node n;

		if (!read_node(q, b, &n) || n.leaf)
			continue;
		for (uint32_t i = 0; i < n.nr_entries; i++)
			bitset_set(&q->children, btree_node_u64(&n, i));
	}
}

/* The first leaf below a root, in q->raws. */
static uint32_t first_leaf(struct space_map_search *q, uint64_t root, struct btree_node *ret)
{
	uint32_t size = read_node(q, root, ret);

	for (unsigned int depth = 0; size && !ret->leaf && depth < BTREE_MAX_DEPTH; depth++)
		size = ret->nr_entries ? read_node(q, btree_node_u64(ret, 0), ret) : 0;
	return size && ret->leaf ? size : 0;
}

/* Counts of three and more of metadata blocks, as the bitmaps have it? */
static bool counts_metadata(const struct salvage *s, const struct btree_node *leaf)
{
	for (uint32_t i = 0; i < leaf->nr_entries; i++) {
		if (btree_node_key(leaf, i) >= s->nr_blocks ||
		    s->counts[btree_node_key(leaf, i)] != COUNT_MANY)
			return false;
	}
	return true;
}

static void take_root(struct space_map_search *q, uint64_t root)
{
	struct superblock *sb = &q->s->sb;
	struct btree_node leaf;
	uint32_t size = first_leaf(q, root, &leaf);

	if (size == INDEX_ENTRY_SIZE)
		sb->data_space_map.bitmap_root = root;
	else if (size == REF_COUNT_SIZE &&
		 sb->metadata_space_map.ref_count_root >= q->s->nr_blocks &&
		 counts_metadata(q->s, &leaf))
		sb->metadata_space_map.ref_count_root = root;
	else if (size == REF_COUNT_SIZE)
		sb->data_space_map.ref_count_root = root;
}

int salvage_find_space_maps(struct salvage *s)
{
	struct space_map_search q = { .s = s };
	int r = bitset_init(&q.nodes, s->nr_blocks);

	if (!r)
		r = bitset_init(&q.children, s->nr_blocks);
	q.raws = alloc_aligned((size_t)BTREE_MAX_DEPTH * MD_BLOCK_SIZE);
	if (!q.raws)
		r = r ? r : -ENOMEM;
	if (!r)
		collect_nodes(&q);
	for (uint64_t b = bitset_next(&q.nodes, 0); b < s->nr_blocks && !r;
	     b = bitset_next(&q.nodes, b + 1)) {
		if (!bitset_test(&q.children, b))
			take_root(&q, b);
	}
	bitset_destroy(&q.nodes);
	bitset_destroy(&q.children);
	alloc_free(q.raws);
	return r ? r
		 : salvage_load_counts(s, s->sb.metadata_space_map.bitmap_root,
				       s->sb.metadata_space_map.ref_count_root);
}
