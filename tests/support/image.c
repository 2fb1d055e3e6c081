/* SPDX-License-Identifier: MIT */
#include "tests/support/image.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/alloc.h"
#include "common/pdata/space_map.h"

#define FAIL(...) (fprintf(stderr, __VA_ARGS__), abort())

struct image image_load(const char *fixture)
{
	char path[256];

	snprintf(path, sizeof(path), "build/fixtures/%s.raw", fixture);
	return image_load_file(path);
}

struct image image_load_file(const char *path)
{
	struct image i = { .unreadable = NO_BLOCK };
	FILE *f = fopen(path, "rb");
	long size;

	if (!f || fseek(f, 0, SEEK_END) || (size = ftell(f)) < 0)
		FAIL("%s: %s (make fixtures)\n", path, strerror(errno));
	rewind(f);
	i.nr_blocks = (uint64_t)size / MD_BLOCK_SIZE;
	i.bytes = alloc_aligned((size_t)size);
	if (!i.bytes || fread(i.bytes, 1, (size_t)size, f) != (size_t)size)
		FAIL("%s cannot be read\n", path);
	fclose(f);
	return i;
}

void image_save_file(const struct image *i, const char *path)
{
	FILE *f = fopen(path, "wb");

	if (!f || fwrite(i->bytes, MD_BLOCK_SIZE, i->nr_blocks, f) != i->nr_blocks || fclose(f))
		FAIL("%s: %s\n", path, strerror(errno));
}

void image_destroy(struct image *i)
{
	alloc_free(i->bytes);
	i->bytes = NULL;
}

/* ---- an engine on top of the memory engine that fails for one block */

struct image_engine {
	struct block_engine base;
	struct block_engine *memory;
	const struct image *image;
};

static struct image_engine *to_image(struct block_engine *e)
{
	return (struct image_engine *)e;
}

static int submit(struct block_engine *e, struct io_request *rq)
{
	const struct image *i = to_image(e)->image;
	int r = to_image(e)->memory->ops->submit(to_image(e)->memory, rq);

	if (i->unreadable >= rq->block && i->unreadable < rq->block + rq->nr_blocks)
		rq->result = -EIO;
	return r;
}

static int reap(struct block_engine *e, struct io_request **ret_rq)
{
	return to_image(e)->memory->ops->reap(to_image(e)->memory, ret_rq);
}

static int flush(struct block_engine *e)
{
	(void)e;
	return 0;
}

static void destroy(struct block_engine *e)
{
	block_engine_destroy(to_image(e)->memory);
	alloc_free(e);
}

struct block_engine *image_engine(struct image *i)
{
	static const struct block_engine_ops ops = {
		.submit = submit, .reap = reap, .flush = flush, .destroy = destroy
	};
	struct image_engine *e = alloc_object(struct image_engine);

	if (!e || mem_engine_create(i->bytes, i->nr_blocks, &e->memory))
		FAIL("out of memory\n");
	e->base.ops = &ops;
	e->base.nr_blocks = i->nr_blocks;
	e->image = i;
	return &e->base;
}

int image_check(struct image *i, const struct check_options *options, struct report *report,
		struct check_result *result)
{
	struct check_options defaults = { 0 };
	struct block_engine *e = image_engine(i);
	int r;

	report_init(report);
	r = metadata_check(e, options ? options : &defaults, report, NULL, result);
	block_engine_destroy(e);
	return r;
}

uint64_t image_get(const struct image *i, uint64_t block, size_t offset, size_t bytes)
{
	const uint8_t *p = i->bytes + block * MD_BLOCK_SIZE + offset;
	uint64_t v = 0;

	if (block >= i->nr_blocks)
		FAIL("block %llu is beyond the image\n", (unsigned long long)block);
	while (bytes--)
		v = v << 8 | p[bytes];
	return v;
}

void image_set(struct image *i, uint64_t block, size_t offset, size_t bytes, uint64_t value)
{
	uint8_t *p = i->bytes + block * MD_BLOCK_SIZE + offset;

	if (block >= i->nr_blocks)
		FAIL("block %llu is beyond the image\n", (unsigned long long)block);
	for (; bytes--; value >>= 8)
		*p++ = (uint8_t)value;
}

void image_seal(struct image *i, uint64_t block, uint32_t salt)
{
	block_checksum_set(i->bytes + block * MD_BLOCK_SIZE, salt);
}

void image_set_node(struct image *i, uint64_t block, size_t offset, size_t bytes, uint64_t value)
{
	image_set(i, block, offset, bytes, value);
	image_seal(i, block, SALT_BTREE_NODE);
}

void image_set_super(struct image *i, size_t offset, size_t bytes, uint64_t value)
{
	image_set(i, 0, offset, bytes, value);
	image_seal(i, 0, SALT_SUPERBLOCK);
}

enum severity image_worst(struct image *i)
{
	struct check_result result;
	struct report report;
	enum severity worst;

	if (image_check(i, NULL, &report, &result))
		FAIL("the check could not be finished\n");
	worst = report_worst(&report);
	check_result_destroy(&result);
	report_destroy(&report);
	return worst;
}

uint64_t node_key(const struct image *i, uint64_t block, unsigned int entry)
{
	return image_get(i, block, NODE_KEYS + 8 * (size_t)entry, 8);
}

