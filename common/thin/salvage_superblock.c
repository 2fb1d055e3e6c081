/* SPDX-License-Identifier: MIT
 * salvage_superblock.c: what a lost superblock said.
 *
 * Every commit wrote an index of the metadata space map, and the last ones are still there.  The
 * blocks that an index counts are one commit's: among them the roots are the nodes that no other
 * leads to, and its counts are right where nothing of it was overwritten since.  Of the commits
 * that are whole, but for what is gone altogether, the newest is taken, by the transactions, the
 * times and the mappings of its devices.
 */
#include <errno.h>

#include "common/base/alloc.h"
#include "common/thin/salvage_internal.h"

/* One commit, as far as it is there. */
struct commit {
	uint64_t index, details_root, mapping_root;
	uint64_t nr_wrong;         /* blocks that are used more often than it counts */
	uint64_t nr_lost, nr_less; /* blocks that are gone, or used less often: because of these */
	uint64_t transaction_id;
	uint32_t time; /* the latest snapshotted_time, and of which device: */
	uint64_t snapshotted;
	uint32_t creation_time; /* the latest one */
	uint64_t nr_mappings;   /* by the details; likewise, by the trees: */
	uint64_t nr_values;
	struct bitset blocks; /* that it counts */
};

#define LIKELY 0.5                   /* that one commit follows another */
#define MAX_BITS (UINT64_C(1) << 29) /* of the blocks of all commits that are compared */

struct search {
	struct salvage *s;
	uint8_t *kinds;         /* owned, by block: enum block_kind of nodes */
	uint32_t *refs;         /* owned, by block: references from nodes that the index counts */
	uint64_t *values;       /* owned, by block: 1 + mappings below */
	uint8_t *raws;          /* owned: BTREE_MAX_DEPTH blocks */
	struct superblock held; /* a metadata snapshot's */
	bool has_held;
	struct commit *whole; /* owned */
	size_t nr_whole, whole_capacity;
	struct commit damaged; /* the best of the others; index 0: none */
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
			if (n.leaf)
				c->nr_values += salvage_sum_below(q->s, q->values, q->raws,
								  btree_node_u64(&n, i), 1);
		} else if (kind == KIND_DETAILS) {
			d = device_details_decode(btree_node_value(&n, i));
			c->nr_mappings += d.mapped_blocks;
			if (d.transaction_id > c->transaction_id)
				c->transaction_id = d.transaction_id;
			if (d.creation_time > c->creation_time)
				c->creation_time = d.creation_time;
			if (d.snapshotted_time > c->time) {
				c->time = d.snapshotted_time;
				c->snapshotted = btree_node_key(&n, i);
			}
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
		if (!counted(q, b))
			continue;
		c->nr_lost += b && q->s->shapes[b] == SHAPE_NONE;
		if (q->kinds[b] == KIND_UNUSED)
			continue;
		if (!q->refs[b] && q->kinds[b] == KIND_DETAILS &&
		    (!q->has_held || b != q->held.details_root))
			c->details_root = b;
		if (!q->refs[b] && q->kinds[b] == KIND_TOP_LEVEL &&
		    (!q->has_held || b != q->held.mapping_root))
			c->mapping_root = b;
		/* Roots have one reference more than nodes make: the superblock's. */
		if (q->refs[b] && q->s->counts[b] != COUNT_MANY) {
			c->nr_wrong += q->refs[b] > q->s->counts[b];
			c->nr_less += q->refs[b] < q->s->counts[b];
		}
	}
	/* A metadata snapshot that nothing was changed since has the very roots. */
	if (!c->details_root && q->has_held)
		c->details_root = q->held.details_root;
	if (!c->mapping_root && q->has_held)
		c->mapping_root = q->held.mapping_root;
}

/*
 * The blocks of `after` that `before` has not: how well do they follow each other from `start` on,
 * round the end?
 */
