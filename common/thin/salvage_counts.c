/* SPDX-License-Identifier: MIT
 * salvage_counts.c: what the last commit counted, as far as it is still there.
 */
#include <errno.h>

#include "common/base/alloc.h"
#include "common/thin/salvage_internal.h"

/* Excesses of one bitmap above this are the bitmap's fault. */
#define MAX_EXCESS_OF_BITMAP 2048u

/*
 * More leaves than this that lead to a data block in vain: it is rather miscounted.  An old leaf
 * leads there once, and is one of few.
 */
#define MAX_IN_VAIN 2u

/* A bitmap that does not know as many of the last commit's own blocks is an older one. */
#define MIN_ANCHORS 2u

static int read_block(struct salvage *s, uint64_t block, enum shape shape, void *raw)
{
	if (block >= s->nr_blocks || s->shapes[block] != shape)
		return -EUCLEAN;
	return block_read(s->overlay, block, raw) ? -EUCLEAN : 0;
}

/* ---- what is left of the tree of a space map */

struct walk {
	struct salvage *s;
	uint32_t value_size;
	uint8_t *raws;   /* owned: BTREE_MAX_DEPTH blocks */
	uint64_t budget; /* ends a walk in circles */
	bool counted;    /* only nodes that the metadata space map counts, or knows nothing of */
	/* The leaf with the keys from begin below end; or NULL. */
	void (*leaf)(void *context, const struct btree_node *leaf, uint64_t begin, uint64_t end);
	/* An entry of a leaf; or NULL. */
	int (*fn)(void *context, uint64_t block, uint64_t key, const void *value);
	void *context;
};

/* NOLINTNEXTLINE(misc-no-recursion): at most BTREE_MAX_DEPTH deep */
static int walk_below(struct walk *w, uint64_t block, uint64_t begin, uint64_t end,
		      unsigned int depth)
{
	uint8_t *raw = w->raws + (size_t)depth * MD_BLOCK_SIZE;
	struct node_fault ignored;
	struct btree_node n;
	int r = 0;

	if (depth == BTREE_MAX_DEPTH || block >= w->s->nr_blocks || !w->budget ||
	    (w->counted && !w->s->counts[block]) || block_read(w->s->overlay, block, raw) ||
	    btree_node_decode(raw, block, w->value_size, &n, &ignored))
		return 0;
	w->budget--;
	if (n.leaf && w->leaf)
		w->leaf(w->context, &n, begin, end);
	for (uint32_t i = 0; i < n.nr_entries && !r && (!n.leaf || w->fn); i++)
		r = n.leaf ? w->fn(w->context, block, btree_node_key(&n, i),
				   btree_node_value(&n, i))
			   : walk_below(w, btree_node_u64(&n, i), i ? btree_node_key(&n, i) : begin,
					i + 1 < n.nr_entries ? btree_node_key(&n, i + 1) : end,
					depth + 1);
	return r;
}

static int walk_tree(struct walk *w, uint64_t root)
{
	int r = -ENOMEM;

	w->budget = w->s->nr_blocks;
	w->raws = alloc_aligned((size_t)BTREE_MAX_DEPTH * MD_BLOCK_SIZE);
	if (w->raws)
		r = walk_below(w, root, 0, RANGE_OPEN, 0);
	alloc_free(w->raws);
	return r;
}

static uint32_t decode_ref_count(const void *value)
{
	__le32 count;

	memcpy(&count, value, sizeof(count));
	return le32_to_cpu(count);
}

/* ---- metadata blocks */

static void take_bitmap(struct salvage *s, uint64_t number, const struct index_entry *e,
			const struct disk_bitmap *bitmap)
{
	uint64_t base = number * BITMAP_ENTRIES;
	uint32_t nr_free = 0;

	for (unsigned int i = 0; i < BITMAP_ENTRIES; i++) {
		unsigned int count = bitmap_entry(bitmap_word(bitmap, i / 32), i % 32);

		nr_free += !count;
		if (base + i < s->nr_blocks)
			s->counts[base + i] = count == BITMAP_OVERFLOW ? COUNT_MANY : count;
		else
			s->nr_beyond += count && base + i < s->sb.metadata_space_map.nr_blocks;
	}
	if (nr_free == e->nr_free)
		bitset_set(&s->sound_bitmaps, number);
}

