/* SPDX-License-Identifier: MIT
 * test_report.c: findings in their order, and each form of them as text and as JSON.
 */
#include <criterion/criterion.h>
#include <errno.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/alloc.h"
#include "common/base/progress.h"
#include "common/tool/report_json.h"
#include "common/tool/report_text.h"
#include "tests/support/alloc_fault.h"
#include "tests/support/leaks.h"

TestSuite(report, .fini = fail_on_leaks);

/* ---- names */

Test(report, names)
{
	cr_expect_str_eq(severity_name(SEVERITY_NONE), "none");
	cr_expect_str_eq(severity_name(SEVERITY_SUSPECT), "suspect");
	cr_expect_str_eq(severity_name(SEVERITY_NON_FATAL), "non-fatal");
	cr_expect_str_eq(severity_name(SEVERITY_FATAL), "fatal");
	cr_expect_str_eq(range_unit_name(RANGE_NONE), "");
	cr_expect_str_eq(range_unit_name(RANGE_THIN_BLOCKS), "thin blocks");
	cr_expect_str_eq(range_unit_name(RANGE_DATA_BLOCKS), "data blocks");
	cr_expect_str_eq(range_unit_name(RANGE_METADATA_BLOCKS), "metadata blocks");
	cr_expect_str_eq(range_unit_name(RANGE_DEVICE_IDS), "device ids");
}

/* ---- order */

/* Worst first, then by the catalogue, the tree, the block, and where it begins. */
Test(report, order)
{
	static const struct affected low = { .begin = 5 }, high = { .begin = UINT64_MAX - 1 };
	static const struct finding in_order[] = {
		{ .id = FINDING_SUPERBLOCK_MAGIC, .tree = "z", .block = 9 },
		{ .id = FINDING_BLOCK_CHECKSUM, .tree = "a", .block = 7 },
		{ .id = FINDING_BLOCK_CHECKSUM, .tree = "b", .block = 3 },
		{ .id = FINDING_BLOCK_CHECKSUM, .tree = "b", .block = UINT64_MAX - 1 },
		{ .id = FINDING_BLOCK_LEAKED,
		  .tree = "a",
		  .block = NO_BLOCK,
		  .affected = &low,
		  .nr_affected = 1 },
		{ .id = FINDING_BLOCK_LEAKED,
		  .tree = "a",
		  .block = NO_BLOCK,
		  .affected = &high,
		  .nr_affected = 1 },
		{ .id = FINDING_NODE_PADDING, .block = 1 },
		{ .id = FINDING_NODE_PADDING, .tree = "a", .block = 0 },
	};
	enum { NR = ARRAY_SIZE(in_order) };
	struct report r;

	for (size_t turn = 0; turn < NR; turn++) {
		report_init(&r);
		report_sort(&r); /* none */
		for (size_t n = 0; n < NR; n++)
			report_finding(&r, &in_order[(n * 3 + turn) % NR], "x");
		report_sort(&r);
		for (size_t n = 0; n < NR; n++) {
			const struct finding *f = &r.findings[n];

			cr_expect(f->id == in_order[n].id && f->block == in_order[n].block &&
					  f->tree == in_order[n].tree &&
					  (!f->nr_affected ||
					   f->affected[0].begin == in_order[n].affected->begin),
				  "%zu", n);
		}
		report_destroy(&r);
	}
}

/* Without memory a finding is counted nevertheless, and the report says that it is not complete. */
Test(report, without_memory)
{
	const struct affected a = { .device = 1 };
	const struct finding f = { .id = FINDING_BLOCK_CHECKSUM, .affected = &a, .nr_affected = 1 };
	struct report r;

	for (uint64_t n = 0; n < 3; n++) {
		report_init(&r);
		alloc_fault_set(n);
		report_finding(&r, &f, "x");
		cr_assert(alloc_fault_clear());
		cr_expect(r.out_of_memory);
		cr_expect_eq(r.nr_findings, 0);
		cr_expect_eq(r.per_id[FINDING_BLOCK_CHECKSUM], 1);
		cr_expect_eq(report_worst(&r), SEVERITY_FATAL);
		report_finding(&r, &f, "y");
		cr_expect_eq(r.nr_findings, 1);
		cr_expect_str_eq(r.findings[0].message, "y");
		report_destroy(&r);
	}
}

