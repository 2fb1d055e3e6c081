/* SPDX-License-Identifier: MIT
 * btree_build.h: new trees from entries that come in ascending order.
 *
 * Leaves are written as soon as they are full; of each one 24 bytes are kept, from which the levels
 * above are made at the end.  No node but a root is less than a third full, as long as whoever
 * appends leaves of another tree sees to it that what is flushed before and after is enough.
 */
#ifndef THINMEND_PDATA_BTREE_BUILD_H
#define THINMEND_PDATA_BTREE_BUILD_H

#include <stddef.h>
#include <stdint.h>

#include "common/base/compiler.h"

/* Where new blocks go. */
struct block_sink {
	/* A block that nobody uses.  0, -ENOSPC or another -errno. */
	int (*allocate)(struct block_sink *s, uint64_t *ret_block);
	/*
	 * Write raw (4096 bytes, aligned, only valid during the call) to the block that was
	 * allocated last, sealed with salt.
	 */
	int (*write)(struct block_sink *s, uint64_t block, void *raw, uint32_t salt);
	/* A node or a root leads to this block: one more reference.  0 or -errno. */
	int (*refer)(struct block_sink *s, uint64_t block);
};

/* A leaf that was written. */
struct leaf_ref {
	uint64_t first_key, block;
	uint32_t nr_entries;
};

struct leaf_list {
	struct leaf_ref *items; /* owned */
	size_t nr, capacity;
};

/* 0 or -ENOMEM. */
must_check int leaf_list_append(struct leaf_list *list, const struct leaf_ref *leaf);

struct btree_builder;

/* For leaves with values of value_size bytes.  The sink stays the caller's.  0 or -ENOMEM. */
must_check int btree_builder_create(struct block_sink *sink, uint32_t value_size,
				    struct btree_builder **ret_builder);
void btree_builder_destroy(struct btree_builder *b);

/* One more entry; its key is above the last one's.  0 or -errno. */
must_check int btree_builder_add(struct btree_builder *b, uint64_t key, const void *value);

/*
 * Write what is left.  *ret_root is the root's block, to which nobody referred yet; an empty tree
 * is one empty leaf.  The builder is empty afterwards.  0 or -errno.
 */
must_check int btree_builder_finish(struct btree_builder *b, uint64_t *ret_root);

/* How many nodes a tree of so many entries will have. */
uint64_t btree_nr_nodes(uint64_t nr_entries, uint32_t value_size);

/* ---- for trees that share leaves */

/* Entries that wait: fewer than twice what a leaf holds. */
uint32_t btree_builder_nr_pending(const struct btree_builder *b);

/* Write them, as one leaf or two of about the same size; none are left.  0 or -errno. */
must_check int btree_builder_flush(struct btree_builder *b);

/* The leaves so far, the builder's. */
const struct leaf_list *btree_builder_leaves(const struct btree_builder *b);

/* A leaf that was written before becomes the next one; nothing may be pending.  0 or -ENOMEM. */
must_check int btree_builder_append_leaf(struct btree_builder *b, const struct leaf_ref *leaf);

/*
 * The last leaf is no longer one: its entries come before those that are pending, which have to be
 * fewer than a leaf holds.  raw is its content, or NULL where nothing is written anyway.
 */
void btree_builder_take_back_leaf(struct btree_builder *b, const void *raw);

/* Forget all leaves. */
void btree_builder_reset(struct btree_builder *b);

#endif
