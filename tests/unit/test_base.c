/* SPDX-License-Identifier: MIT */
#include <criterion/criterion.h>
#include <errno.h>
#include <stdlib.h>

#include "common/base/alloc.h"
#include "common/base/bitset.h"
#include "common/base/report.h"
#include "common/base/u64_map.h"
#include "tests/support/alloc_fault.h"
#include "tests/support/leaks.h"

TestSuite(base, .fini = fail_on_leaks);

Test(base, bitset_finds_what_was_set)
{
	static const uint64_t bits[] = { 0, 1, 63, 64, 127, 128, 1000, 4095 };
	struct bitset s;
	uint64_t at = 0;

	cr_assert_eq(bitset_init(&s, 4096), 0);
	for (size_t i = 0; i < ARRAY_SIZE(bits); i++)
		bitset_set(&s, bits[i]);
	bitset_set(&s, 4096); /* beyond: nothing */
	bitset_set(&s, 63);   /* again */
	cr_expect_eq(s.nr_set, ARRAY_SIZE(bits));
	for (size_t i = 0; i < ARRAY_SIZE(bits); i++) {
		at = bitset_next(&s, at);
		cr_expect_eq(at++, bits[i]);
	}
	cr_expect_eq(bitset_next(&s, at), 4096);
	cr_expect_eq(bitset_next(&s, 5000), 4096);
	cr_expect(bitset_test(&s, 64) && !bitset_test(&s, 65) && !bitset_test(&s, 4096));
	bitset_clear_all(&s);
	cr_expect_eq(bitset_next(&s, 0), 4096);
	bitset_destroy(&s);
}

Test(base, map_keeps_many)
{
	struct u64_map m = { 0 };

	for (uint64_t k = 0; k < 5000; k++) {
		uint64_t *v = u64_map_at(&m, k * 7919);

		cr_assert(v && *v == 0);
		*v = k + 1;
	}
	for (uint64_t k = 0; k < 5000; k++) {
		uint64_t *v = u64_map_find(&m, k * 7919);

		cr_assert(v && *v == k + 1);
	}
	cr_expect_null(u64_map_find(&m, 1));
	cr_expect_null(u64_map_find(&m, UINT64_MAX));
	cr_expect_null(u64_map_at(&m, UINT64_MAX));
	cr_expect_eq(m.nr_used, 5000);
	u64_map_destroy(&m);
}

Test(base, grow_refuses_overflow)
{
	size_t capacity = 0;
	char *a = alloc_grow(NULL, &capacity, 100, 1);

	cr_assert_not_null(a);
	cr_expect_gt(capacity, 100);
	cr_expect_null(alloc_grow(a, &capacity, SIZE_MAX / 2, 64));
	alloc_free(a);
}

Test(base, report_counts_all_and_keeps_some)
{
	struct affected where[2] = { { .device = 7 }, { .device = 8 } };
	struct finding f = { .id = FINDING_BLOCK_LEAKED,
			     .tree = "tree",
			     .block = 5,
			     .affected = where,
			     .nr_affected = 2 };
	struct report r;

	report_init(&r);
	cr_expect_eq(report_worst(&r), SEVERITY_NONE);
	for (int i = 0; i < REPORT_MAX_PER_ID + 10; i++)
		report_finding(&r, &f, "number %d", i);
	cr_expect_eq(r.nr_findings, REPORT_MAX_PER_ID);
	cr_expect_eq(r.per_id[FINDING_BLOCK_LEAKED], REPORT_MAX_PER_ID + 10);
	cr_expect_eq(report_worst(&r), SEVERITY_NON_FATAL);
	f.id = FINDING_SUPERBLOCK_MAGIC;
	report_finding(&r, &f, "last");
	report_sort(&r);
	cr_expect_eq(r.findings[0].id, FINDING_SUPERBLOCK_MAGIC);
	cr_expect_str_eq(r.findings[0].message, "last");
	cr_expect_eq(r.findings[0].affected[1].device, 8);
	cr_expect_eq(report_worst(&r), SEVERITY_FATAL);
	report_destroy(&r);
}

/* ---- against the simplest way */

enum { NR_BITS = 300 };

static void random_bits(struct bitset *s, bool *plain, unsigned int *seed)
{
	bitset_clear_all(s);
	for (unsigned int i = 0; i < NR_BITS; i++) {
		plain[i] = rand_r(seed) % 3 == 0;
		if (plain[i])
			bitset_set(s, i);
	}
}

static void expect_same(const struct bitset *a, const struct bitset *b, const bool *pa,
			const bool *pb)
{
	uint64_t nr_common = 0, next = NR_BITS;

	for (unsigned int i = NR_BITS; i-- > 0;) {
		nr_common += pa[i] && pb[i];
		next = pa[i] && pb[i] ? i : next;
		cr_expect_eq(bitset_test(a, i), pa[i]);
		cr_expect_eq(bitset_next_common(a, b, i), next, "%u", i);
	}
	cr_expect_eq(bitset_nr_common(a, b), nr_common);
	cr_expect_eq(bitset_next_common(a, b, NR_BITS), NR_BITS);
}

