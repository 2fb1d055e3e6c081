/* SPDX-License-Identifier: MIT
 * test_mutations.c: one field of real metadata is changed, all checksums are made right again, and
 * the check has to say what was changed.  Every finding of the catalogue has to be met.
 */
#include <criterion/criterion.h>
#include <stdio.h>

#include "common/thin/salvage.h"
#include "tests/support/content.h"
#include "tests/support/image.h"
#include "tests/support/leaks.h"
#include "tests/support/mutations.h"

TestSuite(mutations, .fini = fail_on_leaks);

/* Two index entries for one bitmap: one finding, and no counts of a bitmap that may be another. */
Test(mutations, a_bitmap_with_two_places_is_not_judged)
{
	struct image i = image_load("many-snaps");
	struct check_result result;
	struct report report;

	mutation_find("index_same_bitmap")->apply(&i);
	cr_assert_eq(image_check(&i, NULL, &report, &result), 0);
	cr_expect_eq(report.per_id[FINDING_CHILD_KIND], 1);
	cr_expect_leq(report.per_id[FINDING_REF_COUNT_LOW], 1, "the bitmap itself has two uses");
	cr_expect_eq(report.per_id[FINDING_BLOCK_LEAKED], 0);
	check_result_destroy(&result);
	report_destroy(&report);
	image_destroy(&i);
}

static void print_report(const struct mutation *m, const struct report *report)
{
	fprintf(stderr, "%s: expected %s, got", m->name, finding_type(m->expected)->id);
	for (int id = 0; id < NR_FINDINGS; id++) {
		if (report->per_id[id])
			fprintf(stderr, " %s×%llu", finding_type((enum finding_id)id)->id,
				(unsigned long long)report->per_id[id]);
	}
	fprintf(stderr, "\n");
}

Test(mutations, each_is_found)
{
	const struct mutation *m;
	bool failed = false;

	for (size_t n = 0; (m = mutation_at(n)); n++) {
		struct image i = image_load(m->fixture);
		struct check_result result;
		struct report report;

		m->apply(&i);
		cr_assert_eq(image_check(&i, NULL, &report, &result), 0, "%s", m->name);
		if (!report.per_id[m->expected]) {
			print_report(m, &report);
			failed = true;
		}
		check_result_destroy(&result);
		report_destroy(&report);
		image_destroy(&i);
	}
	cr_assert_not(failed);
}

/* ---- the same damage, repaired: nothing wrong comes back, and little is lost */

static struct content_difference repaired(struct image *i, const struct content *truth,
					  const struct salvage_options *options)
{
	struct content_difference d = { .lost = truth->nr };
	struct block_engine *e = image_engine(i), *sound = NULL;
	struct salvage_result result;
	struct salvage_fault fault;
	struct content got = { 0 };
	int r = salvage(e, options, &sound, &result, &fault);

	if (!r) {
		r = content_read(sound, result.nr_blocks, &got);
		cr_expect_eq(r, 0, "what was salvaged cannot be read");
		d = content_compare(truth, &got);
	}
	content_destroy(&got);
	block_engine_destroy(sound);
	block_engine_destroy(e);
	salvage_result_destroy(&result);
	return d;
}

static void repair_one(const struct mutation *m)
{
	const struct salvage_options options = { .data_block_size = 128 };
	struct image i = image_load(m->fixture);
	struct block_engine *e = image_engine(&i);
	struct content_difference d;
	struct content truth;

	cr_assert_eq(content_read(e, 0, &truth), 0);
	m->apply(&i);
	d = repaired(&i, &truth, &options);
	cr_expect_eq(d.wrong, m->wrong, "%s: %llu mappings are wrong", m->name,
		     (unsigned long long)d.wrong);
	cr_expect_leq(d.lost, m->lost, "%s: %llu mappings of %zu are lost", m->name,
		      (unsigned long long)d.lost, truth.nr);
	content_destroy(&truth);
	block_engine_destroy(e);
	image_destroy(&i);
}

Test(mutations, each_is_repaired)
{
	const struct mutation *m;

	for (size_t n = 0; (m = mutation_at(n)); n++)
		repair_one(m);
}

Test(mutations, cover_the_catalogue)
{
	bool covered[NR_FINDINGS] = { false };
	const struct mutation *m;

	for (size_t n = 0; (m = mutation_at(n)); n++)
		covered[m->expected] = true;
	for (int id = 0; id < NR_FINDINGS; id++)
		cr_expect(covered[id], "%s is met by no mutation",
			  finding_type((enum finding_id)id)->id);
}
