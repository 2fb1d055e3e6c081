/* SPDX-License-Identifier: MIT
 * test_sharing.c: blocks that a device would overwrite in place although they are mapped elsewhere:
 * whose, where, and whose else they are, to the block.
 */
#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

#include "tests/support/leaks.h"
#include "tests/support/made_pool.h"

TestSuite(sharing, .fini = fail_on_leaks);

enum { NR_METADATA = 200, NOW = 9 };

static void begin(struct made_pool *p)
{
	const struct pool_header header = {
		.time = NOW, .transaction_id = 1, .data_block_size = 128, .nr_data_blocks = 100000
	};

	made_pool_begin(p, NR_METADATA, &header);
}

static void map(struct made_pool *p, uint64_t thin, uint64_t data, uint64_t length, uint32_t time)
{
	made_pool_map(p, thin, data, length, time);
}

static void device(struct made_pool *p, uint64_t id, uint64_t mapped, uint32_t snapped)
{
	const struct device_details d = { .mapped_blocks = mapped, .snapshotted_time = snapped };

	made_pool_device(p, id, &d);
}

static void device_end(struct made_pool *p)
{
	made_pool_device_end(p);
}

/* A device with one run. */
static void simple_device(struct made_pool *p, uint64_t id, uint32_t snapped,
			  const struct mapping_run *run)
{
	device(p, id, run->length, snapped);
	cr_assert_eq(p->v->map(p->v, run), 0);
	device_end(p);
}

/* The findings as text, in the order of their devices: "message: 0-5 (5), device 2; ". */
static void say(const struct finding *f, char *text, size_t bytes)
{
	size_t used = strlen(text);

	used += (size_t)snprintf(text + used, bytes - used, "%s:", f->message);
	for (size_t n = 0; n < f->nr_affected; n++) {
		const struct affected *a = &f->affected[n];

		if (a->unit == RANGE_THIN_BLOCKS)
			used += (size_t)snprintf(
				text + used, bytes - used, " %llu@%llu-%llu(%llu)",
				(unsigned long long)a->device, (unsigned long long)a->begin,
				(unsigned long long)a->end, (unsigned long long)a->mappings);
		else
			used += (size_t)snprintf(text + used, bytes - used, " of %llu",
						 (unsigned long long)a->device);
	}
	(void)snprintf(text + used, bytes - used, "\n");
}

static void expect_shared(struct made_pool *p, const char *expected)
{
	static char text[4000];
	struct check_result result;
	struct report report;

	cr_assert_eq(made_pool_commit(p), 0);
	cr_assert_eq(image_check(&p->image, NULL, &report, &result), 0);
	cr_expect_eq(report.nr_findings, report.per_id[FINDING_MAPPING_SHARED]);
	*text = '\0';
	for (size_t n = 0; n < report.nr_findings; n++)
		say(&report.findings[n], text, sizeof(text));
	cr_expect_str_eq(text, expected);
	check_result_destroy(&result);
	report_destroy(&report);
	made_pool_destroy(p);
}

#define OVERWRITE "would overwrite in place "
#define BY_DEVICE " data blocks that are mapped elsewhere too, for one by device "
#define TWICE " data blocks that are mapped at another place too"

Test(sharing, of_two_devices)
{
	struct made_pool p;

	begin(&p);
	simple_device(&p, 1, 5, &(struct mapping_run){ 0, 100, 10, 5 });
	simple_device(&p, 2, 5, &(struct mapping_run){ 50, 105, 5, 5 });
	expect_shared(&p, "device 1 " OVERWRITE "5" BY_DEVICE "2: 1@5-10(5) of 2\n"
			  "device 2 " OVERWRITE "5" BY_DEVICE "1: 2@50-55(5) of 1\n");
}

/* What is older than the device's last snapshot is copied before it is written. */
Test(sharing, only_what_is_newer_than_the_snapshot)
{
	struct made_pool p;

	begin(&p);
	simple_device(&p, 1, 5, &(struct mapping_run){ 0, 100, 10, 5 });
	simple_device(&p, 2, 6, &(struct mapping_run){ 50, 105, 5, 5 });
	expect_shared(&p, "device 1 " OVERWRITE "5" BY_DEVICE "2: 1@5-10(5) of 2\n");
	begin(&p);
	simple_device(&p, 1, 6, &(struct mapping_run){ 0, 100, 10, 5 });
	simple_device(&p, 2, 6, &(struct mapping_run){ 50, 105, 5, 5 });
	expect_shared(&p, "");
}

