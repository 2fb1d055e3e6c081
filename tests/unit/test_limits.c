/* SPDX-License-Identifier: MIT
 * test_limits.c: what is just allowed is no finding, what is just not allowed is one, and it says
 * exactly what was expected, what was found, and where.
 */
#include <criterion/criterion.h>
#include <string.h>

#include "common/base/compiler.h"
#include "common/pdata/btree_node.h"
#include "common/pdata/space_map.h"
#include "common/thin/superblock.h"
#include "tests/support/image.h"
#include "tests/support/leaks.h"

TestSuite(limits, .fini = fail_on_leaks);

#define SNAPS "many-snaps"
#define HELD "metadata-snapshot"

/* ---- one number, at its limit and beyond */

struct limit {
	const char *name, *fixture;
	enum finding_id id;
	void (*set)(struct image *i, uint64_t value);
	uint64_t allowed, refused;
	uint64_t expected; /* that the finding names */
};

static void set_super32(struct image *i, size_t offset, uint64_t value)
{
	image_set_super(i, offset, 4, value);
}

static void set_held(struct image *i, size_t offset, size_t bytes, uint64_t value)
{
	uint64_t held = image_get(i, 0, SUPER_HELD_ROOT, 8);

	image_set(i, held, offset, bytes, value);
	image_seal(i, held, SALT_SUPERBLOCK);
}

/* The details of basic's device 1. */
static void set_details(struct image *i, size_t field, size_t bytes, uint64_t value)
{
	uint64_t block;
	size_t offset = device_details_offset(i, 1, &block);

	image_set_node(i, block, offset + field, bytes, value);
}

/* The last mapping of basic's device 1. */
static void set_last_key(struct image *i, uint64_t key)
{
	uint64_t leaf = device_root(i, 1);

	node_set_key(i, leaf, node_nr_entries(i, leaf) - 1, key);
}

static void set_last_value(struct image *i, uint64_t data_block, uint64_t time)
{
	uint64_t leaf = device_root(i, 1);
	unsigned int last = node_nr_entries(i, leaf) - 1;

	image_set_node(i, leaf, node_value_offset(i, leaf, last), 8, data_block << 24 | time);
}

static uint64_t last_data_block(const struct image *i)
{
	uint64_t leaf = device_root(i, 1);

	return node_value(i, leaf, node_nr_entries(i, leaf) - 1) >> 24;
}

static uint64_t data_index(const struct image *i)
{
	return first_leaf(i, image_get(i, 0, SUPER_DATA_MAP + MAP_BITMAP_ROOT, 8));
}

static uint64_t data_counts(const struct image *i)
{
	return first_leaf(i, image_get(i, 0, SUPER_DATA_MAP + MAP_REF_COUNT_ROOT, 8));
}

/* Of the first data bitmap. */
static void set_index_entry(struct image *i, size_t field, uint64_t value)
{
	uint64_t leaf = data_index(i);

	image_set_node(i, leaf, node_value_offset(i, leaf, 0) + field, 4, value);
}

/* One entry more in the index. */
static void set_last_index_key(struct image *i, uint64_t key)
{
	uint64_t leaf = data_index(i);
	unsigned int nr = node_nr_entries(i, leaf);

	if (key < nr)
		return;
	image_set_node(i, leaf, NODE_NR_ENTRIES, 4, nr + 1);
	node_set_key(i, leaf, nr, key);
}

/* Of the first data block whose count stands in the tree. */
static void set_high_count(struct image *i, uint64_t count)
{
	uint64_t leaf = data_counts(i);

	image_set_node(i, leaf, node_value_offset(i, leaf, 0), 4, count);
}

