/* SPDX-License-Identifier: MIT
 * fix_blocks.h: blocks of a space map that are held in memory while it is mended, each with the
 * place where its number stands, so that it can move.  Included by common/thin/fix_*.c and
 * metadata_fix.c alone.
 */
#ifndef THINMEND_THIN_FIX_BLOCKS_H
#define THINMEND_THIN_FIX_BLOCKS_H

#include <stdbool.h>
#include <stddef.h>

#include "common/io/block_io.h"
#include "common/pdata/btree_node.h"
#include "common/pdata/space_map.h"

#define NO_PARENT SIZE_MAX

struct fix_block {
	uint64_t old, new; /* where it stands, and where it goes: 0 not decided, old in place */
	void *raw;         /* owned */
	uint32_t salt;
	bool dirty;
	bool leaf;     /* of a tree */
	size_t parent; /* index of the block that has its number, or NO_PARENT: the superblock */
	size_t offset; /* of the number in the parent */
};

struct fix_blocks {
	struct block_engine *engine; /* borrowed */
	struct fix_block *items;
	size_t nr, capacity;
};

void fix_blocks_destroy(struct fix_blocks *f);

/* Read a block and hold it; it becomes the last one.  0 or -errno. */
must_check int fix_blocks_read(struct fix_blocks *f, uint64_t block, uint32_t salt, size_t parent,
			       size_t offset);

/* A place in a held block. */
static inline uint8_t *fix_block_at(const struct fix_block *b, size_t offset)
{
	return (uint8_t *)b->raw + offset;
}

/* Where in its block does this value of a node stand? */
static inline size_t fix_block_offset(const struct fix_block *b, const void *value)
{
	return (size_t)((const uint8_t *)value - (const uint8_t *)b->raw);
}

/* Let go of the last one. */
void fix_blocks_drop_last(struct fix_blocks *f);

/*
 * Read all nodes of a tree that was verified: parents before children, leaves in key order.  0,
 * -EUCLEAN when it changed in between, or -errno.
 */
must_check int fix_blocks_read_tree(struct fix_blocks *f, uint64_t root, uint32_t value_size);

/* The node in a held block of a tree with such leaves. */
must_check int fix_blocks_node(const struct fix_block *b, uint32_t value_size,
			       struct btree_node *ret_node);

/* Number i was moved: tell its parent.  *root is where the superblock has it. */
void fix_blocks_relink(struct fix_blocks *f, size_t i, uint64_t *root);

/* Write those that are dirty and sealed with this salt, or with another one, to where they go. */
must_check int fix_blocks_write(struct fix_blocks *f, uint32_t salt, bool with_this_salt);

#endif