/* ---- text */

static char *text_of(struct report *r)
{
	char *text = NULL;
	size_t bytes;
	FILE *out = open_memstream(&text, &bytes);

	report_print_text(r, out);
	fclose(out);
	report_destroy(r);
	return text;
}

/* What one finding that affects this says behind its message. */
Test(report, each_range_has_its_words)
{
	static const struct {
		struct affected affected;
		const char *words;
	} cases[] = {
		{ { 3, RANGE_NONE, 0, 0, 0 }, "device 3" },
		{ { 3, RANGE_THIN_BLOCKS, 0, RANGE_OPEN, 0 }, "device 3: all thin blocks" },
		{ { 3, RANGE_THIN_BLOCKS, 8, RANGE_OPEN, 7 },
		  "device 3: thin blocks 8 and above (about 7 mappings)" },
		{ { 3, RANGE_THIN_BLOCKS, 8, 10, 1 },
		  "device 3: thin blocks 8 to 9 (about 1 mapping)" },
		{ { 3, RANGE_THIN_BLOCKS, 8, 9, 1 }, "device 3: thin block 8" },
		{ { NO_DEVICE, RANGE_DATA_BLOCKS, 4, 5, 0 }, "data block 4" },
		{ { NO_DEVICE, RANGE_METADATA_BLOCKS, 4, 50, 0 }, "metadata blocks 4 to 49" },
		{ { NO_DEVICE, RANGE_DEVICE_IDS, 0, RANGE_OPEN, 0 }, "all device ids" },
	};

	for (size_t n = 0; n < ARRAY_SIZE(cases); n++) {
		const struct finding f = { .id = FINDING_BLOCK_CHECKSUM,
					   .tree = "tree",
					   .block = 6,
					   .affected = &cases[n].affected,
					   .nr_affected = 1 };
		char expected[200], *text;
		struct report r;

		report_init(&r);
		report_finding(&r, &f, "bad");
		text = text_of(&r);
		snprintf(expected, sizeof(expected),
			 "fatal: tree, block 6: bad; %s [block-checksum]\n", cases[n].words);
		cr_expect_str_eq(text, expected, "%s", text);
		free(text);
	}
}

static size_t nr_lines(const char *text)
{
	size_t nr = 0;

	for (; *text; text++)
		nr += *text == '\n';
	return nr;
}

/* Six are listed, and of those that are not, also those that the report did not keep are counted.
 */
Test(report, a_long_list_of_what_is_harmed)
{
	struct affected many[20];
	struct finding f = { .id = FINDING_BLOCK_CHECKSUM,
			     .tree = "tree",
			     .block = 6,
			     .affected = many,
			     .nr_affected_left_out = 100 };

	for (unsigned int n = 0; n < ARRAY_SIZE(many); n++)
		many[n] = (struct affected){ .device = 70 + n };
	for (size_t nr = 6; nr <= 20; nr += 14) {
		struct report r;
		char *text;

		report_init(&r);
		f.nr_affected = nr;
		report_finding(&r, &f, "bad");
		text = text_of(&r);
		cr_expect_eq(nr_lines(text), nr == 6 ? 7 : 8, "%s", text);
		cr_expect(strstr(text, "    device 75\n") && !strstr(text, "device 76"));
		cr_expect_eq(strstr(text, "114 more") != NULL, nr == 20, "%s", text);
		free(text);
	}
}

