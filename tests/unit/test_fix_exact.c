/* SPDX-License-Identifier: MIT
 * test_fix_exact.c: what mending leaves behind, to the number: the index says what the bitmaps say,
 * cursors of the kernel stay, what need not change stays where it is, and nothing is overwritten
 * that the metadata on disk still needs.
 */
#include <criterion/criterion.h>
#include <errno.h>
#include <string.h>

#include "common/pdata/space_map.h"
#include "common/thin/metadata_fix.h"
#include "tests/support/image.h"
#include "tests/support/leaks.h"

TestSuite(fix_exact, .fini = fail_on_leaks);

#define SNAPS "many-snaps" /* two data bitmaps and more */

/* Where the index entry of bitmap n stands. */
static uint64_t data_index(const struct image *i)
{
	return first_leaf(i, image_get(i, 0, SUPER_DATA_MAP + MAP_BITMAP_ROOT, 8));
}

static struct index_entry data_entry(const struct image *i, unsigned int n)
{
	uint64_t leaf = data_index(i);

	return index_entry_decode(i->bytes + leaf * MD_BLOCK_SIZE + node_value_offset(i, leaf, n));
}

static void set_data_entry(struct image *i, unsigned int n, const struct index_entry *e)
{
	uint64_t leaf = data_index(i);
	size_t at = node_value_offset(i, leaf, n);

	image_set_node(i, leaf, at + 8, 4, e->nr_free);
	image_set_node(i, leaf, at + 12, 4, e->none_free_before);
}

static struct index_entry metadata_entry(const struct image *i)
{
	uint64_t index = image_get(i, 0, SUPER_METADATA_MAP + MAP_BITMAP_ROOT, 8);

	return index_entry_decode(i->bytes + index * MD_BLOCK_SIZE +
				  offsetof(struct disk_index, entries));
}

static uint64_t nr_free_of(const struct image *i, uint64_t bitmap)
{
	const struct disk_bitmap *b = (const void *)(i->bytes + bitmap * MD_BLOCK_SIZE);
	uint64_t nr = 0;

	for (unsigned int e = 0; e < BITMAP_ENTRIES; e++)
		nr += !bitmap_entry(bitmap_word(b, e / 32), e % 32);
	return nr;
}

/* Check, and mend what is found. */
static struct fix_result mend(struct image *i)
{
	struct check_options options = { .collect_leaks = true };
	struct block_engine *e = image_engine(i);
	struct fix_result fixed = { 0 };
	struct check_result result;
	struct report report;

	cr_assert_eq(image_check(i, &options, &report, &result), 0);
	cr_assert_eq(metadata_fix_space_maps(e, result.leaks, result.nr_leaks, &fixed), 0);
	block_engine_destroy(e);
	check_result_destroy(&result);
	report_destroy(&report);
	return fixed;
}

/* A cursor below the first free block is the kernel's, and stays; one above it goes there. */
static void mend_cursor(uint32_t cursor, bool stays)
{
	struct image i = image_load(SNAPS);
	struct index_entry e = data_entry(&i, 0);
	uint64_t first_free = image_find_count(&i, e.blocknr, 0);

	cr_assert_gt(first_free, 1);
	e.none_free_before = cursor;
	e.nr_free -= 5; /* so that there is something to mend */
	set_data_entry(&i, 0, &e);
	cr_expect_eq(mend(&i).nr_freed, 0);
	e = data_entry(&i, 0);
	cr_expect_eq(e.none_free_before, stays ? cursor : first_free);
	cr_expect_eq(e.nr_free, nr_free_of(&i, e.blocknr));
	cr_expect_eq(image_worst(&i), SEVERITY_NONE);
	image_destroy(&i);
}

Test(fix_exact, the_kernels_cursor_stays)
{
	struct image i = image_load(SNAPS);
	uint32_t first_free = (uint32_t)image_find_count(&i, image_data_bitmap(&i), 0);

	image_destroy(&i);
	mend_cursor(0, true);
	mend_cursor(first_free - 1, true);
	mend_cursor(first_free, true);
	mend_cursor(first_free + 1, false);
	mend_cursor(BITMAP_ENTRIES, false);
}

/* A wrong cursor alone, with the right number of free blocks. */
Test(fix_exact, a_cursor_alone_is_mended)
{
	struct image i = image_load(SNAPS);
	struct index_entry e = data_entry(&i, 0);
	uint64_t first_free = image_find_count(&i, e.blocknr, 0);

	e.none_free_before = BITMAP_ENTRIES;
	set_data_entry(&i, 0, &e);
	mend(&i);
	cr_expect_eq(data_entry(&i, 0).none_free_before, first_free);
	cr_expect_eq(data_entry(&i, 0).nr_free, e.nr_free);
	image_destroy(&i);
}

