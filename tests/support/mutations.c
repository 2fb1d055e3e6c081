/* SPDX-License-Identifier: MIT
 * mutations.c: the table of mutations.
 */
#include "tests/support/mutations.h"

#include <string.h>

#include "common/pdata/space_map.h"

#define SNAPS "many-snaps"       /* 194 devices, deep trees, counts above three */
#define HELD "metadata-snapshot" /* a metadata snapshot is held */

/* ---- where things are */

static uint64_t details_root(const struct image *i)
{
	return image_get(i, 0, SUPER_DETAILS_ROOT, 8);
}

static uint64_t details_leaf(const struct image *i)
{
	return first_leaf(i, details_root(i));
}

static uint64_t top_root(const struct image *i)
{
	return image_get(i, 0, SUPER_MAPPING_ROOT, 8);
}

static uint64_t top_leaf(const struct image *i)
{
	return first_leaf(i, top_root(i));
}

/* Device 0 of many-snaps: a root with several leaves. */
static uint64_t root0(const struct image *i)
{
	return device_root(i, 0);
}

static uint64_t leaf0(const struct image *i)
{
	return first_leaf(i, root0(i));
}

static uint64_t data_index(const struct image *i)
{
	return first_leaf(i, image_get(i, 0, SUPER_DATA_MAP + MAP_BITMAP_ROOT, 8));
}

static uint64_t data_counts(const struct image *i)
{
	return first_leaf(i, image_get(i, 0, SUPER_DATA_MAP + MAP_REF_COUNT_ROOT, 8));
}

static uint64_t metadata_index(const struct image *i)
{
	return image_get(i, 0, SUPER_METADATA_MAP + MAP_BITMAP_ROOT, 8);
}

static uint64_t held(const struct image *i)
{
	return image_get(i, 0, SUPER_HELD_ROOT, 8);
}

/* ---- helpers for changes */

static void set_held(struct image *i, size_t offset, size_t bytes, uint64_t value)
{
	image_set(i, held(i), offset, bytes, value);
	image_seal(i, held(i), SALT_SUPERBLOCK);
}

static void set_value(struct image *i, uint64_t node, unsigned int entry, size_t bytes,
		      uint64_t value)
{
	image_set_node(i, node, node_value_offset(i, node, entry), bytes, value);
}

static void add_to_super(struct image *i, size_t offset, uint64_t n)
{
	image_set_super(i, offset, 8, image_get(i, 0, offset, 8) + n);
}

/* A field of a device's details. */
static void set_details(struct image *i, unsigned int entry, size_t offset, size_t bytes,
			uint64_t value)
{
	uint64_t leaf = details_leaf(i);

	image_set_node(i, leaf, node_value_offset(i, leaf, entry) + offset, bytes, value);
}

static void set_metadata_index(struct image *i, size_t offset, size_t bytes, uint64_t value)
{
	image_set(i, metadata_index(i), 16 + offset, bytes, value);
	image_seal(i, metadata_index(i), SALT_INDEX);
}

/* ---- the mutations */

/* One line is one mutation. */
/* clang-format off */
#define M(name) static void name(struct image *i)

M(sb_unreadable) { i->unreadable = 0; }
M(sb_checksum) { image_set(i, 0, 100, 1, image_get(i, 0, 100, 1) ^ 1); }
M(sb_blocknr) { image_set_super(i, SUPER_BLOCKNR, 8, 7); }
M(sb_magic) { image_set_super(i, SUPER_MAGIC, 8, 27022011); }
M(sb_version) { image_set_super(i, SUPER_VERSION, 4, 9); }
M(sb_version_0) { image_set_super(i, SUPER_VERSION, 4, 0); }
M(sb_time) { image_set_super(i, SUPER_TIME, 4, 1 << 24); }
M(sb_flags) { image_set_super(i, SUPER_FLAGS, 4, 0xfe); }
M(sb_block_size_0) { image_set_super(i, SUPER_DATA_BLOCK_SIZE, 4, 0); }
M(sb_block_size_7) { image_set_super(i, SUPER_DATA_BLOCK_SIZE, 4, 7); }
M(sb_block_size_192) { image_set_super(i, SUPER_DATA_BLOCK_SIZE, 4, 192); }
M(sb_block_size_huge) { image_set_super(i, SUPER_DATA_BLOCK_SIZE, 4, 2097152 + 128); }
M(sb_metadata_block_size) { image_set_super(i, SUPER_METADATA_BLOCK_SIZE, 4, 16); }
M(sb_metadata_nr_blocks) { image_set_super(i, SUPER_METADATA_NR_BLOCKS, 8, 1 << 20); }
M(sb_incompat) { image_set_super(i, SUPER_INCOMPAT, 4, 0xff); }
M(sb_compat_ro) { image_set_super(i, SUPER_COMPAT_RO, 4, 1); }
M(sb_compat) { image_set_super(i, SUPER_COMPAT, 4, 1); }
M(sb_trailing) { image_set_super(i, 4000, 1, 1); }
M(sb_mapping_root) { image_set_super(i, SUPER_MAPPING_ROOT, 8, UINT64_MAX); }
M(sb_mapping_root_0) { image_set_super(i, SUPER_MAPPING_ROOT, 8, 0); }
M(sb_details_root) { image_set_super(i, SUPER_DETAILS_ROOT, 8, 1 << 30); }
M(sb_roots_swapped)
{
	uint64_t details = details_root(i);

	image_set_super(i, SUPER_DETAILS_ROOT, 8, top_root(i));
	image_set_super(i, SUPER_MAPPING_ROOT, 8, details);
}
M(sb_same_roots) { image_set_super(i, SUPER_MAPPING_ROOT, 8, details_root(i)); }
M(sb_time_lowered) { image_set_super(i, SUPER_TIME, 4, 0); }
M(sb_transaction_lowered) { image_set_super(i, SUPER_TRANSACTION, 8, 0); }

