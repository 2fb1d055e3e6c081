/* SPDX-License-Identifier: MIT
 * image.h: a metadata device in memory, for tests: load a real one, change a field, make its
 * checksums right again, check it.
 */
#ifndef THINMEND_TESTS_IMAGE_H
#define THINMEND_TESTS_IMAGE_H

#include "common/base/report.h"
#include "common/io/block_io.h"
#include "common/io/checksum.h"
#include "common/thin/metadata_check.h"

struct image {
	uint8_t *bytes;
	uint64_t nr_blocks;
	uint64_t unreadable; /* reading this block fails; NO_BLOCK */
};

/* Load tests/fixtures/NAME.raw.xz as the Makefile has unpacked it.  Aborts the test when it cannot.
 */
struct image image_load(const char *fixture);
struct image image_load_file(const char *path);
void image_save_file(const struct image *i, const char *path);
void image_destroy(struct image *i);

/* An engine on the image that honours `unreadable`. */
struct block_engine *image_engine(struct image *i);

/* Check it; the report and the result are the caller's.  Returns what metadata_check() returned. */
int image_check(struct image *i, const struct check_options *options, struct report *report,
		struct check_result *result);

/* The worst severity that a check finds. */
enum severity image_worst(struct image *i);

/* Fields, little endian. */
uint64_t image_get(const struct image *i, uint64_t block, size_t offset, size_t bytes);
void image_set(struct image *i, uint64_t block, size_t offset, size_t bytes, uint64_t value);

/* Make the checksum of a block right. */
void image_seal(struct image *i, uint64_t block, uint32_t salt);

/* Set a field of a node, and seal it. */
void image_set_node(struct image *i, uint64_t block, size_t offset, size_t bytes, uint64_t value);

/* Set a field of the superblock, and seal it. */
void image_set_super(struct image *i, size_t offset, size_t bytes, uint64_t value);

/* Entries of a node. */
uint64_t node_key(const struct image *i, uint64_t block, unsigned int entry);
uint64_t node_value(const struct image *i, uint64_t block, unsigned int entry);
void node_set_key(struct image *i, uint64_t block, unsigned int entry, uint64_t key);
/* Where entry's value begins in the block; value_size as in the node. */
size_t node_value_offset(const struct image *i, uint64_t block, unsigned int entry);
unsigned int node_nr_entries(const struct image *i, uint64_t block);
bool node_is_leaf(const struct image *i, uint64_t block);

/* The leftmost leaf below a node. */
uint64_t first_leaf(const struct image *i, uint64_t block);

/* The root of a device's mapping tree. */
uint64_t device_root(const struct image *i, uint64_t device);
/* Let it be another block; returns the leaf that names it. */
uint64_t device_set_root(struct image *i, uint64_t device, uint64_t root);

/* Where the device's details begin: offset in *ret_block. */
size_t device_details_offset(const struct image *i, uint64_t device, uint64_t *ret_block);

/*
 * Leak the first free block of a space map, as the kernel would: its count becomes 1, and the index
 * and the superblock are kept in step.  For maps whose first bitmap has room.
 */
void image_leak_data(struct image *i);
void image_leak_metadata(struct image *i);

/* The first bitmap of each space map; its entries, as counts up to 3. */
uint64_t image_data_bitmap(const struct image *i);
uint64_t image_metadata_bitmap(const struct image *i);
void image_set_count(struct image *i, uint64_t bitmap, uint64_t entry, unsigned int value);
unsigned int image_find_count(const struct image *i, uint64_t bitmap, unsigned int value);

/* Offsets in the superblock. */
enum super_field {
	SUPER_FLAGS = 4,
	SUPER_BLOCKNR = 8,
	SUPER_MAGIC = 32,
	SUPER_VERSION = 40,
	SUPER_TIME = 44,
	SUPER_TRANSACTION = 48,
	SUPER_HELD_ROOT = 56,
	SUPER_DATA_MAP = 64,
	SUPER_METADATA_MAP = 192,
	SUPER_MAPPING_ROOT = 320,
	SUPER_DETAILS_ROOT = 328,
	SUPER_DATA_BLOCK_SIZE = 336,
	SUPER_METADATA_BLOCK_SIZE = 340,
	SUPER_METADATA_NR_BLOCKS = 344,
	SUPER_COMPAT = 352,
	SUPER_COMPAT_RO = 356,
	SUPER_INCOMPAT = 360,
};

/* Offsets in a space map root. */
enum map_field {
	MAP_NR_BLOCKS = 0,
	MAP_NR_ALLOCATED = 8,
	MAP_BITMAP_ROOT = 16,
	MAP_REF_COUNT_ROOT = 24
};

/* Offsets in a node. */
enum node_field {
	NODE_FLAGS = 4,
	NODE_BLOCKNR = 8,
	NODE_NR_ENTRIES = 16,
	NODE_MAX_ENTRIES = 20,
	NODE_VALUE_SIZE = 24,
	NODE_PADDING = 28,
	NODE_KEYS = 32,
};

#endif
