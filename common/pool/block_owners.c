/* SPDX-License-Identifier: MIT */
#include "common/pool/block_owners.h"

#include <errno.h>

#include "common/base/alloc.h"

int block_owners_init(struct block_owners *o, uint64_t nr_blocks)
{
	*o = (struct block_owners){ .nr_blocks = nr_blocks };
	o->table = alloc_array(nr_blocks / OWNERS_CHUNK + 1, sizeof(*o->table));
	return o->table ? 0 : -ENOMEM;
}

void block_owners_destroy(struct block_owners *o)
{
	for (size_t i = 0; i < o->nr_chunks; i++)
		alloc_free(o->chunks[i]);
	alloc_free(o->chunks);
	alloc_free(o->table);
	*o = (struct block_owners){ 0 };
}

/* The chunk, made of what the table says of it where it is not there yet.  NULL: no memory. */
static uint32_t *chunk_at(struct block_owners *o, uint32_t *entry)
{
	uint32_t **grown, *chunk;

	if (*entry & OWNERS_CHUNKED)
		return o->chunks[*entry & ~OWNERS_CHUNKED];
	grown = alloc_grow(o->chunks, &o->capacity, o->nr_chunks, sizeof(*grown));
	if (!grown)
		return NULL;
	o->chunks = grown;
	chunk = alloc_array(OWNERS_CHUNK, sizeof(*chunk));
	if (!chunk)
		return NULL;
	for (uint32_t i = 0; *entry != OWNER_NOBODY && i < OWNERS_CHUNK; i++)
		chunk[i] = *entry;
	*entry = OWNERS_CHUNKED | (uint32_t)o->nr_chunks;
	grown[o->nr_chunks++] = chunk;
	return chunk;
}

static int add_in_chunk(struct block_owners *o, uint32_t *entry, uint64_t begin, uint64_t length,
			uint32_t owner)
{
	uint32_t *chunk;

	if (!(*entry & OWNERS_CHUNKED)) {
		uint32_t merged = block_owners_merge(o, *entry, owner);

		if (length == OWNERS_CHUNK)
			*entry = merged;
		if (*entry == merged)
			return 0;
	}
	chunk = chunk_at(o, entry);
	if (!chunk)
		return -ENOMEM;
	for (uint64_t i = begin; i < begin + length; i++)
		chunk[i] = block_owners_merge(o, chunk[i], owner);
	return 0;
}

int block_owners_add(struct block_owners *o, uint64_t begin, uint64_t length, uint32_t owner)
{
	int r = 0;

	while (length && !r) {
		uint64_t at = begin % OWNERS_CHUNK, n = OWNERS_CHUNK - at;

		if (n > length)
			n = length;
		r = add_in_chunk(o, &o->table[begin / OWNERS_CHUNK], at, n, owner);
		begin += n;
		length -= n;
	}
	return r;
}

uint32_t block_owners_at(const struct block_owners *o, uint64_t from, uint64_t *ret_end)
{
	uint64_t base = from / OWNERS_CHUNK * OWNERS_CHUNK, i = from - base, end = OWNERS_CHUNK;
	uint32_t entry = o->table[from / OWNERS_CHUNK];
	const uint32_t *chunk;

	if (end > o->nr_blocks - base)
		end = o->nr_blocks - base;
	*ret_end = base + end;
	if (!(entry & OWNERS_CHUNKED))
		return entry;
	chunk = o->chunks[entry & ~OWNERS_CHUNKED];
	entry = chunk[i];
	while (i < end && chunk[i] == entry)
		i++;
	*ret_end = base + i;
	return entry;
}