M(held_range) { image_set_super(i, SUPER_HELD_ROOT, 8, 1 << 30); }
M(held_self) { image_set_super(i, SUPER_HELD_ROOT, 8, details_root(i)); }
M(held_free) { image_set_super(i, SUPER_HELD_ROOT, 8, i->nr_blocks - 1); }
M(held_checksum) { image_set(i, held(i), 100, 1, 1); }
M(held_unreadable) { i->unreadable = held(i); }
M(held_blocknr) { set_held(i, SUPER_BLOCKNR, 8, 0); }
M(held_magic) { set_held(i, SUPER_MAGIC, 8, 0); }
M(held_features) { set_held(i, SUPER_INCOMPAT, 4, 1); }
M(held_root) { set_held(i, SUPER_MAPPING_ROOT, 8, 0); }
M(held_root_self) { set_held(i, SUPER_MAPPING_ROOT, 8, held(i)); }
M(held_details_live) { set_held(i, SUPER_DETAILS_ROOT, 8, image_get(i, 0, SUPER_MAPPING_ROOT, 8)); }
M(held_time) { set_held(i, SUPER_TIME, 4, 1 << 24); }
M(held_block_size_odd) { set_held(i, SUPER_DATA_BLOCK_SIZE, 4, 3); }
M(held_newer) { set_held(i, SUPER_TIME, 4, 1000); }
M(held_block_size) { set_held(i, SUPER_DATA_BLOCK_SIZE, 4, 256); }
M(held_space_map) { set_held(i, SUPER_DATA_MAP, 8, 1); }

