/* SPDX-License-Identifier: MIT
 * salvage_commits.c: the commits that are left on a device.
 *
 * Every commit wrote an index of the metadata space map, and the last ones are still there.  The
 * blocks that an index counts are one commit's: among them the roots are the nodes that no other
 * leads to, and its counts are right where nothing of it was overwritten since.
 */
#include "common/thin/salvage_commits.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>

#include "common/base/alloc.h"

#define MAX_BITS (UINT64_C(1) << 29)     /* of the blocks of all commits that are compared */
#define MAX_COMPARED (UINT64_C(1) << 34) /* words of them, each with each: some ten seconds */
#define MAX_HELD 64                      /* metadata snapshots, but one of which are old */
#define MAX_STAND_INS 4096u

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

		if (!l->refs[child]++)
			l->referred[l->nr_referred++] = (uint32_t)child;
		c->mappings_hurt |= !details && (g->kinds[child] == KIND_UNUSED ||
						 g->kinds[child] == KIND_DETAILS);
	}
}

static void forget_references(struct commit_list *l)
{
	for (size_t i = 0; i < l->nr_referred; i++)
		l->refs[l->referred[i]] = 0;
	l->nr_referred = 0;
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

	for (uint64_t b = bitset_next_common(&l->leading, &l->now, 0); b < l->s->nr_blocks;
	     b = bitset_next_common(&l->leading, &l->now, b + 1)) {
		if (l->refs[b] || held_only(l, b))
			continue;
		if (l->graph.kinds[b] == KIND_DETAILS)
			add_root(&details, b);
		if (l->graph.kinds[b] == KIND_TOP_LEVEL)
			add_root(&top_level, b);
	}
	for (size_t i = 0; i < l->nr_referred; i++) {
		if (counted(l, l->referred[i]))
			check_count(l, l->referred[i], c);
	}
	without = *c;
	choose_details(l, &details, c);
	choose_mappings(l, &top_level, c);
	if (details.nr == 2 && c->nr_values != c->nr_mappings) {
		*c = without;
		choose_mappings(l, &top_level, c);
	}
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

static uint64_t nr_bitmaps(const struct commit_list *l)
{
	uint64_t nr = space_map_nr_bitmaps(l->s->nr_blocks);

	return nr < METADATA_MAX_BITMAPS ? nr : METADATA_MAX_BITMAPS;
}

/* What the counts that were loaded say. */
static struct commit judge(struct commit_list *l, uint64_t index)
{
	struct commit c = { .index = index };
	unsigned int nr_hurt;

	forget_references(l);
	for (uint64_t b = bitset_next_common(&l->leading, &l->now, 0); b < l->s->nr_blocks;
	     b = bitset_next_common(&l->leading, &l->now, b + 1))
		refer(l, b, &c);
	for (uint64_t i = 0; i < nr_bitmaps(l); i++)
		c.nr_lost += l->nr_lost[i];
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

static struct index_entry entry_of(const void *index, uint64_t number)
{
	return index_entry_decode(&((const struct disk_index *)index)->entries[number]);
}

static bool read_index(const struct commit_list *l, uint64_t block, void *raw)
{
	return block < l->s->nr_blocks && l->s->shapes[block] == SHAPE_INDEX &&
	       !block_read(l->s->overlay, block, raw);
}

/* ---- the counts of one index after another, of which most bitmaps are the same */

static void note_counts(struct commit_list *l, uint64_t number)
{
	const uint64_t base = number * BITMAP_ENTRIES;

	l->nr_lost[number] = 0;
	for (uint64_t b = base; b < base + BITMAP_ENTRIES && b < l->s->nr_blocks; b++) {
		if (!counted(l, b)) {
			bitset_unset(&l->now, b);
			continue;
		}
		bitset_set(&l->now, b);
		l->nr_lost[number] += b && l->s->shapes[b] == SHAPE_NONE;
	}
}

static int load_bitmap(struct commit_list *l, uint64_t number, const struct index_entry *e,
		       void *raw)
{
	int r;

	if (l->loaded[number] == e->blocknr && l->nr_free[number] == e->nr_free)
		return 0;
	r = salvage_load_bitmap(l->s, number, e, raw);
	l->loaded[number] = e->blocknr;
	l->nr_free[number] = e->nr_free;
	note_counts(l, number);
	return r;
}

static int load_index(struct commit_list *l, const void *index, void *raw)
{
	int r = 0;

	for (uint64_t i = 0; i < nr_bitmaps(l) && !r; i++) {
		struct index_entry e = entry_of(index, i);

		r = load_bitmap(l, i, &e, raw);
	}
	return r;
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

/* ---- runs */

static int push(struct commit_list *l, const struct commit *c)
{
	struct commit *grown =
		alloc_grow(l->whole, &l->whole_capacity, l->nr_whole, sizeof(*grown));

	if (!grown)
		return -ENOMEM;
	l->whole = grown;
	grown[l->nr_whole++] = *c;
	return 0;
}

static bool is_first(const struct commit_list *l, const struct commit *c)
{
	return !l->nr_whole || l->whole[l->nr_whole - 1].run != c->run;
}

/* It goes where it is needed. */
static int settle_last(struct commit_list *l)
{
	struct commit c = l->last;
	int r = 0;

	l->last = (struct commit){ .index = 0 };
	if (!c.index)
		return 0;
	if (c.head || !c.details_root || is_first(l, &c))
		r = push(l, &c);
	else
		bitset_destroy(&c.blocks);
	if (r)
		bitset_destroy(&c.blocks);
	return r;
}

static int take_blocks(const struct commit_list *l, struct commit *c)
{
	int r = bitset_init(&c->blocks, l->s->nr_blocks);

	if (!r)
		bitset_copy(&c->blocks, &l->now);
	return r;
}

/* One after the other, by index. */
static int keep(struct commit_list *l, const struct commit *whole)
{
	struct commit c = *whole;
	int r;

	if (l->nr_whole * l->s->nr_blocks >= MAX_BITS ||
	    l->nr_whole * l->nr_whole * (l->s->nr_blocks / 64) >= MAX_COMPARED) {
		l->exhausted = true;
		return 0;
	}
	r = take_blocks(l, &c);
	if (r)
		return r;
	if (l->last.index && commit_is_next(l, &l->last, &c)) {
		l->last.head = false;
		c.run = l->last.run;
	} else {
		c.run = ++l->nr_runs;
	}
	c.head = true;
	r = settle_last(l);
	l->last = c;
	return r;
}

/* The last one by index may lead on to the first one, round the end. */
static int close_circle(struct commit_list *l)
{
	int r = settle_last(l);
	struct commit *last = l->nr_whole ? &l->whole[l->nr_whole - 1] : NULL;

	if (r || l->nr_whole < 2 || last->run == l->whole[0].run ||
	    !commit_is_next(l, last, &l->whole[0]))
		return r;
	last->head = false;
	for (size_t i = 0; i < l->nr_whole; i++) {
		if (l->whole[i].run == l->nr_runs)
			l->whole[i].run = l->whole[0].run;
	}
	return 0;
}

/* ---- each index */

static void note_broken(struct commit_list *l, struct commit *c)
{
	c->nr_wrong += c->nr_less + c->nr_lost;
	bitset_set(&l->broken, c->index);
	if (!l->best_broken.index || commit_is_better(c, &l->best_broken))
		l->best_broken = *c;
}

static int try_index(struct commit_list *l, uint64_t index, const void *raw_index, void *raw)
{
	int r = load_index(l, raw_index, raw);
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
		return keep(l, &c);
	note_broken(l, &c);
	return 0;
}

int commits_blocks_of(struct commit_list *l, uint64_t index, struct commit *ret_commit)
{
	uint8_t *raws = alloc_aligned(2 * (size_t)MD_BLOCK_SIZE);
	int r = raws ? 0 : -ENOMEM;

	*ret_commit = (struct commit){ .index = index };
	if (!r && read_index(l, index, raws))
		r = load_index(l, raws, raws + MD_BLOCK_SIZE);
	if (!r)
		r = take_blocks(l, ret_commit);
	alloc_free(raws);
	return r;
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

/* Those of the data space map: of it the index is a tree. */
static void note_data_bitmaps(struct commit_list *l, uint64_t block, void *raw,
			      struct bitset *known)
{
	struct node_fault ignored;
	struct btree_node n;

	if (l->s->shapes[block] != SHAPE_OTHER_LEAF || block_read(l->s->overlay, block, raw) ||
	    btree_node_decode(raw, block, INDEX_ENTRY_SIZE, &n, &ignored))
		return;
	for (uint32_t i = 0; i < n.nr_entries; i++)
		bitset_set(known, index_entry_decode(btree_node_value(&n, i)).blocknr);
}

/* The last block that is counted and may be an index that is gone. */
static uint64_t lost_index(const struct commit_list *l, const struct bitset *gone)
{
	uint64_t found = 0;

	for (uint64_t b = bitset_next_common(gone, &l->now, 1); b < l->s->nr_blocks;
	     b = bitset_next_common(gone, &l->now, b + 1))
		found = b;
	return found;
}

/* Which of its blocks a bitmap counts, a bit each. */
struct usage {
	uint64_t words[BITMAP_ENTRIES / 64];
};

static_assert(BITMAP_ENTRIES % 64 == 0, "each bitmap begins with a word of a bitset");

static void find_usage(const struct disk_bitmap *bitmap, struct usage *u)
{
	memset(u, 0, sizeof(*u));
	for (unsigned int i = 0; i < BITMAP_ENTRIES; i++) {
		if (bitmap_entry(bitmap_word(bitmap, i / 32), i % 32))
			u->words[i / 64] |= UINT64_C(1) << (i % 64);
	}
}

/*
 * Can it be a later version of bitmap number `number`, which is loaded?  It counts itself, counts
 * something that is gone, as its index is, and some of what the other one does.
 */
static bool resembles(const struct commit_list *l, uint64_t block, uint64_t number,
		      const struct usage *u, const struct bitset *gone)
{
	const uint64_t base = number * BITMAP_ENTRIES, at = block - base;
	uint64_t nr_common = 0, nr_before = 0, nr_gone = 0;

	if (block >= base && at < BITMAP_ENTRIES && !(u->words[at / 64] >> (at % 64) & 1))
		return false;
	for (uint64_t w = 0; w < ARRAY_SIZE(u->words) && base + w * 64 < l->s->nr_blocks; w++) {
		const uint64_t now = l->now.words[base / 64 + w];

		nr_before += (uint64_t)__builtin_popcountll(now);
		nr_common += (uint64_t)__builtin_popcountll(now & u->words[w]);
		nr_gone += (gone->words[base / 64 + w] & u->words[w]) != 0;
	}
	return nr_gone && nr_before && 8 * nr_common >= nr_before;
}

/* It follows a head, or is followed by the first of a run. */
static int place(struct commit_list *l, struct commit *c)
{
	c->run = ++l->nr_runs;
	c->head = true;
	for (size_t i = 0; i < l->nr_whole; i++) {
		struct commit *other = &l->whole[i];

		if (other->head && commit_is_next(l, other, c)) {
			other->head = false;
			c->run = other->run;
		} else if (other->run != c->run && commit_is_next(l, c, other)) {
			c->head = false;
		}
	}
	return push(l, c);
}

/* Is there a commit with this bitmap as number `number`, and the others those that are loaded? */
static int try_bitmap(struct commit_list *l, uint64_t bitmap, uint64_t number, void *raw,
		      const struct bitset *gone)
{
	const struct index_entry old = { .blocknr = l->loaded[number],
					 .nr_free = l->nr_free[number] };
	const struct index_entry e = { .blocknr = bitmap };
	struct commit c;
	int r = load_bitmap(l, number, &e, raw), back;

	if (!r && lost_index(l, gone)) {
		c = judge(l, lost_index(l, gone));
		c.stand_in = (struct stand_in){ bitmap, number };
		if (has_roots(l, &c) && !c.nr_wrong)
			r = take_blocks(l, &c);
		if (!r && c.blocks.words)
			r = place(l, &c);
	}
	back = load_bitmap(l, number, &old, raw);
	return r ? r : back;
}

static int try_bitmaps(struct commit_list *l, const struct bitset *known, uint8_t *raws,
		       const struct bitset *gone)
{
	struct usage usage;
	int r = 0;

	for (uint64_t b = 1; b < l->s->nr_blocks && !r; b++) {
		if (l->s->shapes[b] != SHAPE_BITMAP || bitset_test(known, b) ||
		    block_read(l->s->overlay, b, raws))
			continue;
		find_usage((const struct disk_bitmap *)(const void *)raws, &usage);
		for (uint64_t i = 0; i < nr_bitmaps(l) && !r; i++) {
			if (!resembles(l, b, i, &usage, gone))
				continue;
			if (!l->budget) {
				l->exhausted = true;
				return 0;
			}
			l->budget--;
			r = try_bitmap(l, b, i, raws + MD_BLOCK_SIZE, gone);
		}
	}
	return r;
}

int commits_find_without_index(struct commit_list *l, uint64_t base)
{
	uint8_t *raws = alloc_aligned(2 * (size_t)MD_BLOCK_SIZE);
	struct bitset known = { 0 }, gone = { 0 };
	int r = raws ? bitset_init(&known, l->s->nr_blocks) : -ENOMEM;

	if (!r)
		r = bitset_init(&gone, l->s->nr_blocks);
	for (uint64_t b = 1; b < l->s->nr_blocks && !r; b++) {
		if (read_index(l, b, raws))
			note_bitmaps(l, b, raws, &known);
		else
			note_data_bitmaps(l, b, raws, &known);
	}
	for (uint64_t b = 1; b < l->s->nr_blocks && !r; b++) {
		if (l->s->shapes[b] == SHAPE_NONE || bitset_test(&l->unjudged, b))
			bitset_set(&gone, b);
	}
	if (!r && read_index(l, base, raws))
		r = load_index(l, raws, raws + MD_BLOCK_SIZE);
	if (!r)
		r = try_bitmaps(l, &known, raws, &gone);
	bitset_destroy(&known);
	bitset_destroy(&gone);
	alloc_free(raws);
	return r;
}

/* ---- all */

static int open_list(struct salvage *s, struct commit_list *l)
{
	*l = (struct commit_list){
		.s = s,
		.refs = alloc_array(s->nr_blocks, sizeof(*l->refs)),
		.referred = alloc_array(s->nr_blocks, sizeof(*l->referred)),
		.loaded = alloc_array(METADATA_MAX_BITMAPS, sizeof(*l->loaded)),
		.nr_free = alloc_array(METADATA_MAX_BITMAPS, sizeof(*l->nr_free)),
		.nr_lost = alloc_array(METADATA_MAX_BITMAPS, sizeof(*l->nr_lost)),
		.budget = MAX_STAND_INS,
	};
	if (!l->refs || !l->referred || !l->loaded || !l->nr_free || !l->nr_lost ||
	    bitset_init(&l->unjudged, s->nr_blocks) || bitset_init(&l->broken, s->nr_blocks) ||
	    bitset_init(&l->leading, s->nr_blocks) || bitset_init(&l->now, s->nr_blocks))
		return -ENOMEM;
	/* Nothing is known yet. */
	return salvage_load_counts(s, s->nr_blocks, s->nr_blocks);
}

static int try_all(struct commit_list *l, uint8_t *raws)
{
	int r = find_held(l, raws);

	for (uint64_t b = 0; b < l->s->nr_blocks; b++) {
		if (leads_on(l, b))
			bitset_set(&l->leading, b);
	}
	for (uint64_t b = 1; b < l->s->nr_blocks && !r; b++) {
		if (read_index(l, b, raws))
			r = try_index(l, b, raws, raws + MD_BLOCK_SIZE);
	}
	return r ? r : close_circle(l);
}

int commits_find(struct salvage *s, struct commit_list *ret_list)
{
	uint8_t *raws = alloc_aligned(2 * (size_t)MD_BLOCK_SIZE);
	int r = open_list(s, ret_list);

	if (!raws)
		r = r ? r : -ENOMEM;
	if (!r)
		r = node_graph_read(s, &ret_list->graph);
	if (!r)
		r = try_all(ret_list, raws);
	alloc_free(raws);
	return r;
}

void commits_destroy(struct commit_list *l)
{
	for (size_t i = 0; i < l->nr_whole; i++)
		bitset_destroy(&l->whole[i].blocks);
	bitset_destroy(&l->last.blocks);
	bitset_destroy(&l->unjudged);
	bitset_destroy(&l->broken);
	bitset_destroy(&l->leading);
	bitset_destroy(&l->now);
	node_graph_destroy(&l->graph);
	alloc_free(l->whole);
	alloc_free(l->held);
	alloc_free(l->refs);
	alloc_free(l->referred);
	alloc_free(l->loaded);
	alloc_free(l->nr_free);
	alloc_free(l->nr_lost);
}