/* Comes the index to what the superblock says?  That of another commit seldom does. */
static bool metadata_index_is_current(const struct salvage *s, const struct disk_index *index)
{
	uint64_t nr = space_map_nr_bitmaps(s->sb.metadata_space_map.nr_blocks), nr_allocated = 0;

	for (uint64_t i = 0; i < nr && i < METADATA_MAX_BITMAPS; i++)
		nr_allocated +=
			BITMAP_ENTRIES - (uint64_t)index_entry_decode(&index->entries[i]).nr_free;
	return s->result->superblock_found_out ||
	       nr_allocated == s->sb.metadata_space_map.nr_allocated;
}

static void take_bitmaps(struct salvage *s, const struct disk_index *index, void *raw)
{
	uint64_t nr = space_map_nr_bitmaps(s->nr_blocks);

	for (uint64_t i = 0; i < nr && i < METADATA_MAX_BITMAPS; i++) {
		struct index_entry e = index_entry_decode(&index->entries[i]);

		if (!read_block(s, e.blocknr, SHAPE_BITMAP, raw))
			take_bitmap(s, i, &e, raw);
	}
}

static int alloc_counts(struct salvage *s)
{
	int r = 0;

	if (!s->counts)
		s->counts = alloc_array(s->nr_blocks, sizeof(*s->counts));
	if (!s->sound_bitmaps.words)
		r = bitset_init(&s->sound_bitmaps, METADATA_MAX_BITMAPS);
	return s->counts ? r : -ENOMEM;
}

int salvage_load_bitmap(struct salvage *s, uint64_t number, const struct index_entry *e, void *raw)
{
	const uint64_t base = number * BITMAP_ENTRIES;
	int r = alloc_counts(s);

	for (uint64_t b = base; b < base + BITMAP_ENTRIES && b < s->nr_blocks && !r; b++)
		s->counts[b] = COUNT_UNKNOWN;
	if (r)
		return r;
	bitset_unset(&s->sound_bitmaps, number);
	if (!read_block(s, e->blocknr, SHAPE_BITMAP, raw))
		take_bitmap(s, number, e, raw);
	return 0;
}

/* It was tried with all that there is. */
static void take_stand_in(struct salvage *s, void *raw)
{
	const struct index_entry ignored = { .nr_free = 0 };

	if (!s->stand_in.bitmap || read_block(s, s->stand_in.bitmap, SHAPE_BITMAP, raw))
		return;
	take_bitmap(s, s->stand_in.number, &ignored, raw);
	bitset_set(&s->sound_bitmaps, s->stand_in.number);
	s->index_lost = false;
}

static int take_high_count(void *context, uint64_t block, uint64_t key, const void *value)
{
	struct salvage *s = context;

	(void)block;
	if (key < s->nr_blocks && s->counts[key] == COUNT_MANY)
		s->counts[key] = decode_ref_count(value);
	return 0;
}

int salvage_load_counts(struct salvage *s, uint64_t index_block, uint64_t ref_count_root)
{
	struct walk w = {
		.s = s, .value_size = REF_COUNT_SIZE, .fn = take_high_count, .context = s
	};
	struct disk_index *index = alloc_aligned(sizeof(*index));
	void *raw = alloc_aligned(MD_BLOCK_SIZE);
	int r = index && raw ? alloc_counts(s) : -ENOMEM;

	if (!r) {
		bitset_clear_all(&s->sound_bitmaps);
		s->nr_beyond = 0;
		for (uint64_t b = 0; b < s->nr_blocks; b++)
			s->counts[b] = COUNT_UNKNOWN;
		s->index_lost = read_block(s, index_block, SHAPE_INDEX, index) != 0;
		if (!s->index_lost)
			take_bitmaps(s, index, raw);
		if (!s->index_lost && !metadata_index_is_current(s, index)) {
			s->index_lost = true;
			bitset_clear_all(&s->sound_bitmaps);
		}
		take_stand_in(s, raw);
	}
	alloc_free(index);
	alloc_free(raw);
	return r ? r : walk_tree(&w, ref_count_root);
}