M(node_unreadable) { i->unreadable = leaf0(i); }
M(node_checksum) { image_set(i, leaf0(i), 2000, 1, image_get(i, leaf0(i), 2000, 1) ^ 0x10); }
M(root_checksum) { image_set(i, root0(i), 2000, 1, 0xff); }
M(details_checksum) { image_set(i, details_leaf(i), 4000, 1, 0xff); }
M(top_checksum) { image_set(i, top_leaf(i), 4000, 1, 0xff); }
M(index_checksum) { image_set(i, data_index(i), 4000, 1, 0xff); }
M(bitmap_checksum) { image_set(i, image_data_bitmap(i), 4000, 1, 0xff); }
M(counts_checksum) { image_set(i, data_counts(i), 4000, 1, 0xff); }
M(metadata_index_csum) { image_set(i, metadata_index(i), 4000, 1, 0xff); }
M(metadata_bitmap_checksum) { image_set(i, image_metadata_bitmap(i), 4000, 1, 0xfe); }
M(node_blocknr) { image_set_node(i, leaf0(i), NODE_BLOCKNR, 8, leaf0(i) + 1); }
M(bitmap_blocknr)
{
	image_set(i, image_data_bitmap(i), 8, 8, 1);
	image_seal(i, image_data_bitmap(i), SALT_BITMAP);
}
M(metadata_index_blocknr)
{
	image_set(i, metadata_index(i), 8, 8, 1);
	image_seal(i, metadata_index(i), SALT_INDEX);
}
M(flags_both) { image_set_node(i, leaf0(i), NODE_FLAGS, 4, 3); }
M(flags_6) { image_set_node(i, leaf0(i), NODE_FLAGS, 4, 6); }
M(flags_0) { image_set_node(i, root0(i), NODE_FLAGS, 4, 0); }
M(leaf_as_internal) { image_set_node(i, leaf0(i), NODE_FLAGS, 4, 1); }
M(internal_as_leaf) { image_set_node(i, root0(i), NODE_FLAGS, 4, 2); }
M(top_level_as_internal) { image_set_node(i, top_leaf(i), NODE_FLAGS, 4, 1); }
M(value_size) { image_set_node(i, leaf0(i), NODE_VALUE_SIZE, 4, 16); }
M(value_size_huge) { image_set_node(i, root0(i), NODE_VALUE_SIZE, 4, 0x7fffffff); }
M(max_entries) { image_set_node(i, leaf0(i), NODE_MAX_ENTRIES, 4, 249); }
M(max_entries_huge) { image_set_node(i, leaf0(i), NODE_MAX_ENTRIES, 4, 0xffffffff); }
M(nr_entries) { image_set_node(i, leaf0(i), NODE_NR_ENTRIES, 4, 253); }
M(nr_entries_huge) { image_set_node(i, root0(i), NODE_NR_ENTRIES, 4, 0x80000000); }
M(internal_empty) { image_set_node(i, root0(i), NODE_NR_ENTRIES, 4, 0); }
M(padding) { image_set_node(i, leaf0(i), NODE_PADDING, 4, 1); }
M(duplicate_key) { node_set_key(i, leaf0(i), 5, node_key(i, leaf0(i), 4)); }
M(swapped_keys)
{
	uint64_t a = node_key(i, leaf0(i), 5), b = node_key(i, leaf0(i), 6);

	node_set_key(i, leaf0(i), 5, b);
	node_set_key(i, leaf0(i), 6, a);
}
M(internal_keys) { node_set_key(i, root0(i), 1, node_key(i, root0(i), 2) + 1); }
M(details_keys) { node_set_key(i, details_leaf(i), 2, 0); }
M(leaf_underfull) { image_set_node(i, leaf0(i), NODE_NR_ENTRIES, 4, 83); }
/* No fixture is deep enough for an internal node that is no root: one is hung above another. */
M(node_underfull)
{
	uint64_t spare = image_find_count(i, image_metadata_bitmap(i), 0), root = root0(i);

	memcpy(i->bytes + spare * MD_BLOCK_SIZE, i->bytes + root * MD_BLOCK_SIZE, MD_BLOCK_SIZE);
	image_set_node(i, spare, NODE_BLOCKNR, 8, spare);
	image_set_node(i, spare, NODE_NR_ENTRIES, 4, 1);
	set_value(i, spare, 0, 8, root);
	set_value(i, top_leaf(i), 0, 8, spare);
}
M(child_beyond) { set_value(i, root0(i), 1, 8, i->nr_blocks); }
M(child_huge) { set_value(i, root0(i), 1, 8, UINT64_MAX); }
M(child_itself) { set_value(i, root0(i), 1, 8, root0(i)); }
M(child_superblock) { set_value(i, root0(i), 1, 8, 0); }
M(child_bitmap) { set_value(i, root0(i), 1, 8, image_data_bitmap(i)); }
M(child_details) { set_value(i, root0(i), 1, 8, details_leaf(i)); }
M(child_top_level) { set_value(i, root0(i), 1, 8, top_leaf(i)); }
M(child_sibling) { set_value(i, root0(i), 1, 8, node_value(i, root0(i), 2)); }
/* There stands an old leaf, whole and valid. */
M(child_unused) { set_value(i, root0(i), 1, 8, i->nr_blocks - 2); }
M(children_swapped)
{
	uint64_t a = node_value(i, root0(i), 1), b = node_value(i, root0(i), 2);

	set_value(i, root0(i), 1, 8, b);
	set_value(i, root0(i), 2, 8, a);
}
M(key_above_child) { node_set_key(i, root0(i), 1, node_key(i, root0(i), 1) + 1); }
M(key_below_sibling)
{
	uint64_t before = node_value(i, root0(i), 0);

	node_set_key(i, before, node_nr_entries(i, before) - 1, node_key(i, root0(i), 1));
}
/* One child becomes the root of another device, which is internal: a level too many. */
M(child_too_high) { set_value(i, root0(i), 1, 8, device_root(i, 200)); }
M(top_leads_beyond) { set_value(i, top_leaf(i), 3, 8, i->nr_blocks + 5); }
M(top_leads_to_details) { set_value(i, top_leaf(i), 3, 8, details_leaf(i)); }
/* Twenty nodes in a chain. */
M(too_deep)
{
	uint64_t root = root0(i), first = i->nr_blocks - 40;

	for (uint64_t b = first; b < first + 20; b++) {
		memcpy(i->bytes + b * MD_BLOCK_SIZE, i->bytes + root * MD_BLOCK_SIZE,
		       MD_BLOCK_SIZE);
		image_set_node(i, b, NODE_BLOCKNR, 8, b);
		image_set_node(i, b, NODE_NR_ENTRIES, 4, 1);
		set_value(i, b, 0, 8, b + 1 < first + 20 ? b + 1 : root);
	}
	set_value(i, top_leaf(i), 0, 8, first);
}

