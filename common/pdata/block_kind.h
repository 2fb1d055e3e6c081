/* SPDX-License-Identifier: MIT
 * block_kind.h: what a metadata block is used for.  A block serves one purpose only.
 */
#ifndef THINMEND_PDATA_BLOCK_KIND_H
#define THINMEND_PDATA_BLOCK_KIND_H

#include <stdint.h>

enum block_kind {
	KIND_UNUSED,
	KIND_SUPERBLOCK,
	KIND_SNAPSHOT_SUPERBLOCK, /* the copy that a metadata snapshot holds */
	KIND_DETAILS,
	KIND_TOP_LEVEL, /* mapping tree, upper level: dev_id to root */
	KIND_MAPPING,   /* mapping tree, lower level: thin block to data block and time */
	KIND_DATA_INDEX,
	KIND_DATA_BITMAP,
	KIND_DATA_REF_COUNTS,
	KIND_METADATA_INDEX,
	KIND_METADATA_BITMAP,
	KIND_METADATA_REF_COUNTS,
	NR_BLOCK_KINDS
};

/* "device details tree", … */
const char *block_kind_name(enum block_kind kind);

/* The salt of its checksum, by which the kernel tells a block from one of another kind. */
uint32_t block_kind_salt(enum block_kind kind);

#endif
