/* SPDX-License-Identifier: MIT */
#include "common/pdata/btree_build.h"

#include <errno.h>

#include "common/base/alloc.h"
#include "common/io/checksum.h"
#include "common/pdata/btree_node.h"

struct btree_builder {
	struct block_sink *sink;
	uint32_t value_size, max_entries;
	/* Up to two leaves, as on disk: the last two share their entries evenly. */
	__le64 keys[2 * BTREE_MAX_ENTRIES];
	uint8_t values[2 * MD_BLOCK_SIZE];
	uint32_t nr_pending;
	struct leaf_list leaves; /* and, at the end, the nodes of the level that is done */
	void *raw;               /* owned: the block that is being made */
	uint64_t newest;         /* the block that was written last: in the end the root */
};

int btree_builder_create(struct block_sink *sink, uint32_t value_size,
			 struct btree_builder **ret_builder)
{
	struct btree_builder *b = alloc_object(struct btree_builder);

	if (!b)
		return -ENOMEM;
	b->sink = sink;
	b->value_size = value_size;
	b->max_entries = btree_max_entries(value_size);
	b->raw = alloc_aligned(MD_BLOCK_SIZE);
	if (!b->raw) {
		alloc_free(b);
		return -ENOMEM;
	}
	*ret_builder = b;
	return 0;
}

void btree_builder_destroy(struct btree_builder *b)
{
	if (!b)
		return;
	alloc_free(b->leaves.items);
	alloc_free(b->raw);
	alloc_free(b);
}

int leaf_list_append(struct leaf_list *list, const struct leaf_ref *leaf)
{
	struct leaf_ref *grown = alloc_grow(list->items, &list->capacity, list->nr, sizeof(*grown));

	if (!grown)
		return -ENOMEM;
	list->items = grown;
	grown[list->nr++] = *leaf;
	return 0;
}

static void make_header(struct btree_builder *b, uint64_t block, uint32_t flags, uint32_t nr,
			uint32_t value_size)
{
	struct node_header h = { .flags = cpu_to_le32(flags),
				 .blocknr = cpu_to_le64(block),
				 .nr_entries = cpu_to_le32(nr),
				 .max_entries = cpu_to_le32(btree_max_entries(value_size)),
				 .value_size = cpu_to_le32(value_size) };

	memset(b->raw, 0, MD_BLOCK_SIZE);
	memcpy(b->raw, &h, sizeof(h));
}

static uint8_t *raw_keys(struct btree_builder *b)
{
	return (uint8_t *)b->raw + sizeof(struct node_header);
}

static int write_node(struct btree_builder *b, uint64_t block)
{
	b->newest = block;
	return b->sink->write(b->sink, block, b->raw, SALT_BTREE_NODE);
}

/* The first n pending entries become a leaf. */
static int write_leaf(struct btree_builder *b, uint32_t n)
{
	uint8_t *keys = raw_keys(b);
	struct leaf_ref leaf = { .first_key = n ? le64_to_cpu(b->keys[0]) : 0, .nr_entries = n };
	int r = b->sink->allocate(b->sink, &leaf.block);

	if (r)
		return r;
	make_header(b, leaf.block, BTREE_LEAF_NODE, n, b->value_size);
	memcpy(keys, b->keys, 8 * (size_t)n);
	memcpy(keys + 8 * (size_t)b->max_entries, b->values, (size_t)n * b->value_size);
	r = leaf_list_append(&b->leaves, &leaf);
	if (!r)
		r = write_node(b, leaf.block);
	b->nr_pending -= n;
	memmove(b->keys, b->keys + n, b->nr_pending * sizeof(*b->keys));
	memmove(b->values, b->values + (size_t)n * b->value_size,
		(size_t)b->nr_pending * b->value_size);
	return r;
}

int btree_builder_add(struct btree_builder *b, uint64_t key, const void *value)
{
	uint8_t *place = b->values + (size_t)b->nr_pending * b->value_size;

	b->keys[b->nr_pending] = cpu_to_le64(key);
	if (b->value_size == 8) /* mappings: this is what takes the time */
		memcpy(place, value, 8);
	else
		memcpy(place, value, b->value_size);
	return ++b->nr_pending == 2 * b->max_entries ? write_leaf(b, b->max_entries) : 0;
}

uint32_t btree_builder_nr_pending(const struct btree_builder *b)
{
	return b->nr_pending;
}