M(device_id)
{
	uint64_t t = top_leaf(i);

	node_set_key(i, t, node_nr_entries(i, t) - 1, UINT64_C(1) << 24);
}
/* many-snaps has 194 devices: the details tree has two leaves, the second not full. */
M(no_details)
{
	uint64_t d = node_value(i, details_root(i), 1);

	image_set_node(i, d, NODE_NR_ENTRIES, 4, node_nr_entries(i, d) - 1);
}
M(no_mappings)
{
	uint64_t t = top_leaf(i);

	image_set_node(i, t, NODE_NR_ENTRIES, 4, node_nr_entries(i, t) - 1);
}
M(other_id) { node_set_key(i, details_leaf(i), 0, 1000000); }
M(mapped_blocks) { set_details(i, 3, 0, 8, 12345678); }
M(mapped_blocks_huge) { set_details(i, 3, 0, 8, UINT64_MAX); }
M(device_transaction) { set_details(i, 3, 8, 8, 99999); }
M(creation_time) { set_details(i, 3, 16, 4, 0xffffff); }
M(creation_time_late)
{
	uint64_t leaf = details_leaf(i);
	size_t at = node_value_offset(i, leaf, 3);

	image_set_node(i, leaf, at + 16, 4, image_get(i, leaf, at + 20, 4) + 1);
}
M(snap_time) { set_details(i, 3, 20, 4, 0xfffff0); }

M(data_block_beyond) { set_value(i, leaf0(i), 7, 8, UINT64_C(0xffffffffff) << 24); }
M(data_block_at_end)
{
	set_value(i, leaf0(i), 7, 8, image_get(i, 0, SUPER_DATA_MAP, 8) << 24);
}
M(thin_block)
{
	uint64_t leaf = device_root(i, 1);

	node_set_key(i, leaf, node_nr_entries(i, leaf) - 1, UINT64_MAX);
}
M(mapping_time) { set_value(i, leaf0(i), 7, 8, (node_value(i, leaf0(i), 7) | 0xfffff0)); }
M(snap_time_zero) { set_details(i, 0, 20, 4, 0); }
/*
 * Three more devices have the tree of device 0, the last one below a root of its own: when the leaves
 * were read first, it was not known yet that they are its leaves too, and that it takes all of them
 * for its own.
 */
M(shared_by_a_higher_tree)
{
	uint64_t top = i->nr_blocks - 1;

	memcpy(i->bytes + top * MD_BLOCK_SIZE, i->bytes + root0(i) * MD_BLOCK_SIZE, MD_BLOCK_SIZE);
	image_set_node(i, top, NODE_BLOCKNR, 8, top);
	image_set_node(i, top, NODE_NR_ENTRIES, 4, 1);
	set_value(i, top, 0, 8, root0(i));
	set_value(i, top_leaf(i), 1, 8, root0(i));
	set_value(i, top_leaf(i), 2, 8, root0(i));
	set_value(i, top_leaf(i), 3, 8, top);
	set_details(i, 3, 20, 4, 0);
}
M(mapped_twice)
{
	/* Two mappings of basic's device 1, which was never snapshotted. */
	uint64_t leaf = device_root(i, 1);

	set_value(i, leaf, 1, 8, node_value(i, leaf, 0));
}
M(mapped_by_two)
{
	set_value(i, device_root(i, 1), 1, 8, node_value(i, device_root(i, 3), 0));
}

