/* SPDX-License-Identifier: MIT */
#include <criterion/criterion.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/alloc.h"
#include "common/pdata/space_map.h"
#include "common/thin/leaf_runs.h"
#include "common/thin/metadata_fix.h"
#include "common/thin/metadata_read.h"
#include "tests/support/image.h"
#include "tests/support/leaks.h"

TestSuite(thin, .fini = fail_on_leaks);

static const char *const fixtures[] = {
	"basic",          "metadata-snapshot", "many-snaps",     "out-of-metadata",
	"needs-check",    "docker-loop-lvm",   "docker-live",    "docker-pool-full",
	"docker-kill9-1", "docker-kill9-2",    "docker-kill9-3",
};

Test(thin, what_the_kernel_wrote_is_clean)
{
	for (size_t n = 0; n < ARRAY_SIZE(fixtures); n++) {
		struct image i = image_load(fixtures[n]);
		struct check_result result;
		struct report report;

		cr_assert_eq(image_check(&i, NULL, &report, &result), 0);
		cr_expect_eq(report.nr_findings, 0, "%s: %s", fixtures[n],
			     report.nr_findings ? report.findings[0].message : "");
		cr_expect(result.space_maps_checked);
		check_result_destroy(&result);
		report_destroy(&report);
		image_destroy(&i);
	}
}

static void check_snapshot(const char *fixture, uint64_t devices, int expected)
{
	struct check_options options = { .metadata_snap = true };
	struct image i = image_load(fixture);
	struct check_result result;
	struct report report;

	cr_expect_eq(image_check(&i, &options, &report, &result), expected, "%s", fixture);
	cr_expect_eq(report.nr_findings, 0);
	cr_expect_eq(result.nr_devices, devices);
	check_result_destroy(&result);
	report_destroy(&report);
	image_destroy(&i);
}

Test(thin, metadata_snapshots)
{
	check_snapshot("metadata-snapshot", 4, 0);
	check_snapshot("docker-live", 27, 0);
	check_snapshot("basic", 0, -ENODATA);
}

/* A destroyed leaf names the devices that share it, their range, and exactly what they lose. */
Test(thin, damage_names_devices_and_ranges)
{
	struct image i = image_load("many-snaps");
	uint64_t root = device_root(&i, 0), child = node_value(&i, root, 2);
	struct check_result result;
	struct report report;
	bool found = false;

	image_set(&i, child, 100, 1, 0xee);
	cr_assert_eq(image_check(&i, NULL, &report, &result), 0);
	cr_assert_gt(report.nr_findings, 0);
	for (size_t n = 0; n < report.findings[0].nr_affected; n++) {
		const struct affected *a = &report.findings[0].affected[n];

		if (a->device != 0)
			continue;
		found = true;
		cr_expect_eq(a->unit, RANGE_THIN_BLOCKS);
		cr_expect_eq(a->begin, node_key(&i, root, 2));
		cr_expect_eq(a->end, node_key(&i, root, 3));
		cr_expect_eq(a->mappings, node_nr_entries(&i, child));
	}
	cr_expect(found);
	cr_expect_eq(report.findings[0].id, FINDING_BLOCK_CHECKSUM);
	cr_expect_eq(report.findings[0].block, child);
	/* What the lost leaf used is not called a leak. */
	cr_expect_eq(report.per_id[FINDING_BLOCK_LEAKED], 0);
	check_result_destroy(&result);
	report_destroy(&report);
	image_destroy(&i);
}

/* ---- leaks */

static void leak_properly(struct image *i)
{
	for (int n = 0; n < 3; n++) {
		image_leak_data(i);
		image_leak_metadata(i);
	}
}

/* ---- an engine that loses its power after some writes */

struct cut_engine {
	struct block_engine base;
	struct block_engine *image;
	unsigned int writes_left;
};

static struct cut_engine *to_cut(struct block_engine *e)
{
	return (struct cut_engine *)e;
}

