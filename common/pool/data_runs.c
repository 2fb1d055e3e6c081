/* SPDX-License-Identifier: MIT */
#include "common/pool/data_runs.h"

#include <errno.h>

#include "common/base/alloc.h"

enum { MAX_RUN_BYTES = 20 }; /* two numbers of 64 bits, 7 to a byte */

void data_runs_destroy(struct data_runs *r)
{
	alloc_free(r->bytes);
	*r = (struct data_runs){ 0 };
}

void data_runs_begin(struct data_runs *r)
{
	r->last_end = 0;
}

static void put(struct data_runs *r, uint64_t n)
{
	while (n >= 0x80) {
		r->bytes[r->used++] = (uint8_t)(n | 0x80);
		n >>= 7;
	}
	r->bytes[r->used++] = (uint8_t)n;
}

static uint64_t get(struct data_runs_cursor *c)
{
	uint64_t n = 0;
	unsigned int shift = 0;

	while (*c->at & 0x80) {
		n |= (uint64_t)(*c->at++ & 0x7f) << shift;
		shift += 7;
	}
	return n | (uint64_t)*c->at++ << shift;
}

/*
 * One number: how far forward or backward from the end of the last run, which of both, and whether
 * the length is other than 1; then that length.
 */
int data_runs_add(struct data_runs *r, uint64_t begin, uint64_t length)
{
	bool back = begin < r->last_end;
	uint64_t distance = back ? r->last_end - begin : begin - r->last_end;
	uint8_t *grown = alloc_grow(r->bytes, &r->capacity, r->used + MAX_RUN_BYTES, 1);

	if (!grown)
		return -ENOMEM;
	r->bytes = grown;
	put(r, distance << 2 | (back ? 2u : 0u) | (length > 1 ? 1u : 0u));
	if (length > 1)
		put(r, length - 2);
	r->last_end = begin + length;
	return 0;
}

struct data_runs_cursor data_runs_read(const struct data_runs *r, size_t begin, size_t end)
{
	if (begin == end)
		return (struct data_runs_cursor){ 0 };
	return (struct data_runs_cursor){ .at = r->bytes + begin, .end = r->bytes + end };
}

bool data_runs_next(struct data_runs_cursor *c, uint64_t *ret_begin, uint64_t *ret_length)
{
	uint64_t n, distance;

	if (c->at == c->end)
		return false;
	n = get(c);
	distance = n >> 2;
	*ret_begin = n & 2 ? c->last_end - distance : c->last_end + distance;
	*ret_length = n & 1 ? get(c) + 2 : 1;
	c->last_end = *ret_begin + *ret_length;
	return true;
}
