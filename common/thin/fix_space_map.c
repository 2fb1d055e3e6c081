/* SPDX-License-Identifier: MIT */
#include "common/thin/fix_space_map.h"

#include <errno.h>

#include "common/base/alloc.h"
#include "common/io/checksum.h"

static void add_place(struct fix_map *m, uint64_t bitmap, size_t holder, size_t offset)
{
	if (bitmap < m->nr_bitmaps) /* else junk behind the end */
		m->places[bitmap] = (struct index_place){ holder, offset };
}

static int load_index_block(struct fix_map *m)
{
	int r = fix_blocks_read(&m->blocks, m->root.bitmap_root, SALT_INDEX, NO_PARENT, 0);

	for (uint64_t i = 0; i < m->nr_bitmaps && !r; i++)
		add_place(m, i, 0, offsetof(struct disk_index, entries) + i * INDEX_ENTRY_SIZE);
	return r;
}

static int load_index_tree(struct fix_map *m)
{
	int r = fix_blocks_read_tree(&m->blocks, m->root.bitmap_root, INDEX_ENTRY_SIZE);

	for (size_t b = 0; b < m->blocks.nr && !r; b++) {
		const struct fix_block *block = &m->blocks.items[b];
		struct btree_node n = { 0 };

		if (!block->leaf)
			continue;
		r = fix_blocks_node(block, INDEX_ENTRY_SIZE, &n);
		for (uint32_t i = 0; i < n.nr_entries && !r; i++)
			add_place(m, btree_node_key(&n, i), b,
				  fix_block_offset(block, btree_node_value(&n, i)));
	}
	return r;
}

int fix_map_load(struct fix_map *m, struct block_engine *e)
{
	int r;

	m->blocks.engine = e;
	m->nr_bitmaps = space_map_nr_bitmaps(m->root.nr_blocks);
	if (m->nr_bitmaps > (m->is_metadata ? METADATA_MAX_BITMAPS : e->nr_blocks))
		return -EUCLEAN;
	m->places = alloc_array(m->nr_bitmaps, sizeof(*m->places));
	if (!m->places)
		return -ENOMEM;
	r = m->is_metadata ? load_index_block(m) : load_index_tree(m);
	m->nr_index_blocks = m->blocks.nr;
	for (uint64_t i = 0; i < m->nr_bitmaps && !r; i++)
		r = m->places[i].offset ? 0 : -EUCLEAN;
	return r;
}

void fix_map_destroy(struct fix_map *m)
{
	fix_blocks_destroy(&m->blocks);
	alloc_free(m->places);
	m->places = NULL;
}

static struct index_entry entry_of(const struct fix_map *m, uint64_t bitmap)
{
	const struct index_place *p = &m->places[bitmap];

	return index_entry_decode(fix_block_at(&m->blocks.items[p->holder], p->offset));
}

void fix_map_count(struct fix_map *m, uint64_t bitmap, const struct disk_bitmap *raw)
{
	const struct index_place *p = &m->places[bitmap];
	struct fix_block *holder = &m->blocks.items[p->holder];
	struct index_entry old = entry_of(m, bitmap), fresh = old;

	fresh.nr_free = 0;
	fresh.none_free_before = BITMAP_ENTRIES;
	for (unsigned int i = 0; i < BITMAP_ENTRIES; i++) {
		if (bitmap_entry(bitmap_word(raw, i / 32), i % 32))
			continue;
		if (!fresh.nr_free++)
			fresh.none_free_before = i;
	}
	/* A cursor below the first free block is the kernel's own, and right. */
	if (old.none_free_before < fresh.none_free_before)
		fresh.none_free_before = old.none_free_before;
	if (fresh.nr_free == old.nr_free && fresh.none_free_before == old.none_free_before)
		return;
	index_entry_encode(&fresh, fix_block_at(holder, p->offset));
	holder->dirty = true;
}

void fix_map_total(struct fix_map *m)
{
	m->root.nr_allocated = m->nr_bitmaps * BITMAP_ENTRIES;
	for (uint64_t i = 0; i < m->nr_bitmaps; i++)
		m->root.nr_allocated -= entry_of(m, i).nr_free;
}

