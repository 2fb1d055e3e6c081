/* SPDX-License-Identifier: MIT */
#include "common/thin/tree_reader.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>

#include "common/base/alloc.h"
#include "common/thin/describe.h"

int tree_reader_init(struct tree_reader *r, struct block_engine *e, uint64_t nr_blocks,
		     struct read_fault *fault)
{
	*r = (struct tree_reader){ .engine = e, .nr_blocks = nr_blocks, .fault = fault };
	r->nodes = alloc_aligned((size_t)CACHED_NODES * MD_BLOCK_SIZE);
	r->cached = alloc_array(CACHED_NODES, sizeof(*r->cached));
	r->path = alloc_aligned((size_t)BTREE_MAX_DEPTH * MD_BLOCK_SIZE);
	return r->nodes && r->cached && r->path ? 0 : -ENOMEM;
}

void tree_reader_destroy(struct tree_reader *r)
{
	alloc_free(r->nodes);
	alloc_free(r->cached);
	alloc_free(r->path);
	*r = (struct tree_reader){ 0 };
}

void tree_fault_text(struct tree_reader *r, const struct tree *tree, uint64_t block,
		     const char *format, ...)
{
	char device[40] = "", reason[160];
	va_list args;

	if (tree->device != NO_DEVICE)
		(void)snprintf(device, sizeof(device), " of device %llu",
			       (unsigned long long)tree->device);
	va_start(args, format);
	(void)vsnprintf(reason, sizeof(reason), format, args);
	va_end(args);
	(void)snprintf(r->fault->text, sizeof(r->fault->text), "%s%s, block %llu: %s",
		       block_kind_name(tree->kind), device, (unsigned long long)block, reason);
}

static int io_fault(struct tree_reader *r, const struct tree *tree, uint64_t block, int error)
{
	tree_fault_text(r, tree, block, "I/O error");
	return error == -ENOMEM ? error : -EIO;
}

static int decode(struct tree_reader *r, const struct tree *tree, uint64_t block, const void *raw,
		  struct btree_node *ret_node)
{
	struct node_fault f;
	char text[160];

	if (btree_node_decode(raw, block, tree->value_size, ret_node, &f))
		return tree_fault(r, tree, block, "%s",
				  finding_describe(f.id, f.expected, f.found, text, sizeof(text)));
	if (ret_node->first_unsorted < ret_node->nr_entries)
		return tree_fault(r, tree, block, "its keys are out of order");
	return 0;
}

static int check_range(struct tree_reader *r, const struct tree *tree, const struct btree_node *n,
		       uint64_t begin, uint64_t end)
{
	if (!n->nr_entries)
		return 0;
	if (btree_node_key(n, 0) >= begin &&
	    (end == RANGE_OPEN || btree_node_key(n, n->nr_entries - 1) < end))
		return 0;
	return tree_fault(r, tree, n->block, "its keys are not those its parent leaves for it");
}

int tree_reader_leaf(struct tree_reader *r, const struct tree *tree, uint64_t block,
		     const void *raw, int error, uint64_t begin, uint64_t end,
		     struct btree_node *ret_leaf)
{
	int e = error ? io_fault(r, tree, block, error) : decode(r, tree, block, raw, ret_leaf);

	if (e)
		return e;
	if (!ret_leaf->leaf)
		return tree_fault(r, tree, block, "an internal node where a leaf should be");
	return check_range(r, tree, ret_leaf, begin, end);
}

/* Read a node of the path through the cache, which keeps what snapshots share. */
static int read_node(struct tree_reader *r, const struct tree *tree, uint64_t block,
		     unsigned int depth, struct btree_node *ret_node)
{
	size_t place = block % CACHED_NODES;
	char *cached = r->nodes + place * MD_BLOCK_SIZE;
	char *raw = r->path + (size_t)depth * MD_BLOCK_SIZE;
	int e;

	if (!block || block >= r->nr_blocks)
		return tree_fault(r, tree, block, "there is no such block");
	if (r->cached[place] != block) {
		r->cached[place] = 0;
		e = block_read(r->engine, block, cached);
		if (e)
			return io_fault(r, tree, block, e);
		r->cached[place] = block;
	}
	memcpy(raw, cached, MD_BLOCK_SIZE);
	return decode(r, tree, block, raw, ret_node);
}