M(data_nr_blocks_doubled)
{
	image_set_super(i, SUPER_DATA_MAP, 8, 2 * image_get(i, 0, SUPER_DATA_MAP, 8));
}
M(data_nr_blocks_huge) { image_set_super(i, SUPER_DATA_MAP, 8, UINT64_C(1) << 60); }
M(data_nr_blocks_max) { image_set_super(i, SUPER_DATA_MAP, 8, UINT64_MAX); }
M(data_nr_blocks_0) { image_set_super(i, SUPER_DATA_MAP, 8, 0); }
M(metadata_nr_blocks_huge) { image_set_super(i, SUPER_METADATA_MAP, 8, UINT64_C(1) << 60); }
M(metadata_nr_blocks_doubled)
{
	image_set_super(i, SUPER_METADATA_MAP, 8, 2 * i->nr_blocks);
}
M(metadata_nr_blocks_low) { image_set_super(i, SUPER_METADATA_MAP, 8, 10); }
M(metadata_nr_blocks_0) { image_set_super(i, SUPER_METADATA_MAP, 8, 0); }
M(data_nr_allocated_low) { add_to_super(i, SUPER_DATA_MAP + MAP_NR_ALLOCATED, UINT64_MAX); }
M(data_nr_allocated) { add_to_super(i, SUPER_DATA_MAP + MAP_NR_ALLOCATED, 1); }
M(data_nr_allocated_huge) { add_to_super(i, SUPER_DATA_MAP + MAP_NR_ALLOCATED, 1u << 31); }
M(metadata_nr_allocated) { add_to_super(i, SUPER_METADATA_MAP + MAP_NR_ALLOCATED, UINT64_MAX); }
M(data_bitmap_root) { image_set_super(i, SUPER_DATA_MAP + MAP_BITMAP_ROOT, 8, 0); }
M(data_counts_root) { image_set_super(i, SUPER_DATA_MAP + MAP_REF_COUNT_ROOT, 8, UINT64_MAX); }
M(metadata_bitmap_root)
{
	image_set_super(i, SUPER_METADATA_MAP + MAP_BITMAP_ROOT, 8, i->nr_blocks);
}
M(metadata_counts_root)
{
	image_set_super(i, SUPER_METADATA_MAP + MAP_REF_COUNT_ROOT, 8, top_root(i));
}
M(metadata_index_missing) { set_metadata_index(i, 0, 8, 0); }
M(metadata_index_padding)
{
	image_set(i, metadata_index(i), 4, 4, 1);
	image_seal(i, metadata_index(i), SALT_INDEX);
}
M(index_extra)
{
	uint64_t leaf = data_index(i);
	unsigned int nr = node_nr_entries(i, leaf);

	image_set_node(i, leaf, NODE_NR_ENTRIES, 4, nr + 1);
	node_set_key(i, leaf, nr, 1000);
}
M(index_missing)
{
	uint64_t leaf = data_index(i);

	image_set_node(i, leaf, NODE_NR_ENTRIES, 4, node_nr_entries(i, leaf) - 1);
}
M(index_same_bitmap)
{
	set_value(i, data_index(i), 1, 8, image_data_bitmap(i));
}
M(index_bitmap_beyond) { set_value(i, data_index(i), 0, 8, UINT64_MAX); }
M(index_nr_free)
{
	uint64_t leaf = data_index(i);

	image_set_node(i, leaf, node_value_offset(i, leaf, 0) + 8, 4, 3);
}
M(index_nr_free_high)
{
	uint64_t leaf = data_index(i);

	image_set_node(i, leaf, node_value_offset(i, leaf, 0) + 8, 4, 16320);
}
M(metadata_index_nr_free) { set_metadata_index(i, 8, 4, 0); }
M(none_free_before)
{
	uint64_t leaf = data_index(i);

	image_set_node(i, leaf, node_value_offset(i, leaf, 0) + 12, 4, BITMAP_ENTRIES);
}
/* What thin_restore 0.9 leaves behind: 0 < tail, one block counted as used that is free. */
M(old_restore)
{
	uint64_t index = metadata_index(i), tail = BITMAP_ENTRIES - i->nr_blocks;

	add_to_super(i, SUPER_METADATA_MAP + MAP_NR_ALLOCATED, 1);
	set_metadata_index(i, 8, 4, image_get(i, index, 16 + 8, 4) - tail - 1);
}
M(metadata_none_free_before) { set_metadata_index(i, 12, 4, 16000); }
M(bitmap_padding)
{
	image_set(i, image_data_bitmap(i), 4, 4, 77);
	image_seal(i, image_data_bitmap(i), SALT_BITMAP);
}
M(metadata_bitmap_tail) { image_set_count(i, image_metadata_bitmap(i), i->nr_blocks + 3, 1); }
M(overflow_missing)
{
	uint64_t leaf = data_counts(i);

	image_set_node(i, leaf, NODE_NR_ENTRIES, 4, node_nr_entries(i, leaf) - 1);
}
M(overflow_extra)
{
	/* The bitmap says 1 where the tree has a count. */
	image_set_count(i, image_data_bitmap(i), node_key(i, data_counts(i), 0), 1);
}
M(overflow_beyond)
{
	uint64_t root = image_get(i, 0, SUPER_METADATA_MAP + MAP_REF_COUNT_ROOT, 8);

	node_set_key(i, root, node_nr_entries(i, root) - 1, UINT64_MAX);
}
M(overflow_value) { set_value(i, data_counts(i), 0, 4, 1); }
M(overflow_count) { set_value(i, data_counts(i), 0, 4, 5000); }
M(count_low)
{
	image_set_count(i, image_data_bitmap(i), image_find_count(i, image_data_bitmap(i), 1), 0);
}
M(count_high)
{
	image_set_count(i, image_data_bitmap(i), image_find_count(i, image_data_bitmap(i), 1), 2);
}
M(count_low_metadata)
{
	image_set_count(i, image_metadata_bitmap(i), leaf0(i), 0);
}
M(leak_data)
{
	image_set_count(i, image_data_bitmap(i), image_find_count(i, image_data_bitmap(i), 0), 1);
}
M(leak_metadata)
{
	image_set_count(i, image_metadata_bitmap(i), image_find_count(i, image_metadata_bitmap(i), 0), 1);
}