/* One line is one number. */
/* clang-format off */
#define SET(name) static void name(struct image *i, uint64_t value)
SET(none_free_before) { set_index_entry(i, 12, value); }
SET(nr_free) { set_index_entry(i, 8, value); }
SET(data_allocated) { image_set_super(i, SUPER_DATA_MAP + MAP_NR_ALLOCATED, 8, value); }
SET(index_key) { set_last_index_key(i, value); }
SET(high_count) { set_high_count(i, value); }
SET(version) { set_super32(i, SUPER_VERSION, value); }
SET(super_time) { set_super32(i, SUPER_TIME, value); }
SET(flags) { set_super32(i, SUPER_FLAGS, value); }
SET(data_block_size) { set_super32(i, SUPER_DATA_BLOCK_SIZE, value); }
SET(metadata_nr_blocks) { image_set_super(i, SUPER_METADATA_NR_BLOCKS, 8, value); }
SET(mapping_root) { image_set_super(i, SUPER_MAPPING_ROOT, 8, value); }
SET(details_root) { image_set_super(i, SUPER_DETAILS_ROOT, 8, value); }
SET(held_time) { set_held(i, SUPER_TIME, 4, value); }
SET(held_transaction) { set_held(i, SUPER_TRANSACTION, 8, value); }
SET(transaction) { set_details(i, 8, 8, value); }
SET(creation_time) { set_details(i, 16, 4, value); }
SET(snap_time) { set_details(i, 20, 4, value); }
SET(thin_block) { set_last_key(i, value); }
SET(data_block) { set_last_value(i, value, 0); }
SET(mapping_time) { set_last_value(i, last_data_block(i), value); }
/* clang-format on */

static bool with_id(const struct report *r, enum finding_id id, struct finding *ret)
{
	for (size_t n = 0; n < r->nr_findings; n++) {
		if (r->findings[n].id == id) {
			*ret = r->findings[n];
			return true;
		}
	}
	return false;
}

static void try_limit(const struct limit *l, uint64_t value, bool allowed)
{
	struct image i = image_load(l->fixture);
	struct check_result result;
	struct report report;
	struct finding f;

	l->set(&i, value);
	cr_assert_eq(image_check(&i, NULL, &report, &result), 0);
	cr_expect_neq(with_id(&report, l->id, &f), allowed, "%s %llu", l->name,
		      (unsigned long long)value);
	if (report.per_id[l->id]) {
		cr_expect_eq(report.per_id[l->id], 1, "%s: %llu findings", l->name,
			     (unsigned long long)report.per_id[l->id]);
		cr_expect(f.expected == l->expected && f.found == value, "%s: %llu, %llu", l->name,
			  (unsigned long long)f.expected, (unsigned long long)f.found);
	}
	check_result_destroy(&result);
	report_destroy(&report);
	image_destroy(&i);
}

static void try_both(const struct limit *l)
{
	try_limit(l, l->allowed, true);
	try_limit(l, l->refused, false);
}

#define LIMIT(fixture, id, set, allowed, refused, expected)                  \
	{                                                                    \
#set, fixture, FINDING_##id, set, allowed, refused, expected \
	}

Test(limits, of_the_superblock)
{
	static const struct limit limits[] = {
		LIMIT("basic", SUPERBLOCK_VERSION, version, 1, 0, 2),
		LIMIT("basic", SUPERBLOCK_VERSION, version, 2, 3, 2),
		LIMIT("basic", SUPERBLOCK_TIME, super_time, MAX_TIME, MAX_TIME + 1, MAX_TIME),
		LIMIT("basic", SUPERBLOCK_FLAGS, flags, 1, 2, 0),
		LIMIT("basic", SUPERBLOCK_DATA_BLOCK_SIZE, data_block_size, 128, 64, 128),
		LIMIT("basic", SUPERBLOCK_DATA_BLOCK_SIZE, data_block_size, 256, 255, 128),
		LIMIT("basic", SUPERBLOCK_DATA_BLOCK_SIZE, data_block_size, 2097152, 2097280, 128),
	};

	for (size_t n = 0; n < ARRAY_SIZE(limits); n++)
		try_both(&limits[n]);
}

