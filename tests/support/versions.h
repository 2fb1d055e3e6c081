/* SPDX-License-Identifier: MIT
 * versions.h: earlier versions of blocks, which the kernel left behind, put in the place of those
 * in use: as if a write had been lost.
 */
#ifndef THINMEND_TESTS_VERSIONS_H
#define THINMEND_TESTS_VERSIONS_H

#include "tests/support/image.h"

/* Does the last commit count the block?  For metadata of one bitmap. */
bool version_in_use(const struct image *i, uint64_t block);

/* Could old hold what stood in block before: the same kind of block, and the same first key? */
bool version_of(const struct image *i, uint64_t block, uint64_t old);

/* Put what stands in old, in `from`, into the place of block, with the checksum it needs there. */
void version_put(struct image *i, const struct image *from, uint64_t block, uint64_t old);

#endif
