/* SPDX-License-Identifier: MIT */
#include "common/thin/metadata_fix.h"

#include <errno.h>
#include <string.h>

#include "common/base/alloc.h"
#include "common/io/checksum.h"
#include "common/pdata/btree_node.h"

/* A block that moves: its new content, and where it goes. */
struct shadow {
	uint64_t old, new;
	void *raw; /* owned */
	uint32_t salt;
};

struct fix {
	struct block_engine *engine;
	void *superblock; /* owned, raw */
	struct space_map_root data, metadata;
	struct disk_index *index;    /* owned, of the metadata space map */
	struct disk_bitmap *bitmaps; /* owned, all of the metadata space map */
	uint64_t nr_bitmaps;
	uint64_t moved[METADATA_MAX_BITMAPS]; /* new block of a metadata bitmap, or 0 */
	bool dirty[METADATA_MAX_BITMAPS];
	struct shadow *shadows; /* of the data space map */
	size_t nr_shadows, shadows_capacity;
	uint64_t *freed; /* blocks that the new superblock does without */
	size_t nr_freed, freed_capacity;
	uint64_t next_free; /* no metadata block below it is free */
};

static int load(struct fix *f)
{
	struct superblock sb;
	int r;

	f->superblock = alloc_aligned(MD_BLOCK_SIZE);
	f->index = alloc_aligned(MD_BLOCK_SIZE);
	if (!f->superblock || !f->index)
		return -ENOMEM;
	r = block_read(f->engine, SUPERBLOCK_LOCATION, f->superblock);
	if (r)
		return r;
	sb = superblock_decode(f->superblock);
	f->data = sb.data_space_map;
	f->metadata = sb.metadata_space_map;
	f->nr_bitmaps = space_map_nr_bitmaps(f->metadata.nr_blocks);
	if (!sb.checksum_ok || f->nr_bitmaps > METADATA_MAX_BITMAPS)
		return -EUCLEAN;
	f->bitmaps = alloc_aligned((size_t)f->nr_bitmaps * MD_BLOCK_SIZE);
	if (!f->bitmaps)
		return -ENOMEM;
	r = block_read(f->engine, f->metadata.bitmap_root, f->index);
	for (uint64_t i = 0; i < f->nr_bitmaps && !r; i++)
		r = block_read(f->engine, index_entry_decode(&f->index->entries[i]).blocknr,
			       &f->bitmaps[i]);
	return r;
}

static void unload(struct fix *f)
{
	for (size_t i = 0; i < f->nr_shadows; i++)
		alloc_free(f->shadows[i].raw);
	alloc_free(f->shadows);
	alloc_free(f->freed);
	alloc_free(f->superblock);
	alloc_free(f->index);
	alloc_free(f->bitmaps);
}

static unsigned int metadata_count(const struct fix *f, uint64_t block)
{
	const struct disk_bitmap *b = &f->bitmaps[block / BITMAP_ENTRIES];
	unsigned int i = (unsigned int)(block % BITMAP_ENTRIES);

	return bitmap_entry(bitmap_word(b, i / 32), i % 32);
}

static void set_metadata_count(struct fix *f, uint64_t block, unsigned int value)
{
	bitmap_set_entry(&f->bitmaps[block / BITMAP_ENTRIES],
			 (unsigned int)(block % BITMAP_ENTRIES), value);
	f->dirty[block / BITMAP_ENTRIES] = true;
}

static int allocate(struct fix *f, uint64_t *ret_block)
{
	while (f->next_free < f->metadata.nr_blocks && metadata_count(f, f->next_free))
		f->next_free++;
	if (f->next_free >= f->metadata.nr_blocks)
		return -ENOSPC;
	*ret_block = f->next_free;
	set_metadata_count(f, f->next_free, 1);
	return 0;
}

/* Not used again before the commit: the superblock that is on disk still leads there. */
static int free_later(struct fix *f, uint64_t block)
{
	uint64_t *grown = alloc_grow(f->freed, &f->freed_capacity, f->nr_freed, sizeof(*grown));

	if (!grown)
		return -ENOMEM;
	f->freed = grown;
	grown[f->nr_freed++] = block;
	f->dirty[block / BITMAP_ENTRIES] = true;
	return 0;
}

/* A copy of a data space map block that may be changed; the same one each time. */
static int shadow(struct fix *f, uint64_t block, uint32_t salt, size_t *ret_index)
{
	struct shadow *grown, s = { .old = block, .salt = salt };
	int r;

	for (size_t i = 0; i < f->nr_shadows; i++) {
		if (f->shadows[i].old == block || f->shadows[i].new == block) {
			*ret_index = i;
			return 0;
		}
	}
	grown = alloc_grow(f->shadows, &f->shadows_capacity, f->nr_shadows, sizeof(*grown));
	if (!grown)
		return -ENOMEM;
	f->shadows = grown;
	s.raw = alloc_aligned(MD_BLOCK_SIZE);
	if (!s.raw)
		return -ENOMEM;
	r = block_read(f->engine, block, s.raw);
	if (!r)
		r = allocate(f, &s.new);
	if (!r)
		r = free_later(f, block);
	if (r) {
		alloc_free(s.raw);
		return r;
	}
	*ret_index = f->nr_shadows;
	f->shadows[f->nr_shadows++] = s;
	return 0;
}

