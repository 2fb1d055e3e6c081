/* SPDX-License-Identifier: MIT */
#include <criterion/criterion.h>
#include <string.h>

#include "common/base/alloc.h"
#include "common/pdata/btree_node.h"
#include "common/pdata/ref_counts.h"
#include "common/pdata/space_map.h"
#include "tests/support/image.h"
#include "tests/support/leaks.h"

TestSuite(pdata, .fini = fail_on_leaks);

Test(pdata, max_entries_of_every_value_size)
{
	cr_expect_eq(btree_max_entries(8), 252);
	cr_expect_eq(btree_max_entries(24), 126);
	cr_expect_eq(btree_max_entries(16), 168);
	cr_expect_eq(btree_max_entries(4), BTREE_MAX_ENTRIES);
}

Test(pdata, node_of_a_real_pool)
{
	struct image i = image_load("basic");
	uint64_t block = device_root(&i, 1);
	const void *raw = i.bytes + block * MD_BLOCK_SIZE;
	struct btree_node n = { .block = 99 };
	struct node_fault f;

	cr_assert_eq(btree_node_decode(raw, block, 8, &n, &f), 0);
	cr_expect(n.leaf && n.nr_entries == 7 && n.max_entries == 252 && n.first_unsorted == 7);
	cr_expect_eq(btree_node_key(&n, 2), 6);
	cr_expect_eq(btree_node_u64(&n, 2) >> 24, 113);
	cr_expect_eq(btree_node_key(&n, 6), 781);
	n.block = 99;
	cr_expect_neq(btree_node_decode(raw, block + 1, 8, &n, &f), 0);
	cr_expect_eq(f.id, FINDING_BLOCK_BLOCKNR);
	cr_expect_eq(f.expected, block + 1);
	cr_expect_eq(f.found, block);
	cr_expect_neq(btree_node_decode(raw, block, 24, &n, &f), 0);
	cr_expect_eq(f.id, FINDING_NODE_VALUE_SIZE);
	cr_expect_eq(n.block, 99, "a node is published on success only");
	image_destroy(&i);
}

Test(pdata, ref_counts_beyond_four_bits)
{
	struct ref_counts r;

	cr_assert_eq(ref_counts_init(&r, UINT64_C(1) << 36), 0);
	for (int n = 0; n < 100; n++) {
		cr_assert_eq(ref_counts_add(&r, 41, false), 0);
		cr_expect_eq(ref_counts_get(&r, 41), (uint64_t)n + 1);
		cr_expect_eq(ref_counts_get(&r, 40), 0);
		cr_expect_eq(ref_counts_get(&r, 42), 0);
	}
	cr_assert_eq(ref_counts_add(&r, (UINT64_C(1) << 36) - 1, false), 0);
	cr_expect_eq(ref_counts_get(&r, (UINT64_C(1) << 36) - 1), 1);
	cr_expect_eq(ref_counts_get(&r, UINT64_C(1) << 36), 0);
	ref_counts_destroy(&r);
}

Test(pdata, ref_counts_know_marked_blocks_used_twice)
{
	struct ref_counts r;

	cr_assert_eq(ref_counts_init(&r, 100000), 0);
	cr_assert_eq(ref_counts_add(&r, 5, true), 0);
	cr_assert_eq(ref_counts_add(&r, 6, false), 0);
	cr_assert_eq(ref_counts_add(&r, 6, false), 0);
	cr_expect_eq(r.nr_marked_repeated, 0);
	cr_assert_eq(ref_counts_add(&r, 5, false), 0);
	cr_expect_eq(r.nr_marked_repeated, 1);
	cr_assert_eq(ref_counts_add(&r, 5, true), 0);
	cr_expect_eq(r.nr_marked_repeated, 1);
	ref_counts_mark(&r, 6);
	cr_expect_eq(r.nr_marked_repeated, 2);
	cr_expect(ref_counts_marked_repeated(&r, 5) && ref_counts_marked_repeated(&r, 6));
	cr_expect_not(ref_counts_marked_repeated(&r, 7));
	cr_expect_eq(ref_counts_get(&r, 5), 3);
	ref_counts_destroy(&r);
}

Test(pdata, bitmap_entries_have_their_bits_swapped)
{
	struct disk_bitmap *b = alloc_object(struct disk_bitmap);

	for (unsigned int v = 0; v <= BITMAP_OVERFLOW; v++)
		bitmap_set_entry(b, 31 + v, v);
	for (unsigned int v = 0; v <= BITMAP_OVERFLOW; v++)
		cr_expect_eq(bitmap_entry(bitmap_word(b, (31 + v) / 32), (31 + v) % 32), v);
	/* On disk the low bit of a pair weighs two. */
	cr_expect_eq(bitmap_word(b, 1), 2u | 1u << 2 | 3u << 4);
	alloc_free(b);
	cr_expect_eq(space_map_nr_bitmaps(0), 0);
	cr_expect_eq(space_map_nr_bitmaps(1), 1);
	cr_expect_eq(space_map_nr_bitmaps(16320), 1);
	cr_expect_eq(space_map_nr_bitmaps(16321), 2);
	cr_expect_eq(space_map_nr_bitmaps(UINT64_MAX), UINT64_MAX / 16320 + 1);
}
