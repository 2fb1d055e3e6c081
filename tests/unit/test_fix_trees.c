/* SPDX-License-Identifier: MIT
 * test_fix_trees.c: mending where an index, reference counts or metadata bitmaps are more than one
 * block, where free blocks are few and scattered, and in which order it all is written.
 */
#include <criterion/criterion.h>
#include <errno.h>
#include <string.h>

#include "common/pdata/space_map.h"
#include "common/thin/metadata_fix.h"
#include "tests/support/leaks.h"
#include "tests/support/made_pool.h"

TestSuite(fix_trees, .fini = fail_on_leaks);

enum {
	NR_HIGH = 1000, /* data blocks with four uses: three leaves of counts */
	NR_DATA = 200 * (int)BITMAP_ENTRIES, /* an index of two leaves and a root */
	FIRST_HIGH = 500,
};

static void make(struct made_pool *p, uint64_t nr_blocks, uint64_t nr_data)
{
	const struct pool_header header = {
		.time = 9, .transaction_id = 1, .data_block_size = 128, .nr_data_blocks = nr_data
	};
	const struct device_details d = { .mapped_blocks = NR_HIGH, .snapshotted_time = 9 };

	made_pool_begin(p, nr_blocks, &header);
	for (uint64_t id = 1; id <= 4; id++) {
		made_pool_device(p, id, &d);
		made_pool_map(p, 0, FIRST_HIGH, NR_HIGH, 3);
		made_pool_device_end(p);
	}
	cr_assert_eq(made_pool_commit(p), 0);
	cr_assert_eq(image_worst(&p->image), SEVERITY_NONE);
}

/* ---- what was written, in order */

struct log_engine {
	struct block_engine base;
	struct block_engine *inner;
	char kinds[1000]; /* b a bitmap, n a node or the index block, S the superblock, f a flush */
	size_t nr;
};

static void note(struct log_engine *l, char kind)
{
	cr_assert_lt(l->nr + 1, sizeof(l->kinds));
	if (!l->nr || l->kinds[l->nr - 1] != kind)
		l->kinds[l->nr++] = kind;
	l->kinds[l->nr] = '\0';
}

static char kind_of(const struct io_request *rq)
{
	if (block_checksum_ok(rq->source, SALT_BITMAP))
		return 'b';
	return block_checksum_ok(rq->source, SALT_SUPERBLOCK) ? 'S' : 'n';
}

static int log_submit(struct block_engine *e, struct io_request *rq)
{
	struct log_engine *l = (struct log_engine *)e;

	if (rq->write)
		note(l, kind_of(rq));
	return l->inner->ops->submit(l->inner, rq);
}

static int log_reap(struct block_engine *e, struct io_request **ret_rq)
{
	struct log_engine *l = (struct log_engine *)e;

	return l->inner->ops->reap(l->inner, ret_rq);
}

static int log_flush(struct block_engine *e)
{
	note((struct log_engine *)e, 'f');
	return 0;
}

static const struct block_engine_ops log_ops = { .submit = log_submit,
						 .reap = log_reap,
						 .flush = log_flush };

/* Free what is named, whatever the check says of it. */
static struct fix_result free_leaks(struct made_pool *p, struct leak *leaks, size_t nr,
				    const char *order)
{
	struct log_engine l = { .base = { .ops = &log_ops, .nr_blocks = p->image.nr_blocks },
				.inner = image_engine(&p->image) };
	struct fix_result fixed;

	cr_assert_eq(metadata_fix_space_maps(&l.base, leaks, nr, &fixed), 0);
	if (order)
		cr_expect_str_eq(l.kinds, order);
	block_engine_destroy(l.inner);
	return fixed;
}

static void expect_only(struct made_pool *p, enum finding_id id, uint64_t nr)
{
	struct check_result result;
	struct report report;

	cr_assert_eq(image_check(&p->image, NULL, &report, &result), 0);
	cr_expect_eq(report.per_id[id], nr, "%llu of %s", (unsigned long long)report.per_id[id],
		     finding_type(id)->id);
	for (size_t n = 0; n < report.nr_findings; n++)
		cr_expect_eq(report.findings[n].id, id, "%s", report.findings[n].message);
	check_result_destroy(&result);
	report_destroy(&report);
}

/* ---- trees of several nodes */

/* A block whose count stands in the tree, as if it had leaked: nothing else goes with it. */
static void free_high_count(uint64_t block)
{
	struct leak leak = { .begin = block, .end = block + 1, .found = 4 };
	struct made_pool p;

	make(&p, 400, NR_DATA);
	cr_expect_eq(free_leaks(&p, &leak, 1, NULL).nr_freed, 1);
	expect_only(&p, FINDING_REF_COUNT_LOW, 1); /* it is in use */
	made_pool_destroy(&p);
}

Test(fix_trees, counts_of_several_leaves)
{
	free_high_count(FIRST_HIGH);
	free_high_count(FIRST_HIGH + NR_HIGH / 2);
	free_high_count(FIRST_HIGH + NR_HIGH - 1);
}

