/* SPDX-License-Identifier: MIT */
#include "common/base/bitset.h"

#include <errno.h>
#include <string.h>

#include "common/base/alloc.h"

static uint64_t nr_words(const struct bitset *s)
{
	return s->nr_bits / 64 + 1;
}

int bitset_init(struct bitset *s, uint64_t nr_bits)
{
	s->nr_bits = nr_bits;
	s->nr_set = 0;
	s->words = alloc_array(nr_words(s), sizeof(*s->words));
	return s->words ? 0 : -ENOMEM;
}

void bitset_destroy(struct bitset *s)
{
	alloc_free(s->words);
	s->words = NULL;
	s->nr_bits = 0;
}

void bitset_set(struct bitset *s, uint64_t bit)
{
	uint64_t mask = UINT64_C(1) << (bit % 64);

	if (bit >= s->nr_bits || (s->words[bit / 64] & mask))
		return;
	s->words[bit / 64] |= mask;
	s->nr_set++;
}

void bitset_unset(struct bitset *s, uint64_t bit)
{
	if (!bitset_test(s, bit))
		return;
	s->words[bit / 64] &= ~(UINT64_C(1) << (bit % 64));
	s->nr_set--;
}

bool bitset_test(const struct bitset *s, uint64_t bit)
{
	return bit < s->nr_bits && ((s->words[bit / 64] >> (bit % 64)) & 1);
}

void bitset_clear_all(struct bitset *s)
{
	memset(s->words, 0, nr_words(s) * sizeof(*s->words));
	s->nr_set = 0;
}

uint64_t bitset_next(const struct bitset *s, uint64_t from)
{
	uint64_t word, i = from / 64;

	if (from >= s->nr_bits)
		return s->nr_bits;
	word = s->words[i] & (~UINT64_C(0) << (from % 64));
	while (!word && ++i < nr_words(s))
		word = s->words[i];
	return word ? i * 64 + (uint64_t)__builtin_ctzll(word) : s->nr_bits;
}

uint64_t bitset_nr_common(const struct bitset *a, const struct bitset *b)
{
	const uint64_t nr = nr_words(a) < nr_words(b) ? nr_words(a) : nr_words(b);
	uint64_t nr_common = 0;

	for (uint64_t i = 0; i < nr; i++)
		nr_common += (uint64_t)__builtin_popcountll(a->words[i] & b->words[i]);
	return nr_common;
}
