/* SPDX-License-Identifier: MIT */
#include "common/pdata/space_map_build.h"

#include <errno.h>

#include "common/base/alloc.h"
#include "common/io/checksum.h"

struct build {
	struct block_sink *sink;
	const struct ref_counts *counts;
	struct space_map_root root;
	struct btree_builder *high; /* counts of three and more */
	struct disk_bitmap *raw;    /* owned: the bitmap that is being made */
};

static int begin(struct build *b, struct block_sink *sink, const struct ref_counts *counts,
		 uint64_t nr_blocks)
{
	*b = (struct build){ .sink = sink, .counts = counts };
	b->root.nr_blocks = nr_blocks;
	b->raw = alloc_aligned(MD_BLOCK_SIZE);
	return b->raw ? btree_builder_create(sink, REF_COUNT_SIZE, &b->high) : -ENOMEM;
}

static void end(struct build *b)
{
	btree_builder_destroy(b->high);
	alloc_free(b->raw);
}

static int add_high(struct build *b, uint64_t block, uint64_t count)
{
	__le32 raw = cpu_to_le32(count > UINT32_MAX ? UINT32_MAX : (uint32_t)count);

	return btree_builder_add(b->high, block, &raw);
}

/* All counts of three and more. */
static int add_all_high(struct build *b)
{
	uint64_t block = ref_counts_skip_unused(b->counts, 0);
	int r = 0;

	/* Mostly there are none. */
	while (b->counts->nr_above_two && block < b->root.nr_blocks && !r) {
		uint64_t count = ref_counts_get(b->counts, block);

		if (count >= BITMAP_OVERFLOW)
			r = add_high(b, block, count);
		block = ref_counts_skip_unused(b->counts, block + 1);
	}
	return r;
}

static int finish_high(struct build *b)
{
	int r = btree_builder_finish(b->high, &b->root.ref_count_root);

	return r ? r : b->sink->refer(b->sink, b->root.ref_count_root);
}

/* Make bitmap number `number`, which will stand in block; *ret_entry describes it. */
static void fill_bitmap(struct build *b, uint64_t number, uint64_t block,
			struct index_entry *ret_entry)
{
	const uint64_t base = number * BITMAP_ENTRIES, rest = b->root.nr_blocks - base;
	const uint64_t last = base + (rest < BITMAP_ENTRIES ? rest : BITMAP_ENTRIES);
	struct index_entry e = { .blocknr = block,
				 .nr_free = BITMAP_ENTRIES,
				 .none_free_before = 0 };

	*b->raw = (struct disk_bitmap){ .blocknr = cpu_to_le64(block) };
	for (uint64_t i = ref_counts_skip_unused(b->counts, base); i < last;
	     i = ref_counts_skip_unused(b->counts, i + 1)) {
		uint64_t count = ref_counts_get(b->counts, i);

		if (!count)
			continue;
		if (count > BITMAP_OVERFLOW)
			count = BITMAP_OVERFLOW;
		bitmap_set_entry(b->raw, (unsigned int)(i - base), (unsigned int)count);
		e.nr_free--;
		if (e.none_free_before == i - base)
			e.none_free_before++;
	}
	b->root.nr_allocated += BITMAP_ENTRIES - e.nr_free;
	*ret_entry = e;
}

static int write_data_bitmap(struct build *b, uint64_t number, struct btree_builder *index)
{
	struct disk_index_entry raw;
	struct index_entry e;
	uint64_t block;
	int r = b->sink->allocate(b->sink, &block);

	if (r)
		return r;
	fill_bitmap(b, number, block, &e);
	r = b->sink->write(b->sink, block, b->raw, SALT_BITMAP);
	if (!r)
		r = b->sink->refer(b->sink, block);
	if (r)
		return r;
	index_entry_encode(&e, &raw);
	return btree_builder_add(index, number, &raw);
}

static int write_data_index(struct build *b)
{
	struct btree_builder *index = NULL;
	int r = btree_builder_create(b->sink, INDEX_ENTRY_SIZE, &index);

	for (uint64_t i = 0; i < space_map_nr_bitmaps(b->root.nr_blocks) && !r; i++)
		r = write_data_bitmap(b, i, index);
	if (!r)
		r = btree_builder_finish(index, &b->root.bitmap_root);
	if (!r)
		r = b->sink->refer(b->sink, b->root.bitmap_root);
	btree_builder_destroy(index);
	return r;
}

int space_map_write_data(struct block_sink *sink, const struct ref_counts *counts,
			 uint64_t nr_blocks, struct space_map_root *ret_root)
{
	struct build b;
	int r = begin(&b, sink, counts, nr_blocks);

	if (!r)
		r = write_data_index(&b);
	if (!r)
		r = add_all_high(&b);
	if (!r)
		r = finish_high(&b);
	*ret_root = b.root;
	end(&b);
	return r;
}

/* The blocks of the bitmaps and of the index follow each other; all are counted before one is made.
 */
static int reserve(struct build *b, uint64_t nr, uint64_t *ret_first)
{
	uint64_t block;
	int r = b->sink->allocate(b->sink, ret_first);

	if (!r)
		r = b->sink->refer(b->sink, *ret_first);
	for (block = *ret_first + 1; !r && block < *ret_first + nr; block++)
		r = b->sink->refer(b->sink, block);
	return r;
}

static int write_metadata_bitmaps(struct build *b, struct disk_index *index, uint64_t first)
{
	const uint64_t nr = space_map_nr_bitmaps(b->root.nr_blocks);
	uint64_t block = first;
	int r = 0;

	for (uint64_t i = 0; i < nr && !r; i++) {
		struct index_entry e;

		fill_bitmap(b, i, block, &e);
		index_entry_encode(&e, &index->entries[i]);
		r = b->sink->write(b->sink, block, b->raw, SALT_BITMAP);
		if (!r)
			r = b->sink->allocate(b->sink, &block);
	}
	if (r)
		return r;
	index->blocknr = cpu_to_le64(block);
	b->root.bitmap_root = block;
	return b->sink->write(b->sink, block, index, SALT_INDEX);
}

int space_map_write_metadata(struct block_sink *sink, const struct ref_counts *counts,
			     uint64_t nr_blocks, struct space_map_root *ret_root)
{
	struct disk_index *index = alloc_aligned(sizeof(*index));
	struct build b;
	uint64_t first;
	int r = begin(&b, sink, counts, nr_blocks);

	if (!r && !index)
		r = -ENOMEM;
	if (!r)
		r = add_all_high(&b);
	if (!r)
		r = finish_high(&b);
	if (!r)
		r = reserve(&b, space_map_nr_bitmaps(nr_blocks) + 1, &first);
	if (!r) {
		*index = (struct disk_index){ 0 };
		r = write_metadata_bitmaps(&b, index, first);
	}
	*ret_root = b.root;
	end(&b);
	alloc_free(index);
	return r;
}

uint64_t space_map_data_size(uint64_t nr_blocks, uint64_t nr_above_two)
{
	uint64_t nr_bitmaps = space_map_nr_bitmaps(nr_blocks);

	return nr_bitmaps + btree_nr_nodes(nr_bitmaps, INDEX_ENTRY_SIZE) +
	       btree_nr_nodes(nr_above_two, REF_COUNT_SIZE);
}

uint64_t space_map_metadata_size(uint64_t nr_blocks, uint64_t nr_above_two)
{
	return space_map_nr_bitmaps(nr_blocks) + 1 + btree_nr_nodes(nr_above_two, REF_COUNT_SIZE);
}