/* The bitmap's number in the index, and what the index has of it. */
static struct index_entry index_entry(const struct image *i, unsigned int number)
{
	uint64_t root = image_get(i, 0, SUPER_DATA_MAP + MAP_BITMAP_ROOT, 8);

	cr_assert_not(node_is_leaf(i, root));
	for (unsigned int c = 0; c < node_nr_entries(i, root); c++) {
		uint64_t leaf = node_value(i, root, c);

		for (unsigned int n = 0; n < node_nr_entries(i, leaf); n++) {
			if (node_key(i, leaf, n) == number)
				return index_entry_decode(i->bytes + leaf * MD_BLOCK_SIZE +
							  node_value_offset(i, leaf, n));
		}
	}
	cr_assert_fail("bitmap %u is not there", number);
	return (struct index_entry){ 0 };
}

/* In bitmaps at both ends of both leaves of the index. */
Test(fix_trees, an_index_of_several_leaves)
{
	static const unsigned int numbers[] = { 1, 99, 100, 101, 199 };
	struct leak leaks[5];
	struct made_pool p;

	make(&p, 400, NR_DATA);
	for (unsigned int n = 0; n < 5; n++) {
		uint64_t block = (uint64_t)numbers[n] * BITMAP_ENTRIES + 16300 + n;

		image_set_count(&p.image, index_entry(&p.image, numbers[n]).blocknr, 16300 + n, 2);
		leaks[4 - n] = (struct leak){ .begin = block, .end = block + 1, .found = 2 };
	}
	expect_only(&p, FINDING_BLOCK_LEAKED, 5);
	cr_expect_eq(free_leaks(&p, leaks, 5, "bfnfSf").nr_freed, 5);
	expect_only(&p, FINDING_BLOCK_LEAKED, 0);
	for (unsigned int n = 0; n < 5; n++)
		cr_expect_eq(index_entry(&p.image, numbers[n]).nr_free, BITMAP_ENTRIES);
	made_pool_destroy(&p);
}

/* At the end of one bitmap and the beginning of the next, as the check tells it. */
Test(fix_trees, leaks_on_both_sides_of_a_boundary)
{
	const struct check_options options = { .collect_leaks = true };
	struct check_result result;
	struct report report;
	struct made_pool p;

	make(&p, 400, NR_DATA);
	for (unsigned int n = 0; n < 3; n++) {
		uint64_t first = index_entry(&p.image, 0).blocknr;

		image_set_count(&p.image, first, BITMAP_ENTRIES - 3 + n, 1);
		image_set_count(&p.image, index_entry(&p.image, 1).blocknr, n, 1);
	}
	cr_assert_eq(image_check(&p.image, &options, &report, &result), 0);
	cr_expect_eq(free_leaks(&p, result.leaks, result.nr_leaks, NULL).nr_freed, 6);
	cr_expect_eq(image_worst(&p.image), SEVERITY_NONE);
	check_result_destroy(&result);
	report_destroy(&report);
	made_pool_destroy(&p);
}

/* ---- free metadata blocks */

static unsigned int metadata_count(const struct image *i, uint64_t block)
{
	const struct disk_bitmap *b =
		(const void *)(i->bytes + image_metadata_bitmap(i) * MD_BLOCK_SIZE);

	return bitmap_entry(bitmap_word(b, (unsigned int)block / 32), block % 32);
}

static struct leak leak_of_data(struct made_pool *p)
{
	unsigned int entry = image_find_count(&p->image, image_data_bitmap(&p->image), 0);

	image_set_count(&p->image, image_data_bitmap(&p->image), entry, 1);
	return (struct leak){ .begin = entry, .end = entry + 1u, .found = 1 };
}

/* All blocks but a few count as used: just these few are written to. */
static void only_these_are_free(uint64_t step)
{
	static uint8_t before[5000 * (size_t)MD_BLOCK_SIZE];
	struct leak leak;
	struct made_pool p;

	make(&p, 5000, 100000);
	leak = leak_of_data(&p);
	for (uint64_t b = 0; b < p.image.nr_blocks; b++) {
		if (!metadata_count(&p.image, b) && b % step)
			image_set_count(&p.image, image_metadata_bitmap(&p.image), b, 1);
	}
	memcpy(before, p.image.bytes, sizeof(before));
	cr_expect_not(free_leaks(&p, &leak, 1, "bfnfSf").in_place);
	for (uint64_t b = 1; b < p.image.nr_blocks; b++) {
		if (b % step)
			cr_expect_eq(memcmp(before + b * MD_BLOCK_SIZE,
					    p.image.bytes + b * MD_BLOCK_SIZE, MD_BLOCK_SIZE),
				     0, "block %llu", (unsigned long long)b);
	}
	made_pool_destroy(&p);
}

Test(fix_trees, free_blocks_are_where_the_bitmap_says)
{
	only_these_are_free(37);
	only_these_are_free(64);
	only_these_are_free(1001);
}

static void fill_metadata(struct made_pool *p)
{
	for (uint64_t b = 0; b < p->image.nr_blocks; b++) {
		if (!metadata_count(&p->image, b))
			image_set_count(&p->image, image_metadata_bitmap(&p->image), b, 1);
	}
}

