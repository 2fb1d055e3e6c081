/* SPDX-License-Identifier: MIT
 * bolt_image.h: a bbolt database in memory, for tests: written by code that shares nothing with the
 * reader.
 */
#ifndef THINMEND_TESTS_BOLT_IMAGE_H
#define THINMEND_TESTS_BOLT_IMAGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct bolt_plan;

/* A key with a value, or with a bucket. */
struct bolt_item {
	const char *key;
	const char *value;
	const struct bolt_plan *bucket;
};

/* A bucket: its items in the order of their keys, and how many fit into a page; 0: all. */
struct bolt_plan {
	const struct bolt_item *items;
	size_t nr;
	size_t per_leaf, per_branch;
	bool inlined;
};

struct bolt_image {
	uint8_t *bytes; /* owned */
	size_t nr_bytes;
	size_t page_size;
	uint64_t nr_pages;
};

enum { BOLT_IMAGE_TXID = 10 }; /* in meta page 0 */

/*
 * Pages are taken from 4 on, those of a bucket before that of what it stands in, leaves before
 * branches.  Page 2 is the free list; page 3 an empty leaf, the root of the commit before, in meta
 * page 1.  Aborts the test when it cannot.
 */
struct bolt_image bolt_image_make(size_t page_size, const struct bolt_plan *root);
struct bolt_image bolt_image_load(const char *fixture);
void bolt_image_destroy(struct bolt_image *i);

uint64_t bolt_image_get(const struct bolt_image *i, uint64_t page, size_t offset, size_t bytes);
void bolt_image_set(struct bolt_image *i, uint64_t page, size_t offset, size_t bytes,
		    uint64_t value);

/* Make the checksum of meta page 0 or 1 right. */
void bolt_image_seal(struct bolt_image *i, uint64_t meta);

/* A file without a name that holds it; the caller's.  And put other bytes there. */
int bolt_image_file(const struct bolt_image *i);
void bolt_image_put(const struct bolt_image *i, int fd, size_t nr_bytes);

/* Offsets in a page. */
enum bolt_field {
	BOLT_ID = 0,
	BOLT_KIND = 8,
	BOLT_COUNT = 10,
	BOLT_OVERFLOW = 12,
	BOLT_ELEMENTS = 16,
	BOLT_META_VERSION = 20,
	BOLT_META_PAGE_SIZE = 24,
	BOLT_META_ROOT = 32,
	BOLT_META_TXID = 64,
};

/* Offsets of element n: of a leaf, of a branch. */
#define BOLT_LEAF_FLAGS(n) (16u + 16u * (n))
#define BOLT_LEAF_POS(n) (20u + 16u * (n))
#define BOLT_LEAF_KEY(n) (24u + 16u * (n))
#define BOLT_LEAF_VALUE(n) (28u + 16u * (n))
#define BOLT_BRANCH_POS(n) (16u + 16u * (n))
#define BOLT_BRANCH_CHILD(n) (24u + 16u * (n))

#endif
