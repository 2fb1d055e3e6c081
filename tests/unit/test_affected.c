/* SPDX-License-Identifier: MIT
 * test_affected.c: whom damage hits, and where: every device that shares a lost node, each once,
 * with the range of it.
 */
#include <criterion/criterion.h>

#include "tests/support/image.h"
#include "tests/support/leaks.h"

TestSuite(affected, .fini = fail_on_leaks);

enum { MAX_EXPECTED = 300 };

struct expectation {
	struct affected items[MAX_EXPECTED];
	size_t nr;
};

/* Entries of the nodes of a tree of two levels that lead to the leaf. */
static void expect_device(const struct image *i, uint64_t device, uint64_t root, uint64_t leaf,
			  struct expectation *e)
{
	unsigned int nr = node_nr_entries(i, root);

	if (node_is_leaf(i, root)) {
		if (root == leaf)
			e->items[e->nr++] = (struct affected){ .device = device,
							       .begin = 0,
							       .end = RANGE_OPEN };
		return;
	}
	for (unsigned int n = 0; n < nr; n++) {
		if (node_value(i, root, n) != leaf)
			continue;
		cr_assert_lt(e->nr, MAX_EXPECTED);
		e->items[e->nr++] = (struct affected){ .device = device,
						       .begin = node_key(i, root, n),
						       .end = n + 1 < nr ? node_key(i, root, n + 1)
									 : RANGE_OPEN };
	}
}

/* All live devices, which stand in one leaf. */
static void expect_all(const struct image *i, uint64_t leaf, struct expectation *e)
{
	uint64_t top = image_get(i, 0, SUPER_MAPPING_ROOT, 8);

	cr_assert(node_is_leaf(i, top));
	e->nr = 0;
	for (unsigned int n = 0; n < node_nr_entries(i, top); n++)
		expect_device(i, node_key(i, top, n), node_value(i, top, n), leaf, e);
}

/* Of every tenth device the leaf that most devices have. */
static uint64_t most_shared_leaf(const struct image *i, struct expectation *ret)
{
	uint64_t top = image_get(i, 0, SUPER_MAPPING_ROOT, 8), best = 0;
	static struct expectation e;

	ret->nr = 0;
	for (unsigned int n = 0; n < node_nr_entries(i, top); n += 10) {
		uint64_t root = node_value(i, top, n);

		for (unsigned int c = 0; c < node_nr_entries(i, root); c++) {
			uint64_t leaf = node_is_leaf(i, root) ? root : node_value(i, root, c);

			if (leaf == root && c)
				break;
			expect_all(i, leaf, &e);
			if (e.nr <= ret->nr)
				continue;
			*ret = e;
			best = leaf;
		}
	}
	return best;
}

static void lose(const char *fixture, size_t at_least)
{
	static struct expectation e;
	struct image i = image_load(fixture);
	uint64_t leaf = most_shared_leaf(&i, &e);
	struct check_result result;
	const struct finding *f;
	struct report report;

	cr_assert_geq(e.nr, at_least, "%zu devices have it", e.nr);
	image_set(&i, leaf, 4000, 1, image_get(&i, leaf, 4000, 1) ^ 1);
	cr_assert_eq(image_check(&i, NULL, &report, &result), 0);
	f = &report.findings[0];
	cr_expect_eq(f->id, FINDING_BLOCK_CHECKSUM);
	cr_expect_eq(f->block, leaf);
	cr_expect_eq(f->nr_affected_left_out, 0);
	cr_assert_eq(f->nr_affected, e.nr, "%zu instead of %zu", f->nr_affected, e.nr);
	for (size_t n = 0; n < e.nr; n++)
		cr_expect(f->affected[n].device == e.items[n].device &&
				  f->affected[n].unit == RANGE_THIN_BLOCKS &&
				  f->affected[n].begin == e.items[n].begin &&
				  f->affected[n].end == e.items[n].end,
			  "device %llu, %llu to %llu", (unsigned long long)f->affected[n].device,
			  (unsigned long long)f->affected[n].begin,
			  (unsigned long long)f->affected[n].end);
	check_result_destroy(&result);
	report_destroy(&report);
	image_destroy(&i);
}

Test(affected, everyone_who_shares_a_leaf)
{
	lose("many-snaps", 2);
}

/* One that stands in the metadata snapshot too is named once. */
Test(affected, each_once_with_a_metadata_snapshot)
{
	lose("metadata-snapshot", 1);
}
