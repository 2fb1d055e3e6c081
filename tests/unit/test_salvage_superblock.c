/* SPDX-License-Identifier: MIT */
#include <criterion/criterion.h>
#include <errno.h>
#include <string.h>

#include "common/base/alloc.h"
#include "common/pdata/btree_node.h"
#include "common/thin/metadata_write.h"
#include "common/thin/salvage.h"
#include "tests/support/content.h"
#include "tests/support/image.h"

static struct image empty_image(uint64_t nr_blocks)
{
	struct image i = { .bytes = alloc_aligned(nr_blocks * MD_BLOCK_SIZE),
			   .nr_blocks = nr_blocks,
			   .unreadable = NO_BLOCK };

	cr_assert_not_null(i.bytes);
	memset(i.bytes, 0, nr_blocks * MD_BLOCK_SIZE);
	return i;
}

static int repair(struct image *i, struct content *ret_content, struct salvage_result *ret_result)
{
	const struct salvage_options options = { .data_block_size = 128 };
	struct block_engine *e = image_engine(i), *sound = NULL;
	struct salvage_fault fault;
	int r = salvage(e, &options, &sound, ret_result, &fault);

	*ret_content = (struct content){ 0 };
	if (!r)
		r = content_read(sound, ret_result->nr_blocks, ret_content);
	block_engine_destroy(sound);
	block_engine_destroy(e);
	return r;
}

/* Nodes that lead to each other, and to no leaf: each is looked at once. */
Test(salvage_superblock, nodes_in_a_circle)
{
	enum { NR = 3, ENTRIES = 252 };
	struct image i = empty_image(64);
	struct salvage_result result;
	struct content content;

	for (uint64_t b = 1; b <= NR; b++) {
		image_set(&i, b, 4, 4, 1); /* an internal node */
		image_set(&i, b, 8, 8, b);
		image_set(&i, b, 16, 4, ENTRIES);
		image_set(&i, b, 20, 4, ENTRIES);
		image_set(&i, b, 24, 4, 8);
		for (unsigned int n = 0; n < ENTRIES; n++) {
			image_set(&i, b, 32 + 8 * n, 8, n * 1000);
			image_set(&i, b, 32 + 8 * (ENTRIES + n), 8, 1 + (b + n) % NR);
		}
		image_seal(&i, b, SALT_BTREE_NODE);
	}
	cr_expect_eq(repair(&i, &content, &result), -EUCLEAN);
	salvage_result_destroy(&result);
	content_destroy(&content);
	image_destroy(&i);
}

static void write_pool(struct image *i)
{
	const struct pool_header header = {
		.version = 2, .data_block_size = 128, .nr_data_blocks = 100000, .transaction_id = 3
	};
	const struct device_details details = { .mapped_blocks = 5000 };
	const struct mapping_run run = { .length = 5000 };
	struct block_engine *e = image_engine(i);
	struct metadata_writer *w;
	struct metadata_visitor *v;
	uint64_t used;

	cr_assert_eq(metadata_writer_create(e, i->nr_blocks, &w), 0);
	v = metadata_writer_visitor(w);
	cr_assert_eq(v->superblock(v, &header) | v->device(v, 1, &details) | v->map(v, &run) |
			     v->device_end(v) | v->superblock_end(v),
		     0);
	cr_assert_eq(metadata_writer_commit(w, &used), 0);
	metadata_writer_destroy(w);
	block_engine_destroy(e);
}

/* More metadata than one bitmap tells of. */
Test(salvage_superblock, several_bitmaps)
{
	struct image i = empty_image(40000);
	struct salvage_result result;
	struct content truth = { 0 }, content;
	struct block_engine *e;

	write_pool(&i);
	e = image_engine(&i);
	cr_assert_eq(content_read(e, 0, &truth), 0);
	block_engine_destroy(e);
	memset(i.bytes, 0, MD_BLOCK_SIZE);
	cr_assert_eq(repair(&i, &content, &result), 0);
	cr_expect_eq(content_compare(&truth, &content).kept, truth.nr);
	cr_expect_eq(content_compare(&truth, &content).wrong, 0);
	cr_expect(!result.older);
	salvage_result_destroy(&result);
	content_destroy(&truth);
	content_destroy(&content);
	image_destroy(&i);
}