Test(limits, of_places_in_the_superblock)
{
	struct image i = image_load("basic");
	uint64_t nr = image_get(&i, 0, SUPER_METADATA_MAP + MAP_NR_BLOCKS, 8);
	const struct limit limits[] = {
		LIMIT("basic", SUPERBLOCK_METADATA_NR_BLOCKS, metadata_nr_blocks, nr, nr + 1, nr),
		LIMIT("basic", SUPERBLOCK_METADATA_NR_BLOCKS, metadata_nr_blocks, 1, 0, nr),
		LIMIT("basic", SUPERBLOCK_ROOT, mapping_root, i.nr_blocks - 1, i.nr_blocks,
		      i.nr_blocks),
		LIMIT("basic", SUPERBLOCK_ROOT, mapping_root, 1, 0, i.nr_blocks),
		LIMIT("basic", SUPERBLOCK_ROOT, details_root, i.nr_blocks - 1, i.nr_blocks,
		      i.nr_blocks),
	};

	for (size_t n = 0; n < ARRAY_SIZE(limits); n++)
		try_both(&limits[n]);
	image_destroy(&i);
}

Test(limits, of_the_metadata_snapshot)
{
	struct image i = image_load(HELD);
	uint64_t time = image_get(&i, 0, SUPER_TIME, 4);
	uint64_t id = image_get(&i, 0, SUPER_TRANSACTION, 8);
	const struct limit limits[] = {
		LIMIT(HELD, SNAPSHOT_NEWER, held_time, time, time + 1, time),
		LIMIT(HELD, SNAPSHOT_NEWER, held_transaction, id, id + 1, id),
	};

	for (size_t n = 0; n < ARRAY_SIZE(limits); n++)
		try_both(&limits[n]);
	image_destroy(&i);
}

/* It has neither space maps nor a snapshot of its own: each of the fields is looked at. */
Test(limits, nothing_in_a_metadata_snapshot_but_its_trees)
{
	static const size_t fields[] = {
		SUPER_HELD_ROOT,
		SUPER_DATA_MAP + MAP_NR_BLOCKS,
		SUPER_DATA_MAP + MAP_NR_ALLOCATED,
		SUPER_DATA_MAP + MAP_BITMAP_ROOT,
		SUPER_DATA_MAP + MAP_REF_COUNT_ROOT,
		SUPER_METADATA_MAP + MAP_NR_BLOCKS,
		SUPER_METADATA_MAP + MAP_NR_ALLOCATED,
		SUPER_METADATA_MAP + MAP_BITMAP_ROOT,
		SUPER_METADATA_MAP + MAP_REF_COUNT_ROOT,
	};

	for (size_t n = 0; n < ARRAY_SIZE(fields); n++) {
		struct image i = image_load(HELD);
		struct check_result result;
		struct report report;

		set_held(&i, fields[n], 8, 1);
		cr_assert_eq(image_check(&i, NULL, &report, &result), 0);
		cr_expect_eq(report.nr_findings, 1, "field %zu", fields[n]);
		cr_expect_eq(report.per_id[FINDING_SNAPSHOT_SPACE_MAP], 1, "field %zu", fields[n]);
		check_result_destroy(&result);
		report_destroy(&report);
		image_destroy(&i);
	}
}

Test(limits, of_devices_and_mappings)
{
	struct image i = image_load("basic");
	uint64_t nr_data = image_get(&i, 0, SUPER_DATA_MAP + MAP_NR_BLOCKS, 8);
	uint64_t size = image_get(&i, 0, SUPER_DATA_BLOCK_SIZE, 4);
	uint64_t time = image_get(&i, 0, SUPER_TIME, 4);
	uint64_t id = image_get(&i, 0, SUPER_TRANSACTION, 8), block;
	size_t details = device_details_offset(&i, 1, &block);
	uint64_t snapped = image_get(&i, block, details + 20, 4);
	uint64_t end = UINT64_MAX / 512 / size;
	const struct limit limits[] = {
		LIMIT("basic", DEVICE_TRANSACTION, transaction, id, id + 1, id),
		LIMIT("basic", DEVICE_TIME, snap_time, time, time + 1, time),
		LIMIT("basic", DEVICE_CREATION_TIME, creation_time, snapped, snapped + 1, snapped),
		LIMIT("basic", MAPPING_DATA_BLOCK, data_block, nr_data - 1, nr_data, nr_data),
		LIMIT("basic", MAPPING_TIME, mapping_time, time, time + 1, time),
		LIMIT("basic", MAPPING_THIN_BLOCK, thin_block, end - 1, end, end),
	};

	for (size_t n = 0; n < ARRAY_SIZE(limits); n++)
		try_both(&limits[n]);
	image_destroy(&i);
}