static int cut_submit(struct block_engine *e, struct io_request *rq)
{
	if (rq->write && !to_cut(e)->writes_left)
		return -EIO;
	if (rq->write)
		to_cut(e)->writes_left--;
	return to_cut(e)->image->ops->submit(to_cut(e)->image, rq);
}

static int cut_reap(struct block_engine *e, struct io_request **ret_rq)
{
	return to_cut(e)->image->ops->reap(to_cut(e)->image, ret_rq);
}

static int cut_flush(struct block_engine *e)
{
	(void)e;
	return 0;
}

static const struct block_engine_ops cut_ops = { .submit = cut_submit,
						 .reap = cut_reap,
						 .flush = cut_flush };

static int fix_with_power_cut(struct image *i, unsigned int nr_writes, uint64_t *ret_freed)
{
	struct check_options options = { .collect_leaks = true };
	struct cut_engine cut = { .writes_left = nr_writes };
	struct check_result result;
	struct report report;
	int r;

	cr_assert_eq(image_check(i, &options, &report, &result), 0);
	cr_assert_eq(report_worst(&report), SEVERITY_NON_FATAL);
	cut.image = image_engine(i);
	cut.base.ops = &cut_ops;
	cut.base.nr_blocks = i->nr_blocks;
	r = metadata_fix_leaks(&cut.base, result.leaks, result.nr_leaks, ret_freed);
	block_engine_destroy(cut.image);
	check_result_destroy(&result);
	report_destroy(&report);
	return r;
}

static enum severity worst_of(struct image *i)
{
	struct check_result result;
	struct report report;
	enum severity worst;

	cr_assert_eq(image_check(i, NULL, &report, &result), 0);
	worst = report_worst(&report);
	check_result_destroy(&result);
	report_destroy(&report);
	return worst;
}

static void fix_leaks_of(const char *fixture)
{
	struct image i = image_load(fixture);
	uint64_t freed = 0;

	leak_properly(&i);
	cr_assert_eq(fix_with_power_cut(&i, UINT32_MAX, &freed), 0);
	cr_expect_eq(freed, 6);
	cr_expect_eq(worst_of(&i), SEVERITY_NONE, "%s", fixture);
	image_destroy(&i);
}

Test(thin, leaks_are_freed)
{
	for (size_t n = 0; n < ARRAY_SIZE(fixtures); n++)
		fix_leaks_of(fixtures[n]);
}

/* Whenever the power goes, the metadata is as bad as before, or good: never worse. */
Test(thin, fixing_survives_a_power_cut)
{
	int r = -EIO;

	for (unsigned int writes = 0; r; writes++) {
		struct image i = image_load("metadata-snapshot");
		uint64_t freed;

		cr_assert_lt(writes, 100);
		leak_properly(&i);
		r = fix_with_power_cut(&i, writes, &freed);
		cr_expect_eq(worst_of(&i), r ? SEVERITY_NON_FATAL : SEVERITY_NONE, "%u writes",
			     writes);
		image_destroy(&i);
	}
}

Test(thin, clearing_needs_check_changes_nothing_else)
{
	struct image i = image_load("needs-check"), before = image_load("needs-check");
	struct block_engine *e = image_engine(&i);

	for (unsigned int n = 0; n < 16; n++) {
		image_set_super(&i, 16 + n, 1, n + 1);
		image_set_super(&before, 16 + n, 1, n + 1);
	}
	image_set_super(&i, SUPER_COMPAT, 4, 5);
	image_set_super(&before, SUPER_COMPAT, 4, 5);
	cr_assert_eq(metadata_clear_needs_check(e), 0);
	cr_expect_eq(image_get(&i, 0, SUPER_FLAGS, 4), 0);
	image_set_super(&before, SUPER_FLAGS, 4, 0);
	cr_expect_eq(memcmp(i.bytes, before.bytes, i.nr_blocks * MD_BLOCK_SIZE), 0);
	block_engine_destroy(e);
	image_destroy(&i);
	image_destroy(&before);
}

