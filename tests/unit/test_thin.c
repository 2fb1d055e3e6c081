/* SPDX-License-Identifier: MIT */
#include <criterion/criterion.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/alloc.h"
#include "common/pdata/space_map.h"
#include "common/thin/leaf_runs.h"
#include "common/thin/metadata_read.h"
#include "common/thin/salvage.h"
#include "tests/support/content.h"
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

/* Whatever can be salvaged can be read. */
static void salvage_all(struct image *i)
{
	const struct salvage_options options = { .data_block_size = 128 };
	struct block_engine *e = image_engine(i), *sound;
	struct salvage_result result;
	struct salvage_fault fault;
	struct content content;
	int r = salvage(e, &options, &sound, &result, &fault);

	cr_expect(!r || (r == -EUCLEAN && *fault.text));
	if (!r) {
		cr_expect_eq(content_read(sound, result.nr_blocks, &content), 0);
		content_destroy(&content);
		block_engine_destroy(sound);
	}
	block_engine_destroy(e);
	salvage_result_destroy(&result);
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
		(void)image_worst(&i);
		read_all(&i);
		salvage_all(&i);
	}
	image_destroy(&clean);
	image_destroy(&i);
}