/* So many nodes stand one above the other in the tree of basic's device 1. */
static void set_levels(struct image *i, uint64_t levels)
{
	uint64_t below = device_root(i, 1);

	for (uint64_t b = i->nr_blocks - levels; b < i->nr_blocks - 1; b++) {
		memcpy(i->bytes + b * MD_BLOCK_SIZE, i->bytes + below * MD_BLOCK_SIZE,
		       MD_BLOCK_SIZE);
		image_set_node(i, b, NODE_BLOCKNR, 8, b);
		image_set_node(i, b, NODE_FLAGS, 4, BTREE_INTERNAL_NODE);
		image_set_node(i, b, NODE_NR_ENTRIES, 4, 1);
		image_set_node(i, b, node_value_offset(i, b, 0), 8, below);
		below = b;
	}
	(void)device_set_root(i, 1, below);
}

Test(limits, levels_of_a_tree)
{
	for (uint64_t more = 0; more < 2; more++) {
		struct image i = image_load("basic");
		struct check_result result;
		struct report report;

		set_levels(&i, BTREE_MAX_DEPTH + more);
		cr_assert_eq(image_check(&i, NULL, &report, &result), 0);
		cr_expect_eq(report.per_id[FINDING_TREE_DEPTH] != 0, more != 0);
		check_result_destroy(&result);
		report_destroy(&report);
		image_destroy(&i);
	}
}

Test(limits, of_space_maps)
{
	struct image i = image_load(SNAPS);
	uint64_t leaf = data_index(&i), counts = data_counts(&i);
	uint64_t first_free = image_find_count(&i, image_data_bitmap(&i), 0);
	uint64_t free = image_get(&i, leaf, node_value_offset(&i, leaf, 0) + 8, 4);
	uint64_t nr_allocated = image_get(&i, 0, SUPER_DATA_MAP + MAP_NR_ALLOCATED, 8);
	uint64_t nr_blocks = image_get(&i, 0, SUPER_DATA_MAP + MAP_NR_BLOCKS, 8);
	uint64_t nr_bitmaps = node_nr_entries(&i, leaf);
	uint64_t count = image_get(&i, counts, node_value_offset(&i, counts, 0), 4);
	const struct limit limits[] = {
		LIMIT(SNAPS, INDEX_NONE_FREE_BEFORE, none_free_before, first_free, first_free + 1,
		      first_free),
		LIMIT(SNAPS, INDEX_NR_FREE, nr_free, free, free + 1, free),
		LIMIT(SNAPS, INDEX_NR_FREE_LOW, nr_free, free, free - 1, free),
		LIMIT(SNAPS, SPACE_MAP_NR_ALLOCATED_HIGH, data_allocated, nr_allocated,
		      nr_allocated + 1, nr_allocated),
		LIMIT(SNAPS, SPACE_MAP_NR_ALLOCATED_HIGH, data_allocated, nr_blocks + 1, nr_blocks,
		      nr_allocated),
		LIMIT(SNAPS, SPACE_MAP_NR_ALLOCATED, data_allocated, nr_blocks, nr_blocks + 1,
		      nr_allocated),
		LIMIT(SNAPS, SPACE_MAP_NR_ALLOCATED, data_allocated, nr_allocated, nr_allocated - 1,
		      nr_allocated),
		LIMIT(SNAPS, INDEX_EXTRA, index_key, nr_bitmaps - 1, nr_bitmaps, nr_bitmaps),
		LIMIT(SNAPS, REF_COUNT_HIGH, high_count, count, count + 1, count),
		LIMIT(SNAPS, REF_COUNT_LOW, high_count, count, count - 1, count),
		LIMIT(SNAPS, OVERFLOW_VALUE, high_count, 3, 2, 3),
	};

	for (size_t n = 0; n < ARRAY_SIZE(limits); n++)
		try_both(&limits[n]);
	image_destroy(&i);
}

