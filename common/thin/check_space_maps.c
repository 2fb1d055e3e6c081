/* SPDX-License-Identifier: MIT
 * check_space_maps.c: how the two space maps hang together: roots, indexes, reference count trees,
 * totals.
 */
#include <errno.h>

#include "common/base/alloc.h"
#include "common/thin/check_space_maps.h"

static const struct space_map_kinds data_kinds = { KIND_DATA_INDEX, KIND_DATA_BITMAP,
						   KIND_DATA_REF_COUNTS, RANGE_DATA_BLOCKS };
static const struct space_map_kinds metadata_kinds = { KIND_METADATA_INDEX, KIND_METADATA_BITMAP,
						       KIND_METADATA_REF_COUNTS,
						       RANGE_METADATA_BLOCKS };

bool space_map_is_metadata(const struct space_map_check *s)
{
	return s->kinds == &metadata_kinds;
}

void space_map_finding(const struct space_map_check *s, enum block_kind kind, uint64_t block,
		       enum finding_id id, uint64_t expected, uint64_t found,
		       const struct affected *where)
{
	check_block_finding(s->c, kind, block, id, expected, found, where);
}

struct affected space_map_bitmap_range(const struct space_map_check *s, uint64_t i)
{
	uint64_t begin = i * BITMAP_ENTRIES, end = begin + BITMAP_ENTRIES;

	return (struct affected){ .device = NO_DEVICE,
				  .unit = s->kinds->unit,
				  .begin = begin,
				  .end = end < s->nr_blocks ? end : s->nr_blocks };
}

static bool has_mappings(const struct check *c)
{
	for (size_t i = 0; i < c->live.nr; i++) {
		const struct check_device *d = &c->live.devices[i];

		if (d->node >= 0 && c->table.nodes[d->node].nr_values)
			return true;
	}
	return false;
}

/* A pool has no data blocks until it is first resumed, and then no mappings either. */
static void judge_nr_blocks(const struct space_map_check *s, uint64_t most)
{
	uint64_t nr = s->root->nr_blocks;

	if (nr > most)
		space_map_finding(s, s->kinds->index, NO_BLOCK,
				  space_map_is_metadata(s) ? FINDING_METADATA_TRUNCATED
							   : FINDING_SPACE_MAP_NR_BLOCKS,
				  most, nr, NULL);
	else if (!nr && (space_map_is_metadata(s) || has_mappings(s->c)))
		space_map_finding(s, s->kinds->index, NO_BLOCK, FINDING_SPACE_MAP_NR_BLOCKS, most,
				  nr, NULL);
}

static int prepare(struct space_map_check *s, struct check *c, const struct space_map_kinds *kinds,
		   const struct space_map_root *root, const struct ref_counts *expected)
{
	uint64_t most =
		kinds == &metadata_kinds ? c->table.nr_blocks : c->table.nr_blocks * BITMAP_ENTRIES;

	*s = (struct space_map_check){
		.c = c, .kinds = kinds, .root = root, .expected = expected, .complete = true
	};
	s->nr_blocks = root->nr_blocks < most ? root->nr_blocks : most;
	judge_nr_blocks(s, most);
	s->nr_bitmaps = space_map_nr_bitmaps(s->nr_blocks);
	s->index = alloc_array(s->nr_bitmaps, sizeof(*s->index));
	s->holders = alloc_array(s->nr_bitmaps, sizeof(*s->holders));
	s->tallies = alloc_array(s->nr_bitmaps, sizeof(*s->tallies));
	return s->index && s->holders && s->tallies ? 0 : -ENOMEM;
}

static void discard(struct space_map_check *s)
{
	alloc_free(s->index);
	alloc_free(s->holders);
	alloc_free(s->tallies);
	u64_map_destroy(&s->overflow);
}

/* Two bitmaps in one block: whose it is, nobody knows, and neither is judged. */
static void give_up_both(const struct space_map_check *s, uint64_t block, struct bitset *wanted)
{
	if (s->c->table.kinds[block] == s->kinds->bitmap && s->bitmap_of[block])
		bitset_unset(wanted, block);
}

