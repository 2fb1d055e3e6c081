/* SPDX-License-Identifier: MIT
 * checksum.h: CRC32C (Castagnoli), the checksum of every metadata block.
 *
 * A block's first field holds the CRC of its bytes 4..4095, begun with all ones, not inverted at
 * the end, and xored with a salt that depends on the block's type (Linux:
 * drivers/md/persistent-data/dm-block-manager.c, dm_bm_checksum).
 */
#ifndef THINMEND_IO_CHECKSUM_H
#define THINMEND_IO_CHECKSUM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Raw CRC32C: neither inverted before nor after.  Portable; crc continues an earlier one. */
uint32_t crc32c_portable(uint32_t crc, const void *data, size_t bytes);

/* The same by the processor's instructions; only where crc32c_has_hardware(). */
uint32_t crc32c_hardware(uint32_t crc, const void *data, size_t bytes);
bool crc32c_has_hardware(void);

/* The checksum that belongs into the first field of the 4096-byte block, by the fastest way. */
uint32_t block_checksum(const void *block, uint32_t salt);

/* Does the block's first field hold it? */
bool block_checksum_ok(const void *block, uint32_t salt);

/* Put it there. */
void block_checksum_set(void *block, uint32_t salt);

/* The salts (dm-thin-metadata.c, dm-btree-spine.c, dm-space-map-common.c). */
#define SALT_SUPERBLOCK 160774u
#define SALT_BTREE_NODE 121107u
#define SALT_INDEX 160478u
#define SALT_BITMAP 240779u

#endif
