/* SPDX-License-Identifier: MIT
 * ref_counts.h: how often each block is used, as counted from the trees.
 *
 * Four bits a block: a count up to six, with higher ones in a map, and one mark for the caller.
 * Chunks of the table are made when they are first written to, so that an absurd size costs
 * a pointer for every 32768 blocks and nothing else.
 */
#ifndef THINMEND_PDATA_REF_COUNTS_H
#define THINMEND_PDATA_REF_COUNTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/base/compiler.h"
#include "common/base/u64_map.h"

#define REF_COUNTS_CHUNK 32768u /* blocks in a chunk, two to a byte */

struct ref_counts {
	uint64_t nr_blocks;
	uint8_t **chunks;            /* owned, each of them may be NULL */
	struct u64_map overflow;     /* whole counts of the blocks that have seven or more */
	uint64_t nr_marked_repeated; /* blocks that are marked and used twice or more */
	uint64_t nr_above_two;       /* blocks that are used three times or more */
};

must_check int ref_counts_init(struct ref_counts *r, uint64_t nr_blocks);
void ref_counts_destroy(struct ref_counts *r);

#define REF_COUNT_MARK 8u /* in four bits, beside the count */
#define REF_COUNT_HIGH 7u /* as a count: it stands in the map */

/* For ref_counts_add(): any use but the first in a chunk that is there. */
must_check int ref_counts_add_again(struct ref_counts *r, uint64_t block, bool mark);

/* One more use of block, which must be below nr_blocks; mark sticks.  0 or -ENOMEM. */
must_check static inline int ref_counts_add(struct ref_counts *r, uint64_t block, bool mark)
{
	uint8_t *chunk = r->chunks[block / REF_COUNTS_CHUNK];
	uint8_t *byte = chunk ? &chunk[block % REF_COUNTS_CHUNK / 2] : NULL;
	unsigned int shift = (unsigned int)(block & 1) * 4;

	if (!byte || ((unsigned int)*byte >> shift & 15u))
		return ref_counts_add_again(r, block, mark);
	*byte = (uint8_t)(*byte | (mark ? REF_COUNT_MARK | 1u : 1u) << shift);
	return 0;
}

/* One use less of block, which is used. */
void ref_counts_remove(struct ref_counts *r, uint64_t block);

/* Where block, which must be below nr_blocks, is counted: to be fetched ahead.  NULL: not there
 * yet. */
static inline const void *ref_counts_place(const struct ref_counts *r, uint64_t block)
{
	const uint8_t *chunk = r->chunks[block / REF_COUNTS_CHUNK];

	return chunk ? &chunk[block % REF_COUNTS_CHUNK / 2] : NULL;
}

/* For ref_counts_get(): a count of seven or more. */
uint64_t ref_counts_get_high(const struct ref_counts *r, uint64_t block);

/* How often block is used; 0 at and beyond nr_blocks. */
static inline uint64_t ref_counts_get(const struct ref_counts *r, uint64_t block)
{
	const uint8_t *chunk = block < r->nr_blocks ? r->chunks[block / REF_COUNTS_CHUNK] : NULL;
	unsigned int count;

	if (!chunk)
		return 0;
	count = (unsigned int)chunk[block % REF_COUNTS_CHUNK / 2] >> (block & 1) * 4 & 7u;
	return count == REF_COUNT_HIGH ? ref_counts_get_high(r, block) : count;
}

/*
 * The first block at or after `from` that may be used, or nr_blocks: whole chunks that nobody ever
 * wrote to are skipped.
 */
uint64_t ref_counts_skip_unused(const struct ref_counts *r, uint64_t from);

/* Is block marked and used at least twice? */
bool ref_counts_marked_repeated(const struct ref_counts *r, uint64_t block);

#endif