/* ---- data blocks */

struct data_bitmap {
	uint64_t number;
	struct index_entry entry;
};

struct comparison {
	struct salvage *s;
	struct data_bitmap *bitmaps; /* owned */
	size_t nr_bitmaps, bitmaps_capacity;
	uint64_t nr_entries, nr_allocated; /* of the index */
	struct u64_map bitmap_at;          /* by metadata block: 1 + index */
	struct bitset blocks;              /* of bitmaps */
	struct bitset high; /* data blocks whose count stands in the tree, by their bitmap */
	bool out_of_step;   /* the tree is not that of these bitmaps */
};

static int note_bitmap(void *context, uint64_t block, uint64_t key, const void *value)
{
	struct comparison *c = context;
	struct data_bitmap b = { .number = key, .entry = index_entry_decode(value) }, *grown;
	uint64_t *index;

	(void)block;
	c->nr_entries++;
	c->nr_allocated += BITMAP_ENTRIES - (uint64_t)b.entry.nr_free;
	if (b.entry.blocknr >= c->s->nr_blocks || c->s->shapes[b.entry.blocknr] != SHAPE_BITMAP)
		return 0;
	grown = alloc_grow(c->bitmaps, &c->bitmaps_capacity, c->nr_bitmaps, sizeof(*grown));
	index = u64_map_at(&c->bitmap_at, b.entry.blocknr);
	if (grown)
		c->bitmaps = grown;
	if (!grown || !index)
		return -ENOMEM;
	grown[c->nr_bitmaps++] = b;
	*index = c->nr_bitmaps;
	bitset_set(&c->blocks, b.entry.blocknr);
	return 0;
}

static bool miscounted(uint64_t stored, uint64_t claims)
{
	return claims > stored + MAX_IN_VAIN;
}

static int note_excess(struct salvage *s, uint64_t data_block, uint64_t stored, uint64_t source)
{
	struct data_ledger *l = &s->ledger;
	struct excess *grown =
		alloc_grow(l->excess, &l->excess_capacity, l->nr_excess, sizeof(*grown));
	uint64_t *index = u64_map_at(&l->excess_at, data_block);

	if (grown)
		l->excess = grown;
	if (!grown || !index)
		return -ENOMEM;
	grown[l->nr_excess++] = (struct excess){ stored, (uint32_t)source };
	*index = l->nr_excess;
	return 0;
}

/* What the comparison of a bitmap gives. */
struct tally {
	uint64_t excess[MAX_EXCESS_OF_BITMAP]; /* data blocks */
	uint32_t nr_excess, nr_free, nr_miscounted;
	uint64_t nr_missing;
};

/* Once for each data block of the pool. */
static void tally_bitmap(struct comparison *c, uint64_t base, const struct disk_bitmap *bitmap,
			 struct tally *t)
{
	uint64_t word = 0;

	for (unsigned int i = 0; i < BITMAP_ENTRIES; i++, word >>= 2) {
		unsigned int count;
		uint64_t claims;

		if (i % 32 == 0)
			word = bitmap_word(bitmap, i / 32);
		count = bitmap_entry(word, 0);
		claims = ref_counts_get(&c->s->ledger.claims, base + i);
		t->nr_free += !count;
		if (count > claims)
			t->nr_missing += count - claims;
		if (count == BITMAP_OVERFLOW)
			bitset_set(&c->high, base + i);
		if (count == BITMAP_OVERFLOW || claims <= count)
			continue;
		t->nr_miscounted += miscounted(count, claims);
		if (t->nr_excess < MAX_EXCESS_OF_BITMAP)
			t->excess[t->nr_excess] = base + i;
		t->nr_excess++;
	}
}