/* The last entry whose key is not above key. */
static uint32_t entry_for(const struct btree_node *n, uint64_t key)
{
	uint32_t i = 0;

	while (i + 1 < n->nr_entries && btree_node_key(n, i + 1) <= key)
		i++;
	return i;
}

static uint8_t *value_in(const struct fix *f, size_t shadow_index, const struct btree_node *n,
			 uint32_t i)
{
	uint8_t *raw = f->shadows[shadow_index].raw;

	return raw + (n->values - raw) + (size_t)n->value_size * i;
}

/* Nodes were verified by the check: the checksum of a shadow that was changed is not right yet. */
static int decode_shadow(const struct fix *f, size_t index, struct btree_node *ret_node)
{
	const struct shadow *s = &f->shadows[index];
	struct node_fault ignored;

	block_checksum_set(s->raw, SALT_BTREE_NODE);
	return btree_node_decode(s->raw, s->old, INDEX_ENTRY_SIZE, ret_node, &ignored);
}

/* Shadow the way from the index tree's root to the leaf entry of a bitmap. */
static int shadow_path(struct fix *f, uint64_t bitmap, uint8_t **ret_entry)
{
	uint64_t block = f->data.bitmap_root;
	uint8_t *link = NULL;

	for (unsigned int depth = 0; depth < BTREE_MAX_DEPTH; depth++) {
		struct btree_node n;
		__le64 new;
		size_t index;
		uint32_t i;
		int r = shadow(f, block, SALT_BTREE_NODE, &index);

		if (!r)
			r = decode_shadow(f, index, &n);
		if (r)
			return r;
		new = cpu_to_le64(f->shadows[index].new);
		if (link)
			memcpy(link, &new, sizeof(new));
		else
			f->data.bitmap_root = f->shadows[index].new;
		i = entry_for(&n, bitmap);
		link = value_in(f, index, &n, i);
		if (n.leaf) {
			*ret_entry = link;
			return btree_node_key(&n, i) == bitmap ? 0 : -EUCLEAN;
		}
		block = btree_node_u64(&n, i);
	}
	return -EUCLEAN;
}

/* nr_free and none_free_before as the bitmap has them. */
static void recount(const struct disk_bitmap *b, struct index_entry *e)
{
	e->nr_free = 0;
	e->none_free_before = BITMAP_ENTRIES;
	for (unsigned int i = 0; i < BITMAP_ENTRIES; i++) {
		if (bitmap_entry(bitmap_word(b, i / 32), i % 32))
			continue;
		if (!e->nr_free++)
			e->none_free_before = i;
	}
}

/* Clear the entries [begin, end) of one data bitmap. */
static int free_in_bitmap(struct fix *f, uint64_t bitmap, unsigned int begin, unsigned int end)
{
	struct index_entry entry;
	uint8_t *slot = NULL;
	size_t index;
	int r = shadow_path(f, bitmap, &slot);

	if (r)
		return r;
	entry = index_entry_decode(slot);
	r = shadow(f, entry.blocknr, SALT_BITMAP, &index);
	if (r)
		return r;
	for (unsigned int i = begin; i < end; i++)
		bitmap_set_entry(f->shadows[index].raw, i, 0);
	entry.blocknr = f->shadows[index].new;
	recount(f->shadows[index].raw, &entry);
	index_entry_encode(&entry, slot);
	return 0;
}

static int free_data(struct fix *f, const struct leak *leak)
{
	uint64_t b = leak->begin;
	int r = 0;

	while (b < leak->end && !r) {
		uint64_t bitmap = b / BITMAP_ENTRIES, next = (bitmap + 1) * BITMAP_ENTRIES;
		uint64_t end = leak->end < next ? leak->end : next;

		r = free_in_bitmap(f, bitmap, (unsigned int)(b % BITMAP_ENTRIES),
				   (unsigned int)(end - bitmap * BITMAP_ENTRIES));
		b = end;
	}
	f->data.nr_allocated -= leak->end - leak->begin;
	return r;
}

static int free_leaks(struct fix *f, const struct leak *leaks, size_t nr_leaks,
		      uint64_t *ret_nr_freed)
{
	int r = 0;

	/* Metadata first: what leaked may be all the room there is. */
	for (size_t i = 0; i < nr_leaks; i++) {
		if (!leaks[i].metadata || leaks[i].found >= BITMAP_OVERFLOW)
			continue;
		for (uint64_t b = leaks[i].begin; b < leaks[i].end; b++)
			set_metadata_count(f, b, 0);
		*ret_nr_freed += leaks[i].end - leaks[i].begin;
	}
	for (size_t i = 0; i < nr_leaks && !r; i++) {
		if (leaks[i].metadata || leaks[i].found >= BITMAP_OVERFLOW)
			continue;
		r = free_data(f, &leaks[i]);
		*ret_nr_freed += leaks[i].end - leaks[i].begin;
	}
	return r;
}

