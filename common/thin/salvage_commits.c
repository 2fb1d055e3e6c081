/* SPDX-License-Identifier: MIT
 * salvage_commits.c: the commits that are left on a device.
 *
 * Every commit wrote an index of the metadata space map, and the last ones are still there.  The
 * blocks that an index counts are one commit's: among them the roots are the nodes that no other
 * leads to, and its counts are right where nothing of it was overwritten since.
 */
#include "common/thin/salvage_commits.h"

#include <errno.h>
#include <stdlib.h>

#include "common/base/alloc.h"

#define MAX_BITS (UINT64_C(1) << 29)      /* of the blocks of all commits that are compared */
#define MAX_HELD 64                       /* metadata snapshots, but one of which are old */
#define MAX_STAND_INS (UINT64_C(1) << 32) /* times blocks */

static bool counted(const struct commit_list *l, uint64_t block)
{
	return l->s->counts[block] && l->s->counts[block] != COUNT_UNKNOWN;
}

static void refer(struct commit_list *l, uint64_t block, struct commit *c)
{
	const struct node_graph *g = &l->graph;
	const bool details = g->kinds[block] == KIND_DETAILS;

	for (uint32_t i = 0; i < g->nr_children[block]; i++) {
		uint64_t child = node_graph_child(g, block, i);

		l->refs[child]++;
		c->mappings_hurt |= !details && (g->kinds[child] == KIND_UNUSED ||
						 g->kinds[child] == KIND_DETAILS);
	}
}

/* Leaves of mapping trees lead nowhere. */
static bool leads_on(const struct commit_list *l, uint64_t block)
{
	return l->graph.kinds[block] != KIND_UNUSED && l->s->shapes[block] != SHAPE_MAPPING_LEAF;
}

/* A root of the commit's metadata snapshot, and not of the commit itself, which would count it too.
 */
static bool held_only(const struct commit_list *l, uint64_t root)
{
	for (size_t i = 0; i < l->nr_held; i++) {
		const struct held *h = &l->held[i];

		if ((h->sb.details_root == root || h->sb.mapping_root == root) &&
		    counted(l, h->block) && l->s->counts[root] < 2)
			return true;
	}
	return false;
}

/* ---- what the trees of a commit come to */

static void add_details(struct commit *c, const struct details_sum *sum)
{
	c->nr_mappings += sum->nr_mappings;
	if (sum->transaction_id > c->transaction_id)
		c->transaction_id = sum->transaction_id;
	if (sum->creation_time > c->creation_time)
		c->creation_time = sum->creation_time;
	if (sum->time > c->time) {
		c->time = sum->time;
		c->snapshotted = sum->snapshotted;
	}
}

/* budget: ends a walk in circles. */
/* NOLINTNEXTLINE(misc-no-recursion): at most BTREE_MAX_DEPTH deep */
static void sum_details(const struct commit_list *l, uint64_t block, unsigned int depth,
			uint64_t *budget, struct commit *c)
{
	const struct node_graph *g = &l->graph;

	if (g->kinds[block] != KIND_DETAILS || depth == BTREE_MAX_DEPTH || !*budget) {
		c->details_hurt = true;
		return;
	}
	--*budget;
	if (l->s->shapes[block] == SHAPE_DETAILS_LEAF && g->nr_sums)
		add_details(c, &g->sums[g->first[block]]);
	for (uint32_t i = 0; i < g->nr_children[block]; i++)
		sum_details(l, node_graph_child(g, block, i), depth + 1, budget, c);
}

/* NOLINTNEXTLINE(misc-no-recursion): at most BTREE_MAX_DEPTH deep */
static uint64_t sum_mappings(const struct commit_list *l, uint64_t block, unsigned int depth,
			     uint64_t *budget)
{
	const struct node_graph *g = &l->graph;
	uint64_t nr = 0;

	if (g->kinds[block] != KIND_TOP_LEVEL || depth == BTREE_MAX_DEPTH || !*budget)
		return 0;
	--*budget;
	for (uint32_t i = 0; i < g->nr_children[block]; i++) {
		uint64_t child = node_graph_child(g, block, i);

		nr += l->s->shapes[block] == SHAPE_TOP_LEVEL_LEAF
			      ? g->values[child] - 1
			      : sum_mappings(l, child, depth + 1, budget);
	}
	return nr;
}

/* The nodes of one kind that nobody refers to. */
struct roots {
	uint64_t blocks[2], nr;
};