int btree_builder_flush(struct btree_builder *b)
{
	int r = 0;

	if (b->nr_pending > b->max_entries)
		r = write_leaf(b, b->nr_pending / 2);
	if (!r && b->nr_pending)
		r = write_leaf(b, b->nr_pending);
	return r;
}

const struct leaf_list *btree_builder_leaves(const struct btree_builder *b)
{
	return &b->leaves;
}

int btree_builder_append_leaf(struct btree_builder *b, const struct leaf_ref *leaf)
{
	b->newest = leaf->block;
	return leaf_list_append(&b->leaves, leaf);
}

void btree_builder_take_back_leaf(struct btree_builder *b, const void *raw)
{
	const uint32_t n = b->leaves.items[--b->leaves.nr].nr_entries;
	const uint8_t *keys;

	memmove(b->keys + n, b->keys, b->nr_pending * sizeof(*b->keys));
	memmove(b->values + (size_t)n * b->value_size, b->values,
		(size_t)b->nr_pending * b->value_size);
	b->nr_pending += n;
	if (!raw)
		return;
	keys = (const uint8_t *)raw + sizeof(struct node_header);
	memcpy(b->keys, keys, 8 * (size_t)n);
	memcpy(b->values, keys + 8 * (size_t)b->max_entries, (size_t)n * b->value_size);
}

void btree_builder_reset(struct btree_builder *b)
{
	b->leaves.nr = 0;
	b->nr_pending = 0;
}

static int fill_internal(struct btree_builder *b, const struct leaf_ref *children, uint32_t n)
{
	uint8_t *keys = raw_keys(b);
	uint8_t *values = keys + 8 * (size_t)btree_max_entries(BTREE_CHILD_SIZE);
	int r = 0;

	for (uint32_t i = 0; i < n && !r; i++) {
		__le64 key = cpu_to_le64(children[i].first_key);
		__le64 block = cpu_to_le64(children[i].block);

		memcpy(keys + 8 * (size_t)i, &key, sizeof(key));
		memcpy(values + 8 * (size_t)i, &block, sizeof(block));
		r = b->sink->refer(b->sink, children[i].block);
	}
	return r;
}

static int write_internal(struct btree_builder *b, const struct leaf_ref *children, uint32_t n,
			  struct leaf_list *ret_list)
{
	struct leaf_ref node = { .first_key = children[0].first_key, .nr_entries = n };
	int r = b->sink->allocate(b->sink, &node.block);

	if (r)
		return r;
	make_header(b, node.block, BTREE_INTERNAL_NODE, n, BTREE_CHILD_SIZE);
	r = fill_internal(b, children, n);
	if (!r)
		r = leaf_list_append(ret_list, &node);
	return r ? r : write_node(b, node.block);
}

static uint64_t divide_up(uint64_t n, uint64_t by)
{
	return n / by + (n % by != 0);
}

/* The level above: as few nodes as can be, all with about as many entries. */
static int build_level(struct btree_builder *b, const struct leaf_list *below,
		       struct leaf_list *ret_list)
{
	size_t nr_nodes = divide_up(below->nr, btree_max_entries(BTREE_CHILD_SIZE)), done = 0;
	int r = 0;

	for (size_t i = 0; i < nr_nodes && !r; i++) {
		size_t n = (below->nr - done) / (nr_nodes - i);

		r = write_internal(b, below->items + done, (uint32_t)n, ret_list);
		done += n;
	}
	return r;
}

int btree_builder_finish(struct btree_builder *b, uint64_t *ret_root)
{
	int r = btree_builder_flush(b);

	if (!r && !b->leaves.nr)
		r = write_leaf(b, 0);
	while (!r && b->leaves.nr > 1) {
		struct leaf_list above = { 0 };

		r = build_level(b, &b->leaves, &above);
		alloc_free(b->leaves.items);
		b->leaves = above;
	}
	*ret_root = b->newest;
	btree_builder_reset(b);
	return r;
}

uint64_t btree_nr_nodes(uint64_t nr_entries, uint32_t value_size)
{
	uint64_t level = nr_entries ? divide_up(nr_entries, btree_max_entries(value_size)) : 1;
	uint64_t nr = level;

	while (level > 1) {
		level = divide_up(level, btree_max_entries(BTREE_CHILD_SIZE));
		nr += level;
	}
	return nr;
}