/* Without a free block: in place, bitmaps before what counts them, and that before the superblock.
 */
Test(fix_trees, the_order_in_place)
{
	struct leak leak;
	struct made_pool p;

	make(&p, 400, 100000);
	leak = leak_of_data(&p);
	fill_metadata(&p);
	cr_expect(free_leaks(&p, &leak, 1, "bfnfSf").in_place);
	made_pool_destroy(&p);
}

/* A leak whose count is in the reference count tree stays; those behind it are freed all the same.
 */
Test(fix_trees, in_place_the_leaks_behind_a_high_count_are_freed)
{
	struct leak leaks[2];
	struct made_pool p;

	make(&p, 400, 100000);
	leaks[0] = (struct leak){ .begin = FIRST_HIGH, .end = FIRST_HIGH + 1, .found = 4 };
	image_set_count(&p.image, image_data_bitmap(&p.image), 9000, 1);
	leaks[1] = (struct leak){ .begin = 9000, .end = 9001, .found = 1 };
	fill_metadata(&p);
	cr_expect_eq(free_leaks(&p, leaks, 2, "bfnfSf").nr_freed, 1);
	cr_expect_geq(image_find_count(&p.image, image_data_bitmap(&p.image), BITMAP_OVERFLOW),
		      FIRST_HIGH);
	made_pool_destroy(&p);
}

/* What is free already is not freed again, and what is behind it is. */
Test(fix_trees, a_leak_with_a_hole)
{
	struct leak leak = { .begin = 9000, .end = 9003, .found = 1 };
	struct made_pool p;

	make(&p, 400, 100000);
	image_set_count(&p.image, image_data_bitmap(&p.image), 9000, 1);
	image_set_count(&p.image, image_data_bitmap(&p.image), 9002, 1);
	cr_expect_eq(free_leaks(&p, &leak, 1, NULL).nr_freed, 2);
	cr_expect_eq(image_worst(&p.image), SEVERITY_NONE);
	made_pool_destroy(&p);
}

/* The first of two metadata bitmaps is full: what is new lies in the second, and counts there. */
Test(fix_trees, two_metadata_bitmaps)
{
	struct leak leak;
	struct made_pool p;
	uint64_t nr = 0;

	make(&p, BITMAP_ENTRIES + 100, 100000);
	leak = leak_of_data(&p);
	for (uint64_t b = 0; b < BITMAP_ENTRIES; b++) {
		if (metadata_count(&p.image, b))
			continue;
		image_set_count(&p.image, image_metadata_bitmap(&p.image), b, 1);
		nr++;
	}
	cr_assert_gt(nr, 10000);
	cr_expect_not(free_leaks(&p, &leak, 1, "bfnfSf").in_place);
	expect_only(&p, FINDING_BLOCK_LEAKED, 1); /* those that were made to leak, in one range */
	made_pool_destroy(&p);
}

/* A node that leads to itself, since the check: the walk ends. */
Test(fix_trees, a_tree_that_loops_ends)
{
	struct fix_result fixed;
	struct made_pool p;
	uint64_t root;

	make(&p, 400, NR_DATA);
	root = image_get(&p.image, 0, SUPER_DATA_MAP + MAP_BITMAP_ROOT, 8);
	image_set_node(&p.image, root, node_value_offset(&p.image, root, 1), 8, root);
	cr_expect_eq(metadata_fix_space_maps(p.engine, NULL, 0, &fixed), -EUCLEAN);
	made_pool_destroy(&p);
}

/* An empty metadata bitmap in a block, and its entry in the index. */
static void add_metadata_bitmap(struct image *i, unsigned int number, uint64_t block)
{
	const uint64_t index = image_get(i, 0, SUPER_METADATA_MAP + MAP_BITMAP_ROOT, 8);
	const size_t entry = offsetof(struct disk_index, entries) + number * INDEX_ENTRY_SIZE;

	image_set(i, block, NODE_BLOCKNR, 8, block);
	image_seal(i, block, SALT_BITMAP);
	image_set_count(i, image_metadata_bitmap(i), block, 1);
	image_set(i, index, entry, 8, block);
	image_set(i, index, entry + 8, 4, BITMAP_ENTRIES);
	image_seal(i, index, SALT_INDEX);
}

/* As many bitmaps as the index has room for: those of the largest metadata device. */
Test(fix_trees, the_largest_metadata)
{
	struct leak leak = { .metadata = true, .begin = 390, .end = 391, .found = 1 };
	struct made_pool p;

	make(&p, 400, 100000);
	image_set_count(&p.image, image_metadata_bitmap(&p.image), leak.begin, 1);
	for (unsigned int n = 1; n < METADATA_MAX_BITMAPS; n++)
		add_metadata_bitmap(&p.image, n, 100 + n);
	image_set_super(&p.image, SUPER_METADATA_MAP + MAP_NR_BLOCKS, 8, METADATA_MAX_BLOCKS);
	cr_expect_eq(free_leaks(&p, &leak, 1, NULL).nr_freed, 1);
	cr_expect_eq(metadata_count(&p.image, leak.begin), 0);
	made_pool_destroy(&p);
}