static void add_root(struct roots *roots, uint64_t block)
{
	if (roots->nr < ARRAY_SIZE(roots->blocks))
		roots->blocks[roots->nr] = block;
	roots->nr++;
}

static struct commit with_details(const struct commit_list *l, const struct commit *c,
				  uint64_t root)
{
	struct commit with = *c;
	uint64_t budget = l->s->nr_blocks;

	with.details_root = root;
	sum_details(l, root, 0, &budget, &with);
	return with;
}

/*
 * Of two one is that of a metadata snapshot whose superblock is lost, and the earlier one, or they
 * are children of a root that is lost.
 */
static void choose_details(const struct commit_list *l, const struct roots *roots, struct commit *c)
{
	struct commit first, second;

	if (!roots->nr || roots->nr > 2)
		return;
	first = with_details(l, c, roots->blocks[0]);
	second = with_details(l, c, roots->blocks[roots->nr - 1]);
	if (roots->nr == 1 || first.transaction_id > second.transaction_id ||
	    (first.transaction_id == second.transaction_id && first.time > second.time))
		*c = first;
	else if (second.transaction_id != first.transaction_id || second.time != first.time)
		*c = second;
}

static void choose_mappings(const struct commit_list *l, const struct roots *roots,
			    struct commit *c)
{
	for (uint64_t i = 0; i < roots->nr && roots->nr <= 2; i++) {
		uint64_t budget = l->s->nr_blocks;
		uint64_t nr = sum_mappings(l, roots->blocks[i], 0, &budget);

		if (roots->nr == 2 && (!c->details_root || nr != c->nr_mappings))
			continue;
		c->mapping_root = roots->blocks[i];
		c->nr_values = nr;
	}
}

/* Roots have one reference more than nodes make: the superblock's. */
static void check_count(const struct commit_list *l, uint64_t block, struct commit *c)
{
	if (!l->refs[block] || l->s->counts[block] == COUNT_MANY)
		return;
	c->nr_wrong += l->refs[block] > l->s->counts[block];
	c->nr_less += l->refs[block] < l->s->counts[block];
}

static void find_roots(const struct commit_list *l, struct commit *c)
{
	struct roots details = { .nr = 0 }, top_level = { .nr = 0 };
	struct commit without;

	for (uint64_t b = 0; b < l->s->nr_blocks; b++) {
		const enum block_kind kind = (enum block_kind)l->graph.kinds[b];

		if (!counted(l, b))
			continue;
		c->nr_lost += b && l->s->shapes[b] == SHAPE_NONE;
		if (kind == KIND_UNUSED)
			continue;
		if (kind == KIND_DETAILS && !l->refs[b] && !held_only(l, b))
			add_root(&details, b);
		if (kind == KIND_TOP_LEVEL && !l->refs[b] && !held_only(l, b))
			add_root(&top_level, b);
		check_count(l, b, c);
	}
	without = *c;
	choose_details(l, &details, c);
	choose_mappings(l, &top_level, c);
	if (details.nr == 2 && c->nr_values != c->nr_mappings) {
		*c = without;
		choose_mappings(l, &top_level, c);
	}
}

static int keep(struct commit_list *l, struct commits *kept, const struct commit *c)
{
	struct commit *grown = alloc_grow(kept->items, &kept->capacity, kept->nr, sizeof(*grown));
	struct bitset *blocks;
	int r;

	if (!grown)
		return -ENOMEM;
	kept->items = grown;
	if ((l->whole.nr + l->broken.nr) * l->s->nr_blocks >= MAX_BITS)
		return 0;
	grown[kept->nr] = *c;
	blocks = &grown[kept->nr].blocks;
	r = bitset_init(blocks, l->s->nr_blocks);
	if (r)
		return r;
	kept->nr++;
	for (uint64_t b = 0; b < l->s->nr_blocks; b++) {
		if (counted(l, b))
			bitset_set(blocks, b);
	}
	return 0;
}

static bool lost_and_shared(const struct commit_list *l, uint64_t root)
{
	return root < l->s->nr_blocks && l->s->shapes[root] == SHAPE_NONE && counted(l, root) &&
	       l->s->counts[root] > 1;
}