/* The first entry behind the end of the device, and the last one before it. */
Test(limits, the_end_of_the_last_bitmap)
{
	struct image i = image_load(SNAPS);
	uint64_t index = image_get(&i, 0, SUPER_METADATA_MAP + MAP_BITMAP_ROOT, 8);
	uint64_t bitmap = image_metadata_bitmap(&i);
	uint64_t nr = image_get(&i, 0, SUPER_METADATA_MAP + MAP_NR_BLOCKS, 8);
	struct check_result result;
	struct report report;

	for (uint64_t behind = 0; behind < 2; behind++) {
		image_set_count(&i, bitmap, nr - 1 + behind, 1);
		image_set(&i, index, 16 + 8, 4, image_get(&i, index, 16 + 8, 4) - 1);
		image_seal(&i, index, SALT_INDEX);
		cr_assert_eq(image_check(&i, NULL, &report, &result), 0);
		cr_expect_eq(report.per_id[FINDING_BLOCK_LEAKED], 1);
		cr_expect_eq(report.per_id[FINDING_BITMAP_TAIL], behind);
		check_result_destroy(&result);
		report_destroy(&report);
	}
	image_destroy(&i);
}

/* ---- the trees that the caller names instead of those of the superblock */

Test(limits, other_roots_are_taken_by_themselves)
{
	struct image i = image_load("basic");
	struct check_options options = { .override_mapping_root = true,
					 .mapping_root = image_get(&i, 0, SUPER_MAPPING_ROOT, 8) };
	struct check_result result;
	struct report report;

	image_set_super(&i, SUPER_MAPPING_ROOT, 8, 0);
	cr_assert_eq(image_check(&i, &options, &report, &result), 0);
	cr_expect_eq(report.nr_findings, 0);
	check_result_destroy(&result);
	report_destroy(&report);

	image_set_super(&i, SUPER_MAPPING_ROOT, 8, options.mapping_root);
	options = (struct check_options){ .override_details_root = true,
					  .details_root = image_get(&i, 0, SUPER_DETAILS_ROOT, 8) };
	image_set_super(&i, SUPER_DETAILS_ROOT, 8, 0);
	cr_assert_eq(image_check(&i, &options, &report, &result), 0);
	cr_expect_eq(report.nr_findings, 0);
	check_result_destroy(&result);
	report_destroy(&report);
	image_destroy(&i);
}

/* ---- where in a leaf */

static const struct affected *only_affected(const struct report *r, enum finding_id id,
					    struct finding *f)
{
	cr_assert(with_id(r, id, f), "%s is not found", finding_type(id)->id);
	cr_assert_eq(r->per_id[id], 1);
	cr_assert_eq(f->nr_affected, 1);
	return &f->affected[0];
}

/* Of several bad mappings in a leaf: the range from the first to the last, and how many. */
Test(limits, bad_mappings_of_a_leaf_are_one_range)
{
	struct image i = image_load("basic");
	uint64_t leaf = device_root(&i, 1);
	uint64_t nr_data = image_get(&i, 0, SUPER_DATA_MAP + MAP_NR_BLOCKS, 8);
	const struct affected *a;
	struct check_result result;
	struct report report;
	struct finding f;

	image_set_node(&i, leaf, node_value_offset(&i, leaf, 1), 8, (nr_data + 7) << 24);
	image_set_node(&i, leaf, node_value_offset(&i, leaf, 4), 8, (nr_data + 9) << 24);
	cr_assert_eq(image_check(&i, NULL, &report, &result), 0);
	a = only_affected(&report, FINDING_MAPPING_DATA_BLOCK, &f);
	cr_expect_eq(f.block, leaf);
	cr_expect_eq(f.expected, nr_data);
	cr_expect_eq(f.found, nr_data + 7);
	cr_expect_eq(a->device, 1);
	cr_expect_eq(a->unit, RANGE_THIN_BLOCKS);
	cr_expect_eq(a->begin, node_key(&i, leaf, 1));
	cr_expect_eq(a->end, node_key(&i, leaf, 4) + 1);
	cr_expect_eq(a->mappings, 2);
	check_result_destroy(&result);
	report_destroy(&report);
	image_destroy(&i);
}

