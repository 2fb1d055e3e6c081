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
	if (s->words)
		return 0;
	s->nr_bits = 0;
	return -ENOMEM;
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

uint64_t bitset_count(const struct bitset *s, uint64_t begin, uint64_t end)
{
	uint64_t nr = 0;

	if (end > s->nr_bits)
		end = s->nr_bits;
	while (begin < end) {
		const uint64_t left = end - begin, in_word = 64 - begin % 64;
		const uint64_t n = left < in_word ? left : in_word;
		const uint64_t word = s->words[begin / 64] >> (begin % 64);

		nr += (uint64_t)__builtin_popcountll(n < 64 ? word & ((UINT64_C(1) << n) - 1)
							    : word);
		begin += n;
	}
	return nr;
}

uint64_t bitset_next_common(const struct bitset *a, const struct bitset *b, uint64_t from)
{
	uint64_t word, i = from / 64;

	if (from >= a->nr_bits)
		return a->nr_bits;
	word = a->words[i] & b->words[i] & (~UINT64_C(0) << (from % 64));
	while (!word && ++i < nr_words(a))
		word = a->words[i] & b->words[i];
	return word ? i * 64 + (uint64_t)__builtin_ctzll(word) : a->nr_bits;
}

void bitset_copy(struct bitset *to, const struct bitset *from)
{
	memcpy(to->words, from->words, nr_words(to) * sizeof(*to->words));
	to->nr_set = from->nr_set;
}