size_t node_value_offset(const struct image *i, uint64_t block, unsigned int entry)
{
	size_t max_entries = image_get(i, block, NODE_MAX_ENTRIES, 4);

	return NODE_KEYS + 8 * max_entries + image_get(i, block, NODE_VALUE_SIZE, 4) * entry;
}

uint64_t node_value(const struct image *i, uint64_t block, unsigned int entry)
{
	return image_get(i, block, node_value_offset(i, block, entry), 8);
}

void node_set_key(struct image *i, uint64_t block, unsigned int entry, uint64_t key)
{
	image_set_node(i, block, NODE_KEYS + 8 * (size_t)entry, 8, key);
}

unsigned int node_nr_entries(const struct image *i, uint64_t block)
{
	return (unsigned int)image_get(i, block, NODE_NR_ENTRIES, 4);
}

bool node_is_leaf(const struct image *i, uint64_t block)
{
	return image_get(i, block, NODE_FLAGS, 4) == 2;
}

uint64_t first_leaf(const struct image *i, uint64_t block)
{
	while (!node_is_leaf(i, block))
		block = node_value(i, block, 0);
	return block;
}

/* The leaf that holds key, and its entry there. */
static uint64_t find_key(const struct image *i, uint64_t block, uint64_t key,
			 unsigned int *ret_entry)
{
	for (;;) {
		unsigned int e = 0, nr = node_nr_entries(i, block);

		while (e + 1 < nr && node_key(i, block, e + 1) <= key)
			e++;
		*ret_entry = e;
		if (!node_is_leaf(i, block)) {
			block = node_value(i, block, e);
			continue;
		}
		if (node_key(i, block, e) != key)
			FAIL("no key %llu\n", (unsigned long long)key);
		return block;
	}
}

uint64_t device_root(const struct image *i, uint64_t device)
{
	unsigned int e;
	uint64_t leaf = find_key(i, image_get(i, 0, SUPER_MAPPING_ROOT, 8), device, &e);

	return node_value(i, leaf, e);
}

uint64_t device_set_root(struct image *i, uint64_t device, uint64_t root)
{
	unsigned int e;
	uint64_t leaf = find_key(i, image_get(i, 0, SUPER_MAPPING_ROOT, 8), device, &e);

	image_set_node(i, leaf, node_value_offset(i, leaf, e), 8, root);
	return leaf;
}

size_t device_details_offset(const struct image *i, uint64_t device, uint64_t *ret_block)
{
	unsigned int e;

	*ret_block = find_key(i, image_get(i, 0, SUPER_DETAILS_ROOT, 8), device, &e);
	return node_value_offset(i, *ret_block, e);
}

static void leak_in_bitmap(struct image *i, uint64_t bitmap)
{
	struct disk_bitmap *b = (void *)(i->bytes + bitmap * MD_BLOCK_SIZE);
	unsigned int e = 0;

	while (bitmap_entry(bitmap_word(b, e / 32), e % 32))
		e++;
	bitmap_set_entry(b, e, 1);
	image_seal(i, bitmap, SALT_BITMAP);
}

static void one_more_allocated(struct image *i, size_t map)
{
	image_set_super(i, map + MAP_NR_ALLOCATED, 8,
			image_get(i, 0, map + MAP_NR_ALLOCATED, 8) + 1);
}

void image_leak_data(struct image *i)
{
	uint64_t leaf = first_leaf(i, image_get(i, 0, SUPER_DATA_MAP + MAP_BITMAP_ROOT, 8));
	size_t nr_free = node_value_offset(i, leaf, 0) + 8;

	leak_in_bitmap(i, node_value(i, leaf, 0));
	image_set_node(i, leaf, nr_free, 4, image_get(i, leaf, nr_free, 4) - 1);
	one_more_allocated(i, SUPER_DATA_MAP);
}

void image_leak_metadata(struct image *i)
{
	uint64_t index = image_get(i, 0, SUPER_METADATA_MAP + MAP_BITMAP_ROOT, 8);
	size_t nr_free = 16 + 8;

	leak_in_bitmap(i, image_get(i, index, 16, 8));
	image_set(i, index, nr_free, 4, image_get(i, index, nr_free, 4) - 1);
	image_seal(i, index, SALT_INDEX);
	one_more_allocated(i, SUPER_METADATA_MAP);
}

void image_set_count(struct image *i, uint64_t bitmap, uint64_t entry, unsigned int value)
{
	struct disk_bitmap *b = (void *)(i->bytes + bitmap * MD_BLOCK_SIZE);

	bitmap_set_entry(b, (unsigned int)entry, value);
	image_seal(i, bitmap, SALT_BITMAP);
}

unsigned int image_find_count(const struct image *i, uint64_t bitmap, unsigned int value)
{
	const struct disk_bitmap *b = (const void *)(i->bytes + bitmap * MD_BLOCK_SIZE);
	unsigned int e = 0;

	while (bitmap_entry(bitmap_word(b, e / 32), e % 32) != value)
		e++;
	return e;
}

uint64_t image_data_bitmap(const struct image *i)
{
	return node_value(i, first_leaf(i, image_get(i, 0, SUPER_DATA_MAP + MAP_BITMAP_ROOT, 8)),
			  0);
}

uint64_t image_metadata_bitmap(const struct image *i)
{
	return image_get(i, image_get(i, 0, SUPER_METADATA_MAP + MAP_BITMAP_ROOT, 8), 16, 8);
}
