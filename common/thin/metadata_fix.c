/* SPDX-License-Identifier: MIT */
#include "common/thin/metadata_fix.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/alloc.h"
#include "common/io/checksum.h"
#include "common/thin/fix_space_map.h"

struct fix {
	struct block_sink sink; /* first: blocks for a new reference count tree */
	struct block_engine *engine;
	void *superblock; /* owned, raw */
	bool in_place;
	bool is_full; /* no metadata block is free: another -ENOSPC is the device's own */
	struct fix_map data, metadata;
	uint64_t *freed; /* blocks that the new superblock does without */
	size_t nr_freed, freed_capacity;
	uint64_t next_free; /* no metadata block below it is free */
};

static int by_map_and_begin(const void *a, const void *b)
{
	const struct leak *la = a, *lb = b;

	if (la->metadata != lb->metadata)
		return (int)la->metadata - (int)lb->metadata;
	return (la->begin > lb->begin) - (la->begin < lb->begin);
}

static void share_out_leaks(struct fix *f, struct leak *leaks, size_t nr)
{
	size_t nr_data = 0;

	if (!nr)
		return;
	qsort(leaks, nr, sizeof(*leaks), by_map_and_begin);
	while (nr_data < nr && !leaks[nr_data].metadata)
		nr_data++;
	f->data.leaks = leaks;
	f->data.nr_leaks = nr_data;
	f->metadata.leaks = leaks + nr_data;
	f->metadata.nr_leaks = nr - nr_data;
}

static int load(struct fix *f)
{
	struct superblock sb;
	int r;

	f->superblock = alloc_aligned(MD_BLOCK_SIZE);
	if (!f->superblock)
		return -ENOMEM;
	r = block_read(f->engine, SUPERBLOCK_LOCATION, f->superblock);
	if (r)
		return r;
	sb = superblock_decode(f->superblock);
	if (!sb.checksum_ok)
		return -EUCLEAN;
	f->data.root = sb.data_space_map;
	f->metadata.root = sb.metadata_space_map;
	f->metadata.is_metadata = true;
	r = fix_map_load(&f->data, f->engine);
	return r ? r : fix_map_load(&f->metadata, f->engine);
}

/* ---- free metadata blocks */

static struct fix_block *bitmap_block(struct fix *f, uint64_t block)
{
	return &f->metadata.blocks.items[f->metadata.nr_index_blocks + block / BITMAP_ENTRIES];
}

static struct disk_bitmap *bitmap_of(struct fix *f, uint64_t block)
{
	return bitmap_block(f, block)->raw;
}

static bool is_free(struct fix *f, uint64_t block)
{
	const struct disk_bitmap *b = bitmap_of(f, block);
	unsigned int i = (unsigned int)(block % BITMAP_ENTRIES);

	return !bitmap_entry(bitmap_word(b, i / 32), i % 32);
}

static void set_count(struct fix *f, uint64_t block, unsigned int count)
{
	bitmap_set_entry(bitmap_of(f, block), (unsigned int)(block % BITMAP_ENTRIES), count);
	bitmap_block(f, block)->dirty = true;
}

static int allocate(struct block_sink *sink, uint64_t *ret_block)
{
	struct fix *f = (struct fix *)sink;
	uint64_t end = f->metadata.root.nr_blocks;

	while (f->next_free < end && !is_free(f, f->next_free))
		f->next_free++;
	f->is_full = f->next_free >= end;
	if (f->is_full)
		return -ENOSPC;
	*ret_block = f->next_free;
	set_count(f, f->next_free, 1);
	return 0;
}

/* Nothing leads to a block that was free: it may be written before the commit. */
static int write_new(struct block_sink *sink, uint64_t block, void *raw, uint32_t salt)
{
	block_checksum_set(raw, salt);
	return block_write(((struct fix *)sink)->engine, block, raw);
}

/* The one reference that each new block has was counted when it was allocated. */
static int count_nothing(struct block_sink *sink, uint64_t block)
{
	(void)sink;
	(void)block;
	return 0;
}

/* Not used again before the commit: the superblock that is on disk still leads there. */
static int free_later(void *context, uint64_t block)
{
	struct fix *f = context;
	uint64_t *grown = alloc_grow(f->freed, &f->freed_capacity, f->nr_freed, sizeof(*grown));

	if (!grown)
		return -ENOMEM;
	f->freed = grown;
	grown[f->nr_freed++] = block;
	bitmap_block(f, block)->dirty = true;
	return 0;
}