/* Clear entry i where it is set.  Was it? */
static bool clear_entry(struct disk_bitmap *b, unsigned int i)
{
	bool set = bitmap_entry(bitmap_word(b, i / 32), i % 32) != 0;

	if (set)
		bitmap_set_entry(b, i, 0);
	return set;
}

/* Clear the leaks of one bitmap, from *leak on, and what lies behind the end.  Did it change? */
static bool clear_entries(struct fix_map *m, uint64_t bitmap, struct disk_bitmap *raw, size_t *leak,
			  bool with_overflowed)
{
	const uint64_t base = bitmap * BITMAP_ENTRIES, end = base + BITMAP_ENTRIES;
	bool changed = false;

	for (; *leak < m->nr_leaks && m->leaks[*leak].begin < end; ++*leak) {
		if (m->leaks[*leak].found >= BITMAP_OVERFLOW && !with_overflowed)
			continue;
		for (uint64_t b = m->leaks[*leak].begin; b < m->leaks[*leak].end; b++) {
			if (b >= end || !clear_entry(raw, (unsigned int)(b - base)))
				continue;
			changed = true;
			m->nr_freed++;
		}
	}
	for (uint64_t b = m->root.nr_blocks; b >= base && b < end; b++)
		changed |= clear_entry(raw, (unsigned int)(b - base));
	return changed;
}

int fix_map_mend(struct fix_map *m, bool keep_all, bool with_overflowed)
{
	size_t leak = 0;
	int r = 0;

	for (uint64_t i = 0; i < m->nr_bitmaps && !r; i++) {
		struct fix_block *held;

		r = fix_blocks_read(&m->blocks, entry_of(m, i).blocknr, SALT_BITMAP,
				    m->places[i].holder, m->places[i].offset);
		if (r)
			return r;
		held = &m->blocks.items[m->blocks.nr - 1];
		held->dirty = clear_entries(m, i, held->raw, &leak, with_overflowed);
		fix_map_count(m, i, held->raw);
		if (!held->dirty && !keep_all)
			fix_blocks_drop_last(&m->blocks);
	}
	fix_map_total(m);
	return r;
}

bool fix_map_has_overflowed_leaks(const struct fix_map *m)
{
	for (size_t i = 0; i < m->nr_leaks; i++) {
		if (m->leaks[i].found >= BITMAP_OVERFLOW)
			return true;
	}
	return false;
}

/* Keys come by ascending block, as leaks do: *leak is the first that does not end before block. */
static bool has_leaked(const struct fix_map *m, uint64_t block, size_t *leak)
{
	while (*leak < m->nr_leaks && m->leaks[*leak].end <= block)
		++*leak;
	return *leak < m->nr_leaks && m->leaks[*leak].begin <= block;
}

static int copy_counts(const struct fix_map *m, const struct fix_blocks *tree,
		       struct btree_builder *builder)
{
	size_t leak = 0;
	int r = 0;

	for (size_t b = 0; b < tree->nr && !r; b++) {
		struct btree_node n = { 0 };

		if (!tree->items[b].leaf)
			continue;
		r = fix_blocks_node(&tree->items[b], REF_COUNT_SIZE, &n);
		for (uint32_t i = 0; i < n.nr_entries && !r; i++) {
			if (!has_leaked(m, btree_node_key(&n, i), &leak))
				r = btree_builder_add(builder, btree_node_key(&n, i),
						      btree_node_value(&n, i));
		}
	}
	return r;
}

int fix_map_rebuild_counts(struct fix_map *m, struct block_sink *sink, release_fn release,
			   void *context)
{
	struct fix_blocks tree = { .engine = m->blocks.engine };
	struct btree_builder *builder = NULL;
	int r = btree_builder_create(sink, REF_COUNT_SIZE, &builder);

	if (!r)
		r = fix_blocks_read_tree(&tree, m->root.ref_count_root, REF_COUNT_SIZE);
	if (!r)
		r = copy_counts(m, &tree, builder);
	if (!r)
		r = btree_builder_finish(builder, &m->root.ref_count_root);
	for (size_t b = 0; b < tree.nr && !r; b++)
		r = release(context, tree.items[b].old);
	fix_blocks_destroy(&tree);
	btree_builder_destroy(builder);
	return r;
}