static double density(const struct commit *before, const struct commit *after, uint64_t start)
{
	const uint64_t nr_blocks = after->blocks.nr_bits;
	uint64_t nr_new = 0, nr_free = 0, nr_free_at_last = 0;

	for (uint64_t i = 0; i < nr_blocks; i++) {
		uint64_t b = (start + i) % nr_blocks;

		if (bitset_test(&before->blocks, b))
			continue;
		nr_free++;
		if (!bitset_test(&after->blocks, b))
			continue;
		nr_new++;
		nr_free_at_last = nr_free;
	}
	return nr_new ? (double)nr_new / (double)nr_free_at_last : 0;
}

/* Do they have so many quarters of the smaller one in common? */
static bool alike(const struct commit *a, const struct commit *b, unsigned int quarters)
{
	uint64_t nr_common = 0, smaller = a->blocks.nr_set;

	if (b->blocks.nr_set < smaller)
		smaller = b->blocks.nr_set;
	for (uint64_t i = bitset_next(&a->blocks, 1); i < a->blocks.nr_bits;
	     i = bitset_next(&a->blocks, i + 1))
		nr_common += bitset_test(&b->blocks, i);
	return nr_common * 4 >= smaller * quarters;
}

static bool has_device(const struct search *q, const struct commit *c, uint64_t id)
{
	uint64_t block = c->details_root;

	for (unsigned int depth = 0; depth < BTREE_MAX_DEPTH && block < q->s->nr_blocks; depth++) {
		struct node_fault ignored;
		struct btree_node n;
		uint32_t i = 0;

		if (block_read(q->s->overlay, block, q->raws) ||
		    btree_node_decode(q->raws, block, DETAILS_SIZE, &n, &ignored))
			return false;
		while (i + 1 < n.nr_entries && btree_node_key(&n, i + 1) <= id)
			i++;
		if (n.leaf)
			return n.nr_entries && btree_node_key(&n, i) == id;
		block = btree_node_u64(&n, i);
	}
	return false;
}

/* The details of a commit whose devices all stand in one leaf. */
static bool read_details(struct search *q, const struct commit *c, uint8_t *raw,
			 struct btree_node *ret_leaf)
{
	struct node_fault ignored;

	return !block_read(q->s->overlay, c->details_root, raw) &&
	       !btree_node_decode(raw, c->details_root, DETAILS_SIZE, ret_leaf, &ignored) &&
	       ret_leaf->leaf;
}

/* A device that `after` lacks, although it is older than the newest one there: it was deleted. */
static bool deleted_between(struct search *q, const struct commit *before,
			    const struct commit *after)
{
	struct btree_node b, a;
	uint32_t j = 0;

	if (!read_details(q, before, q->raws, &b) ||
	    !read_details(q, after, q->raws + MD_BLOCK_SIZE, &a))
		return false;
	for (uint32_t i = 0; i < b.nr_entries; i++) {
		struct device_details d = device_details_decode(btree_node_value(&b, i));

		while (j < a.nr_entries && btree_node_key(&a, j) < btree_node_key(&b, i))
			j++;
		if ((j == a.nr_entries || btree_node_key(&a, j) != btree_node_key(&b, i)) &&
		    (d.creation_time < after->creation_time ||
		     d.transaction_id < after->transaction_id))
			return true;
	}
	return false;
}

/*
 * Do the devices say that `after` is the later one?  The snapshotted_time of a device only grows,
 * every snapshot has a creation_time of its own (where it is not there and somebody was snapshotted
 * at its time, it was deleted), and what is made after a device was made knows it, or it was
 * deleted.
 */
static bool surely_follows(struct search *q, const struct commit *before,
			   const struct commit *after)
{
	if (before->time == after->time && before->creation_time == before->time &&
	    after->creation_time < after->time)
		return true;
	if (before->time < after->time && has_device(q, before, after->snapshotted))
		return true;
	return deleted_between(q, before, after) && !deleted_between(q, after, before);
}