/* ---- shared leaves */

static void runs_of(const char *const *sequences, struct leaf_runs *r)
{
	cr_assert_eq(leaf_runs_init(r, 100), 0);
	for (; *sequences; sequences++) {
		for (const char *p = *sequences; *p; p++)
			leaf_runs_add(r, (uint64_t)(*p - '0'));
		leaf_runs_end(r);
	}
}

static void expect_runs(const char *const *sequences, const char *expected)
{
	char text[100] = "", *p = text;
	struct leaf_runs r;

	runs_of(sequences, &r);
	for (uint64_t b = 1; b < 10; b++) {
		if (!r.seen[b] || !leaf_runs_is_first(&r, b))
			continue;
		for (uint64_t l = b; l; l = leaf_runs_next(&r, l))
			*p++ = (char)('0' + l);
		*p++ = leaf_runs_is_shared(&r, b) ? '!' : ' ';
	}
	*p = '\0';
	cr_expect_str_eq(text, expected);
	leaf_runs_destroy(&r);
}

Test(thin, leaf_runs)
{
	expect_runs((const char *const[]){ NULL }, "");
	expect_runs((const char *const[]){ "123", NULL }, "123 ");
	expect_runs((const char *const[]){ "123", "123", NULL }, "123!");
	expect_runs((const char *const[]){ "12", "123", NULL }, "12!3 ");
	expect_runs((const char *const[]){ "1234", "2345", NULL }, "1 234!5 ");
	expect_runs((const char *const[]){ "1237", "4237", NULL }, "1 237!4 ");
	expect_runs((const char *const[]){ "1234", "1534", NULL }, "1!2 34!5 ");
	expect_runs((const char *const[]){ "1", "1", "21", NULL }, "1!2 ");
}

/* ---- hostile metadata: nothing crashes, hangs or passes unnoticed */

static uint32_t salt_of(const struct image *i, uint64_t block)
{
	static const uint32_t salts[] = { SALT_BTREE_NODE, SALT_BITMAP, SALT_INDEX,
					  SALT_SUPERBLOCK };

	for (size_t n = 0; n < ARRAY_SIZE(salts); n++) {
		if (block_checksum_ok(i->bytes + block * MD_BLOCK_SIZE, salts[n]))
			return salts[n];
	}
	return 0;
}

static void read_all(struct image *i)
{
	struct metadata_reader *reader;
	struct read_options options = { .skip_mappings = false };
	struct block_engine *e = image_engine(i);
	struct read_fault fault;

	if (!metadata_reader_open(e, &options, &reader, &fault))
		metadata_reader_destroy(reader);
	block_engine_destroy(e);
}

Test(thin, random_damage_with_right_checksums)
{
	struct image clean = image_load("metadata-snapshot"), i = image_load("metadata-snapshot");
	unsigned int seed = 20261124;

	for (int round = 0; round < 3000; round++) {
		uint64_t block;
		uint32_t salt;

		do
			block = (uint64_t)rand_r(&seed) % 110;
		while (!(salt = salt_of(&clean, block)));
		memcpy(i.bytes, clean.bytes, 110 * MD_BLOCK_SIZE);
		for (int n = rand_r(&seed) % 4; n >= 0; n--) {
			size_t at = 4 + (size_t)rand_r(&seed) % (rand_r(&seed) % 2 ? 60 : 4092);
			uint64_t value =
				rand_r(&seed) % 3 ? (uint64_t)rand_r(&seed) % 300 : UINT64_MAX;

			image_set(&i, block, at < 4088 ? at : 4088, 1u << rand_r(&seed) % 4, value);
		}
		image_seal(&i, block, salt);
		(void)worst_of(&i);
		read_all(&i);
	}
	image_destroy(&clean);
	image_destroy(&i);
}