static int compare_bitmap(void *context, uint64_t block, const void *raw, int error)
{
	struct comparison *c = context;
	const uint64_t *index = u64_map_find(&c->bitmap_at, block);
	const struct data_bitmap *b;
	struct tally *t;
	int r = 0;

	if (error || !index || !*index)
		return 0;
	b = &c->bitmaps[*index - 1];
	t = alloc_object(struct tally);
	if (!t)
		return -ENOMEM;
	tally_bitmap(c, b->number * BITMAP_ENTRIES, raw, t);
	if (t->nr_free == b->entry.nr_free && t->nr_excess <= MAX_EXCESS_OF_BITMAP &&
	    !t->nr_miscounted) {
		c->s->ledger.nr_missing += t->nr_missing;
		for (uint32_t i = 0; i < t->nr_excess && !r; i++) {
			const struct disk_bitmap *bitmap = raw;
			unsigned int n = (unsigned int)(t->excess[i] % BITMAP_ENTRIES);

			r = note_excess(c->s, t->excess[i],
					bitmap_entry(bitmap_word(bitmap, n / 32), n % 32), block);
		}
	}
	alloc_free(t);
	return r;
}

static bool any_miscounted(const struct comparison *c, const struct btree_node *leaf)
{
	for (uint32_t i = 0; i < leaf->nr_entries; i++) {
		uint64_t stored = decode_ref_count(btree_node_value(leaf, i));

		if (miscounted(stored,
			       ref_counts_get(&c->s->ledger.claims, btree_node_key(leaf, i))))
			return true;
	}
	return false;
}

/* The very counts that the bitmaps say are there, and none of them far off? */
static bool in_step(const struct comparison *c, const struct btree_node *leaf, uint64_t begin,
		    uint64_t end)
{
	uint32_t i = 0;

	if (leaf->first_unsorted < leaf->nr_entries || any_miscounted(c, leaf))
		return false;
	for (uint64_t b = bitset_next(&c->high, begin); b < c->high.nr_bits && b < end;
	     b = bitset_next(&c->high, b + 1)) {
		if (i == leaf->nr_entries || b != btree_node_key(leaf, i++))
			return false;
	}
	return i == leaf->nr_entries;
}

static void watch_step(void *context, const struct btree_node *leaf, uint64_t begin, uint64_t end)
{
	struct comparison *c = context;

	c->out_of_step |= !in_step(c, leaf, begin, end);
}

/* Counts of three and more stand in a tree. */
static int compare_high_count(void *context, uint64_t block, uint64_t key, const void *value)
{
	struct salvage *s = ((struct comparison *)context)->s;
	uint64_t stored = decode_ref_count(value), claims = ref_counts_get(&s->ledger.claims, key);

	if (stored < BITMAP_OVERFLOW)
		return 0;
	if (stored > claims)
		s->ledger.nr_missing +=
			stored - (claims < BITMAP_OVERFLOW ? BITMAP_OVERFLOW : claims);
	return claims > stored ? note_excess(s, key, stored, block) : 0;
}

/* An index of another commit seldom comes to what the superblock says. */
static bool index_is_current(const struct comparison *c)
{
	const struct space_map_root *root = &c->s->sb.data_space_map;

	return c->nr_entries != space_map_nr_bitmaps(root->nr_blocks) ||
	       c->nr_allocated == root->nr_allocated;
}

