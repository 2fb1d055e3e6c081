/* SPDX-License-Identifier: MIT */
#include <criterion/criterion.h>

#include "common/base/alloc.h"
#include "common/base/bitset.h"
#include "common/base/report.h"
#include "common/base/u64_map.h"
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