/* clang-format on */

#define ROW(name, finding, fixture)                           \
	{                                                     \
#name, FINDING_##finding, fixture, name, 0, 0 \
	}
/*
 * Not everything comes back right: how many mappings are wrong after a repair, because the very
 * mapping was changed and nothing contradicts it; and how many are lost, with a leaf or with a
 * contradiction.
 */
#define LOSSY(name, finding, fixture, wrong, lost)                       \
	{                                                                \
#name, FINDING_##finding, fixture, name, (wrong), (lost) \
	}

static const struct mutation mutations_table[] = {
	ROW(sb_unreadable, SUPERBLOCK_UNREADABLE, SNAPS),
	ROW(sb_checksum, SUPERBLOCK_CHECKSUM, SNAPS),
	ROW(sb_blocknr, SUPERBLOCK_BLOCKNR, SNAPS),
	ROW(sb_magic, SUPERBLOCK_MAGIC, SNAPS),
	ROW(sb_version, SUPERBLOCK_VERSION, SNAPS),
	ROW(sb_version_0, SUPERBLOCK_VERSION, SNAPS),
	ROW(sb_time, SUPERBLOCK_TIME, SNAPS),
	ROW(sb_flags, SUPERBLOCK_FLAGS, SNAPS),
	ROW(sb_block_size_0, SUPERBLOCK_DATA_BLOCK_SIZE, SNAPS),
	ROW(sb_block_size_7, SUPERBLOCK_DATA_BLOCK_SIZE, SNAPS),
	ROW(sb_block_size_192, SUPERBLOCK_DATA_BLOCK_SIZE, SNAPS),
	ROW(sb_block_size_huge, SUPERBLOCK_DATA_BLOCK_SIZE, SNAPS),
	ROW(sb_metadata_block_size, SUPERBLOCK_METADATA_BLOCK_SIZE, SNAPS),
	ROW(sb_metadata_nr_blocks, SUPERBLOCK_METADATA_NR_BLOCKS, SNAPS),
	ROW(sb_incompat, SUPERBLOCK_INCOMPAT, SNAPS),
	ROW(sb_compat_ro, SUPERBLOCK_COMPAT_RO, SNAPS),
	ROW(sb_compat, SUPERBLOCK_COMPAT, SNAPS),
	ROW(sb_trailing, SUPERBLOCK_TRAILING, SNAPS),
	ROW(sb_mapping_root, SUPERBLOCK_ROOT, SNAPS),
	ROW(sb_mapping_root_0, SUPERBLOCK_ROOT, SNAPS),
	ROW(sb_details_root, SUPERBLOCK_ROOT, SNAPS),
	ROW(sb_roots_swapped, NODE_VALUE_SIZE, "basic"),
	ROW(sb_same_roots, CHILD_KIND, "basic"),
	ROW(sb_time_lowered, MAPPING_TIME, SNAPS),
	ROW(sb_time_lowered, DEVICE_TIME, SNAPS),
	ROW(sb_transaction_lowered, DEVICE_TRANSACTION, HELD),
	ROW(held_range, SNAPSHOT_ROOT, SNAPS),
	ROW(held_self, SNAPSHOT_ROOT, HELD),
	ROW(held_free, SUPERBLOCK_CHECKSUM, HELD),
	ROW(held_checksum, SUPERBLOCK_CHECKSUM, HELD),
	ROW(held_unreadable, SUPERBLOCK_UNREADABLE, HELD),
	ROW(held_blocknr, SNAPSHOT_BLOCKNR, HELD),
	ROW(held_magic, SNAPSHOT_MAGIC, HELD),
	ROW(held_features, SNAPSHOT_FEATURES, HELD),
	ROW(held_root, SUPERBLOCK_ROOT, HELD),
	ROW(held_root_self, CHILD_KIND, HELD),
	ROW(held_details_live, REF_COUNT_LOW, HELD),
	ROW(held_time, SNAPSHOT_NEWER, HELD),
	ROW(held_block_size_odd, SNAPSHOT_BLOCK_SIZE, HELD),
	ROW(held_newer, SNAPSHOT_NEWER, HELD),
	ROW(held_block_size, SNAPSHOT_BLOCK_SIZE, HELD),
	ROW(held_space_map, SNAPSHOT_SPACE_MAP, HELD),
	LOSSY(node_unreadable, BLOCK_UNREADABLE, SNAPS, 0, 238),
	LOSSY(node_checksum, BLOCK_CHECKSUM, SNAPS, 0, 238),
	ROW(root_checksum, BLOCK_CHECKSUM, SNAPS),
	ROW(details_checksum, BLOCK_CHECKSUM, SNAPS),
	ROW(top_checksum, BLOCK_CHECKSUM, SNAPS),
	ROW(index_checksum, BLOCK_CHECKSUM, SNAPS),
	ROW(bitmap_checksum, BLOCK_CHECKSUM, SNAPS),
	ROW(counts_checksum, BLOCK_CHECKSUM, SNAPS),
	ROW(metadata_index_csum, BLOCK_CHECKSUM, SNAPS),
	ROW(metadata_bitmap_checksum, BLOCK_CHECKSUM, SNAPS),
	LOSSY(node_blocknr, BLOCK_BLOCKNR, SNAPS, 0, 238),
	ROW(bitmap_blocknr, BLOCK_BLOCKNR, SNAPS),
	ROW(metadata_index_blocknr, BLOCK_BLOCKNR, SNAPS),
	ROW(flags_both, NODE_FLAGS, SNAPS),
	ROW(flags_6, NODE_FLAGS, SNAPS),
	ROW(flags_0, NODE_FLAGS, SNAPS),
	ROW(leaf_as_internal, NODE_FLAGS, SNAPS),
	ROW(internal_as_leaf, NODE_FLAGS, SNAPS),
	ROW(top_level_as_internal, BLOCK_KIND, "basic"),
	ROW(value_size, NODE_VALUE_SIZE, SNAPS),
	ROW(value_size_huge, NODE_VALUE_SIZE, SNAPS),
	ROW(max_entries, NODE_MAX_ENTRIES, SNAPS),
	ROW(max_entries_huge, NODE_MAX_ENTRIES, SNAPS),
	ROW(nr_entries, NODE_NR_ENTRIES, SNAPS),
	ROW(nr_entries_huge, NODE_NR_ENTRIES, SNAPS),
	ROW(internal_empty, NODE_NR_ENTRIES, SNAPS),
	ROW(padding, NODE_PADDING, SNAPS),
	LOSSY(duplicate_key, NODE_KEY_ORDER, SNAPS, 0, 2),
	LOSSY(swapped_keys, NODE_KEY_ORDER, SNAPS, 0, 2),
	ROW(internal_keys, NODE_KEY_ORDER, SNAPS),
	ROW(details_keys, NODE_KEY_ORDER, SNAPS),
	LOSSY(leaf_underfull, LEAF_UNDERFULL, SNAPS, 0, 155),
	ROW(node_underfull, NODE_UNDERFULL, SNAPS),
	ROW(child_beyond, CHILD_RANGE, SNAPS),
	ROW(child_huge, CHILD_RANGE, SNAPS),
	ROW(child_itself, CHILD_LOOP, SNAPS),
	ROW(child_superblock, CHILD_KIND, SNAPS),
	ROW(child_bitmap, BLOCK_KIND, SNAPS),
	ROW(child_details, CHILD_KIND, SNAPS),
	ROW(child_top_level, CHILD_KIND, SNAPS),
	ROW(child_sibling, CHILD_KEYS, SNAPS),
	ROW(child_unused, CHILD_KEYS, SNAPS),
	ROW(children_swapped, CHILD_KEYS, SNAPS),
	ROW(key_above_child, CHILD_KEYS, SNAPS),
	LOSSY(key_below_sibling, CHILD_KEYS, SNAPS, 0, 1),
	ROW(child_too_high, CHILD_HEIGHT, SNAPS),
	ROW(top_leads_beyond, CHILD_RANGE, SNAPS),
	ROW(top_leads_to_details, CHILD_KIND, SNAPS),
	LOSSY(too_deep, TREE_DEPTH, SNAPS, 0, 4399),
	ROW(device_id, DEVICE_ID, SNAPS),
	ROW(no_details, DEVICE_NO_DETAILS, SNAPS),
	ROW(no_mappings, DEVICE_NO_MAPPINGS, SNAPS),
	ROW(other_id, DEVICE_NO_DETAILS, SNAPS),
	ROW(other_id, DEVICE_NO_MAPPINGS, SNAPS),
	ROW(mapped_blocks, DEVICE_MAPPED_BLOCKS, SNAPS),
	ROW(mapped_blocks_huge, DEVICE_MAPPED_BLOCKS, SNAPS),
	ROW(device_transaction, DEVICE_TRANSACTION, SNAPS),
	ROW(creation_time, DEVICE_CREATION_TIME, SNAPS),
	ROW(creation_time_late, DEVICE_CREATION_TIME, SNAPS),
	ROW(snap_time, DEVICE_TIME, SNAPS),
	LOSSY(data_block_beyond, MAPPING_DATA_BLOCK, SNAPS, 0, 1),
	LOSSY(data_block_at_end, MAPPING_DATA_BLOCK, SNAPS, 0, 1),
	LOSSY(thin_block, MAPPING_THIN_BLOCK, "basic", 0, 1),
	LOSSY(mapping_time, MAPPING_TIME, SNAPS, 1, 0),
	ROW(snap_time_zero, MAPPING_SHARED, SNAPS),
	LOSSY(shared_by_a_higher_tree, MAPPING_SHARED, SNAPS, 0, 1296),
	LOSSY(mapped_twice, MAPPING_SHARED, "basic", 0, 2),
	LOSSY(mapped_by_two, MAPPING_SHARED, "basic", 0, 2),
	ROW(data_nr_blocks_doubled, INDEX_MISSING, SNAPS),
	ROW(data_nr_blocks_huge, SPACE_MAP_NR_BLOCKS, SNAPS),
	ROW(data_nr_blocks_max, SPACE_MAP_NR_BLOCKS, SNAPS),
	ROW(data_nr_blocks_0, MAPPING_DATA_BLOCK, SNAPS),
	ROW(data_nr_blocks_0, SPACE_MAP_NR_BLOCKS, SNAPS),
	ROW(metadata_nr_blocks_huge, METADATA_TRUNCATED, SNAPS),
	ROW(metadata_nr_blocks_doubled, METADATA_TRUNCATED, SNAPS),
	ROW(metadata_nr_blocks_low, SPACE_MAP_NR_BLOCKS, SNAPS),
	ROW(metadata_nr_blocks_0, SPACE_MAP_NR_BLOCKS, SNAPS),
	ROW(data_nr_allocated_low, SPACE_MAP_NR_ALLOCATED, SNAPS),
	ROW(data_nr_allocated, SPACE_MAP_NR_ALLOCATED_HIGH, SNAPS),
	ROW(data_nr_allocated_huge, SPACE_MAP_NR_ALLOCATED, SNAPS),
	ROW(metadata_nr_allocated, SPACE_MAP_NR_ALLOCATED, SNAPS),
	ROW(data_bitmap_root, SPACE_MAP_ROOT, SNAPS),
	ROW(data_counts_root, SPACE_MAP_ROOT, SNAPS),
	ROW(metadata_bitmap_root, SPACE_MAP_ROOT, SNAPS),
	ROW(metadata_counts_root, SPACE_MAP_ROOT, SNAPS),
	ROW(metadata_index_missing, INDEX_MISSING, SNAPS),
	ROW(index_extra, INDEX_EXTRA, SNAPS),
	ROW(index_missing, INDEX_MISSING, SNAPS),
	ROW(metadata_index_padding, INDEX_PADDING, SNAPS),
	ROW(index_same_bitmap, CHILD_KIND, SNAPS),
	ROW(index_bitmap_beyond, CHILD_RANGE, SNAPS),
	ROW(index_nr_free_high, INDEX_NR_FREE, SNAPS),
	ROW(index_nr_free, INDEX_NR_FREE_LOW, SNAPS),
	ROW(metadata_index_nr_free, INDEX_NR_FREE_LOW, SNAPS),
	ROW(old_restore, SPACE_MAP_OLD_RESTORE, "basic"),
	ROW(none_free_before, INDEX_NONE_FREE_BEFORE, SNAPS),
	ROW(metadata_none_free_before, INDEX_NONE_FREE_BEFORE, SNAPS),
	ROW(bitmap_padding, BITMAP_PADDING, SNAPS),
	ROW(metadata_bitmap_tail, BITMAP_TAIL, SNAPS),
	ROW(overflow_missing, OVERFLOW_MISSING, SNAPS),
	ROW(overflow_extra, OVERFLOW_EXTRA, SNAPS),
	ROW(overflow_beyond, OVERFLOW_EXTRA, SNAPS),
	ROW(overflow_value, OVERFLOW_VALUE, SNAPS),
	ROW(overflow_count, REF_COUNT_HIGH, SNAPS),
	ROW(count_low, REF_COUNT_LOW, SNAPS),
	ROW(count_high, REF_COUNT_HIGH, SNAPS),
	ROW(count_low_metadata, REF_COUNT_LOW, SNAPS),
	ROW(leak_data, BLOCK_LEAKED, SNAPS),
	ROW(leak_metadata, BLOCK_LEAKED, SNAPS),
};

const struct mutation *mutation_at(size_t n)
{
	return n < sizeof(mutations_table) / sizeof(*mutations_table) ? &mutations_table[n] : NULL;
}

const struct mutation *mutation_find(const char *name)
{
	for (size_t n = 0; n < sizeof(mutations_table) / sizeof(*mutations_table); n++) {
		if (!strcmp(mutations_table[n].name, name))
			return &mutations_table[n];
	}
	return NULL;
}