/* Ten of an id are shown; how many more there are is told once, also of those not kept. */
Test(report, many_findings_of_an_id)
{
	const struct finding padding = { .id = FINDING_NODE_PADDING, .tree = "x", .block = 1 };
	const struct finding bad = { .id = FINDING_BLOCK_CHECKSUM, .tree = "x", .block = 1 };
	struct report r;
	char *text;

	report_init(&r);
	for (int n = 0; n < REPORT_MAX_PER_ID + 5; n++)
		report_finding(&r, &padding, "padding %d", n);
	for (int n = 0; n < 11; n++)
		report_finding(&r, &bad, "bad %d", n);
	report_sort(&r);
	text = text_of(&r);
	cr_expect_eq(nr_lines(text), 10 + 1 + 10 + 1, "%s", text);
	cr_expect(strstr(text, "bad ") < strstr(text, "padding "), "the worst comes first");
	cr_expect(strstr(text, "… and 1 more [block-checksum]"), "%s", text);
	cr_expect(strstr(text, "… and 995 more [node-padding]"), "%s", text);
	free(text);
}

/* ---- JSON */

static json_t *json_of(struct report *r, const struct check_result *result)
{
	const struct json_report j = { .tool = "tool",
				       .version = "1.2.3",
				       .input = "disk",
				       .report = r,
				       .result = result,
				       .exit_status = 1 };
	char *text = NULL;
	size_t bytes;
	FILE *out = open_memstream(&text, &bytes);
	json_error_t error;
	json_t *object;

	cr_expect_eq(report_print_json(&j, out), 0);
	fclose(out);
	cr_expect_eq(text[bytes - 1], '\n');
	object = json_loads(text, JSON_REJECT_DUPLICATES, &error);
	cr_assert_not_null(object, "%d: %s", error.line, error.text);
	free(text);
	report_destroy(r);
	return object;
}

static json_t *at(json_t *object, const char *first, const char *second)
{
	return json_object_get(json_object_get(object, first), second);
}

static void expect_numbers(json_t *object, const char *first, const char *const *keys, size_t nr)
{
	for (size_t n = 0; n < nr; n++) {
		json_t *value = at(object, first, keys[n]);

		cr_expect(json_is_integer(value) &&
				  json_integer_value(value) == (json_int_t)(1000 + n),
			  "%s is %lld", keys[n], (long long)json_integer_value(value));
	}
}

Test(report, json_figures)
{
	static const char *const super[] = { "version",         "time",         "transaction",
					     "data_block_size", "data_blocks",  "metadata_blocks",
					     "mapping_root",    "details_root", "metadata_snap" };
	static const char *const figures[] = { "devices", "mappings", "used_data_blocks",
					       "free_metadata_blocks" };
	struct check_result result = {
		.has_superblock = true,
		.sb = { .version = 1000,
			.time = 1001,
			.transaction_id = 1002,
			.data_block_size = 1003,
			.data_space_map.nr_blocks = 1004,
			.metadata_space_map.nr_blocks = 1005,
			.mapping_root = 1006,
			.details_root = 1007,
			.held_root = 1008 },
		.nr_devices = 1000,
		.nr_mappings = 1001,
		.used_data_blocks = 1002,
		.free_metadata_blocks = 1003,
		.space_maps_checked = true,
	};
	struct report r;
	json_t *object;

	report_init(&r);
	object = json_of(&r, &result);
	expect_numbers(object, "superblock", super, ARRAY_SIZE(super));
	expect_numbers(object, "summary", figures, ARRAY_SIZE(figures));
	cr_expect(json_is_false(at(object, "superblock", "needs_check")));
	cr_expect(json_is_true(at(object, "summary", "space_maps_checked")));
	cr_expect_str_eq(json_string_value(at(object, "summary", "worst")), "none");
	cr_expect_str_eq(json_string_value(json_object_get(object, "input")), "disk");
	cr_expect_eq(json_integer_value(at(object, "summary", "exit_status")), 1);
	json_decref(object);

	result.sb.flags = SUPERBLOCK_NEEDS_CHECK;
	result.sb.held_root = 0;
	result.sb.transaction_id = UINT64_MAX; /* more than JSON's numbers are here */
	report_init(&r);
	object = json_of(&r, &result);
	cr_expect(json_is_true(at(object, "superblock", "needs_check")));
	cr_expect(json_is_null(at(object, "superblock", "metadata_snap")));
	cr_expect_str_eq(json_string_value(at(object, "superblock", "transaction")),
			 "18446744073709551615");
	json_decref(object);
}