Test(base, bitsets_together)
{
	struct bitset a, b;
	bool pa[NR_BITS], pb[NR_BITS];
	unsigned int seed = 3;

	cr_assert_eq(bitset_init(&a, NR_BITS) | bitset_init(&b, NR_BITS), 0);
	for (int round = 0; round < 20; round++) {
		random_bits(&a, pa, &seed);
		random_bits(&b, pb, &seed);
		expect_same(&a, &b, pa, pb);
		bitset_copy(&b, &a);
		cr_expect_eq(b.nr_set, a.nr_set);
		expect_same(&b, &a, pa, pa);
	}
	bitset_destroy(&a);
	bitset_destroy(&b);
}

Test(base, bitset_counts_ranges)
{
	static const unsigned int ends[] = {
		0, 1, 63, 64, 65, 128, 191, 299, NR_BITS, NR_BITS + 9
	};
	struct bitset s;
	bool plain[NR_BITS];
	unsigned int seed = 4;

	cr_assert_eq(bitset_init(&s, NR_BITS), 0);
	random_bits(&s, plain, &seed);
	for (size_t i = 0; i < ARRAY_SIZE(ends); i++) {
		for (size_t j = 0; j < ARRAY_SIZE(ends); j++) {
			uint64_t nr = 0;

			for (unsigned int b = ends[i]; b < ends[j] && b < NR_BITS; b++)
				nr += plain[b];
			cr_expect_eq(bitset_count(&s, ends[i], ends[j]), nr, "%u to %u", ends[i],
				     ends[j]);
		}
	}
	bitset_destroy(&s);
}

Test(base, bitset_unsets)
{
	struct bitset s;

	cr_assert_eq(bitset_init(&s, 100), 0);
	bitset_set(&s, 64);
	bitset_set(&s, 65);
	bitset_unset(&s, 64);
	bitset_unset(&s, 64); /* again */
	bitset_unset(&s, 7);
	bitset_unset(&s, 100);
	cr_expect(!bitset_test(&s, 64) && bitset_test(&s, 65));
	cr_expect_eq(s.nr_set, 1);
	bitset_destroy(&s);
}

/* ---- memory */

Test(base, a_bitset_without_memory_is_empty)
{
	struct bitset s;

	alloc_fault_set(0);
	cr_assert_eq(bitset_init(&s, 100), -ENOMEM);
	cr_expect(alloc_fault_clear());
	cr_expect_eq(bitset_next(&s, 0), 0);
	cr_expect_eq(s.nr_bits, 0);
	cr_expect_not(bitset_test(&s, 5));
	bitset_set(&s, 5);
	cr_expect_eq(s.nr_set, 0);
	bitset_destroy(&s);
}

/* What a map holds stays when it cannot grow. */
Test(base, a_map_that_cannot_grow)
{
	struct u64_map m = { 0 };
	uint64_t nr = 0;

	for (; nr < 5000; nr++) {
		uint64_t *v;

		alloc_fault_set(0);
		v = u64_map_at(&m, nr);
		if (alloc_fault_clear()) {
			cr_expect_null(v);
			v = u64_map_at(&m, nr);
		}
		cr_assert_not_null(v);
		cr_expect_eq(*v, 0);
		*v = nr + 1;
	}
	while (nr--)
		cr_expect_eq(*u64_map_find(&m, nr), nr + 1);
	u64_map_destroy(&m);
	cr_expect_null(u64_map_find(&m, 1));
}

Test(base, texts)
{
	char *text = alloc_printf("%d of %s", 3, "four"), *copy = alloc_string(text);

	cr_expect_str_eq(text, "3 of four");
	cr_expect_str_eq(copy, text);
	cr_expect_neq(copy, text);
	alloc_free(text);
	alloc_free(copy);
	alloc_free(NULL);
	alloc_fault_set(0);
	cr_expect_null(alloc_printf("x"));
	alloc_fault_set(0);
	cr_expect_null(alloc_string("x"));
	cr_expect(alloc_fault_clear());
}

Test(base, arrays)
{
	uint64_t *a = alloc_array(3, sizeof(*a));
	void *empty = alloc_array(0, 8), *aligned = alloc_aligned(1), *none = alloc_aligned(0);
	size_t capacity = 0;

	cr_expect(a && !a[0] && !a[2]);
	cr_expect(empty && none);
	cr_expect_eq((uintptr_t)aligned % 4096, 0);
	cr_expect_null(alloc_grow(NULL, &capacity, SIZE_MAX - 1, 1),
		       "there is no such power of two");
	cr_expect_eq(capacity, 0);
	alloc_free(a);
	alloc_free(empty);
	alloc_free(aligned);
	alloc_free(none);
}