/* May the block that the index names be this bitmap?  Else it is said why not. */
static bool acceptable(const struct space_map_check *s, uint64_t bitmap, enum reference ref)
{
	const struct affected where = space_map_bitmap_range(s, bitmap);
	const uint64_t block = s->index[bitmap].blocknr;
	const struct node_table *t = &s->c->table;

	if (ref == REFERENCE_NEW)
		return true;
	if (ref == REFERENCE_OUT_OF_RANGE)
		space_map_finding(s, s->kinds->index, s->holders[bitmap], FINDING_CHILD_RANGE,
				  t->nr_blocks, block, &where);
	else
		space_map_finding(s, s->kinds->index, s->holders[bitmap], FINDING_CHILD_KIND,
				  t->kinds[block], block, &where);
	s->c->table.incomplete[s->kinds->bitmap] = true;
	return false;
}

/* Read one of the trees of a space map. */
static int read_tree(struct space_map_check *s, uint64_t root, enum block_kind kind,
		     uint32_t value_size, leaf_fn fn)
{
	struct scan scan = { .kind = kind, .value_size = value_size, .fn = fn, .context = s };
	struct node_table *t = &s->c->table;
	struct bitset frontier = { 0 };
	enum reference ref;
	int r = node_table_refer(t, root, kind, &ref);

	if (r)
		return r;
	if (ref != REFERENCE_NEW) {
		space_map_finding(s, kind, NO_BLOCK, FINDING_SPACE_MAP_ROOT, t->nr_blocks, root,
				  NULL);
		t->incomplete[kind] = true;
		return 0;
	}
	r = bitset_init(&frontier, t->nr_blocks);
	if (!r) {
		bitset_set(&frontier, root);
		r = node_table_scan(t, &scan, &frontier);
	}
	bitset_destroy(&frontier);
	return r ? r : node_table_link(t, t->node_of[root] - 1);
}

static int visit_index_leaf(void *context, struct node_table *t, struct node *node,
			    const struct btree_node *leaf)
{
	struct space_map_check *s = context;

	(void)t;
	for (uint32_t i = 0; i < leaf->nr_entries; i++) {
		uint64_t key = btree_node_key(leaf, i);

		if (key >= s->nr_bitmaps) {
			space_map_finding(s, s->kinds->index, node->block, FINDING_INDEX_EXTRA,
					  s->nr_bitmaps, key, NULL);
			continue;
		}
		s->index[key] = index_entry_decode(btree_node_value(leaf, i));
		s->holders[key] = node->block;
	}
	return 0;
}

static void take_index_block(struct space_map_check *s, uint64_t block,
			     const struct disk_index *raw)
{
	if (le32_to_cpu(raw->padding))
		space_map_finding(s, s->kinds->index, block, FINDING_INDEX_PADDING, 0,
				  le32_to_cpu(raw->padding), NULL);
	for (uint64_t i = 0; i < s->nr_bitmaps && i < METADATA_MAX_BITMAPS; i++) {
		s->index[i] = index_entry_decode(&raw->entries[i]);
		s->holders[i] = block;
	}
}

static int read_index_block(struct space_map_check *s)
{
	struct check *c = s->c;
	uint64_t block = s->root->bitmap_root;
	struct disk_index *raw = alloc_aligned(MD_BLOCK_SIZE);
	struct space_map_fault f;

	if (!raw)
		return -ENOMEM;
	c->table.incomplete[s->kinds->index] = true;
	if (block_read(c->engine, block, raw)) {
		space_map_finding(s, s->kinds->index, block, FINDING_BLOCK_UNREADABLE, 0, 0, NULL);
	} else if (index_check(raw, block, &f)) {
		space_map_finding(s, s->kinds->index, block, f.id, f.expected, f.found, NULL);
	} else {
		c->table.incomplete[s->kinds->index] = false;
		take_index_block(s, block, raw);
	}
	alloc_free(raw);
	return 0;
}

static int read_metadata_index(struct space_map_check *s)
{
	uint64_t block = s->root->bitmap_root;
	enum reference ref;
	int r = node_table_refer(&s->c->table, block, s->kinds->index, &ref);

	if (r)
		return r;
	if (ref != REFERENCE_NEW) {
		space_map_finding(s, s->kinds->index, NO_BLOCK, FINDING_SPACE_MAP_ROOT,
				  s->c->table.nr_blocks, block, NULL);
		s->c->table.incomplete[s->kinds->index] = true;
		return 0;
	}
	return read_index_block(s);
}