int salvage_compare_data_counts(struct salvage *s)
{
	struct comparison c = { .s = s };
	struct walk index = { .s = s,
			      .value_size = INDEX_ENTRY_SIZE,
			      .counted = true,
			      .fn = note_bitmap,
			      .context = &c };
	struct walk high = { .s = s,
			     .value_size = REF_COUNT_SIZE,
			     .counted = true,
			     .leaf = watch_step,
			     .context = &c };
	int r = bitset_init(&c.blocks, s->nr_blocks);

	if (!r)
		r = bitset_init(&c.high, s->sb.data_space_map.nr_blocks);
	if (!r && s->sb.data_space_map.bitmap_root)
		r = walk_tree(&index, s->sb.data_space_map.bitmap_root);
	if (!index_is_current(&c))
		bitset_clear_all(&c.blocks);
	if (!r)
		r = block_reader_run(s->reader, &c.blocks, compare_bitmap, &c);
	if (!r && c.blocks.nr_set)
		r = walk_tree(&high, s->sb.data_space_map.ref_count_root);
	high.leaf = NULL;
	high.fn = compare_high_count;
	if (!r && c.blocks.nr_set && !c.out_of_step)
		r = walk_tree(&high, s->sb.data_space_map.ref_count_root);
	bitset_destroy(&c.blocks);
	bitset_destroy(&c.high);
	u64_map_destroy(&c.bitmap_at);
	alloc_free(c.bitmaps);
	return r;
}

/* ---- bitmaps of the metadata whose index is lost */

static void lead_to(const struct salvage *s, uint64_t block, struct bitset *known)
{
	if (block < s->nr_blocks)
		bitset_set(known, block);
}

/* NOLINTNEXTLINE(misc-no-recursion): at most BTREE_MAX_DEPTH deep */
static void mark_tree(struct salvage *s, uint64_t block, uint32_t value_size, unsigned int depth,
		      uint8_t *raws, struct bitset *known)
{
	uint8_t *raw = raws + (size_t)depth * MD_BLOCK_SIZE;
	struct node_fault ignored;
	struct btree_node n;

	if (block >= s->nr_blocks || depth == BTREE_MAX_DEPTH || bitset_test(known, block))
		return;
	bitset_set(known, block);
	if (block_read(s->overlay, block, raw) ||
	    btree_node_decode(raw, block, value_size, &n, &ignored))
		return;
	for (uint32_t i = 0; i < n.nr_entries; i++) {
		if (!n.leaf)
			mark_tree(s, btree_node_u64(&n, i), value_size, depth + 1, raws, known);
		else if (value_size == INDEX_ENTRY_SIZE)
			lead_to(s, index_entry_decode(btree_node_value(&n, i)).blocknr, known);
	}
}

static void mark_space_maps(struct salvage *s, uint8_t *raws, struct bitset *known)
{
	const struct superblock *sb = &s->sb;
	struct disk_index *index = (struct disk_index *)(void *)raws;

	lead_to(s, SUPERBLOCK_LOCATION, known);
	lead_to(s, sb->held_root, known);
	lead_to(s, sb->metadata_space_map.bitmap_root, known);
	if (!read_block(s, sb->metadata_space_map.bitmap_root, SHAPE_INDEX, index)) {
		for (uint64_t i = 0; i < space_map_nr_bitmaps(s->nr_blocks); i++)
			lead_to(s, index_entry_decode(&index->entries[i]).blocknr, known);
	}
	mark_tree(s, sb->metadata_space_map.ref_count_root, REF_COUNT_SIZE, 0, raws, known);
	mark_tree(s, sb->data_space_map.bitmap_root, INDEX_ENTRY_SIZE, 0, raws, known);
	mark_tree(s, sb->data_space_map.ref_count_root, REF_COUNT_SIZE, 0, raws, known);
}

/* Does a bitmap count everything in its range that is known to be used, and itself? */
static bool counts_all(const struct salvage *s, uint64_t number, uint64_t block,
		       const struct disk_bitmap *bitmap, const struct bitset *used)
{
	uint64_t base = number * BITMAP_ENTRIES, end = base + BITMAP_ENTRIES;

	for (uint64_t b = bitset_next(used, base); b < end && b < s->nr_blocks;
	     b = bitset_next(used, b + 1)) {
		unsigned int i = (unsigned int)(b - base);

		if (!bitmap_entry(bitmap_word(bitmap, i / 32), i % 32))
			return false;
	}
	if (block < base || block >= end)
		return true;
	return bitmap_entry(bitmap_word(bitmap, (unsigned int)(block - base) / 32),
			    (unsigned int)(block - base) % 32);
}