/* Devices once each, ranges as they are; a device without a range has none. */
Test(report, json_of_a_finding)
{
	const struct affected a[] = {
		{ .device = 3, .unit = RANGE_THIN_BLOCKS, .begin = 1, .end = 2, .mappings = 9 },
		{ .device = 3, .unit = RANGE_THIN_BLOCKS, .begin = 5, .end = RANGE_OPEN },
		{ .device = 4, .unit = RANGE_NONE },
		{ .device = NO_DEVICE, .unit = RANGE_DATA_BLOCKS, .begin = 7, .end = 8 },
	};
	const struct finding f = { .id = FINDING_BLOCK_BLOCKNR,
				   .tree = "tree",
				   .block = 6,
				   .expected = 11,
				   .found = 12,
				   .affected = a,
				   .nr_affected = 4,
				   .nr_affected_left_out = 13 };
	const struct check_result result = { .has_superblock = false };
	struct report r;
	json_t *object, *got, *ranges;

	report_init(&r);
	report_finding(&r, &f, "bad %d", 1);
	object = json_of(&r, &result);
	got = json_array_get(json_object_get(object, "findings"), 0);
	cr_expect_str_eq(json_string_value(json_object_get(got, "message")), "bad 1");
	cr_expect_str_eq(json_string_value(json_object_get(got, "tree")), "tree");
	cr_expect_eq(json_integer_value(json_object_get(got, "block")), 6);
	cr_expect_eq(json_integer_value(json_object_get(got, "expected")), 11);
	cr_expect_eq(json_integer_value(json_object_get(got, "found")), 12);
	cr_expect_eq(json_integer_value(json_object_get(got, "ranges_left_out")), 13);
	cr_expect_eq(json_array_size(json_object_get(got, "devices")), 2);
	ranges = json_object_get(got, "ranges");
	cr_assert_eq(json_array_size(ranges), 3);
	cr_expect_eq(json_integer_value(json_object_get(json_array_get(ranges, 0), "mappings")), 9);
	cr_expect_eq(json_integer_value(json_object_get(json_array_get(ranges, 0), "end")), 2);
	cr_expect(json_is_null(json_object_get(json_array_get(ranges, 1), "end")));
	cr_expect_null(json_object_get(json_array_get(ranges, 1), "mappings"));
	cr_expect_null(json_object_get(json_array_get(ranges, 2), "device"));
	cr_expect_str_eq(json_string_value(json_object_get(json_array_get(ranges, 2), "unit")),
			 "data blocks");
	json_decref(object);
}

Test(report, json_that_cannot_be_written)
{
	const struct check_result result = { .has_superblock = false };
	struct report r;
	const struct json_report j = {
		.tool = "tool", .version = "1", .input = "x", .report = &r, .result = &result
	};
	FILE *full = fopen("/dev/full", "w");

	report_init(&r);
	setvbuf(full, NULL, _IONBF, 0);
	cr_expect_eq(report_print_json(&j, full), -EIO);
	fclose(full);
	report_destroy(&r);
}

/* ---- progress */

struct shown {
	struct progress base;
	const char *phase;
	uint64_t done, total, nr;
};

static void show(struct progress *p, const char *phase, uint64_t done, uint64_t total)
{
	struct shown *s = (struct shown *)p;

	s->phase = phase;
	s->done = done;
	s->total = total;
	s->nr++;
}

Test(report, progress_is_handed_on)
{
	struct shown s = { .base = { .show = show, .phase = "" } };

	progress_phase(NULL, "x"); /* nobody looks */
	progress_at(NULL, 1, 2);
	progress_phase(&s.base, "mappings");
	cr_expect(!strcmp(s.phase, "mappings") && s.nr == 1);
	progress_at(&s.base, 5, 9);
	cr_expect(!strcmp(s.phase, "mappings") && s.done == 5 && s.total == 9);
}