static int visit_count_leaf(void *context, struct node_table *t, struct node *node,
			    const struct btree_node *leaf)
{
	struct space_map_check *s = context;

	(void)t;
	for (uint32_t i = 0; i < leaf->nr_entries; i++) {
		struct affected where = { .device = NO_DEVICE, .unit = s->kinds->unit };
		uint64_t block = btree_node_key(leaf, i), *slot;
		__le32 raw;
		uint32_t count;

		memcpy(&raw, btree_node_value(leaf, i), sizeof(raw));
		count = le32_to_cpu(raw);
		where.begin = block;
		where.end = block == UINT64_MAX ? RANGE_OPEN : block + 1;
		if (block >= s->nr_blocks) {
			space_map_finding(s, s->kinds->ref_counts, node->block,
					  FINDING_OVERFLOW_EXTRA, 0, count, &where);
			continue;
		}
		if (count < BITMAP_OVERFLOW)
			space_map_finding(s, s->kinds->ref_counts, node->block,
					  FINDING_OVERFLOW_VALUE, BITMAP_OVERFLOW, count, &where);
		slot = u64_map_at(&s->overflow, block);
		if (!slot)
			return -ENOMEM;
		*slot = (uint64_t)count + 1; /* so that 0 says "not there" */
	}
	return 0;
}

/* Neighbouring bitmaps that the index does not name are one finding. */
static void report_missing(struct space_map_check *s)
{
	for (uint64_t i = 0, first; i < s->nr_bitmaps; i++) {
		struct affected where = space_map_bitmap_range(s, i);

		if (s->index[i].blocknr)
			continue;
		for (first = i; i + 1 < s->nr_bitmaps && !s->index[i + 1].blocknr; i++)
			;
		where.end = space_map_bitmap_range(s, i).end;
		space_map_finding(s, s->kinds->index, NO_BLOCK, FINDING_INDEX_MISSING,
				  i + 1 - first, 0, &where);
	}
}

/* Every bitmap is referred to before any is read: the metadata counts must be whole by then. */
static int refer_bitmaps(struct space_map_check *s, struct bitset *wanted)
{
	int r = 0;

	if (!s->c->table.incomplete[s->kinds->index])
		report_missing(s);
	for (uint64_t i = 0; i < s->nr_bitmaps && !r; i++) {
		uint64_t block = s->index[i].blocknr;
		enum reference ref = REFERENCE_NEW;

		if (block)
			r = node_table_refer(&s->c->table, block, s->kinds->bitmap, &ref);
		if (!r && block && acceptable(s, i, ref)) {
			bitset_set(wanted, block);
			s->bitmap_of[block] = (uint32_t)i + 1;
		} else {
			if (ref == REFERENCE_KNOWN)
				give_up_both(s, block, wanted);
			s->complete = false;
		}
	}
	return r;
}

static int read_structure(struct space_map_check *s)
{
	int r;

	if (space_map_is_metadata(s))
		r = read_metadata_index(s);
	else
		r = read_tree(s, s->root->bitmap_root, s->kinds->index, INDEX_ENTRY_SIZE,
			      visit_index_leaf);
	if (!r)
		r = read_tree(s, s->root->ref_count_root, s->kinds->ref_counts, REF_COUNT_SIZE,
			      visit_count_leaf);
	return r;
}

struct space_maps_check {
	struct space_map_check data, metadata;
	uint32_t *bitmap_of;  /* owned */
	struct bitset wanted; /* bitmaps to be read */
};

static int visit_bitmap(void *context, uint64_t block, const void *raw, int error)
{
	struct space_maps_check *both = context;
	struct check *c = both->data.c;
	struct space_map_check *s =
		c->table.kinds[block] == KIND_DATA_BITMAP ? &both->data : &both->metadata;
	struct affected where = space_map_bitmap_range(s, s->bitmap_of[block] - 1u);
	struct space_map_fault f = { .id = FINDING_BLOCK_UNREADABLE };

	if (!error && !bitmap_check(raw, block, &f))
		return space_map_judge_bitmap(s, block, raw);
	space_map_finding(s, s->kinds->bitmap, block, f.id, f.expected, f.found, &where);
	s->complete = false;
	return 0;
}