/* ---- counts */

static void expect_counts(struct image *i, enum finding_id id, uint64_t begin, uint64_t end,
			  uint64_t expected, uint64_t found)
{
	struct check_result result;
	struct report report;
	const struct affected *a;
	struct finding f;

	cr_assert_eq(image_check(i, NULL, &report, &result), 0);
	a = only_affected(&report, id, &f);
	cr_expect(a->begin == begin && a->end == end, "%llu, %llu", (unsigned long long)a->begin,
		  (unsigned long long)a->end);
	cr_expect(f.expected == expected && f.found == found, "%llu, %llu",
		  (unsigned long long)f.expected, (unsigned long long)f.found);
	check_result_destroy(&result);
	report_destroy(&report);
}

/* The first two neighbours with these counts. */
static unsigned int find_pair(const struct image *i, uint64_t bitmap, unsigned int first,
			      unsigned int second)
{
	const struct disk_bitmap *b = (const void *)(i->bytes + bitmap * MD_BLOCK_SIZE);
	unsigned int e = 0;

	while (bitmap_entry(bitmap_word(b, e / 32), e % 32) != first ||
	       bitmap_entry(bitmap_word(b, (e + 1) / 32), (e + 1) % 32) != second)
		cr_assert_lt(++e, BITMAP_ENTRIES - 1);
	return e;
}

Test(limits, neighbours_with_the_same_counts_are_one_range)
{
	struct image i = image_load(SNAPS);
	uint64_t bitmap = image_data_bitmap(&i);
	unsigned int used = find_pair(&i, bitmap, 1, 1), free = find_pair(&i, bitmap, 0, 0);

	image_set_count(&i, bitmap, used, 0);
	image_set_count(&i, bitmap, used + 1, 0);
	expect_counts(&i, FINDING_REF_COUNT_LOW, used, used + 2, 1, 0);
	image_set_count(&i, bitmap, used, 2);
	image_set_count(&i, bitmap, used + 1, 2);
	expect_counts(&i, FINDING_REF_COUNT_HIGH, used, used + 2, 1, 2);
	image_set_count(&i, bitmap, used, 1);
	image_set_count(&i, bitmap, used + 1, 1);
	image_set_count(&i, bitmap, free, 2);
	image_set_count(&i, bitmap, free + 1, 2);
	expect_counts(&i, FINDING_BLOCK_LEAKED, free, free + 2, 0, 2);
	image_destroy(&i);
}

/* With other counts they are two. */
Test(limits, neighbours_with_other_counts_are_two_ranges)
{
	struct image i = image_load(SNAPS);
	struct check_options options = { .collect_leaks = true };
	uint64_t bitmap = image_data_bitmap(&i);
	unsigned int free = find_pair(&i, bitmap, 0, 0);
	struct check_result result;
	struct report report;

	image_set_count(&i, bitmap, free, 1);
	image_set_count(&i, bitmap, free + 1, 2);
	cr_assert_eq(image_check(&i, &options, &report, &result), 0);
	cr_expect_eq(report.per_id[FINDING_BLOCK_LEAKED], 2);
	cr_assert_eq(result.nr_leaks, 2);
	cr_expect(result.leaks[0].begin == free && result.leaks[0].end == free + 1 &&
		  result.leaks[0].found == 1 && !result.leaks[0].metadata);
	cr_expect(result.leaks[1].begin == free + 1 && result.leaks[1].end == free + 2 &&
		  result.leaks[1].found == 2 && !result.leaks[1].metadata);
	check_result_destroy(&result);
	report_destroy(&report);
	image_destroy(&i);
}
