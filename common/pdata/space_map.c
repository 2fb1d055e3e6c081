/* SPDX-License-Identifier: MIT */
#include "common/pdata/space_map.h"

#include <errno.h>
#include <stddef.h>
#include <string.h>

#include "common/io/checksum.h"

_Static_assert(sizeof(struct disk_space_map_root) == 32, "layout of a space map root");
_Static_assert(sizeof(struct disk_index_entry) == INDEX_ENTRY_SIZE, "layout of an index entry");
_Static_assert(sizeof(struct disk_index) == MD_BLOCK_SIZE, "layout of the index block");
_Static_assert(offsetof(struct disk_index, entries) == 16, "layout of the index block");
_Static_assert(sizeof(struct disk_bitmap) == MD_BLOCK_SIZE, "layout of a bitmap");
_Static_assert(offsetof(struct disk_bitmap, words) == 16, "layout of a bitmap");

struct space_map_root space_map_root_decode(const void *raw)
{
	struct disk_space_map_root d;

	memcpy(&d, raw, sizeof(d));
	return (struct space_map_root){ .nr_blocks = le64_to_cpu(d.nr_blocks),
					.nr_allocated = le64_to_cpu(d.nr_allocated),
					.bitmap_root = le64_to_cpu(d.bitmap_root),
					.ref_count_root = le64_to_cpu(d.ref_count_root) };
}

void space_map_root_encode(const struct space_map_root *root, void *raw)
{
	struct disk_space_map_root d = { .nr_blocks = cpu_to_le64(root->nr_blocks),
					 .nr_allocated = cpu_to_le64(root->nr_allocated),
					 .bitmap_root = cpu_to_le64(root->bitmap_root),
					 .ref_count_root = cpu_to_le64(root->ref_count_root) };

	memcpy(raw, &d, sizeof(d));
}

struct index_entry index_entry_decode(const void *raw)
{
	struct disk_index_entry d;

	memcpy(&d, raw, sizeof(d));
	return (struct index_entry){ .blocknr = le64_to_cpu(d.blocknr),
				     .nr_free = le32_to_cpu(d.nr_free),
				     .none_free_before = le32_to_cpu(d.none_free_before) };
}

void index_entry_encode(const struct index_entry *e, void *raw)
{
	struct disk_index_entry d = { .blocknr = cpu_to_le64(e->blocknr),
				      .nr_free = cpu_to_le32(e->nr_free),
				      .none_free_before = cpu_to_le32(e->none_free_before) };

	memcpy(raw, &d, sizeof(d));
}

uint64_t space_map_nr_bitmaps(uint64_t nr_blocks)
{
	return nr_blocks / BITMAP_ENTRIES + (nr_blocks % BITMAP_ENTRIES != 0);
}

static int check_block(const void *raw, uint64_t block, uint32_t salt, __le64 blocknr,
		       struct space_map_fault *ret_fault)
{
	if (!block_checksum_ok(raw, salt)) {
		*ret_fault = (struct space_map_fault){ .id = FINDING_BLOCK_CHECKSUM };
		return -EUCLEAN;
	}
	if (le64_to_cpu(blocknr) != block) {
		*ret_fault = (struct space_map_fault){ .id = FINDING_BLOCK_BLOCKNR,
						       .expected = block,
						       .found = le64_to_cpu(blocknr) };
		return -EUCLEAN;
	}
	return 0;
}

int bitmap_check(const void *raw, uint64_t block, struct space_map_fault *ret_fault)
{
	const struct disk_bitmap *b = raw;

	return check_block(raw, block, SALT_BITMAP, b->blocknr, ret_fault);
}

int index_check(const void *raw, uint64_t block, struct space_map_fault *ret_fault)
{
	const struct disk_index *index = raw;

	return check_block(raw, block, SALT_INDEX, index->blocknr, ret_fault);
}

void bitmap_set_entry(struct disk_bitmap *b, unsigned int i, unsigned int value)
{
	uint64_t raw = (value & 1u) << 1 | value >> 1;
	uint64_t word = bitmap_word(b, i / 32);
	unsigned int shift = i % 32 * 2;

	word = (word & ~(UINT64_C(3) << shift)) | raw << shift;
	b->words[i / 32] = cpu_to_le64(word);
}