/* Counts in the tree that no bitmap asked for. */
static void report_unused_counts(struct space_map_check *s)
{
	for (size_t i = 0; i < s->overflow.nr_slots; i++) {
		const struct u64_map_slot *slot = &s->overflow.slots[i];
		struct affected where = { .device = NO_DEVICE, .unit = s->kinds->unit };

		if (!slot->key_plus_1 || !slot->value)
			continue;
		where.begin = slot->key_plus_1 - 1;
		where.end = slot->key_plus_1;
		space_map_finding(s, s->kinds->ref_counts, NO_BLOCK, FINDING_OVERFLOW_EXTRA, 0,
				  slot->value - 1, &where);
	}
}

/* Blocks in use behind the end of what the space map knows. */
static void report_beyond(struct space_map_check *s)
{
	struct affected where = { .device = NO_DEVICE, .unit = s->kinds->unit };

	if (!space_map_is_metadata(s))
		return;
	for (uint64_t b = s->nr_blocks; b < s->expected->nr_blocks; b++) {
		if (!ref_counts_get(s->expected, b))
			continue;
		where.begin = b;
		where.end = b + 1;
		space_map_finding(s, s->kinds->index, NO_BLOCK, FINDING_SPACE_MAP_NR_BLOCKS, b + 1,
				  s->root->nr_blocks, &where);
		return;
	}
}

/* The free entries of the last bitmap that lie behind the end. */
static uint32_t tail_entries(const struct space_map_check *s)
{
	uint32_t used = (uint32_t)(s->nr_blocks % BITMAP_ENTRIES);

	return used ? BITMAP_ENTRIES - used : 0;
}

/*
 * thin_restore of thin-provisioning-tools 0.9 counts the free entries of the last bitmap up to the
 * end of the device, and often counts one block of the metadata as used that its bitmap has free.
 * The kernel then never uses that block, and goes on counting from there.  Such pools are in use
 * everywhere: this, to the block, is odd at most.  Once the device has grown, the entries behind
 * the old end are free and hidden, and are told as such: what has hidden them nobody can tell any
 * more.
 */
static bool counts_like_old_restore(const struct space_map_check *s)
{
	uint64_t surplus = s->root->nr_allocated - s->nr_allocated, missing = 0, unseen = 0;

	/* A metadata device whose last bitmap has no tail shows only that one block. */
	if (surplus > 1 || (!tail_entries(s) && !surplus))
		return false;
	for (uint64_t i = 0; i < s->nr_bitmaps; i++) {
		uint64_t nr_free = s->tallies[i].nr_free;

		if (i == s->nr_bitmaps - 1)
			nr_free -= tail_entries(s);
		if (s->index[i].nr_free > nr_free)
			return false;
		missing += nr_free - s->index[i].nr_free;
		unseen += s->tallies[i].nr_unseen;
	}
	return missing == surplus && unseen <= surplus;
}

/* A leak that stands in the bitmap alone: the other counts are right as if it were free. */
static bool due_to_leaks(uint64_t high, uint64_t low, uint64_t nr_leaked)
{
	return high > low && high - low <= nr_leaked;
}

static void report_totals(struct space_map_check *s)
{
	for (uint64_t i = 0; i < s->nr_bitmaps; i++) {
		const struct bitmap_tally *t = &s->tallies[i];
		const struct index_entry *entry = &s->index[i];
		struct affected where = space_map_bitmap_range(s, i);

		if (!t->counted)
			continue;
		if (entry->nr_free != t->nr_free &&
		    !due_to_leaks(entry->nr_free, t->nr_free, t->nr_leaked))
			space_map_finding(s, s->kinds->index, s->holders[i],
					  entry->nr_free < t->nr_free ? FINDING_INDEX_NR_FREE_LOW
								      : FINDING_INDEX_NR_FREE,
					  t->nr_free, entry->nr_free, &where);
		if (t->nr_unseen)
			space_map_finding(s, s->kinds->index, s->holders[i],
					  FINDING_INDEX_NONE_FREE_BEFORE, t->first_free,
					  entry->none_free_before, &where);
	}
	if (s->complete && s->nr_allocated != s->root->nr_allocated &&
	    !due_to_leaks(s->nr_allocated, s->root->nr_allocated, s->nr_leaked))
		space_map_finding(s, s->kinds->index, NO_BLOCK,
				  s->root->nr_allocated > s->nr_allocated &&
						  s->root->nr_allocated <= s->nr_blocks
					  ? FINDING_SPACE_MAP_NR_ALLOCATED_HIGH
					  : FINDING_SPACE_MAP_NR_ALLOCATED,
				  s->nr_allocated, s->root->nr_allocated, NULL);
}

