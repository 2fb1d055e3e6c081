/* SPDX-License-Identifier: MIT
 * node_table.h: all tree nodes of a metadata device, each read once.
 *
 * Trees are read level by level: the children of a level form a set of blocks, which is read in
 * disk order.  Of an internal node the whole block is kept; of a leaf a few words.  Then the nodes
 * are linked bottom up (key ranges, heights, loops), and faults are traced to the roots and key
 * ranges they harm.
 *
 * A fault is something wrong with a node or with one of its entries; it becomes a finding only once
 * it is known what it harms.  Memory: 60 bytes a node, 4 KiB an internal node, 5 bytes a block.
 */
#ifndef THINMEND_PDATA_NODE_TABLE_H
#define THINMEND_PDATA_NODE_TABLE_H

#include "common/base/bitset.h"
#include "common/base/progress.h"
#include "common/base/report.h"
#include "common/io/block_reader.h"
#include "common/pdata/block_kind.h"
#include "common/pdata/btree_node.h"
#include "common/pdata/ref_counts.h"

#define NO_OWNER UINT32_MAX
#define MANY_OWNERS (UINT32_MAX - 1)
#define NO_TIME UINT32_MAX
#define WHOLE_NODE UINT32_MAX /* a fault's slot: none in particular */

enum link_state { NOT_LINKED, LINKING, LINKED };

struct node {
	uint64_t first_key, last_key; /* of all values below, when nr_values is not 0 */
	uint64_t nr_values;           /* leaf entries below, each path counted */
	uint32_t block;
	uint32_t raw;         /* index into kept blocks, 0: not kept */
	uint32_t first_fault; /* 1 + index into faults, 0: none */
	uint32_t stamp;       /* last trace that came by */
	uint32_t parent;      /* a block that leads to it, 0: a root */
	uint32_t owner;       /* index of the device it belongs to, NO_OWNER or MANY_OWNERS */
	uint32_t snap_time;   /* the lowest snapshotted_time of its owners, or NO_TIME */
	uint32_t max_time;    /* of a mapping leaf: the latest mapping */
	uint16_t nr_entries;
	uint8_t kind;           /* enum block_kind */
	uint8_t height;         /* 0: leaf */
	uint8_t visits;         /* for the caller's own walks */
	unsigned int state : 2; /* enum link_state */
	bool read : 1;          /* it was read, whatever came of it */
	bool bad : 1;           /* it cannot be used */
	bool leaf : 1;
	bool damaged : 1;    /* it or something below has a fault */
	bool incomplete : 1; /* something below cannot be reached */
	bool unsorted : 1;   /* its keys are out of order */
	bool underfull : 1;  /* less than a third of its entries are in use */
	bool judged : 1;     /* its fill was judged as somebody's child */
};

struct fault {
	enum finding_id id;
	uint32_t slot; /* the entry it concerns, or WHOLE_NODE */
	uint64_t begin,
		end; /* the keys it concerns, within the node's range; 0 … RANGE_OPEN: all */
	uint64_t expected, found;
	uint64_t nr_values; /* values concerned; 0: to be estimated */
	uint32_t next;      /* 1 + index of the node's next fault */
};

struct node_table {
	struct block_engine *engine; /* borrowed, as are reader and progress */
	struct block_reader *reader;
	struct progress *progress;
	uint64_t nr_blocks; /* blocks that trees may use */

	struct node *nodes;
	size_t nr_nodes, nodes_capacity;
	uint32_t *node_of; /* by block: 1 + index into nodes */
	uint8_t *kinds;    /* by block: enum block_kind */
	struct ref_counts refs;
	void **kept; /* raw blocks */
	size_t nr_kept, kept_capacity;
	struct fault *faults;
	size_t nr_faults, faults_capacity;
	uint32_t stamp;
	bool incomplete[NR_BLOCK_KINDS]; /* something in these trees cannot be reached */
	uint64_t nr_read;                /* nodes: for progress */
};

/* nr_blocks is at most the engine's, and below 2^32.  0 or -ENOMEM. */
must_check int node_table_init(struct node_table *t, struct block_engine *e,
			       struct block_reader *reader, struct progress *progress,
			       uint64_t nr_blocks);
void node_table_destroy(struct node_table *t);

enum reference { REFERENCE_NEW, REFERENCE_KNOWN, REFERENCE_OUT_OF_RANGE, REFERENCE_WRONG_KIND };

/*
 * Count one reference to block as a block of this kind.  *ret says whether the block was met before
 * (as this kind), or why it cannot be one: then it is counted only where the kernel would follow
 * the pointer all the same.  0 or -ENOMEM.
 */
must_check int node_table_refer(struct node_table *t, uint64_t block, enum block_kind kind,
				enum reference *ret);

/* Index of the node in block, or -1 when block is no node of this kind. */
int64_t node_table_find(const struct node_table *t, uint64_t block, enum block_kind kind);

/* A child belongs to whom its parent belongs to, as far as that is known. */
void node_table_inherit(struct node_table *t, size_t parent, size_t child);

/* Called for every good leaf, in disk order.  node stays valid during the call. 0 or -errno. */
typedef int (*leaf_fn)(void *context, struct node_table *t, struct node *node,
		       const struct btree_node *leaf);

/*
 * Judges a leaf that is sound as a node by its values, which may show that it is none of this tree.
 * True with *ret_fault filled when it cannot be used.
 */
typedef bool (*refuse_fn)(const struct btree_node *leaf, uint64_t nr_blocks,
			  struct node_fault *ret_fault);

struct scan {
	enum block_kind kind;
	uint32_t value_size; /* of leaves */
	bool keep_leaves;    /* for trees whose values are needed in key order */
	refuse_fn refuse;    /* may be NULL */
	leaf_fn fn;          /* may be NULL */
	void *context;
};

/*
 * Read everything below the nodes that are in frontier (their blocks, which were referred to as
 * scan->kind and are new).  frontier is empty afterwards.  0 or -errno of our own; damage becomes
 * faults.
 */
must_check int node_table_scan(struct node_table *t, const struct scan *scan,
			       struct bitset *frontier);

/*
 * Add a fault to the node.  Where f->id means that something below cannot be reached, the node and
 * its tree become incomplete.  0 or -ENOMEM.
 */
must_check int node_table_fault(struct node_table *t, size_t node, const struct fault *f);

/* Link the tree below node.  0 or -ENOMEM. */
must_check int node_table_link(struct node_table *t, size_t node);

/* Calls fn for every good leaf entry of a tree whose leaves were kept, in key order, with its
 * block. */
typedef int (*entry_fn)(void *context, uint64_t block, uint64_t key, const void *value);
must_check int node_table_entries(const struct node_table *t, size_t root, entry_fn fn,
				  void *context);

/* The node in a kept block. */
struct btree_node node_table_decoded(const struct node_table *t, const struct node *n);

/*
 * Calls fn for each fault below root with the key range [begin, end) that it harms and roughly the
 * number of values.  A node reached by several paths counts once.
 */
typedef int (*harm_fn)(void *context, const struct node *node, size_t fault, uint64_t begin,
		       uint64_t end, uint64_t nr_values);
must_check int node_table_trace(struct node_table *t, size_t root, harm_fn fn, void *context);

#endif