/* A freed block in front of the cursor takes the cursor along. */
Test(fix_exact, the_cursor_follows_what_is_freed)
{
	struct image i = image_load(SNAPS);
	struct index_entry e = data_entry(&i, 0);
	uint64_t leaked = image_find_count(&i, e.blocknr, 0);

	image_leak_data(&i);
	e = data_entry(&i, 0);
	e.none_free_before = (uint32_t)image_find_count(&i, e.blocknr, 0);
	cr_assert_gt(e.none_free_before, leaked);
	set_data_entry(&i, 0, &e);
	cr_expect_eq(mend(&i).nr_freed, 1);
	e = data_entry(&i, 0);
	cr_expect_eq(e.none_free_before, leaked);
	cr_expect_eq(e.nr_free, nr_free_of(&i, e.blocknr));
	cr_expect_eq(image_find_count(&i, e.blocknr, 0), leaked);
	image_destroy(&i);
}

/* Leaks of the second bitmap: the first one stays where it is, untouched; and the other way round.
 */
Test(fix_exact, bitmaps_without_leaks_stay_where_they_are)
{
	for (unsigned int leaky = 0; leaky < 2; leaky++) {
		struct image i = image_load(SNAPS);
		struct index_entry before[2] = { data_entry(&i, 0), data_entry(&i, 1) };
		unsigned int other = 1 - leaky;
		unsigned int entry = image_find_count(&i, before[leaky].blocknr, 0);
		static uint8_t raw[MD_BLOCK_SIZE];

		memcpy(raw, i.bytes + before[other].blocknr * MD_BLOCK_SIZE, MD_BLOCK_SIZE);
		image_set_count(&i, before[leaky].blocknr, entry, 1);
		cr_expect_eq(mend(&i).nr_freed, 1);
		cr_expect_eq(data_entry(&i, other).blocknr, before[other].blocknr);
		cr_expect_eq(
			memcmp(raw, i.bytes + before[other].blocknr * MD_BLOCK_SIZE, MD_BLOCK_SIZE),
			0);
		cr_expect_neq(data_entry(&i, leaky).blocknr, before[leaky].blocknr);
		cr_expect_eq(data_entry(&i, leaky).nr_free, before[leaky].nr_free);
		cr_expect_eq(image_find_count(&i, data_entry(&i, leaky).blocknr, 0), entry);
		cr_expect_eq(image_worst(&i), SEVERITY_NONE);
		image_destroy(&i);
	}
}

/* Everything that was in use before is as it was, but for the superblock. */
static void expect_nothing_overwritten(const struct image *before, const struct image *after)
{
	const struct disk_bitmap *b =
		(const void *)(before->bytes + image_metadata_bitmap(before) * MD_BLOCK_SIZE);

	for (uint64_t n = 1; n < before->nr_blocks; n++) {
		if (bitmap_entry(bitmap_word(b, (unsigned int)n / 32), n % 32))
			cr_expect_eq(memcmp(before->bytes + n * MD_BLOCK_SIZE,
					    after->bytes + n * MD_BLOCK_SIZE, MD_BLOCK_SIZE),
				     0, "block %llu was in use", (unsigned long long)n);
	}
}

Test(fix_exact, only_free_blocks_and_the_superblock_are_written)
{
	struct image before = image_load(SNAPS), i = image_load(SNAPS);

	for (int n = 0; n < 4; n++) {
		image_leak_data(&before);
		image_leak_data(&i);
	}
	cr_expect_eq(mend(&i).nr_freed, 4);
	expect_nothing_overwritten(&before, &i);
	cr_expect_eq(image_worst(&i), SEVERITY_NONE);
	image_destroy(&before);
	image_destroy(&i);
}

Test(fix_exact, the_metadata_index_says_what_its_bitmap_says)
{
	struct image i = image_load(SNAPS);
	struct index_entry e;
	uint64_t nr;

	for (int n = 0; n < 4; n++) {
		image_leak_data(&i);
		image_leak_metadata(&i);
	}
	cr_expect_eq(mend(&i).nr_freed, 8);
	e = metadata_entry(&i);
	cr_expect_eq(e.nr_free, nr_free_of(&i, e.blocknr));
	nr = image_get(&i, 0, SUPER_METADATA_MAP + MAP_NR_ALLOCATED, 8);
	cr_expect_eq(nr, BITMAP_ENTRIES - e.nr_free);
	cr_expect_eq(image_worst(&i), SEVERITY_NONE);
	image_destroy(&i);
}

/* Of the superblock nothing changes but the two space maps' roots. */
Test(fix_exact, the_superblock_keeps_everything_else)
{
	struct image i = image_load(SNAPS);
	static uint8_t before[MD_BLOCK_SIZE];

	image_leak_data(&i);
	image_set_super(&i, 16, 8, 0x0123456789abcdef); /* the UUID, that nobody uses */
	memcpy(before, i.bytes, sizeof(before));
	mend(&i);
	cr_expect_eq(memcmp(before + 4, i.bytes + 4, SUPER_DATA_MAP - 4), 0);
	cr_expect_eq(memcmp(before + SUPER_MAPPING_ROOT, i.bytes + SUPER_MAPPING_ROOT,
			    sizeof(before) - SUPER_MAPPING_ROOT),
		     0);
	image_destroy(&i);
}

