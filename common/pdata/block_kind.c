/* SPDX-License-Identifier: MIT */
#include "common/pdata/block_kind.h"

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
