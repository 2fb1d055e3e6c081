/* SPDX-License-Identifier: MIT */
#include <criterion/criterion.h>
#include <errno.h>
#include <string.h>

#include "common/base/alloc.h"
#include "common/io/checksum.h"
#include "common/pdata/btree_build.h"
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

Test(pdata, ref_counts_go_down_again)
{
	struct ref_counts r;

	cr_assert_eq(ref_counts_init(&r, 100000), 0);
	for (int round = 0; round < 2; round++) {
		for (uint64_t n = 1; n <= 10; n++) {
			cr_assert_eq(ref_counts_add(&r, 70001, false), 0);
			cr_expect_eq(r.nr_above_two, n > 2);
		}
		for (uint64_t n = 10; n; n--) {
			cr_expect_eq(ref_counts_get(&r, 70001), n);
			cr_expect_eq(r.nr_above_two, n > 2);
			ref_counts_remove(&r, 70001);
		}
		cr_expect_eq(ref_counts_get(&r, 70001), 0);
	}
	cr_expect_eq(ref_counts_get(&r, 70000), 0);
	cr_expect_eq(ref_counts_skip_unused(&r, 0), 65536);
	cr_expect_eq(ref_counts_skip_unused(&r, 70001), 70001);
	cr_expect_eq(ref_counts_skip_unused(&r, 98304), 100000);
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
	cr_assert_eq(ref_counts_add(&r, 6, true), 0);
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

/* ---- building trees */

struct memory_sink {
	struct block_sink base;
	uint8_t *blocks;
	uint64_t nr, room, nr_references;
};

static int sink_allocate(struct block_sink *s, uint64_t *ret_block)
{
	struct memory_sink *m = (struct memory_sink *)s;

	if (m->nr == m->room)
		return -ENOSPC;
	*ret_block = m->nr++;
	return 0;
}

static int sink_write(struct block_sink *s, uint64_t block, void *raw, uint32_t salt)
{
	struct memory_sink *m = (struct memory_sink *)s;

	block_checksum_set(raw, salt);
	memcpy(m->blocks + block * MD_BLOCK_SIZE, raw, MD_BLOCK_SIZE);
	return 0;
}

static int sink_refer(struct block_sink *s, uint64_t block)
{
	struct memory_sink *m = (struct memory_sink *)s;

	cr_assert_lt(block, m->nr);
	m->nr_references++;
	return 0;
}

/* Key i is 3i + 1, its value i. */
static int build(struct memory_sink *m, uint64_t nr, uint64_t *ret_root)
{
	struct btree_builder *b;
	int r = 0;

	m->base = (struct block_sink){ sink_allocate, sink_write, sink_refer };
	cr_assert_eq(btree_builder_create(&m->base, 4, &b), 0);
	for (uint64_t i = 0; i < nr && !r; i++) {
		__le32 value = cpu_to_le32((uint32_t)i);

		r = btree_builder_add(b, 3 * i + 1, &value);
	}
	if (!r)
		r = btree_builder_finish(b, ret_root);
	btree_builder_destroy(b);
	return r;
}

/* Every entry below the node is the next one; returns its height. */
static int expect_entries(const struct memory_sink *m, uint64_t block, bool is_root, uint64_t *next)
{
	struct btree_node n;
	struct node_fault f;
	int height = 0;

	cr_assert_eq(btree_node_decode(m->blocks + block * MD_BLOCK_SIZE, block, 4, &n, &f), 0);
	cr_assert_eq(n.first_unsorted, n.nr_entries);
	cr_assert(is_root || n.nr_entries >= n.max_entries / 3);
	for (uint32_t i = 0; i < n.nr_entries; i++) {
		__le32 value;
		int below;

		cr_assert_eq(btree_node_key(&n, i), 3 * *next + 1);
		if (n.leaf) {
			memcpy(&value, btree_node_value(&n, i), 4);
			cr_assert_eq(le32_to_cpu(value), (*next)++);
			continue;
		}
		below = expect_entries(m, btree_node_u64(&n, i), false, next);
		cr_assert(!i || height == below + 1);
		height = below + 1;
	}
	return height;
}

Test(pdata, built_trees)
{
	static const struct {
		uint64_t nr;
		int height;
	} cases[] = {
		{ 0, 0 },      { 1, 0 },         { 335, 0 },           { 336, 0 },
		{ 337, 1 },    { 671, 1 },       { 672, 1 },           { 673, 1 },
		{ 1008, 1 },   { 336 * 252, 1 }, { 336 * 252 + 1, 2 }, { 336 * 253, 2 },
		{ 200000, 2 },
	};

	for (size_t c = 0; c < ARRAY_SIZE(cases); c++) {
		struct memory_sink m = { .blocks = alloc_aligned(700 * (size_t)MD_BLOCK_SIZE),
					 .room = 700 };
		uint64_t root = 0, next = 0;

		cr_assert_eq(build(&m, cases[c].nr, &root), 0);
		cr_expect_eq(expect_entries(&m, root, true, &next), cases[c].height, "%zu", c);
		cr_expect_eq(next, cases[c].nr);
		/* As few nodes as can be, each with one reference but the root. */
		cr_expect_eq(m.nr, btree_nr_nodes(cases[c].nr, 4));
		cr_expect_eq(m.nr_references, m.nr - 1);
		alloc_free(m.blocks);
	}
}

Test(pdata, building_without_room)
{
	for (uint64_t room = 0; room < 5; room++) {
		struct memory_sink m = { .blocks = alloc_aligned(5 * (size_t)MD_BLOCK_SIZE),
					 .room = room };
		uint64_t root;

		cr_expect_eq(build(&m, 4 * 336, &root), -ENOSPC);
		alloc_free(m.blocks);
	}
}
