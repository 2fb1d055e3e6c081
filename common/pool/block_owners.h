/* SPDX-License-Identifier: MIT
 * block_owners.h: for each data block who owns it: nobody, one owner, or several.
 *
 * 4 bytes a block, but only in chunks of 4096 blocks of which not all have the same owner: neither
 * a huge device nor a huge run costs more than 4 bytes a chunk.
 */
#ifndef THINMEND_POOL_BLOCK_OWNERS_H
#define THINMEND_POOL_BLOCK_OWNERS_H

#include <stddef.h>
#include <stdint.h>

#include "common/base/compiler.h"

#define OWNERS_CHUNK 4096u
#define OWNER_NOBODY 0u
#define OWNER_SEVERAL 1u
#define OWNER_FIRST 2u /* this and all up to OWNER_MAX: as the caller likes */
#define OWNER_MAX 0x7fffffffu
#define OWNERS_CHUNKED 0x80000000u /* in the table: the rest is an index of chunks */

/* Who owns what both own. */
static inline uint32_t owner_merge(uint32_t a, uint32_t b)
{
	if (a == b || b == OWNER_NOBODY)
		return a;
	return a == OWNER_NOBODY ? b : OWNER_SEVERAL;
}

struct block_owners {
	uint64_t nr_blocks;
	/* Another rule than owner_merge() for two that differ and own anything; NULL: none. */
	uint32_t (*merge)(const void *context, uint32_t a, uint32_t b);
	const void *context;
	uint32_t *table; /* owned, by chunk: the owner of all of it, or where it stands in chunks */
	uint32_t **chunks; /* owned */
	size_t nr_chunks, capacity;
};

static inline uint32_t block_owners_merge(const struct block_owners *o, uint32_t a, uint32_t b)
{
	if (o->merge && a != b && a != OWNER_NOBODY && b != OWNER_NOBODY)
		return o->merge(o->context, a, b);
	return owner_merge(a, b);
}

/* 0 or -ENOMEM.  All zero bytes may be destroyed.  A rule is set afterwards. */
must_check int block_owners_init(struct block_owners *o, uint64_t nr_blocks);
void block_owners_destroy(struct block_owners *o);

/* owner owns blocks [begin, begin + length), too.  They must be below nr_blocks.  0 or -ENOMEM. */
must_check int block_owners_add(struct block_owners *o, uint64_t begin, uint64_t length,
				uint32_t owner);

/* Where block, below nr_blocks, stands: to be fetched ahead. */
static inline const void *block_owners_place(const struct block_owners *o, uint64_t block)
{
	const uint32_t *entry = &o->table[block / OWNERS_CHUNK];

	return *entry & OWNERS_CHUNKED ? &o->chunks[*entry & ~OWNERS_CHUNKED][block % OWNERS_CHUNK]
				       : entry;
}

/* The owner of block `from`, below nr_blocks, and of those behind it up to *ret_end, or further. */
must_check uint32_t block_owners_at(const struct block_owners *o, uint64_t from, uint64_t *ret_end);

#endif
