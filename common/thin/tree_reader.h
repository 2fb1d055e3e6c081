/* SPDX-License-Identifier: MIT
 * tree_reader.h: walk a tree in key order, strictly: the first fault ends the walk.
 */
#ifndef THINMEND_THIN_TREE_READER_H
#define THINMEND_THIN_TREE_READER_H

#include <errno.h>

#include "common/io/block_io.h"
#include "common/pdata/block_kind.h"
#include "common/pdata/btree_node.h"
#include "common/thin/metadata_read.h"

enum { CACHED_NODES = 1024 };

struct tree_reader {
	struct block_engine *engine;
	uint64_t nr_blocks;
	struct read_fault *fault; /* borrowed: filled on failure */
	char *nodes;              /* owned: CACHED_NODES blocks, block b at b % CACHED_NODES */
	uint64_t *cached;         /* owned: which block stands there; 0: none */
	char *path; /* owned: BTREE_MAX_DEPTH blocks, the nodes above the current leaf */
};

/* 0 or -ENOMEM. */
must_check int tree_reader_init(struct tree_reader *r, struct block_engine *e, uint64_t nr_blocks,
				struct read_fault *fault);
void tree_reader_destroy(struct tree_reader *r);

/* What is being walked. */
struct tree {
	enum block_kind kind;
	uint32_t value_size;
	uint64_t root;
	uint64_t device; /* for faults; NO_DEVICE */
};

/*
 * A leaf's place: its block, and the range [begin, end) of keys that its parents leave for it.
 * Returns 0 or -errno, which ends the walk.
 */
typedef int (*leaf_place_fn)(void *context, uint64_t block, uint64_t begin, uint64_t end);

/* Calls fn for each leaf, in key order, without reading it unless it is a leftmost one. */
must_check int tree_reader_leaves(struct tree_reader *r, const struct tree *tree, leaf_place_fn fn,
				  void *context);

/* Calls fn for each entry, in key order. */
typedef int (*value_fn)(void *context, uint64_t key, const void *value);
must_check int tree_reader_values(struct tree_reader *r, const struct tree *tree, value_fn fn,
				  void *context);

/*
 * Decode a leaf that stands in raw, or was not to be read (error), and check its keys against the
 * range. 0, -EUCLEAN or -EIO with the fault filled.
 */
must_check int tree_reader_leaf(struct tree_reader *r, const struct tree *tree, uint64_t block,
				const void *raw, int error, uint64_t begin, uint64_t end,
				struct btree_node *ret_leaf);

/* Fill the fault: "mapping tree of device 3, block 17: TEXT". */
void tree_fault_text(struct tree_reader *r, const struct tree *tree, uint64_t block,
		     const char *format, ...) printf_like(4, 5);

/* The same as an expression whose value is -EUCLEAN, which every analyser can see. */
#define tree_fault(...) (tree_fault_text(__VA_ARGS__), -EUCLEAN)

#endif