/* So does it with what the superblock leads to, also where the device ends before. */
static bool counts_roots(const struct salvage *s, uint64_t number, const struct disk_bitmap *bitmap)
{
	const struct superblock *sb = &s->sb;
	const uint64_t roots[] = { sb->mapping_root,
				   sb->details_root,
				   sb->metadata_space_map.bitmap_root,
				   sb->metadata_space_map.ref_count_root,
				   sb->data_space_map.bitmap_root,
				   sb->data_space_map.ref_count_root };

	for (size_t n = 0; n < ARRAY_SIZE(roots); n++) {
		unsigned int i = (unsigned int)(roots[n] % BITMAP_ENTRIES);

		if (roots[n] / BITMAP_ENTRIES == number &&
		    !bitmap_entry(bitmap_word(bitmap, i / 32), i % 32))
			return false;
	}
	return true;
}

/* The only pool of blocks that one bitmap tells of is as full as the superblock says. */
static bool as_full_as_said(const struct salvage *s, const struct disk_bitmap *bitmap)
{
	uint64_t nr = 0;

	if (space_map_nr_bitmaps(s->nr_blocks) != 1)
		return true;
	for (unsigned int i = 0; i < BITMAP_ENTRIES; i++) {
		unsigned int count = bitmap_entry(bitmap_word(bitmap, i / 32), i % 32);

		if (count && i >= s->sb.metadata_space_map.nr_blocks)
			return false;
		nr += count != 0;
	}
	return nr == s->sb.metadata_space_map.nr_allocated;
}

/* The one whole bitmap that can be number `number`; NO_BLOCK: none, or several. */
static uint64_t find_bitmap(struct salvage *s, uint64_t number, const struct bitset *used,
			    void *raw)
{
	uint64_t found = NO_BLOCK;

	for (uint64_t b = 1; b < s->nr_blocks; b++) {
		if (s->shapes[b] != SHAPE_BITMAP || bitset_test(used, b) ||
		    block_read(s->overlay, b, raw) || !counts_all(s, number, b, raw, used) ||
		    !counts_roots(s, number, raw) || !as_full_as_said(s, raw))
			continue;
		if (found != NO_BLOCK)
			return NO_BLOCK;
		found = b;
	}
	return found;
}

static void mark_live(const struct salvage *s, struct bitset *used)
{
	lead_to(s, s->sb.mapping_root, used);
	lead_to(s, s->sb.details_root, used);
	for (size_t i = 0; i < s->nr_live; i++) {
		if (!s->table.nodes[i].bad)
			bitset_set(used, s->table.nodes[i].block);
	}
}

int salvage_search_counts(struct salvage *s)
{
	uint8_t *raws = alloc_aligned((size_t)BTREE_MAX_DEPTH * MD_BLOCK_SIZE);
	struct index_entry e = { .nr_free = UINT32_MAX };
	struct bitset used = { 0 };
	int r = raws ? bitset_init(&used, s->nr_blocks) : -ENOMEM;

	if (!r) {
		mark_space_maps(s, raws, &used);
		mark_live(s, &used);
	}
	for (uint64_t i = 0; i < space_map_nr_bitmaps(s->nr_blocks) && !r; i++) {
		uint64_t block = find_bitmap(s, i, &used, raws);

		if (block != NO_BLOCK && !block_read(s->overlay, block, raws))
			take_bitmap(s, i, &e, (const struct disk_bitmap *)(const void *)raws);
	}
	bitset_destroy(&used);
	alloc_free(raws);
	return r;
}

/* ---- bitmaps that are not those of the last commit */

/* What every commit makes anew, the space maps themselves and the roots: does the bitmap know it?
 */
static void count_anchors(const struct salvage *s, uint64_t number, const struct bitset *anchors,
			  uint32_t *ret_known, uint32_t *ret_unknown)
{
	const uint64_t end = (number + 1) * BITMAP_ENTRIES;

	*ret_known = *ret_unknown = 0;
	for (uint64_t b = bitset_next(anchors, number * BITMAP_ENTRIES);
	     b < end && b < s->nr_blocks; b = bitset_next(anchors, b + 1)) {
		*ret_known += s->counts[b] != 0;
		*ret_unknown += !s->counts[b];
	}
}

