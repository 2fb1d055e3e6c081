/* SPDX-License-Identifier: MIT */
#include "tests/support/versions.h"

#include <string.h>

#include "common/pdata/space_map.h"

static const uint8_t *block_of(const struct image *i, uint64_t block)
{
	return i->bytes + block * MD_BLOCK_SIZE;
}

/* 0: the checksum is wrong for all that there are versions of. */
static uint32_t salt_of(const struct image *i, uint64_t block)
{
	static const uint32_t salts[] = { SALT_BTREE_NODE, SALT_BITMAP, SALT_INDEX };

	for (size_t n = 0; n < ARRAY_SIZE(salts); n++) {
		if (block_checksum_ok(block_of(i, block), salts[n]))
			return salts[n];
	}
	return 0;
}

bool version_in_use(const struct image *i, uint64_t block)
{
	const struct disk_bitmap *bitmap = (const void *)block_of(i, image_metadata_bitmap(i));

	return block >= BITMAP_ENTRIES ||
	       bitmap_entry(bitmap_word(bitmap, (unsigned int)block / 32), block % 32);
}

bool version_of(const struct image *i, uint64_t block, uint64_t old)
{
	uint32_t salt = salt_of(i, block);

	if (!salt || salt != salt_of(i, old) ||
	    !memcmp(block_of(i, block) + 16, block_of(i, old) + 16, MD_BLOCK_SIZE - 16))
		return false;
	if (salt != SALT_BTREE_NODE)
		return true;
	return node_is_leaf(i, block) == node_is_leaf(i, old) && node_nr_entries(i, old) &&
	       node_nr_entries(i, block) &&
	       image_get(i, block, NODE_VALUE_SIZE, 4) == image_get(i, old, NODE_VALUE_SIZE, 4) &&
	       node_key(i, block, 0) == node_key(i, old, 0);
}

void version_put(struct image *i, const struct image *from, uint64_t block, uint64_t old)
{
	memcpy(i->bytes + block * MD_BLOCK_SIZE, block_of(from, old), MD_BLOCK_SIZE);
	image_set(i, block, NODE_BLOCKNR, 8, block);
	image_seal(i, block, salt_of(from, old));
}