/* What was changed since the check is seen, and nothing is written. */
static void expect_refused(struct image *i, const char *what)
{
	static uint8_t before[MD_BLOCK_SIZE];
	struct block_engine *e = image_engine(i);
	struct fix_result fixed;

	memcpy(before, i->bytes, sizeof(before));
	cr_expect_eq(metadata_fix_space_maps(e, NULL, 0, &fixed), -EUCLEAN, "%s", what);
	cr_expect_eq(memcmp(before, i->bytes, sizeof(before)), 0, "%s", what);
	block_engine_destroy(e);
	image_destroy(i);
}

Test(fix_exact, metadata_that_changed_since_the_check_is_refused)
{
	struct image i = image_load(SNAPS);

	image_set(&i, 0, 100, 1, image_get(&i, 0, 100, 1) ^ 1);
	expect_refused(&i, "superblock");
	i = image_load(SNAPS);
	image_set(&i, data_index(&i), 4000, 1, 0xee);
	expect_refused(&i, "data index");
	i = image_load(SNAPS);
	image_set(&i, image_metadata_bitmap(&i), 4000, 1, 0xee);
	expect_refused(&i, "metadata bitmap");
	i = image_load(SNAPS);
	image_set(&i, image_data_bitmap(&i), 4000, 1, 0xee);
	expect_refused(&i, "data bitmap");
	i = image_load(SNAPS);
	image_set(&i, image_get(&i, 0, SUPER_METADATA_MAP + MAP_BITMAP_ROOT, 8), 4000, 1, 0xee);
	expect_refused(&i, "metadata index");
	i = image_load(SNAPS);
	image_set_node(&i, data_index(&i), NODE_NR_ENTRIES, 4,
		       node_nr_entries(&i, data_index(&i)) - 1);
	expect_refused(&i, "a bitmap that the index does not name");
	i = image_load(SNAPS);
	node_set_key(&i, data_index(&i), 0, 5000);
	expect_refused(&i, "nor the first one");
	i = image_load(SNAPS);
	image_set_super(&i, SUPER_METADATA_MAP + MAP_NR_BLOCKS, 8, METADATA_MAX_BLOCKS + 1);
	expect_refused(&i, "more bitmaps than an index block has");
	i = image_load(SNAPS);
	image_set_super(&i, SUPER_DATA_MAP + MAP_NR_BLOCKS, 8,
			(i.nr_blocks + 1) * (uint64_t)BITMAP_ENTRIES);
	expect_refused(&i, "more bitmaps than there are blocks");
}

/* An entry of the index for a bitmap behind the last one is not touched, nor written beside. */
Test(fix_exact, an_index_entry_too_many_is_left_alone)
{
	struct image i = image_load(SNAPS);
	uint64_t leaf = data_index(&i);
	unsigned int nr = node_nr_entries(&i, leaf);
	struct block_engine *e = image_engine(&i);
	struct fix_result fixed;

	image_set_node(&i, leaf, NODE_NR_ENTRIES, 4, nr + 1);
	node_set_key(&i, leaf, nr, nr);
	image_set_node(&i, leaf, node_value_offset(&i, leaf, nr) + 8, 4, 77);
	image_set_node(&i, leaf, node_value_offset(&i, leaf, 0) + 8, 4, 3); /* to be mended */
	cr_assert_eq(metadata_fix_space_maps(e, NULL, 0, &fixed), 0);
	cr_expect_eq(data_entry(&i, nr).nr_free, 77);
	cr_expect_eq(data_entry(&i, 0).nr_free, nr_free_of(&i, data_entry(&i, 0).blocknr));
	block_engine_destroy(e);
	image_destroy(&i);
}

/* A cursor behind the end of a full bitmap comes back to its end. */
Test(fix_exact, the_cursor_of_a_full_bitmap)
{
	struct image i = image_load(SNAPS);
	struct index_entry e = data_entry(&i, 0);
	struct block_engine *engine = image_engine(&i);
	struct fix_result fixed;

	for (unsigned int n = image_find_count(&i, e.blocknr, 0); n < BITMAP_ENTRIES; n++)
		image_set_count(&i, e.blocknr, n, 1);
	e.nr_free = 5;
	e.none_free_before = BITMAP_ENTRIES + 1;
	set_data_entry(&i, 0, &e);
	cr_assert_eq(metadata_fix_space_maps(engine, NULL, 0, &fixed), 0);
	cr_expect_eq(data_entry(&i, 0).nr_free, 0);
	cr_expect_eq(data_entry(&i, 0).none_free_before, BITMAP_ENTRIES);
	block_engine_destroy(engine);
	image_destroy(&i);
}