/* How likely is it that `after` is the later one?  0 … 1. */
static double follows(struct search *q, const struct commit *before, const struct commit *after)
{
	double on, anew = 0;

	if (surely_follows(q, before, after))
		return 1;
	if (surely_follows(q, after, before))
		return 0;
	on = density(before, after, before->index + 1);
	/* After an activation the first thing that happens is rarely that the newest device goes.
	 */
	if (after->transaction_id >= before->transaction_id && after->time >= before->time)
		anew = density(before, after, 0);
	return on > anew ? on : anew;
}

static bool better(const struct commit *a, const struct commit *b)
{
	if (a->nr_wrong != b->nr_wrong)
		return a->nr_wrong < b->nr_wrong;
	if (a->transaction_id != b->transaction_id)
		return a->transaction_id > b->transaction_id;
	if (a->time != b->time)
		return a->time > b->time;
	return a->nr_mappings != b->nr_mappings ? a->nr_mappings > b->nr_mappings
						: a->index > b->index;
}

static int keep_whole(struct search *q, const struct commit *c)
{
	struct commit *grown =
		alloc_grow(q->whole, &q->whole_capacity, q->nr_whole, sizeof(*grown));
	struct bitset *blocks;
	int r;

	if (!grown)
		return -ENOMEM;
	q->whole = grown;
	if (q->nr_whole * q->s->nr_blocks >= MAX_BITS)
		return 0;
	grown[q->nr_whole] = *c;
	blocks = &grown[q->nr_whole].blocks;
	r = bitset_init(blocks, q->s->nr_blocks);
	if (r)
		return r;
	q->nr_whole++;
	for (uint64_t b = 0; b < q->s->nr_blocks; b++) {
		if (counted(q, b))
			bitset_set(blocks, b);
	}
	return 0;
}

static bool has_successor(struct search *q, const struct commit *c)
{
	for (size_t i = 0; i < q->nr_whole; i++) {
		const struct commit *other = &q->whole[i];

		if (other != c && alike(c, other, 1) && follows(q, c, other) >= LIKELY &&
		    follows(q, c, other) > follows(q, other, c))
			return true;
	}
	return false;
}

/* The one that no other follows.  Where commits between are lost there may be several. */
static const struct commit *newest(struct search *q)
{
	const struct commit *best = &q->damaged;

	for (size_t i = 0; i < q->nr_whole; i++) {
		const struct commit *c = &q->whole[i];

		if (!has_successor(q, c) && (best == &q->damaged || better(c, best)))
			best = c;
	}
	return best;
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
	c.nr_wrong += c.nr_values > c.nr_mappings && c.details_root;
	c.nr_less += c.nr_values < c.nr_mappings;
	if (c.nr_lost ? !c.details_root && !c.mapping_root
		      : !c.details_root || !c.mapping_root || !counted(q, c.details_root))
		return 0;
	if (!c.nr_wrong && (!c.nr_less || c.nr_lost))
		return keep_whole(q, &c);
	c.nr_wrong += c.nr_less + c.nr_lost;
	if (!q->damaged.index || better(&c, &q->damaged))
		q->damaged = c;
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
	salvage_sum_entries(q->s, q->values);
	find_held(q);
	for (uint64_t b = 1; b < q->s->nr_blocks && !r; b++) {
		if (q->s->shapes[b] == SHAPE_INDEX)
			r = try_index(q, b);
	}
	return r;
}

static void take(struct search *q)
{
	const struct commit *c = newest(q);
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
	q.values = alloc_array(s->nr_blocks, sizeof(*q.values));
	if (q.kinds && q.refs && q.values && q.raws)
		r = search(&q);
	if (!r && (q.nr_whole || q.damaged.index))
		take(&q);
	else if (!r)
		r = -EUCLEAN;
	for (size_t i = 0; i < q.nr_whole; i++)
		bitset_destroy(&q.whole[i].blocks);
	alloc_free(q.whole);
	alloc_free(q.kinds);
	alloc_free(q.refs);
	alloc_free(q.values);
	alloc_free(q.raws);
	return r;
}
