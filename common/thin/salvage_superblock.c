/* SPDX-License-Identifier: MIT
 * salvage_superblock.c: what a lost superblock said.
 *
 * Every commit wrote an index of the metadata space map, and the last ones are still there.  The
 * blocks that an index counts are one commit's: among them the roots are the nodes that no other
 * leads to, and its counts are right where nothing of it was overwritten since.  Of the commits
 * that are whole the newest is taken, by the transactions, the times and the mappings of its
 * devices.
 */
#include <errno.h>

#include "common/base/alloc.h"
#include "common/thin/salvage_internal.h"

/* One commit, as far as it is there. */
struct commit {
	uint64_t index, details_root, mapping_root;
	uint64_t nr_wrong; /* blocks that are not used as often as it counts */
	uint64_t transaction_id;
	uint32_t time;
	uint64_t nr_mappings;
};

struct search {
	struct salvage *s;
	uint8_t *kinds;         /* owned, by block: enum block_kind of nodes */
	uint32_t *refs;         /* owned, by block: references from nodes that the index counts */
	uint8_t *raws;          /* owned: BTREE_MAX_DEPTH blocks */
	struct superblock held; /* a metadata snapshot's */
	bool has_held;
	struct commit best;
	bool found;
};

static bool counted(const struct search *q, uint64_t block)
{
	return q->s->counts[block] && q->s->counts[block] != COUNT_UNKNOWN;
}

static void refer(struct search *q, uint64_t block)
{
	if (block < q->s->nr_blocks)
		q->refs[block]++;
}

/* Count what a node leads to; a leaf of the details adds to what is known of the commit. */
static void visit(struct search *q, uint64_t block, struct commit *c)
{
	enum block_kind kind = (enum block_kind)q->kinds[block];
	struct node_fault ignored;
	struct btree_node n;

	if (block_read(q->s->overlay, block, q->raws) ||
	    btree_node_decode(q->raws, block,
			      kind == KIND_DETAILS ? DETAILS_SIZE : MAPPING_VALUE_SIZE, &n,
			      &ignored))
		return;
	for (uint32_t i = 0; i < n.nr_entries; i++) {
		struct device_details d;

		if (!n.leaf || kind == KIND_TOP_LEVEL) {
			refer(q, btree_node_u64(&n, i));
		} else if (kind == KIND_DETAILS) {
			d = device_details_decode(btree_node_value(&n, i));
			c->nr_mappings += d.mapped_blocks;
			if (d.transaction_id > c->transaction_id)
				c->transaction_id = d.transaction_id;
			if (d.snapshotted_time > c->time)
				c->time = d.snapshotted_time;
		}
	}
}

/* Leaves of mapping trees lead nowhere: there is no need to read them. */
static bool leads_on(const struct search *q, uint64_t block)
{
	return q->kinds[block] != KIND_UNUSED && q->s->shapes[block] != SHAPE_MAPPING_LEAF;
}

static void find_roots(const struct search *q, struct commit *c)
{
	for (uint64_t b = 0; b < q->s->nr_blocks; b++) {
		if (!counted(q, b) || q->kinds[b] == KIND_UNUSED)
			continue;
		if (!q->refs[b] && q->kinds[b] == KIND_DETAILS &&
		    (!q->has_held || b != q->held.details_root))
			c->details_root = b;
		if (!q->refs[b] && q->kinds[b] == KIND_TOP_LEVEL &&
		    (!q->has_held || b != q->held.mapping_root))
			c->mapping_root = b;
		/* Roots have one reference more than nodes make: the superblock's. */
		if (q->refs[b] && q->s->counts[b] != COUNT_MANY && q->refs[b] != q->s->counts[b])
			c->nr_wrong++;
	}
	/* A metadata snapshot that nothing was changed since has the very roots. */
	if (!c->details_root && q->has_held)
		c->details_root = q->held.details_root;
	if (!c->mapping_root && q->has_held)
		c->mapping_root = q->held.mapping_root;
}

static bool better(const struct commit *a, const struct commit *b)
{
	bool a_whole = !a->nr_wrong, b_whole = !b->nr_wrong;

	if (a_whole != b_whole)
		return a_whole;
	if (a->transaction_id != b->transaction_id)
		return a->transaction_id > b->transaction_id;
	if (a->time != b->time)
		return a->time > b->time;
	return a->nr_mappings > b->nr_mappings;
}

static int try_index(struct search *q, uint64_t index)
{
	struct commit c = { .index = index };
	int r = salvage_load_counts(q->s, index, q->s->nr_blocks);

	if (r)
		return r;
	memset(q->refs, 0, q->s->nr_blocks * sizeof(*q->refs));
	for (uint64_t b = 0; b < q->s->nr_blocks; b++) {
		if (counted(q, b) && leads_on(q, b))
			visit(q, b, &c);
	}
	find_roots(q, &c);
	if (!c.details_root || !c.mapping_root || (q->found && !better(&c, &q->best)))
		return 0;
	q->best = c;
	q->found = true;
	return 0;
}

static void find_kinds(struct search *q)
{
	for (uint64_t b = 0; b < q->s->nr_blocks; b++)
		q->kinds[b] = (uint8_t)salvage_kind_of(q->s, b, q->raws);
}

static void find_held(struct search *q)
{
	for (uint64_t b = 1; b < q->s->nr_blocks; b++) {
		if (q->s->shapes[b] != SHAPE_SUPERBLOCK || block_read(q->s->overlay, b, q->raws))
			continue;
		q->held = superblock_decode(q->raws);
		q->has_held = q->held.magic == SUPERBLOCK_MAGIC;
	}
}

static int search(struct search *q)
{
	int r = 0;

	find_kinds(q);
	find_held(q);
	for (uint64_t b = 1; b < q->s->nr_blocks && !r; b++) {
		if (q->s->shapes[b] == SHAPE_INDEX)
			r = try_index(q, b);
	}
	return r;
}

static void take(struct search *q)
{
	const struct commit *c = &q->best;
	struct superblock *sb = &q->s->sb;
	uint32_t time = c->time > q->held.time ? c->time : q->held.time;

	*sb = (struct superblock){ .magic = SUPERBLOCK_MAGIC,
				   .version = SUPERBLOCK_VERSION,
				   .time = time,
				   .transaction_id = c->transaction_id + 1,
				   .details_root = c->details_root,
				   .mapping_root = c->mapping_root,
				   .data_block_size = q->held.data_block_size };
	sb->metadata_space_map.bitmap_root = c->index;
	sb->metadata_space_map.ref_count_root = q->s->nr_blocks;
}

int salvage_find_superblock(struct salvage *s)
{
	struct search q = { .s = s };
	int r = -ENOMEM;

	q.kinds = alloc_array(s->nr_blocks, sizeof(*q.kinds));
	q.refs = alloc_array(s->nr_blocks, sizeof(*q.refs));
	q.raws = alloc_aligned((size_t)BTREE_MAX_DEPTH * MD_BLOCK_SIZE);
	if (q.kinds && q.refs && q.raws)
		r = search(&q);
	if (!r && q.found)
		take(&q);
	else if (!r)
		r = -EUCLEAN;
	alloc_free(q.kinds);
	alloc_free(q.refs);
	alloc_free(q.raws);
	return r;
}
