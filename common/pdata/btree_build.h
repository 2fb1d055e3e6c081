/* SPDX-License-Identifier: MIT
 * btree_build.h: a new tree from entries that come in ascending order.
 *
 * Leaves are written as soon as they are full; of each one 16 bytes are kept, from which the levels
 * above are made at the end.  No node but a root is less than a third full.
 */
#ifndef THINMEND_PDATA_BTREE_BUILD_H
#define THINMEND_PDATA_BTREE_BUILD_H

#include <stdint.h>

#include "common/base/compiler.h"

/* Where new blocks go. */
struct block_sink {
	/* A block that nobody uses.  0, -ENOSPC or another -errno. */
	int (*allocate)(struct block_sink *s, uint64_t *ret_block);
	/* Write raw (4096 bytes, aligned, only valid during the call) there, sealed with salt. */
	int (*write)(struct block_sink *s, uint64_t block, void *raw, uint32_t salt);
};

struct btree_builder;

/* For leaves with values of value_size bytes.  The sink stays the caller's.  0 or -ENOMEM. */
must_check int btree_builder_create(struct block_sink *sink, uint32_t value_size,
				    struct btree_builder **ret_builder);
void btree_builder_destroy(struct btree_builder *b);

/* One more entry; its key is above the last one's.  0 or -errno. */
must_check int btree_builder_add(struct btree_builder *b, uint64_t key, const void *value);

/* Write what is left.  *ret_root is the root's block; an empty tree is one empty leaf.  0 or
 * -errno. */
must_check int btree_builder_finish(struct btree_builder *b, uint64_t *ret_root);

#endif
