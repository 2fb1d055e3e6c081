/* SPDX-License-Identifier: MIT */
#include "common/thin/superblock.h"

#include <stddef.h>
#include <string.h>

#include "common/io/checksum.h"

_Static_assert(offsetof(struct disk_superblock, uuid) == 16, "layout of the superblock");
_Static_assert(offsetof(struct disk_superblock, magic) == 32, "layout of the superblock");
_Static_assert(offsetof(struct disk_superblock, held_root) == 56, "layout of the superblock");
_Static_assert(offsetof(struct disk_superblock, data_space_map_root) == 64,
	       "layout of the superblock");
_Static_assert(offsetof(struct disk_superblock, metadata_space_map_root) == 192,
	       "layout of the superblock");
_Static_assert(offsetof(struct disk_superblock, mapping_root) == 320, "layout of the superblock");
_Static_assert(offsetof(struct disk_superblock, metadata_nr_blocks) == 344,
	       "layout of the superblock");
_Static_assert(offsetof(struct disk_superblock, incompat_flags) == 360, "layout of the superblock");

#define SPACE_MAP_ROOT_USED sizeof(struct disk_space_map_root)
#define SUPERBLOCK_USED (offsetof(struct disk_superblock, incompat_flags) + 4)

static bool all_zero(const uint8_t *p, size_t bytes)
{
	while (bytes && !*p) {
		p++;
		bytes--;
	}
	return !bytes;
}

struct superblock superblock_decode(const void *raw)
{
	struct disk_superblock d;

	memcpy(&d, raw, sizeof(d));
	return (struct superblock){
		.flags = le32_to_cpu(d.flags),
		.blocknr = le64_to_cpu(d.blocknr),
		.magic = le64_to_cpu(d.magic),
		.version = le32_to_cpu(d.version),
		.time = le32_to_cpu(d.time),
		.transaction_id = le64_to_cpu(d.transaction_id),
		.held_root = le64_to_cpu(d.held_root),
		.data_space_map = space_map_root_decode(d.data_space_map_root),
		.metadata_space_map = space_map_root_decode(d.metadata_space_map_root),
		.mapping_root = le64_to_cpu(d.mapping_root),
		.details_root = le64_to_cpu(d.details_root),
		.data_block_size = le32_to_cpu(d.data_block_size),
		.metadata_block_size = le32_to_cpu(d.metadata_block_size),
		.metadata_nr_blocks = le64_to_cpu(d.metadata_nr_blocks),
		.compat_flags = le32_to_cpu(d.compat_flags),
		.compat_ro_flags = le32_to_cpu(d.compat_ro_flags),
		.incompat_flags = le32_to_cpu(d.incompat_flags),
		.checksum_ok = block_checksum_ok(raw, SALT_SUPERBLOCK),
		.trailing_zero = all_zero((const uint8_t *)raw + SUPERBLOCK_USED,
					  MD_BLOCK_SIZE - SUPERBLOCK_USED),
	};
}

void superblock_encode(const struct superblock *sb, void *raw)
{
	struct disk_superblock d = {
		.flags = cpu_to_le32(sb->flags),
		.blocknr = cpu_to_le64(SUPERBLOCK_LOCATION),
		.magic = cpu_to_le64(SUPERBLOCK_MAGIC),
		.version = cpu_to_le32(SUPERBLOCK_VERSION),
		.time = cpu_to_le32(sb->time),
		.transaction_id = cpu_to_le64(sb->transaction_id),
		.mapping_root = cpu_to_le64(sb->mapping_root),
		.details_root = cpu_to_le64(sb->details_root),
		.data_block_size = cpu_to_le32(sb->data_block_size),
		.metadata_block_size = cpu_to_le32(METADATA_BLOCK_SECTORS),
		.metadata_nr_blocks = cpu_to_le64(sb->metadata_nr_blocks),
	};

	memset(raw, 0, MD_BLOCK_SIZE);
	memcpy(raw, &d, sizeof(d));
	superblock_set_space_maps(raw, &sb->data_space_map, &sb->metadata_space_map);
}

void superblock_set_flags(void *raw, uint32_t flags)
{
	__le32 value = cpu_to_le32(flags);

	memcpy((uint8_t *)raw + offsetof(struct disk_superblock, flags), &value, sizeof(value));
	block_checksum_set(raw, SALT_SUPERBLOCK);
}

void superblock_set_space_maps(void *raw, const struct space_map_root *data,
			       const struct space_map_root *metadata)
{
	uint8_t *p = raw;

	space_map_root_encode(data, p + offsetof(struct disk_superblock, data_space_map_root));
	space_map_root_encode(metadata,
			      p + offsetof(struct disk_superblock, metadata_space_map_root));
	block_checksum_set(raw, SALT_SUPERBLOCK);
}

bool superblock_needs_check(const struct superblock *sb)
{
	return (sb->flags & SUPERBLOCK_NEEDS_CHECK) != 0;
}

bool data_block_size_valid(uint64_t sectors)
{
	return sectors >= DATA_BLOCK_SIZE_MIN && sectors <= DATA_BLOCK_SIZE_MAX &&
	       sectors % DATA_BLOCK_SIZE_MIN == 0;
}