Test(sharing, of_one_device_with_itself)
{
	struct made_pool p;

	begin(&p);
	device(&p, 7, 6, 5);
	map(&p, 0, 100, 3, 5);
	map(&p, 10, 101, 3, 5);
	device_end(&p);
	expect_shared(&p, "device 7 " OVERWRITE "4" TWICE ": 7@1-3(2) 7@10-12(2)\n");
}

/* Ranges end where keys, data blocks or times do not go on. */
Test(sharing, ranges_are_what_hangs_together)
{
	struct made_pool p;

	begin(&p);
	device(&p, 1, 12, 5);
	map(&p, 0, 100, 2, 5);
	map(&p, 2, 110, 2, 5); /* another place on the disk */
	map(&p, 5, 112, 2, 5); /* a gap */
	map(&p, 7, 114, 2, 6); /* another time */
	map(&p, 9, 116, 2, 4); /* older than the snapshot */
	map(&p, 11, 118, 2, 6);
	device_end(&p);
	device(&p, 2, 12, 9);
	map(&p, 0, 100, 2, 0);
	map(&p, 2, 110, 10, 0);
	device_end(&p);
	expect_shared(&p, "device 1 " OVERWRITE "10" BY_DEVICE
			  "2: 1@0-2(2) 1@2-4(2) 1@5-7(2) 1@7-9(2) 1@11-13(2) of 2\n");
}

/* A leaf that belongs to both, by a def. */
static void shared_leaf(uint32_t first_snapped, uint32_t second_snapped, const char *expected)
{
	struct made_pool p;

	begin(&p);
	cr_assert_eq(p.v->def(p.v, 1), 0);
	map(&p, 0, 100, 100, 5);
	map(&p, 100, 200, 100, 4);
	cr_assert_eq(p.v->def_end(p.v), 0);
	for (uint64_t id = 1; id < 3; id++) {
		device(&p, id, 200, id == 1 ? first_snapped : second_snapped);
		cr_assert_eq(p.v->ref(p.v, 1), 0);
		device_end(&p);
	}
	expect_shared(&p, expected);
}

Test(sharing, of_a_leaf)
{
	shared_leaf(6, 6, "");
	shared_leaf(5, 6, "device 1 " OVERWRITE "100" BY_DEVICE "2: 1@0-100(100) of 2\n");
	shared_leaf(6, 5, "device 2 " OVERWRITE "100" BY_DEVICE "1: 2@0-100(100) of 1\n");
	shared_leaf(4, 6,
		    "device 1 " OVERWRITE "200" BY_DEVICE "2: 1@0-100(100) 1@100-200(100) of 2\n");
	shared_leaf(5, 5,
		    "device 1 " OVERWRITE "100" BY_DEVICE "2: 1@0-100(100) of 2\n"
		    "device 2 " OVERWRITE "100" BY_DEVICE "1: 2@0-100(100) of 1\n");
}

Test(sharing, of_three_devices)
{
	struct made_pool p;

	begin(&p);
	simple_device(&p, 1, 5, &(struct mapping_run){ 0, 100, 4, 5 });
	simple_device(&p, 2, 9, &(struct mapping_run){ 0, 100, 2, 5 });
	simple_device(&p, 3, 9, &(struct mapping_run){ 0, 102, 2, 5 });
	expect_shared(&p, "device 1 " OVERWRITE "4" BY_DEVICE "2: 1@0-4(4) of 2 of 3\n");
}

/* ---- as many blocks as their users are remembered of */

enum { MANY = 1 << 20 };

static void shared_def(struct made_pool *p, uint64_t name, uint64_t data, uint64_t nr)
{
	cr_assert_eq(p->v->def(p->v, name), 0);
	map(p, 0, data, nr, 5);
	cr_assert_eq(p->v->def_end(p->v), 0);
}

