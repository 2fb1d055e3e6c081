/* SPDX-License-Identifier: MIT
 * pool.h: pools for the tests of common/pool: real ones, and small random ones.
 *
 * All of it aborts the test when it cannot do what it is for.
 */
#ifndef THINMEND_TESTS_POOL_H
#define THINMEND_TESTS_POOL_H

#include "common/pool/pool_state.h"
#include "tests/support/content.h"
#include "tests/support/image.h"

extern const char *const pool_fixtures[];
extern const size_t nr_pool_fixtures;

/* The state of a fixture, or of the metadata snapshot in it. */
struct pool_state pool_load(const char *fixture, bool metadata_snap);
struct content pool_content(const char *fixture);

struct pool_state pool_load_xml(const char *path);

/* The same, by way of raw metadata that are made from it. */
struct pool_state pool_load_restored(const char *path);

/* Raw metadata in memory, made from XML. */
struct image pool_restore(const char *path);

/* A source on the image, which must outlive it. */
struct pool_source *pool_source_of(struct image *i, bool metadata_snap);
struct pool_source *pool_source_of_xml(const char *path);

/* What the image holds, as XML in a new file in /tmp; path has room for 64 bytes. */
void pool_dump(struct image *i, bool compress, char *path);

struct random_pool {
	char path[64];          /* XML, in /tmp */
	struct content content; /* what it means */
};

/*
 * Up to 8 devices in any order, with defs that some of them share, of which several lead to the
 * same data blocks: all that XML can say and no kernel would.
 */
struct random_pool random_pool_make(unsigned int seed);
void random_pool_destroy(struct random_pool *p);

#endif
