/* SPDX-License-Identifier: MIT
 * bitset.h: a fixed number of bits, one for each block of a device.
 */
#ifndef THINMEND_BASE_BITSET_H
#define THINMEND_BASE_BITSET_H

#include <stdbool.h>
#include <stdint.h>

#include "common/base/compiler.h"

struct bitset {
	uint64_t *words; /* owned */
	uint64_t nr_bits;
	uint64_t nr_set;
};

/*
 * Returns 0 or -ENOMEM; then it has no bits, and may be asked and destroyed as one of all zero
 * bytes may be.
 */
must_check int bitset_init(struct bitset *s, uint64_t nr_bits);
void bitset_destroy(struct bitset *s);

/* Bits at or beyond nr_bits are never set: setting one does nothing, testing one gives false. */
void bitset_set(struct bitset *s, uint64_t bit);
void bitset_unset(struct bitset *s, uint64_t bit);
bool bitset_test(const struct bitset *s, uint64_t bit);
void bitset_clear_all(struct bitset *s);

/* The first set bit at or after `from`, or nr_bits when there is none. */
uint64_t bitset_next(const struct bitset *s, uint64_t from);

/* How many bits are set in both. */
uint64_t bitset_nr_common(const struct bitset *a, const struct bitset *b);

/* The first bit at or after `from` that is set in both, which are of the same size, or nr_bits. */
uint64_t bitset_next_common(const struct bitset *a, const struct bitset *b, uint64_t from);

/* They are of the same size. */
void bitset_copy(struct bitset *to, const struct bitset *from);

/* How many bits are set from begin on below end. */
uint64_t bitset_count(const struct bitset *s, uint64_t begin, uint64_t end);

#endif
