/* SPDX-License-Identifier: MIT
 * btree_node.h: one node of a persistent-data B+ tree.
 *
 * On disk (Linux: drivers/md/persistent-data/dm-btree-internal.h): a header of 32 bytes, then
 * max_entries keys of 8 bytes, then max_entries values.  Values of an internal node are block
 * numbers of 8 bytes.  max_entries follows from the value size; nodes other than the root hold at
 * least a third of it.
 */
#ifndef THINMEND_PDATA_BTREE_NODE_H
#define THINMEND_PDATA_BTREE_NODE_H

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "common/base/endian.h"
#include "common/base/report.h"
#include "common/io/block_io.h"

#define BTREE_INTERNAL_NODE 1u
#define BTREE_LEAF_NODE 2u
#define BTREE_CHILD_SIZE 8u    /* value size of an internal node */
#define BTREE_MAX_ENTRIES 336u /* of any node: the one with the smallest values, 4 bytes */

/*
 * Levels from root to leaf.  The largest metadata device has 4 161 600 blocks; with a third of 252
 * entries in every node its deepest tree has 5.
 */
#define BTREE_MAX_DEPTH 16u

struct node_header {
	__le32 csum;       /* salt SALT_BTREE_NODE */
	__le32 flags;      /* exactly one of BTREE_INTERNAL_NODE and BTREE_LEAF_NODE */
	__le64 blocknr;    /* the block it is stored in */
	__le32 nr_entries; /* at most max_entries */
	__le32 max_entries;
	__le32 value_size; /* bytes */
	__le32 padding;    /* 0 */
};

struct btree_node {
	uint64_t block;
	uint32_t nr_entries; /* at most BTREE_MAX_ENTRIES */
	uint32_t max_entries;
	uint32_t value_size;
	bool leaf;
	uint32_t padding;
	uint32_t first_unsorted; /* the first key not above the one before it; nr_entries: none */
	const uint8_t *keys;     /* inside the raw block */
	const uint8_t *values;
};

struct node_fault {
	enum finding_id id;
	uint64_t expected, found;
};

/* The only max_entries that a node with this value size has: 252 for 8 bytes, 126 for 24, … */
uint32_t btree_max_entries(uint32_t value_size);

/*
 * Decode and check the node in raw (4096 bytes), read from block, of a tree whose leaves have
 * values of leaf_value_size bytes.  On success every key and value below nr_entries lies inside
 * raw, which is borrowed and must outlive *ret_node.  Neither keys nor values are judged, but for
 * first_unsorted. Returns 0, or -EUCLEAN with the broken rule in *ret_fault; then *ret_node is
 * untouched.
 */
must_check int btree_node_decode(const void *raw, uint64_t block, uint32_t leaf_value_size,
				 struct btree_node *ret_node, struct node_fault *ret_fault);

static inline uint64_t btree_node_key(const struct btree_node *n, uint32_t i)
{
	__le64 key;

	memcpy(&key, n->keys + 8 * (size_t)i, sizeof(key));
	return le64_to_cpu(key);
}

/* Value i of a node whose values are 64-bit numbers. */
static inline uint64_t btree_node_u64(const struct btree_node *n, uint32_t i)
{
	__le64 value;

	memcpy(&value, n->values + 8 * (size_t)i, sizeof(value));
	return le64_to_cpu(value);
}

/*
 * Of a node whose values are 64-bit numbers: are they no numbers of blocks below nr_blocks?  One
 * that is may be chance, and so may be two values.
 */
bool btree_node_leads_nowhere(const struct btree_node *n, uint64_t nr_blocks);

static inline const void *btree_node_value(const struct btree_node *n, uint32_t i)
{
	return n->values + (size_t)n->value_size * i;
}

#endif