/* Roots that are lost, and that a metadata snapshot still names because it has them too. */
static void find_lost_roots(const struct commit_list *l, struct commit *c)
{
	for (size_t i = 0; i < l->nr_held; i++) {
		const struct held *h = &l->held[i];

		if (!counted(l, h->block))
			continue;
		if (!c->details_root && lost_and_shared(l, h->sb.details_root))
			c->lost_details_root = h->sb.details_root;
		if (!c->mapping_root && lost_and_shared(l, h->sb.mapping_root))
			c->lost_mapping_root = h->sb.mapping_root;
	}
}

/* What the counts that were loaded say. */
static struct commit judge(struct commit_list *l, uint64_t index)
{
	struct commit c = { .index = index };
	unsigned int nr_hurt;

	memset(l->refs, 0, l->s->nr_blocks * sizeof(*l->refs));
	for (uint64_t b = 0; b < l->s->nr_blocks; b++) {
		if (counted(l, b) && leads_on(l, b))
			refer(l, b, &c);
	}
	find_roots(l, &c);
	find_lost_roots(l, &c);
	if (c.details_root && c.mapping_root && !c.details_hurt) {
		c.nr_wrong += c.nr_values > c.nr_mappings;
		c.nr_less += c.nr_values < c.nr_mappings;
	}
	/* What is hurt is so by something that is lost.  Else it was overwritten since. */
	nr_hurt = (c.details_hurt || !c.details_root ? 1u : 0u) +
		  (c.mappings_hurt || c.nr_less || !c.mapping_root ? 1u : 0u);
	c.nr_wrong += c.nr_lost && nr_hurt > c.nr_lost;
	return c;
}

static bool has_roots(const struct commit_list *l, const struct commit *c)
{
	if (c->nr_lost)
		return c->details_root || c->mapping_root;
	return c->details_root && c->mapping_root && counted(l, c->details_root);
}

static uint64_t nr_bitmaps(const struct commit_list *l)
{
	uint64_t nr = space_map_nr_bitmaps(l->s->nr_blocks);

	return nr < METADATA_MAX_BITMAPS ? nr : METADATA_MAX_BITMAPS;
}

/* A bitmap that is not as full as the index says is another commit's. */
static bool has_other_bitmaps(const struct commit_list *l)
{
	for (uint64_t i = 0; i < nr_bitmaps(l); i++) {
		if (l->s->counts[i * BITMAP_ENTRIES] != COUNT_UNKNOWN &&
		    !bitset_test(&l->s->sound_bitmaps, i))
			return true;
	}
	return false;
}

static int try_index(struct commit_list *l, uint64_t index)
{
	int r = salvage_load_counts(l->s, index, l->s->nr_blocks);
	struct commit c;

	if (r)
		return r;
	/* One that does not count itself stands in the place of another. */
	if (!l->s->counts[index] || has_other_bitmaps(l)) {
		bitset_set(&l->unjudged, index);
		return 0;
	}
	c = judge(l, index);
	if (!has_roots(l, &c))
		return 0;
	if (!c.nr_wrong && (!c.nr_less || c.nr_lost))
		return keep(l, &l->whole, &c);
	c.nr_wrong += c.nr_less + c.nr_lost;
	return keep(l, &l->broken, &c);
}

static int find_held(struct commit_list *l, void *raw)
{
	for (uint64_t b = 1; b < l->s->nr_blocks && l->nr_held < MAX_HELD; b++) {
		struct held *grown;

		if (l->s->shapes[b] != SHAPE_SUPERBLOCK || block_read(l->s->overlay, b, raw))
			continue;
		grown = alloc_grow(l->held, &l->held_capacity, l->nr_held, sizeof(*grown));
		if (!grown)
			return -ENOMEM;
		l->held = grown;
		grown[l->nr_held] = (struct held){ b, superblock_decode(raw) };
		l->nr_held += grown[l->nr_held].sb.magic == SUPERBLOCK_MAGIC;
	}
	return 0;
}

/* ---- commits whose index is lost, or a bitmap of it */

static struct index_entry entry_of(const void *index, uint64_t number)
{
	return index_entry_decode(&((const struct disk_index *)index)->entries[number]);
}

static bool read_index(const struct commit_list *l, uint64_t block, void *raw)
{
	return block < l->s->nr_blocks && l->s->shapes[block] == SHAPE_INDEX &&
	       !block_read(l->s->overlay, block, raw);
}