/* How many levels of internal nodes lie above the leaves: the leftmost way down tells. */
static int measure_height(struct tree_reader *r, const struct tree *tree, unsigned int *ret_height)
{
	uint64_t block = tree->root;
	struct btree_node n = { 0 };

	for (*ret_height = 0; *ret_height < BTREE_MAX_DEPTH; ++*ret_height) {
		int e = read_node(r, tree, block, 0, &n);

		if (e)
			return e;
		if (n.leaf)
			return 0;
		block = btree_node_u64(&n, 0);
	}
	return tree_fault(r, tree, tree->root, "the tree is too deep");
}

struct level {
	struct btree_node node;
	uint64_t begin, end; /* keys that may stand below */
	uint32_t slot;
};

static int enter(struct tree_reader *r, const struct tree *tree, uint64_t block,
		 struct level *level, unsigned int depth)
{
	int e = read_node(r, tree, block, depth, &level->node);

	if (!e && level->node.leaf)
		e = tree_fault(r, tree, block, "a leaf where an internal node should be");
	return e ? e : check_range(r, tree, &level->node, level->begin, level->end);
}

/* The next child of a level with the range that is left for it. */
static uint64_t next_child(struct level *level, struct level *ret_below)
{
	uint32_t slot = level->slot++;
	const struct btree_node *n = &level->node;

	*ret_below = (struct level){ .begin = btree_node_key(n, slot), .end = level->end };
	if (slot + 1 < n->nr_entries)
		ret_below->end = btree_node_key(n, slot + 1);
	return btree_node_u64(n, slot);
}

static int walk_leaves(struct tree_reader *r, const struct tree *tree, unsigned int height,
		       leaf_place_fn fn, void *context)
{
	struct level path[BTREE_MAX_DEPTH] = { { .end = RANGE_OPEN } };
	uint64_t budget = r->nr_blocks; /* no tree has more nodes: a circle ends here */
	unsigned int depth = 0;
	int e = enter(r, tree, tree->root, &path[0], 0);

	while (!e) {
		struct level *top = &path[depth], below;
		uint64_t child;

		if (top->slot == top->node.nr_entries) {
			if (!depth--)
				return 0;
			continue;
		}
		child = next_child(top, &below);
		if (!child || child >= r->nr_blocks || !budget--) {
			e = tree_fault(r, tree, top->node.block, "an entry leads to block %llu",
				       (unsigned long long)child);
		} else if (depth + 1 < height) {
			path[++depth] = below;
			e = enter(r, tree, child, &path[depth], depth);
		} else {
			e = fn(context, child, below.begin, below.end);
		}
	}
	return e;
}

int tree_reader_leaves(struct tree_reader *r, const struct tree *tree, leaf_place_fn fn,
		       void *context)
{
	unsigned int height;
	int e = measure_height(r, tree, &height);

	if (e)
		return e;
	if (!height)
		return fn(context, tree->root, 0, RANGE_OPEN);
	return walk_leaves(r, tree, height, fn, context);
}

struct values {
	struct tree_reader *r;
	const struct tree *tree;
	value_fn fn;
	void *context;
	void *raw;
};

static int leaf_values(void *context, uint64_t block, uint64_t begin, uint64_t end)
{
	struct values *v = context;
	struct btree_node leaf = { 0 };
	int error = block_read(v->r->engine, block, v->raw);
	int e = tree_reader_leaf(v->r, v->tree, block, v->raw, error, begin, end, &leaf);

	for (uint32_t i = 0; !e && i < leaf.nr_entries; i++)
		e = v->fn(v->context, btree_node_key(&leaf, i), btree_node_value(&leaf, i));
	return e;
}

int tree_reader_values(struct tree_reader *r, const struct tree *tree, value_fn fn, void *context)
{
	struct values v = { .r = r, .tree = tree, .fn = fn, .context = context };
	int e;

	v.raw = alloc_aligned(MD_BLOCK_SIZE);
	if (!v.raw)
		return -ENOMEM;
	e = tree_reader_leaves(r, tree, leaf_values, &v);
	alloc_free(v.raw);
	return e;
}
