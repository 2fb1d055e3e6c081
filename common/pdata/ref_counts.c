/* SPDX-License-Identifier: MIT */
#include "common/pdata/ref_counts.h"

#include <errno.h>

#include "common/base/alloc.h"

#define OVERFLOWED REF_COUNT_HIGH
#define MARK REF_COUNT_MARK

int ref_counts_init(struct ref_counts *r, uint64_t nr_blocks)
{
	*r = (struct ref_counts){ .nr_blocks = nr_blocks };
	r->chunks = alloc_array(nr_blocks / REF_COUNTS_CHUNK + 1, sizeof(*r->chunks));
	return r->chunks ? 0 : -ENOMEM;
}

void ref_counts_destroy(struct ref_counts *r)
{
	if (r->chunks) {
		for (uint64_t i = 0; i <= r->nr_blocks / REF_COUNTS_CHUNK; i++)
			alloc_free(r->chunks[i]);
	}
	alloc_free(r->chunks);
	u64_map_destroy(&r->overflow);
	*r = (struct ref_counts){ 0 };
}

static int add_to_overflow(struct ref_counts *r, uint64_t block)
{
	uint64_t *count = u64_map_at(&r->overflow, block);

	if (!count)
		return -ENOMEM;
	*count = *count ? *count + 1 : OVERFLOWED;
	return 0;
}

int ref_counts_add_again(struct ref_counts *r, uint64_t block, bool mark)
{
	uint8_t **chunk = &r->chunks[block / REF_COUNTS_CHUNK];
	unsigned int shift = (unsigned int)(block & 1) * 4, old, now;
	uint8_t *byte;

	if (!*chunk) {
		*chunk = alloc_array(REF_COUNTS_CHUNK / 2, 1);
		if (!*chunk)
			return -ENOMEM;
	}
	byte = &(*chunk)[block % REF_COUNTS_CHUNK / 2];
	old = (unsigned int)*byte >> shift & 15u;
	now = old | (mark ? MARK : 0);
	if ((now & 7u) != OVERFLOWED)
		now++;
	if ((now & 7u) == OVERFLOWED && add_to_overflow(r, block))
		return -ENOMEM;
	if (now > (MARK | 1u) && !(old > (MARK | 1u)))
		r->nr_marked_repeated++;
	if ((now & 7u) == 3 && (old & 7u) == 2)
		r->nr_above_two++;
	*byte = (uint8_t)((*byte & ~(15u << shift)) | now << shift);
	return 0;
}

void ref_counts_remove(struct ref_counts *r, uint64_t block)
{
	uint8_t *byte = &r->chunks[block / REF_COUNTS_CHUNK][block % REF_COUNTS_CHUNK / 2];
	unsigned int shift = (unsigned int)(block & 1) * 4,
		     count = (unsigned int)*byte >> shift & 7u;
	uint64_t *overflow = u64_map_find(&r->overflow, block);

	if (count == OVERFLOWED && overflow) {
		if (--*overflow >= OVERFLOWED)
			return;
		*overflow = 0;
	}
	if (count == 3)
		r->nr_above_two--;
	*byte = (uint8_t)(*byte - (1u << shift));
}

uint64_t ref_counts_skip_unused(const struct ref_counts *r, uint64_t from)
{
	while (from < r->nr_blocks && !r->chunks[from / REF_COUNTS_CHUNK])
		from = (from / REF_COUNTS_CHUNK + 1) * REF_COUNTS_CHUNK;
	return from < r->nr_blocks ? from : r->nr_blocks;
}

static unsigned int nibble(const struct ref_counts *r, uint64_t block)
{
	const uint8_t *chunk;

	if (block >= r->nr_blocks)
		return 0;
	chunk = r->chunks[block / REF_COUNTS_CHUNK];
	return chunk ? (unsigned int)chunk[block % REF_COUNTS_CHUNK / 2] >> (block & 1) * 4 & 15u
		     : 0;
}

uint64_t ref_counts_get_high(const struct ref_counts *r, uint64_t block)
{
	const uint64_t *overflow = u64_map_find(&r->overflow, block);

	return overflow ? *overflow : OVERFLOWED;
}

bool ref_counts_marked_repeated(const struct ref_counts *r, uint64_t block)
{
	return nibble(r, block) > (MARK | 1u);
}
