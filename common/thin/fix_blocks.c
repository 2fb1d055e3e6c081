/* SPDX-License-Identifier: MIT */
#include "common/thin/fix_blocks.h"

#include <errno.h>

#include "common/base/alloc.h"
#include "common/io/checksum.h"

void fix_blocks_destroy(struct fix_blocks *f)
{
	while (f->nr)
		fix_blocks_drop_last(f);
	alloc_free(f->items);
	f->items = NULL;
	f->capacity = 0;
}

void fix_blocks_drop_last(struct fix_blocks *f)
{
	alloc_free(f->items[--f->nr].raw);
}

int fix_blocks_read(struct fix_blocks *f, uint64_t block, uint32_t salt, size_t parent,
		    size_t offset)
{
	struct fix_block *grown = alloc_grow(f->items, &f->capacity, f->nr, sizeof(*grown));
	int r;

	if (!grown)
		return -ENOMEM;
	f->items = grown;
	grown[f->nr] = (struct fix_block){
		.old = block, .salt = salt, .parent = parent, .offset = offset
	};
	grown[f->nr].raw = alloc_aligned(MD_BLOCK_SIZE);
	if (!grown[f->nr].raw)
		return -ENOMEM;
	r = block_read(f->engine, block, grown[f->nr++].raw);
	if (!r && !block_checksum_ok(f->items[f->nr - 1].raw, salt))
		r = -EUCLEAN;
	return r;
}

int fix_blocks_node(const struct fix_block *b, uint32_t value_size, struct btree_node *ret_node)
{
	struct node_fault ignored;

	block_checksum_set(b->raw, SALT_BTREE_NODE); /* it may have been changed since */
	return btree_node_decode(b->raw, b->old, value_size, ret_node, &ignored);
}

static int read_children(struct fix_blocks *f, size_t parent, const struct btree_node *n)
{
	int r = 0;

	for (uint32_t i = 0; i < n->nr_entries && !r; i++) {
		size_t offset = fix_block_offset(&f->items[parent], btree_node_value(n, i));

		/* No tree has more nodes than there are blocks: one that was tampered with ends. */
		if (f->nr > f->engine->nr_blocks)
			return -EUCLEAN;
		r = fix_blocks_read(f, btree_node_u64(n, i), SALT_BTREE_NODE, parent, offset);
	}
	return r;
}

int fix_blocks_read_tree(struct fix_blocks *f, uint64_t root, uint32_t value_size)
{
	size_t i = f->nr;
	int r = fix_blocks_read(f, root, SALT_BTREE_NODE, NO_PARENT, 0);

	for (; i < f->nr && !r; i++) {
		struct btree_node n = { 0 };

		r = fix_blocks_node(&f->items[i], value_size, &n);
		f->items[i].leaf = n.leaf;
		if (!r && !n.leaf)
			r = read_children(f, i, &n);
	}
	return r;
}

void fix_blocks_relink(struct fix_blocks *f, size_t i, uint64_t *root)
{
	const struct fix_block *b = &f->items[i];
	__le64 number = cpu_to_le64(b->new);

	if (b->parent == NO_PARENT) {
		*root = b->new;
		return;
	}
	memcpy(fix_block_at(&f->items[b->parent], b->offset), &number, sizeof(number));
	f->items[b->parent].dirty = true;
}

int fix_blocks_write(struct fix_blocks *f, uint32_t salt, bool with_this_salt)
{
	int r = 0;

	for (size_t i = 0; i < f->nr && !r; i++) {
		struct fix_block *b = &f->items[i];
		__le64 number = cpu_to_le64(b->new);

		if (!b->dirty || (b->salt == salt) != with_this_salt)
			continue;
		/* Nodes, bitmaps and the index block all have their number at the same place. */
		memcpy(fix_block_at(b, offsetof(struct node_header, blocknr)), &number,
		       sizeof(number));
		block_checksum_set(b->raw, b->salt);
		r = block_write(f->engine, b->new, b->raw);
	}
	return r;
}
