/* SPDX-License-Identifier: MIT
 * space_map.h: the on-disk form of a space map, which says how often each block is used.
 *
 * (Linux: drivers/md/persistent-data/dm-space-map-common.h.)  A root of 32 bytes in the superblock
 * leads to an index of bitmaps and to a tree of reference counts.  A bitmap holds two bits for each
 * of 16320 blocks: the count 0, 1 or 2, or "look it up in the tree", whose counts are 3 and more.
 *   data space map      the index is a btree: bitmap number to index entry
 *   metadata space map  the index is one block of 255 entries; those behind the last bitmap are
 * junk The free blocks of the last bitmap are counted up to 16320, not up to the end of the device.
 */
#ifndef THINMEND_PDATA_SPACE_MAP_H
#define THINMEND_PDATA_SPACE_MAP_H

#include <stdint.h>

#include "common/base/endian.h"
#include "common/base/report.h"
#include "common/io/block_io.h"

#define BITMAP_ENTRIES 16320u /* blocks in one bitmap */
#define METADATA_MAX_BITMAPS 255u
#define METADATA_MAX_BLOCKS ((uint64_t)METADATA_MAX_BITMAPS * BITMAP_ENTRIES) /* 15.875 GiB */
#define BITMAP_OVERFLOW 3u       /* what a bitmap says of a count of 3 or more */
#define REF_COUNT_SIZE 4u        /* bytes of a value in the reference count tree */
#define INDEX_ENTRY_SIZE 16u     /* bytes of a value in the data index tree */
#define SPACE_MAP_ROOT_SIZE 128u /* bytes set aside in the superblock, of which 32 are used */

struct disk_space_map_root {
	__le64 nr_blocks;
	__le64 nr_allocated;
	__le64 bitmap_root;
	__le64 ref_count_root;
};

struct disk_index_entry {
	__le64 blocknr;
	__le32 nr_free;
	__le32 none_free_before;
};

struct disk_index {
	__le32 csum; /* salt SALT_INDEX */
	__le32 padding;
	__le64 blocknr;
	struct disk_index_entry entries[METADATA_MAX_BITMAPS];
};

struct disk_bitmap {
	__le32 csum; /* salt SALT_BITMAP */
	__le32 not_used;
	__le64 blocknr;
	__le64 words[BITMAP_ENTRIES / 32];
};

struct space_map_root {
	uint64_t nr_blocks;
	uint64_t nr_allocated;   /* blocks with a count */
	uint64_t bitmap_root;    /* metadata block: index block, or root of the index tree */
	uint64_t ref_count_root; /* metadata block: root of the reference count tree */
};

struct index_entry {
	uint64_t blocknr;          /* metadata block of the bitmap */
	uint32_t nr_free;          /* entries that are 0, of all 16320 */
	uint32_t none_free_before; /* no entry below it is 0 */
};

struct space_map_root space_map_root_decode(const void *raw);
void space_map_root_encode(const struct space_map_root *root, void *raw);
struct index_entry index_entry_decode(const void *raw);
void index_entry_encode(const struct index_entry *e, void *raw);

/* How many bitmaps so many blocks need. */
uint64_t space_map_nr_bitmaps(uint64_t nr_blocks);

/*
 * Check a bitmap or an index block that was read from `block` with its checksum and block number.
 * 0, or -EUCLEAN with the broken rule.
 */
struct space_map_fault {
	enum finding_id id;
	uint64_t expected, found;
};
must_check int bitmap_check(const void *raw, uint64_t block, struct space_map_fault *ret_fault);
must_check int index_check(const void *raw, uint64_t block, struct space_map_fault *ret_fault);

/* The 32 entries of word i (below 510). */
static inline uint64_t bitmap_word(const struct disk_bitmap *b, unsigned int i)
{
	return le64_to_cpu(b->words[i]);
}

/* Entry i (below 32) of a word: 0, 1, 2 or BITMAP_OVERFLOW.  The low bit on disk weighs two. */
static inline unsigned int bitmap_entry(uint64_t word, unsigned int i)
{
	unsigned int raw = (unsigned int)(word >> (2 * i)) & 3u;

	return (raw & 1u) << 1 | raw >> 1;
}

/* Set entry i of the bitmap (below 16320) to 0, 1, 2 or BITMAP_OVERFLOW. */
void bitmap_set_entry(struct disk_bitmap *b, unsigned int i, unsigned int value);

#endif
