/* SPDX-License-Identifier: MIT */
#include "common/pdata/btree_build.h"

#include <errno.h>

#include "common/base/alloc.h"
#include "common/io/checksum.h"
#include "common/pdata/btree_node.h"

/* A node that was written. */
struct node_ref {
	uint64_t first_key, block;
};

struct node_list {
	struct node_ref *items; /* owned */
	size_t nr, capacity;
};

struct btree_builder {
	struct block_sink *sink;
	uint32_t value_size, max_entries;
	/* Up to two leaves: the last two share their entries evenly. */
	uint64_t keys[2 * BTREE_MAX_ENTRIES];
	uint8_t values[2 * MD_BLOCK_SIZE];
	uint32_t nr_pending;
	struct node_list leaves;
	void *raw;       /* owned: the block that is being made */
	uint64_t newest; /* the block that was written last: in the end the root */
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

static int list_append(struct node_list *list, uint64_t first_key, uint64_t block)
{
	struct node_ref *grown = alloc_grow(list->items, &list->capacity, list->nr, sizeof(*grown));

	if (!grown)
		return -ENOMEM;
	list->items = grown;
	grown[list->nr++] = (struct node_ref){ first_key, block };
	return 0;
}

static int write_node(struct btree_builder *b, uint64_t block)
{
	b->newest = block;
	return b->sink->write(b->sink, block, b->raw, SALT_BTREE_NODE);
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

static void put_u64(uint8_t *where, uint64_t v)
{
	__le64 raw = cpu_to_le64(v);

	memcpy(where, &raw, sizeof(raw));
}

/* The first n pending entries become a leaf. */
static int write_leaf(struct btree_builder *b, uint32_t n)
{
	uint8_t *keys = raw_keys(b);
	uint64_t block;
	int r = b->sink->allocate(b->sink, &block);

	if (r)
		return r;
	make_header(b, block, BTREE_LEAF_NODE, n, b->value_size);
	for (uint32_t i = 0; i < n; i++)
		put_u64(keys + 8 * (size_t)i, b->keys[i]);
	memcpy(keys + 8 * (size_t)b->max_entries, b->values, (size_t)n * b->value_size);
	r = list_append(&b->leaves, n ? b->keys[0] : 0, block);
	if (!r)
		r = write_node(b, block);
	b->nr_pending -= n;
	memmove(b->keys, b->keys + n, b->nr_pending * sizeof(*b->keys));
	memmove(b->values, b->values + (size_t)n * b->value_size,
		(size_t)b->nr_pending * b->value_size);
	return r;
}

int btree_builder_add(struct btree_builder *b, uint64_t key, const void *value)
{
	b->keys[b->nr_pending] = key;
	memcpy(b->values + (size_t)b->nr_pending * b->value_size, value, b->value_size);
	return ++b->nr_pending == 2 * b->max_entries ? write_leaf(b, b->max_entries) : 0;
}

static int write_internal(struct btree_builder *b, const struct node_ref *children, uint32_t n,
			  struct node_list *ret_list)
{
	uint8_t *keys = raw_keys(b), *values;
	uint64_t block;
	int r = b->sink->allocate(b->sink, &block);

	if (r)
		return r;
	values = keys + 8 * (size_t)btree_max_entries(BTREE_CHILD_SIZE);
	make_header(b, block, BTREE_INTERNAL_NODE, n, BTREE_CHILD_SIZE);
	for (uint32_t i = 0; i < n; i++) {
		put_u64(keys + 8 * (size_t)i, children[i].first_key);
		put_u64(values + 8 * (size_t)i, children[i].block);
	}
	r = list_append(ret_list, children[0].first_key, block);
	return r ? r : write_node(b, block);
}

/* The level above: as few nodes as can be, all with about as many entries. */
static int build_level(struct btree_builder *b, const struct node_list *below,
		       struct node_list *ret_list)
{
	const size_t max = btree_max_entries(BTREE_CHILD_SIZE);
	size_t nr_nodes = (below->nr + max - 1) / max, done = 0;
	int r = 0;

	for (size_t i = 0; i < nr_nodes && !r; i++) {
		size_t n = (below->nr - done) / (nr_nodes - i);

		r = write_internal(b, below->items + done, (uint32_t)n, ret_list);
		done += n;
	}
	return r;
}

static int write_rest(struct btree_builder *b)
{
	int r = 0;

	if (b->nr_pending > b->max_entries)
		r = write_leaf(b, b->nr_pending / 2);
	if (!r && (b->nr_pending || !b->leaves.nr))
		r = write_leaf(b, b->nr_pending);
	return r;
}

int btree_builder_finish(struct btree_builder *b, uint64_t *ret_root)
{
	int r = write_rest(b);

	while (!r && b->leaves.nr > 1) {
		struct node_list above = { 0 };

		r = build_level(b, &b->leaves, &above);
		alloc_free(b->leaves.items);
		b->leaves = above;
	}
	if (!r)
		*ret_root = b->newest;
	return r;
}