int commits_nr_allocated(const struct commit_list *l, uint64_t index, uint64_t *ret_nr)
{
	void *raw = alloc_aligned(MD_BLOCK_SIZE);

	*ret_nr = 0;
	if (!raw)
		return -ENOMEM;
	for (uint64_t i = 0; read_index(l, index, raw) && i < nr_bitmaps(l); i++)
		*ret_nr += BITMAP_ENTRIES - (uint64_t)entry_of(raw, i).nr_free;
	alloc_free(raw);
	return 0;
}

/* A bitmap that was there once becomes another block in time, but never nothing. */
static void note_bitmaps(struct commit_list *l, uint64_t index, const void *raw,
			 struct bitset *known)
{
	for (uint64_t i = 0; i < nr_bitmaps(l); i++) {
		uint64_t block = entry_of(raw, i).blocknr;

		if (block < l->s->nr_blocks && l->s->shapes[block] == SHAPE_NONE)
			bitset_set(&l->unjudged, index);
		bitset_set(known, block);
	}
}

/* The last block that is counted and may be an index that is gone. */
static uint64_t lost_index(const struct commit_list *l)
{
	for (uint64_t b = l->s->nr_blocks; b-- > 1;) {
		if (counted(l, b) &&
		    (l->s->shapes[b] == SHAPE_NONE || bitset_test(&l->unjudged, b)))
			return b;
	}
	return 0;
}

/* Is there a commit with this bitmap as number `number`, and the others those of base? */
static int try_bitmap(struct commit_list *l, uint64_t base, uint64_t bitmap, uint64_t number)
{
	struct commit c;
	int r;

	l->s->stand_in = (struct stand_in){ bitmap, number };
	r = salvage_load_counts(l->s, base, l->s->nr_blocks);
	if (!r && l->s->counts[bitmap] && lost_index(l)) {
		c = judge(l, lost_index(l));
		c.stand_in = l->s->stand_in;
		if (has_roots(l, &c) && !c.nr_wrong)
			r = keep(l, &l->whole, &c);
	}
	l->s->stand_in = (struct stand_in){ 0 };
	return r;
}

static int by_index(const void *a, const void *b)
{
	const struct commit *ca = a, *cb = b;

	return (ca->index > cb->index) - (ca->index < cb->index);
}

int commits_find_without_index(struct commit_list *l, uint64_t base)
{
	void *raw = alloc_aligned(MD_BLOCK_SIZE);
	struct bitset known;
	int r = bitset_init(&known, l->s->nr_blocks);

	if (!raw)
		r = r ? r : -ENOMEM;
	for (uint64_t b = 1; b < l->s->nr_blocks && !r; b++) {
		if (read_index(l, b, raw))
			note_bitmaps(l, b, raw, &known);
	}
	for (uint64_t b = 1; b < l->s->nr_blocks && !r; b++) {
		if (l->s->shapes[b] != SHAPE_BITMAP || bitset_test(&known, b))
			continue;
		for (uint64_t i = 0; i < nr_bitmaps(l) && l->budget >= l->s->nr_blocks && !r; i++) {
			l->budget -= l->s->nr_blocks;
			r = try_bitmap(l, base, b, i);
		}
	}
	if (l->whole.nr)
		qsort(l->whole.items, l->whole.nr, sizeof(*l->whole.items), by_index);
	bitset_destroy(&known);
	alloc_free(raw);
	return r;
}

int commits_find(struct salvage *s, struct commit_list *ret_list)
{
	struct commit_list *l = ret_list;
	void *raw = alloc_aligned(MD_BLOCK_SIZE);
	int r;

	*l = (struct commit_list){ .s = s,
				   .refs = alloc_array(s->nr_blocks, sizeof(*l->refs)),
				   .budget = MAX_STAND_INS };
	r = l->refs && raw ? bitset_init(&l->unjudged, s->nr_blocks) : -ENOMEM;
	if (!r)
		r = node_graph_read(s, &l->graph);
	if (!r)
		r = find_held(l, raw);
	for (uint64_t b = 1; b < s->nr_blocks && !r; b++) {
		if (s->shapes[b] == SHAPE_INDEX)
			r = try_index(l, b);
	}
	alloc_free(raw);
	return r;
}

static void destroy(struct commits *c)
{
	for (size_t i = 0; i < c->nr; i++)
		bitset_destroy(&c->items[i].blocks);
	alloc_free(c->items);
}

void commits_destroy(struct commit_list *l)
{
	destroy(&l->whole);
	destroy(&l->broken);
	bitset_destroy(&l->unjudged);
	node_graph_destroy(&l->graph);
	alloc_free(l->held);
	alloc_free(l->refs);
}
