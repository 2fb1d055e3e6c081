/* SPDX-License-Identifier: MIT */
#include "common/thin/describe.h"

#include <stdio.h>

#include "common/pdata/block_kind.h"
#include "common/pdata/btree_node.h"
#include "common/thin/superblock.h"

static void describe_flags(unsigned long long expected, unsigned long long found, char *buffer,
			   size_t size)
{
	if (!expected)
		(void)snprintf(buffer, size,
			       "flags 0x%llx are neither an internal node's nor a leaf's", found);
	else
		(void)snprintf(buffer, size, "flagged as %s, but its values are those of %s",
			       found == BTREE_LEAF_NODE ? "a leaf" : "an internal node",
			       found == BTREE_LEAF_NODE ? "an internal node" : "a leaf");
}

const char *finding_describe(enum finding_id id, uint64_t expected, uint64_t found, char *buffer,
			     size_t size)
{
	const unsigned long long e = expected, f = found;

	switch (id) {
/* One line is one text. */
/* clang-format off */
#define TEXT(name, ...)                                    \
	case FINDING_##name:                               \
		(void)snprintf(buffer, size, __VA_ARGS__); \
		return buffer;
	TEXT(SUPERBLOCK_UNREADABLE, "the superblock cannot be read")
	TEXT(SUPERBLOCK_CHECKSUM, "bad checksum in superblock")
	TEXT(SUPERBLOCK_BLOCKNR, "the superblock says that it is block %llu, not %llu", f, e)
	TEXT(SUPERBLOCK_MAGIC, "the magic number is %llu, not %llu", f, e)
	TEXT(SUPERBLOCK_VERSION, "version %llu is not known", f)
	TEXT(SUPERBLOCK_FLAGS, "unknown flags are set: 0x%llx", f)
	TEXT(SUPERBLOCK_DATA_BLOCK_SIZE, "%llu sectors is no data block size: a multiple of %llu, at most %u, is", f, e, DATA_BLOCK_SIZE_MAX)
	TEXT(SUPERBLOCK_METADATA_BLOCK_SIZE, "the metadata block size is %llu sectors, not %llu", f, e)
	TEXT(SUPERBLOCK_METADATA_NR_BLOCKS, "the pool was made with %llu metadata blocks, but has %llu", f, e)
	TEXT(SUPERBLOCK_TIME, "the time is %llu, and %llu the highest that a mapping can hold", f, e)
	TEXT(SUPERBLOCK_INCOMPAT, "unknown incompatible features: 0x%llx", f)
	TEXT(SUPERBLOCK_COMPAT_RO, "unknown features that forbid writing: 0x%llx", f)
	TEXT(SUPERBLOCK_COMPAT, "unknown compatible features: 0x%llx", f)
	TEXT(SUPERBLOCK_TRAILING, "there is something behind the last field")
	TEXT(SUPERBLOCK_ROOT, "its root is block %llu, and the last block is %llu", f, e - 1)
	TEXT(SNAPSHOT_ROOT, "the metadata snapshot is at block %llu, which cannot be", f)
	TEXT(SNAPSHOT_BLOCKNR, "the superblock of the metadata snapshot says that it is block %llu, not %llu", f, e)
	TEXT(SNAPSHOT_MAGIC, "the magic number of the metadata snapshot is %llu, not %llu", f, e)
	TEXT(SNAPSHOT_FEATURES, "the metadata snapshot claims features that the pool does not have: 0x%llx", f)
	TEXT(SNAPSHOT_BLOCK_SIZE, "data blocks of %llu sectors in the metadata snapshot, of %llu in the pool", f, e)
	TEXT(SNAPSHOT_NEWER, "the metadata snapshot has %llu where the pool has %llu", f, e)
	TEXT(SNAPSHOT_SPACE_MAP, "the metadata snapshot has space map roots, or a metadata snapshot of its own")
	TEXT(BLOCK_UNREADABLE, "I/O error")
	TEXT(BLOCK_CHECKSUM, "bad checksum")
	TEXT(BLOCK_BLOCKNR, "the block says that it is block %llu, not %llu", f, e)
	TEXT(BLOCK_KIND, "the block is whole, but it is a %s; block %llu leads to it", block_kind_name(found < NR_BLOCK_KINDS ? (enum block_kind)found : KIND_UNUSED), e)
	case FINDING_NODE_FLAGS:
		describe_flags(e, f, buffer, size);
		return buffer;
	TEXT(NODE_VALUE_SIZE, "values of %llu bytes instead of %llu", f, e)
	TEXT(NODE_MAX_ENTRIES, "room for %llu entries instead of %llu", f, e)
	TEXT(NODE_NR_ENTRIES, "%llu entries, and room for %llu", f, e)
	TEXT(NODE_PADDING, "the padding is 0x%llx, not 0", f)
	TEXT(NODE_KEY_ORDER, "key %llu follows key %llu", f, e)
	case FINDING_LEAF_UNDERFULL:
	TEXT(NODE_UNDERFULL, "only %llu entries, less than a third of the room", f)
	TEXT(CHILD_RANGE, "an entry leads to block %llu, but the last block is %llu", f, e - 1)
	TEXT(CHILD_LOOP, "an entry leads back to block %llu, above it", f)
	TEXT(CHILD_KIND, "an entry leads to block %llu, which is used as %s", f, block_kind_name(expected < NR_BLOCK_KINDS ? (enum block_kind)expected : KIND_UNUSED))
	TEXT(CHILD_KEYS, "key %llu stands on the wrong side of key %llu, which parts two children", f, e)
	TEXT(CHILD_HEIGHT, "a child of height %llu among children of height %llu", f, e)
	TEXT(TREE_DEPTH, "more than %llu levels", e)
	TEXT(DEVICE_ID, "device id %llu is above %llu", f, e)
	TEXT(DEVICE_NO_DETAILS, "the device has mappings but no details")
	TEXT(DEVICE_NO_MAPPINGS, "the device has details but no mapping tree")
	TEXT(DEVICE_MAPPED_BLOCKS, "the details say %llu mapped blocks, the mapping tree has %llu", f, e)
	TEXT(DEVICE_TRANSACTION, "the device is of transaction %llu, the pool of %llu", f, e)
	TEXT(DEVICE_TIME, "the last snapshot was at time %llu, the pool is at %llu", f, e)
	TEXT(DEVICE_CREATION_TIME, "created at time %llu, after its last snapshot at %llu", f, e)
	TEXT(MAPPING_DATA_BLOCK, "data block %llu, where there are %llu", f, e)
	TEXT(MAPPING_THIN_BLOCK, "thin block %llu, where devices end before %llu", f, e)
	TEXT(MAPPING_TIME, "a mapping of time %llu, the pool is at %llu", f, e)
	TEXT(METADATA_TRUNCATED, "the metadata has %llu blocks, the device or file only %llu: an incomplete copy?", f, e)
	TEXT(SPACE_MAP_NR_BLOCKS, f ? "the space map has %llu blocks, which %llu contradicts" : "the space map has no blocks, which cannot be", f, e)
	case FINDING_SPACE_MAP_NR_ALLOCATED_HIGH:
	TEXT(SPACE_MAP_NR_ALLOCATED, "the space map says %llu blocks are in use, its bitmaps say %llu", f, e)
	TEXT(SPACE_MAP_OLD_RESTORE, "free space is counted as thin_restore 0.9 leaves it: %llu free block is never used", f - e)
	TEXT(SPACE_MAP_ROOT, "the root is at block %llu, which cannot be", f)
	TEXT(INDEX_MISSING, "%llu bitmaps are missing in the index", e)
	TEXT(INDEX_PADDING, "the padding is 0x%llx, not 0", f)
	TEXT(INDEX_EXTRA, "an entry for bitmap %llu, but there are %llu bitmaps", f, e)
	case FINDING_INDEX_NR_FREE_LOW:
	TEXT(INDEX_NR_FREE, "nr_free is %llu, but the bitmap has %llu free entries", f, e)
	TEXT(INDEX_NONE_FREE_BEFORE, "none_free_before is %llu, but entry %llu is free", f, e)
	TEXT(BITMAP_PADDING, "the unused field is 0x%llx, not 0", f)
	TEXT(BITMAP_TAIL, "%llu entries behind the end are in use", f)
	TEXT(OVERFLOW_MISSING, "the bitmap refers to a reference count that is not there")
	TEXT(OVERFLOW_EXTRA, "a reference count of %llu that no bitmap refers to", f)
	TEXT(OVERFLOW_VALUE, "a reference count of %llu, below %llu", f, e)
	case FINDING_REF_COUNT_HIGH:
	TEXT(REF_COUNT_LOW, "used %llu time%s, but counted as %llu", e, e == 1 ? "" : "s", f)
	TEXT(BLOCK_LEAKED, "used by nobody, but counted as %llu", f)
#undef TEXT
		/* clang-format on */
	case FINDING_MAPPING_SHARED: /* has a text of its own */
	case NR_FINDINGS:
		break;
	}
	return finding_type(id)->id;
}
