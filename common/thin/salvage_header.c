/* SPDX-License-Identifier: MIT
 * salvage_header.c: nodes whose checksum is right but whose header cannot be: whoever wrote them
 * wrote the entries too, and those tell what the header should say.
 */
#include <errno.h>

#include "common/base/alloc.h"
#include "common/io/checksum.h"
#include "common/io/overlay_engine.h"
#include "common/thin/salvage_internal.h"

static uint64_t key_at(const void *raw, uint32_t i)
{
	__le64 key;

	memcpy(&key, (const uint8_t *)raw + sizeof(struct node_header) + 8 * (size_t)i,
	       sizeof(key));
	return le64_to_cpu(key);
}

/* How many keys ascend from the first one on. */
static uint32_t nr_ascending(const void *raw, uint32_t max_entries)
{
	uint32_t nr = 1;

	while (nr < max_entries && key_at(raw, nr) > key_at(raw, nr - 1))
		nr++;
	return nr;
}

static void write_header(void *raw, uint32_t flags, uint32_t value_size, uint32_t nr_entries)
{
	struct node_header h;

	memcpy(&h, raw, sizeof(h));
	h.flags = cpu_to_le32(flags);
	h.value_size = cpu_to_le32(value_size);
	h.max_entries = cpu_to_le32(btree_max_entries(value_size));
	h.nr_entries = cpu_to_le32(nr_entries);
	h.padding = cpu_to_le32(0);
	memcpy(raw, &h, sizeof(h));
	block_checksum_set(raw, SALT_BTREE_NODE);
}

/* Values of 64 bits: blocks of this device, or mappings to data blocks that there can be? */
static bool plausible(const struct salvage *s, const void *raw, uint32_t flags, uint32_t nr)
{
	const uint8_t *values = (const uint8_t *)raw + sizeof(struct node_header) +
				8 * (size_t)btree_max_entries(MAPPING_VALUE_SIZE);

	for (uint32_t i = 0; i < nr; i++) {
		uint64_t v;
		__le64 value;

		memcpy(&value, values + 8 * (size_t)i, sizeof(value));
		v = le64_to_cpu(value);
		if (flags == BTREE_INTERNAL_NODE
			    ? !v || v >= s->nr_blocks
			    : mapping_data_block(v) >= s->nr_blocks * BITMAP_ENTRIES)
			return false;
	}
	return nr > 0;
}

/* The two sizes say the same thing: whichever of them is right says what the other should be. */
static bool sizes_say(const struct node_header *h, uint32_t value_size)
{
	return le32_to_cpu(h->value_size) == value_size ||
	       le32_to_cpu(h->max_entries) == btree_max_entries(value_size);
}

bool salvage_mend_header(const struct salvage *s, void *raw)
{
	struct node_header h;
	uint32_t flags, nr, max = btree_max_entries(MAPPING_VALUE_SIZE);

	memcpy(&h, raw, sizeof(h));
	flags = le32_to_cpu(h.flags);
	nr = le32_to_cpu(h.nr_entries);
	if (sizes_say(&h, DETAILS_SIZE) && !sizes_say(&h, MAPPING_VALUE_SIZE)) {
		max = btree_max_entries(DETAILS_SIZE);
		nr = nr && nr <= max ? nr : nr_ascending(raw, max);
		write_header(raw, BTREE_LEAF_NODE, DETAILS_SIZE, nr);
		return true;
	}
	if (!sizes_say(&h, MAPPING_VALUE_SIZE))
		return false;
	nr = nr && nr <= max ? nr : nr_ascending(raw, max);
	if (flags != BTREE_INTERNAL_NODE && flags != BTREE_LEAF_NODE)
		flags = plausible(s, raw, BTREE_INTERNAL_NODE, nr) ? BTREE_INTERNAL_NODE
								   : BTREE_LEAF_NODE;
	else if (flags == BTREE_INTERNAL_NODE && !plausible(s, raw, flags, nr))
		flags = BTREE_LEAF_NODE;
	if (!plausible(s, raw, flags, nr))
		return false;
	write_header(raw, flags, MAPPING_VALUE_SIZE, nr);
	return true;
}

int salvage_set_leaf_flag(struct salvage *s, uint64_t block)
{
	void *raw = alloc_aligned(MD_BLOCK_SIZE);
	struct node_header h;
	int r;

	if (!raw)
		return -ENOMEM;
	r = block_read(s->overlay, block, raw);
	if (!r) {
		memcpy(&h, raw, sizeof(h));
		write_header(raw, BTREE_LEAF_NODE, MAPPING_VALUE_SIZE, le32_to_cpu(h.nr_entries));
		r = overlay_engine_put(s->overlay, block, raw);
	}
	alloc_free(raw);
	if (!r)
		s->shapes[block] = SHAPE_TOP_LEVEL_LEAF;
	return r == -EIO ? 0 : r;
}