/* unknown: blocks in use that it knows nothing of; one or two are rather entries that lead astray.
 */
static bool bitmap_trusted(const struct salvage *s, uint64_t number, const struct bitset *anchors,
			   uint32_t nr_used, uint32_t nr_unknown)
{
	uint32_t known, unknown;

	count_anchors(s, number, anchors, &known, &unknown);
	if (unknown >= MIN_ANCHORS)
		return false;
	return nr_unknown <= nr_used / 8 + 1 ||
	       (bitset_test(&s->sound_bitmaps, number) && known && !unknown);
}

static int find_anchors(struct salvage *s, struct bitset *anchors)
{
	uint8_t *raws = alloc_aligned((size_t)BTREE_MAX_DEPTH * MD_BLOCK_SIZE);
	int r = raws ? bitset_init(anchors, s->nr_blocks) : -ENOMEM;

	if (!r) {
		mark_space_maps(s, raws, anchors);
		lead_to(s, s->sb.mapping_root, anchors);
		lead_to(s, s->sb.details_root, anchors);
	}
	alloc_free(raws);
	return r;
}

/* Those are not the last commit's: they know nothing of many blocks in use. */
int salvage_distrust_counts(struct salvage *s)
{
	uint64_t nr_bitmaps = space_map_nr_bitmaps(s->nr_blocks);
	uint32_t *nr_used = alloc_array(nr_bitmaps, sizeof(*nr_used));
	uint32_t *nr_unknown = alloc_array(nr_bitmaps, sizeof(*nr_unknown));
	struct bitset anchors = { 0 };
	int r = nr_used && nr_unknown ? find_anchors(s, &anchors) : -ENOMEM;

	for (size_t i = 0; i < s->nr_live && !r; i++) {
		const struct node *n = &s->table.nodes[i];

		nr_used[n->block / BITMAP_ENTRIES] += !n->bad;
		nr_unknown[n->block / BITMAP_ENTRIES] += !n->bad && !s->counts[n->block];
	}
	for (uint64_t i = 0; i < nr_bitmaps && !r; i++) {
		uint64_t end = (i + 1) * BITMAP_ENTRIES;

		if (bitmap_trusted(s, i, &anchors, nr_used[i], nr_unknown[i]))
			continue;
		for (uint64_t b = i * BITMAP_ENTRIES; b < end && b < s->nr_blocks; b++)
			s->counts[b] = COUNT_UNKNOWN;
	}
	bitset_destroy(&anchors);
	alloc_free(nr_used);
	alloc_free(nr_unknown);
	return r;
}

/* ---- what was counted and is gone */

int salvage_count_hidden(struct salvage *s)
{
	uint8_t *raws = alloc_aligned((size_t)BTREE_MAX_DEPTH * MD_BLOCK_SIZE);
	struct bitset known = { 0 };
	int r = raws ? bitset_init(&known, s->nr_blocks) : -ENOMEM;

	/* A device that was cut off is missing what stood behind its end. */
	s->nr_hidden = s->nr_beyond;
	if (!r)
		mark_space_maps(s, raws, &known);
	for (uint64_t b = 0; b < s->nr_blocks && !r; b++)
		s->nr_hidden += s->counts[b] && s->shapes[b] == SHAPE_NONE &&
				!bitset_test(&known, b) && !ref_counts_get(&s->table.refs, b);
	/* What a metadata snapshot alone led to is no device's. */
	for (size_t i = s->nr_live; i < s->nr_held && !r; i++)
		s->nr_held_lost += s->table.nodes[i].bad && s->table.nodes[i].kind != KIND_DETAILS;
	s->nr_hidden += s->nr_held_lost;
	bitset_destroy(&known);
	alloc_free(raws);
	return r;
}
