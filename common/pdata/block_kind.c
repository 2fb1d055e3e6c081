/* SPDX-License-Identifier: MIT */
#include "common/pdata/block_kind.h"

#include "common/io/checksum.h"

const char *block_kind_name(enum block_kind kind)
{
	static const char *const names[NR_BLOCK_KINDS] = {
		[KIND_UNUSED] = "unused block",
		[KIND_SUPERBLOCK] = "superblock",
		[KIND_SNAPSHOT_SUPERBLOCK] = "metadata snapshot",
		[KIND_DETAILS] = "device details tree",
		[KIND_TOP_LEVEL] = "top-level mapping tree",
		[KIND_MAPPING] = "mapping tree",
		[KIND_DATA_INDEX] = "data space map index",
		[KIND_DATA_BITMAP] = "data space map bitmap",
		[KIND_DATA_REF_COUNTS] = "data space map reference count tree",
		[KIND_METADATA_INDEX] = "metadata space map index",
		[KIND_METADATA_BITMAP] = "metadata space map bitmap",
		[KIND_METADATA_REF_COUNTS] = "metadata space map reference count tree",
	};

	return names[kind];
}

uint32_t block_kind_salt(enum block_kind kind)
{
	switch (kind) {
	case KIND_SUPERBLOCK:
	case KIND_SNAPSHOT_SUPERBLOCK:
		return SALT_SUPERBLOCK;
	case KIND_METADATA_INDEX:
		return SALT_INDEX;
	case KIND_DATA_BITMAP:
	case KIND_METADATA_BITMAP:
		return SALT_BITMAP;
	case KIND_UNUSED:
	case KIND_DETAILS:
	case KIND_TOP_LEVEL:
	case KIND_MAPPING:
	case KIND_DATA_INDEX:
	case KIND_DATA_REF_COUNTS:
	case KIND_METADATA_REF_COUNTS:
	case NR_BLOCK_KINDS:
		break;
	}
	return SALT_BTREE_NODE;
}