static void refer(struct made_pool *p, uint64_t id, uint64_t nr, uint64_t name)
{
	device(p, id, nr, 5);
	cr_assert_eq(p->v->ref(p->v, name), 0);
	device_end(p);
}

/* nr blocks of devices 1 and 2, and one of 3 and 4: what is said of that. */
static void expect_last(uint64_t nr, const char *expected)
{
	const struct pool_header header = {
		.time = NOW, .transaction_id = 1, .data_block_size = 128, .nr_data_blocks = 2 * MANY
	};
	struct check_result result;
	struct report report;
	struct made_pool p;

	made_pool_begin(&p, 5000, &header);
	shared_def(&p, 1, 0, nr);
	shared_def(&p, 2, MANY, 1);
	for (uint64_t id = 1; id < 5; id++)
		refer(&p, id, id < 3 ? nr : 1, id < 3 ? 1 : 2);
	cr_assert_eq(made_pool_commit(&p), 0);
	cr_assert_eq(image_check(&p.image, NULL, &report, &result), 0);
	cr_assert_eq(report.nr_findings, 4);
	cr_expect_not_null(strstr(report.findings[0].message, BY_DEVICE "2"), "%s",
			   report.findings[0].message);
	cr_expect_str_eq(report.findings[2].message, expected);
	check_result_destroy(&result);
	report_destroy(&report);
	made_pool_destroy(&p);
}

/* Beyond that they are found, but nobody is named; up to there everybody is. */
Test(sharing, of_very_many_blocks)
{
	expect_last(MANY - 1, "device 3 " OVERWRITE "1" BY_DEVICE "4");
	expect_last(MANY, "device 3 " OVERWRITE "1" TWICE);
}

/* Where nobody is remembered of the first block of a range, others are of those behind it. */
Test(sharing, of_a_range_that_is_remembered_in_part)
{
	const struct pool_header header = {
		.time = NOW, .transaction_id = 1, .data_block_size = 128, .nr_data_blocks = 2 * MANY
	};
	struct check_result result;
	struct report report;
	struct made_pool p;

	made_pool_begin(&p, 10000, &header);
	simple_device(&p, 1, 5, &(struct mapping_run){ 0, 1, MANY, 5 });
	simple_device(&p, 2, 5, &(struct mapping_run){ 0, 2, MANY - 1, 5 });
	simple_device(&p, 3, 5, &(struct mapping_run){ 0, 0, 2, 5 });
	simple_device(&p, 4, 5, &(struct mapping_run){ 0, 0, 1, 5 });
	cr_assert_eq(made_pool_commit(&p), 0);
	cr_assert_eq(image_check(&p.image, NULL, &report, &result), 0);
	cr_assert_eq(report.nr_findings, 4);
	cr_expect_str_eq(report.findings[0].message, "device 1 " OVERWRITE "1048576" BY_DEVICE "3");
	cr_expect_str_eq(report.findings[2].message, "device 3 " OVERWRITE "2" BY_DEVICE "1");
	check_result_destroy(&result);
	report_destroy(&report);
	made_pool_destroy(&p);
}

/* Ranges beyond those that are kept are counted, and those of one device are no other's. */
Test(sharing, of_very_many_ranges)
{
	const uint64_t nr = REPORT_MAX_AFFECTED;
	struct check_result result;
	struct report report;
	struct made_pool p;

	begin(&p);
	device(&p, 1, nr, 5);
	for (uint64_t n = 0; n < nr; n++)
		map(&p, 2 * n, n, 1, 5);
	device_end(&p);
	device(&p, 2, nr, 5);
	map(&p, 0, 0, nr, 5);
	device_end(&p);
	cr_assert_eq(made_pool_commit(&p), 0);
	cr_assert_eq(image_check(&p.image, NULL, &report, &result), 0);
	cr_assert_eq(report.nr_findings, 2);
	for (size_t n = 0; n < 2; n++) {
		const struct finding *f = &report.findings[n];
		const size_t ranges = n ? (nr + 251) / 252 : nr; /* at the least one a leaf */

		cr_expect_eq(f->nr_affected + f->nr_affected_left_out, ranges + 1);
		cr_expect_eq(f->nr_affected_left_out == 0, n == 1);
	}
	check_result_destroy(&result);
	report_destroy(&report);
	made_pool_destroy(&p);
}