/* ---- where things go */

static int move(struct fix *f, struct fix_map *m, size_t i)
{
	struct fix_block *b = &m->blocks.items[i];
	int r;

	if (f->in_place) {
		b->new = b->old;
		return 0;
	}
	r = allocate(&f->sink, &b->new);
	if (!r)
		r = free_later(f, b->old);
	if (!r)
		fix_blocks_relink(&m->blocks, i, &m->root.bitmap_root);
	return r;
}

/* Children stand behind their parents: a parent that changes because they move is met later. */
static int move_data(struct fix *f)
{
	int r = 0;

	for (size_t i = f->data.blocks.nr; i && !r; i--) {
		if (f->data.blocks.items[i - 1].dirty)
			r = move(f, &f->data, i - 1);
	}
	return r;
}

/* The metadata bitmaps that change move too, which changes bitmaps again, until none is left. */
static int move_metadata(struct fix *f)
{
	struct fix_blocks *blocks = &f->metadata.blocks;
	bool changed = true;
	int r = move(f, &f->metadata, 0);

	if (!f->in_place)
		blocks->items[0].dirty = true;
	while (changed && !r) {
		changed = false;
		for (size_t i = 1; i < blocks->nr && !r; i++) {
			if (!blocks->items[i].dirty || blocks->items[i].new)
				continue;
			changed = true;
			r = move(f, &f->metadata, i);
		}
	}
	return r;
}

static int rebuild_counts(struct fix *f, struct fix_map *m)
{
	if (!fix_map_has_overflowed_leaks(m))
		return 0;
	return fix_map_rebuild_counts(m, &f->sink, free_later, f);
}

/* Everything but writing. */
static int prepare(struct fix *f)
{
	/* A tree cannot be built anew in place: there what stands in it stays, leaks and all. */
	int r = fix_map_mend(&f->metadata, true, !f->in_place);

	if (!r)
		r = fix_map_mend(&f->data, false, !f->in_place);
	if (!r && !f->in_place)
		r = rebuild_counts(f, &f->data);
	if (!r && !f->in_place)
		r = rebuild_counts(f, &f->metadata);
	if (!r)
		r = move_data(f);
	if (!r)
		r = move_metadata(f);
	if (r)
		return r;
	for (size_t i = 0; i < f->nr_freed; i++)
		set_count(f, f->freed[i], 0);
	for (uint64_t i = 0; i < f->metadata.nr_bitmaps; i++)
		fix_map_count(&f->metadata, i, bitmap_of(f, i * BITMAP_ENTRIES));
	fix_map_total(&f->metadata);
	return 0;
}

static int write_both(struct fix *f, bool bitmaps)
{
	int r = fix_blocks_write(&f->data.blocks, SALT_BITMAP, bitmaps);

	if (!r)
		r = fix_blocks_write(&f->metadata.blocks, SALT_BITMAP, bitmaps);
	return r ? r : block_flush(f->engine);
}

static int commit(struct fix *f)
{
	int r = write_both(f, true);

	if (!r)
		r = write_both(f, false);
	if (r)
		return r;
	superblock_set_space_maps(f->superblock, &f->data.root, &f->metadata.root);
	r = block_write(f->engine, SUPERBLOCK_LOCATION, f->superblock);
	return r ? r : block_flush(f->engine);
}

static int attempt(struct block_engine *e, struct leak *leaks, size_t nr_leaks, bool in_place,
		   struct fix_result *ret, bool *ret_full)
{
	struct fix f = { .sink = { allocate, write_new, count_nothing },
			 .engine = e,
			 .in_place = in_place };
	int r;

	share_out_leaks(&f, leaks, nr_leaks);
	r = load(&f);
	if (!r)
		r = prepare(&f);
	if (!r)
		r = commit(&f);
	*ret_full = f.is_full;
	*ret = (struct fix_result){ .in_place = in_place };
	if (!r)
		ret->nr_freed = f.data.nr_freed + f.metadata.nr_freed;
	fix_map_destroy(&f.data);
	fix_map_destroy(&f.metadata);
	alloc_free(f.freed);
	alloc_free(f.superblock);
	return r;
}

int metadata_fix_space_maps(struct block_engine *e, struct leak *leaks, size_t nr_leaks,
			    struct fix_result *ret)
{
	bool is_full;
	int r = attempt(e, leaks, nr_leaks, false, ret, &is_full);

	return r && is_full ? attempt(e, leaks, nr_leaks, true, ret, &is_full) : r;
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