static bool any_incomplete(const struct check *c)
{
	bool incomplete = c->snap_lost;

	for (unsigned int k = 0; k < NR_BLOCK_KINDS; k++)
		incomplete |= c->table.incomplete[k];
	return incomplete;
}

/*
 * One block that is never used is worth a word only where no more is hidden: the same tool has left
 * both, and the same command mends them.
 */
static void conclude(struct space_maps_check *both)
{
	struct space_map_check *const maps[] = { &both->data, &both->metadata };
	const struct report *report = both->data.c->report;
	bool old[ARRAY_SIZE(maps)];

	for (size_t i = 0; i < ARRAY_SIZE(maps); i++) {
		report_beyond(maps[i]);
		if (maps[i]->complete)
			report_unused_counts(maps[i]);
		old[i] = maps[i]->complete && counts_like_old_restore(maps[i]);
		if (!old[i])
			report_totals(maps[i]);
	}
	for (size_t i = 0; i < ARRAY_SIZE(maps); i++) {
		const struct space_map_check *s = maps[i];

		if (old[i] && s->root->nr_allocated != s->nr_allocated &&
		    !report->per_id[FINDING_INDEX_NR_FREE_LOW])
			space_map_finding(s, s->kinds->index, NO_BLOCK,
					  FINDING_SPACE_MAP_OLD_RESTORE, s->nr_allocated,
					  s->root->nr_allocated, NULL);
	}
}

/* Which blocks are used is known only where everything that uses them could be read. */
static void judge_completeness(struct space_maps_check *both)
{
	const struct check *c = both->data.c;
	bool devices = c->live.top_level_node >= 0 && c->live.details_node >= 0 &&
		       (!c->has_snap || (c->held.top_level_node >= 0 && c->held.details_node >= 0));

	both->data.counts_complete = devices && !c->snap_lost &&
				     !c->table.incomplete[KIND_TOP_LEVEL] &&
				     !c->table.incomplete[KIND_MAPPING];
	both->metadata.counts_complete =
		devices && !any_incomplete(c) && both->data.complete && both->metadata.complete;
}

static int read_both(struct space_maps_check *both)
{
	int r = read_structure(&both->data);

	if (!r)
		r = read_structure(&both->metadata);
	if (!r)
		r = refer_bitmaps(&both->data, &both->wanted);
	if (!r)
		r = refer_bitmaps(&both->metadata, &both->wanted);
	return r;
}

static void figures(const struct space_maps_check *both)
{
	struct check_result *result = both->data.c->result;

	result->space_maps_checked = true;
	if (both->data.complete)
		result->used_data_blocks = both->data.nr_allocated;
	if (both->metadata.complete)
		result->free_metadata_blocks =
			both->metadata.nr_blocks - both->metadata.nr_allocated;
}

int check_read_space_maps(struct check *c, struct space_maps_check **ret_maps)
{
	struct space_maps_check *both = alloc_object(struct space_maps_check);
	int r = both ? 0 : -ENOMEM;

	*ret_maps = both;
	progress_phase(c->progress, "space maps");
	if (!r)
		both->bitmap_of = alloc_array(c->table.nr_blocks, sizeof(*both->bitmap_of));
	if (!r && !both->bitmap_of)
		r = -ENOMEM;
	if (!r)
		r = prepare(&both->data, c, &data_kinds, &c->sb.data_space_map, &c->data);
	if (!r)
		r = prepare(&both->metadata, c, &metadata_kinds, &c->sb.metadata_space_map,
			    &c->table.refs);
	if (r)
		return r;
	both->data.bitmap_of = both->bitmap_of;
	both->metadata.bitmap_of = both->bitmap_of;
	r = bitset_init(&both->wanted, c->table.nr_blocks);
	return r ? r : read_both(both);
}

int check_space_maps(struct check *c, struct space_maps_check *maps)
{
	int r;

	progress_phase(c->progress, "space maps");
	judge_completeness(maps);
	r = block_reader_run(c->reader, &maps->wanted, visit_bitmap, maps);
	if (r)
		return r;
	conclude(maps);
	figures(maps);
	return 0;
}

void check_destroy_space_maps(struct space_maps_check *maps)
{
	if (!maps)
		return;
	bitset_destroy(&maps->wanted);
	discard(&maps->data);
	discard(&maps->metadata);
	alloc_free(maps->bitmap_of);
	alloc_free(maps);
}