/* The metadata bitmaps that change move too, which changes bitmaps again, until none is left. */
static int move_bitmaps(struct fix *f)
{
	bool changed = true;
	int r = 0;

	while (changed && !r) {
		changed = false;
		for (uint64_t i = 0; i < f->nr_bitmaps && !r; i++) {
			if (!f->dirty[i] || f->moved[i])
				continue;
			changed = true;
			r = allocate(f, &f->moved[i]);
			if (!r)
				r = free_later(f,
					       index_entry_decode(&f->index->entries[i]).blocknr);
		}
	}
	return r;
}

static int write_block(struct fix *f, uint64_t block, void *raw, uint32_t salt)
{
	block_checksum_set(raw, salt);
	return block_write(f->engine, block, raw);
}

/* All of the metadata space map that changes. */
static int write_metadata_map(struct fix *f, uint64_t new_index)
{
	uint64_t nr_free = 0;
	int r = 0;

	for (uint64_t i = 0; i < f->nr_bitmaps && !r; i++) {
		struct index_entry e = index_entry_decode(&f->index->entries[i]);

		/* All of them are counted anew: an old thin_restore may have counted otherwise. */
		recount(&f->bitmaps[i], &e);
		if (f->moved[i])
			e.blocknr = f->moved[i];
		index_entry_encode(&e, &f->index->entries[i]);
		if (f->moved[i]) {
			f->bitmaps[i].blocknr = cpu_to_le64(f->moved[i]);
			r = write_block(f, f->moved[i], &f->bitmaps[i], SALT_BITMAP);
		}
		nr_free += e.nr_free;
	}
	if (r)
		return r;
	f->metadata.nr_allocated = f->nr_bitmaps * BITMAP_ENTRIES - nr_free;
	f->metadata.bitmap_root = new_index;
	f->index->blocknr = cpu_to_le64(new_index);
	return write_block(f, new_index, f->index, SALT_INDEX);
}

static int write_data_map(struct fix *f)
{
	int r = 0;

	for (size_t i = 0; i < f->nr_shadows && !r; i++) {
		struct shadow *s = &f->shadows[i];
		/* Nodes and bitmaps both have their block number at offset 8. */
		__le64 blocknr = cpu_to_le64(s->new);

		memcpy((uint8_t *)s->raw + offsetof(struct node_header, blocknr), &blocknr,
		       sizeof(blocknr));
		r = write_block(f, s->new, s->raw, s->salt);
	}
	return r;
}

static int commit(struct fix *f)
{
	uint64_t new_index = 0;
	int r = allocate(f, &new_index);

	if (!r)
		r = free_later(f, f->metadata.bitmap_root);
	if (!r)
		r = move_bitmaps(f);
	if (r)
		return r;
	for (size_t i = 0; i < f->nr_freed; i++)
		set_metadata_count(f, f->freed[i], 0);
	r = write_data_map(f);
	if (!r)
		r = write_metadata_map(f, new_index);
	if (!r)
		r = block_flush(f->engine);
	if (r)
		return r;
	superblock_set_space_maps(f->superblock, &f->data, &f->metadata);
	r = block_write(f->engine, SUPERBLOCK_LOCATION, f->superblock);
	return r ? r : block_flush(f->engine);
}

int metadata_fix_leaks(struct block_engine *e, const struct leak *leaks, size_t nr_leaks,
		       uint64_t *ret_nr_freed)
{
	struct fix *f = alloc_object(struct fix);
	int r;

	*ret_nr_freed = 0;
	if (!f)
		return -ENOMEM;
	f->engine = e;
	r = load(f);
	if (!r)
		r = free_leaks(f, leaks, nr_leaks, ret_nr_freed);
	if (!r && *ret_nr_freed)
		r = commit(f);
	unload(f);
	alloc_free(f);
	return r;
}

static int clear_flag(void *raw)
{
	const struct superblock sb = superblock_decode(raw);

	if (!sb.checksum_ok)
		return -EUCLEAN;
	superblock_set_flags(raw, sb.flags & ~SUPERBLOCK_NEEDS_CHECK);
	return 0;
}

int metadata_clear_needs_check(struct block_engine *e)
{
	void *raw = alloc_aligned(MD_BLOCK_SIZE);
	int r;

	if (!raw)
		return -ENOMEM;
	r = block_read(e, SUPERBLOCK_LOCATION, raw);
	if (!r)
		r = clear_flag(raw);
	if (!r)
		r = block_write(e, SUPERBLOCK_LOCATION, raw);
	if (!r)
		r = block_flush(e);
	alloc_free(raw);
	return r;
}
