/* SPDX-License-Identifier: MIT
 * superblock.h: block 0 of the metadata device, and the copy of it that a metadata snapshot holds.
 *
 * (Linux: drivers/md/dm-thin-metadata.c, struct thin_disk_superblock.)
 */
#ifndef THINMEND_THIN_SUPERBLOCK_H
#define THINMEND_THIN_SUPERBLOCK_H

#include <stdbool.h>
#include <stdint.h>

#include "common/pdata/space_map.h"

#define SUPERBLOCK_LOCATION 0u
#define SUPERBLOCK_MAGIC UINT64_C(27022010)
#define SUPERBLOCK_VERSION 2u
#define SUPERBLOCK_NEEDS_CHECK 1u    /* flag: the kernel does not write until it is cleared */
#define METADATA_BLOCK_SECTORS 8u    /* 512-byte sectors of a metadata block */
#define DATA_BLOCK_SIZE_MIN 128u     /* sectors: 64 KiB */
#define DATA_BLOCK_SIZE_MAX 2097152u /* sectors: 1 GiB */
#define MAX_TIME 0xffffffu           /* times have 24 bits where mappings store them */
#define MAX_DEV_ID 0xffffffu         /* the kernel takes no larger device id */
#define MAX_DATA_BLOCKS (UINT64_C(1) << 40) /* mappings store 40 bits */

struct disk_superblock {
	__le32 csum; /* salt SALT_SUPERBLOCK */
	__le32 flags;
	__le64 blocknr; /* the block it is stored in */
	uint8_t uuid[16];
	__le64 magic;
	__le32 version;        /* 1 or 2 */
	__le32 time;           /* goes up with every snapshot */
	__le64 transaction_id; /* whoever manages the pool counts here */
	__le64 held_root;      /* block of the metadata snapshot's superblock, or 0 */
	uint8_t data_space_map_root[SPACE_MAP_ROOT_SIZE];     /* zero in a metadata snapshot */
	uint8_t metadata_space_map_root[SPACE_MAP_ROOT_SIZE]; /* zero in a metadata snapshot */
	__le64 mapping_root;
	__le64 details_root;
	__le32 data_block_size;     /* sectors: 128 … 2097152, a multiple of 128 */
	__le32 metadata_block_size; /* sectors: 8 */
	__le64 metadata_nr_blocks;  /* when the pool was made */
	__le32 compat_flags;
	__le32 compat_ro_flags;
	__le32 incompat_flags; /* no feature is defined: all three are 0 */
};

struct superblock {
	uint32_t flags;
	uint64_t blocknr;
	uint64_t magic;
	uint32_t version;
	uint32_t time;
	uint64_t transaction_id;
	uint64_t held_root;
	struct space_map_root data_space_map;
	struct space_map_root metadata_space_map;
	uint64_t mapping_root;
	uint64_t details_root;
	uint32_t data_block_size;
	uint32_t metadata_block_size;
	uint64_t metadata_nr_blocks;
	uint32_t compat_flags, compat_ro_flags, incompat_flags;
	bool checksum_ok;
	/*
	 * Nothing follows the last field.  What follows the space map roots is the kernel's: it
	 * copies all of their 128 bytes from memory that it has not cleared.
	 */
	bool trailing_zero;
};

/* Decode all fields of raw (4096 bytes).  Nothing is judged but the two bools. */
struct superblock superblock_decode(const void *raw);

/*
 * A whole new superblock in raw, with its checksum: of *sb the flags, time, transaction_id, space
 * maps, roots, data_block_size and metadata_nr_blocks count, all else is as in any superblock.
 */
void superblock_encode(const struct superblock *sb, void *raw);

/* Set the flags in raw and nothing else, with the checksum. */
void superblock_set_flags(void *raw, uint32_t flags);

/* Set both space map roots in raw and nothing else, with the checksum. */
void superblock_set_space_maps(void *raw, const struct space_map_root *data,
			       const struct space_map_root *metadata);

bool superblock_needs_check(const struct superblock *sb);

/* Is this a data block size that the kernel takes? */
bool data_block_size_valid(uint64_t sectors);

/* No device has more thin blocks: the kernel counts its bytes in 64 bits. */
static inline uint64_t superblock_max_thin_blocks(const struct superblock *sb)
{
	return UINT64_MAX / 512 / (sb->data_block_size ? sb->data_block_size : 1);
}

#endif
