/* SPDX-License-Identifier: MIT
 * test_loss_report.c: what a salvage kept and lost, as text and as JSON.
 */
#include <criterion/criterion.h>
#include <errno.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/base/alloc.h"
#include "common/tool/loss_report.h"
#include "tests/support/capture.h"
#include "tests/support/leaks.h"

TestSuite(loss_report, .fini = fail_on_leaks);

static const struct tool tool = { .name = "tool" };

/* As text, on stderr; for free(). */
static char *text_of(const struct salvage_result *result)
{
	struct capture c = capture_begin(stderr);

	loss_report_text(&tool, "disk", result);
	return capture_end(&c);
}

static size_t nr_lines(const char *text)
{
	size_t nr = 0;

	for (; *text; text++)
		nr += *text == '\n';
	return nr;
}

/* Each line says whose it is, and there are so many. */
static void expect_lines(const char *text, size_t nr)
{
	const char *line = text;

	cr_expect_eq(nr_lines(text), nr, "%zu lines: %s", nr_lines(text), text);
	for (; *line; line = strchr(line, '\n') + 1)
		cr_expect(!strncmp(line, "tool: disk: ", 12), "%s", line);
}

/* ---- totals */

Test(loss_report, totals)
{
	struct salvaged_device devices[] = {
		{ .id = 1, .nr_expected = 10, .nr_mappings = 10 },
		{ .id = 2, .nr_expected = 10, .nr_mappings = 7 },
		{ .id = 3, .nr_expected = UINT64_MAX, .nr_mappings = 5 },
		{ .id = 4, .nr_expected = 0, .nr_mappings = 2 },
		{ .id = 5, .nr_expected = 100, .nr_mappings = 0 },
	};
	const struct salvage_result result = { .devices = devices, .nr_devices = 5 };
	struct loss_totals t = loss_totals(&result);

	cr_expect_eq(t.nr_mappings, 24);
	cr_expect_eq(t.nr_lost, 103);
	cr_expect_eq(t.nr_devices_hit, 2);
	cr_expect_eq(t.nr_devices_over, 1);
	cr_expect(t.anything_lost);
}

/* Each of these alone is a loss; those of the second list are none. */
Test(loss_report, what_is_a_loss)
{
	struct salvage_loss loss = { .block = 3, .device = 1, .begin = 0, .end = 5 };
	struct salvaged_device fewer = { .nr_expected = 2, .nr_mappings = 1 };
	struct salvaged_device more = { .nr_expected = 1, .nr_mappings = 2 };
	struct salvaged_device unknown = { .nr_expected = UINT64_MAX, .nr_mappings = 2 };
	const struct salvage_result lost[] = {
		{ .losses = &loss, .nr_losses = 1 },
		{ .devices = &fewer, .nr_devices = 1 },
		{ .devices = &more, .nr_devices = 1 },
		{ .nr_dropped = 1 },
		{ .nr_homeless = 1 },
		{ .older = true },
		{ .contradicts_itself = true },
	};
	const struct salvage_result fine[] = {
		{ .nr_devices = 0 },
		{ .devices = &unknown, .nr_devices = 1 },
		{ .nr_adopted = 3, .nr_strays = 4, .nr_stale = 1, .nr_raised = 1, .nr_gone = 2 },
		{ .superblock_found_out = true, .nr_data_blocks_lost = true },
	};

	for (size_t n = 0; n < ARRAY_SIZE(lost); n++)
		cr_expect(loss_totals(&lost[n]).anything_lost, "%zu", n);
	for (size_t n = 0; n < ARRAY_SIZE(fine); n++)
		cr_expect_not(loss_totals(&fine[n]).anything_lost, "%zu", n);
}

/* ---- text */

Test(loss_report, nothing_was_lost)
{
	struct salvaged_device devices[] = { { .id = 1, .nr_expected = 4, .nr_mappings = 4 },
					     { .id = 2, .nr_expected = 5, .nr_mappings = 5 } };
	struct salvage_result result = { .devices = devices, .nr_devices = 2 };
	char *text = text_of(&result);

	expect_lines(text, 1);
	cr_expect(strstr(text, "2 devices, 9 mappings") && strstr(text, "nothing was lost"), "%s",
		  text);
	free(text);

	result.nr_raised = 1;
	text = text_of(&result);
	expect_lines(text, 2);
	cr_expect(strstr(text, "snapshotted_time") && strstr(text, "no mapping was lost"), "%s",
		  text);
	free(text);
}

Test(loss_report, what_is_lost_is_named)
{
	static struct {
		struct salvage_loss loss;
		const char *range, *whose, *where;
	} cases[] = {
		{ { 17, 3, 0, RANGE_OPEN }, "all thin blocks", "device 3", "block 17" },
		{ { 18, 4, 100, RANGE_OPEN }, "thin blocks 100 and above", "device 4", "block 18" },
		{ { 19, 5, 100, 200 }, "thin blocks 100 to 199", "device 5", "block 19" },
		{ { NO_BLOCK, 6, 7, 9 }, "thin blocks 7 to 8", "device 6", NULL },
		{ { 20, NO_DEVICE, 7, 9 }, "thin blocks 7 to 8", "several devices", "block 20" },
	};

	for (size_t n = 0; n < ARRAY_SIZE(cases); n++) {
		const struct salvage_result result = { .losses = &cases[n].loss, .nr_losses = 1 };
		char *text = text_of(&result);

		expect_lines(text, 2);
		cr_expect(strstr(text, cases[n].range), "%s", text);
		cr_expect(strstr(text, cases[n].whose), "%s", text);
		if (cases[n].where)
			cr_expect(strstr(text, cases[n].where), "%s", text);
		else
			cr_expect_not(strstr(text, "disk: lost: block"), "%s", text);
		cr_expect(strstr(text, "cannot be told"), "%s", text);
		free(text);
	}
}

/* Ten are named, the others counted. */
Test(loss_report, long_lists_are_cut)
{
	enum { NR = 25 };
	struct salvage_loss losses[NR];
	struct salvaged_device devices[NR];
	struct salvage_result result = { .losses = losses };
	char *text;

	for (unsigned int n = 0; n < NR; n++) {
		losses[n] = (struct salvage_loss){ 1000 + n, n, 0, 5 };
		/* Every other one has fewer than it should, and the rest more. */
		devices[n] = (struct salvaged_device){ .id = 500 + n,
						       .nr_expected = 20,
						       .nr_mappings = n % 2 ? 30 : 13 };
	}
	for (size_t nr = 10; nr <= NR; nr += 15) {
		result.nr_losses = nr;
		text = text_of(&result);
		expect_lines(text, nr == 10 ? 11 : 12);
		cr_expect(strstr(text, "block 1009") && !strstr(text, "block 1010"), "%s", text);
		cr_expect_eq(strstr(text, "15 places more") != NULL, nr == NR, "%s", text);
		free(text);
	}
	result = (struct salvage_result){ .devices = devices };
	for (size_t nr = 10; nr <= NR; nr += 15) {
		result.nr_devices = nr;
		text = text_of(&result);
		expect_lines(text, nr == 10 ? 11 : 12);
		cr_expect(strstr(text, "device 508: 13 of 20 mappings kept, 7 lost"), "%s", text);
		cr_expect(strstr(text, "device 509: 30 mappings"), "%s", text);
		cr_expect_not(strstr(text, "device 510"), "%s", text);
		cr_expect_eq(strstr(text, "15 devices more") != NULL, nr == NR, "%s", text);
		free(text);
	}
	text = text_of(&result);
	cr_expect(strstr(text, "25 devices, 529 mappings saved; 91 mappings of 13 devices"), "%s",
		  text);
	free(text);
}

/* Each circumstance is a line of its own, with its numbers, besides that of the totals. */
Test(loss_report, circumstances)
{
	struct salvaged_device undecided[] = { { .id = 1, .undecided = true },
					       { .id = 2, .undecided = true } };
	struct salvaged_device matched = { .id = 1, .matched_root = true };
	struct salvaged_device rebuilt = { .id = 1, .rebuilt_details = true };
	const struct {
		struct salvage_result result;
		const char *words[3];
	} cases[] = {
		{ { .kept_transaction_id = true }, { "--transaction-id" } },
		{ { .kept_nr_data_blocks = true }, { "--nr-data-blocks" } },
		{ { .older = true, .mapping_root = 71, .details_root = 72 },
		  { "EARLIER", "71", "72" } },
		{ { .older = true, .superblock_found_out = true }, { "EARLIER" } },
		{ { .superblock_found_out = true }, { "superblock" } },
		{ { .nr_guessed = 73 }, { "73 nodes", "guess" } },
		{ { .nr_stale = 74 }, { "74 blocks", "older" } },
		{ { .nr_raised = 75 }, { "75", "snapshotted_time" } },
		{ { .nr_data_blocks_lost = true }, { "data blocks", "--nr-data-blocks" } },
		{ { .nr_gone = 76 }, { "76 devices" } },
		{ { .nr_strays = 77 }, { "77 blocks" } },
		{ { .nr_unreadable = 82 }, { "82 blocks", "read" } },
		{ { .nr_adopted = 78 }, { "78 nodes" } },
		{ { .nr_homeless = 79, .nr_homeless_mappings = 80 }, { "79", "80 mappings" } },
		{ { .nr_dropped = 81 }, { "81" } },
		{ { .devices = undecided, .nr_devices = 2 }, { "2 devices", "--aggressive" } },
		{ { .devices = &matched, .nr_devices = 1 }, { "1 devices", "mapping tree" } },
		{ { .devices = &rebuilt, .nr_devices = 1 }, { "1 devices", "details" } },
	};

	for (size_t n = 0; n < ARRAY_SIZE(cases); n++) {
		char *text = text_of(&cases[n].result);

		expect_lines(text, 2);
		for (size_t w = 0; w < 3 && cases[n].words[w]; w++)
			cr_expect(strstr(text, cases[n].words[w]), "no '%s' in: %s",
				  cases[n].words[w], text);
		free(text);
	}
}

/* ---- JSON */

static const char path[] = "build/loss-report.json";

static json_t *load(void)
{
	json_error_t error;
	json_t *object = json_load_file(path, JSON_REJECT_DUPLICATES, &error);

	cr_assert_not_null(object, "%d: %s", error.line, error.text);
	unlink(path);
	return object;
}

/* To file, whole and closed.  result: NULL: a failure with this reason. */
static int write_to(const char *file, const char *input, const struct salvage_result *result,
		    const char *reason)
{
	FILE *out = fopen(file, "w");
	int r;

	cr_assert_not_null(out, "%s", file);
	r = result ? loss_report_json(&tool, input, result, out)
		   : loss_report_json_failure(&tool, input, reason, out);
	fclose(out);
	return r;
}

static json_t *json_of(const struct salvage_result *result)
{
	cr_assert_eq(write_to(path, "disk", result, NULL), 0);
	return load();
}

/* The value at keys and indexes that dots part, such as "losses.0.end". */
static json_t *at(json_t *value, const char *keys)
{
	char word[80];
	size_t nr;

	for (; *keys; keys += nr + (keys[nr] == '.')) {
		nr = strcspn(keys, ".");
		snprintf(word, sizeof(word), "%.*s", (int)nr, keys);
		value = json_is_array(value) ? json_array_get(value, (size_t)atoi(word))
					     : json_object_get(value, word);
		cr_assert_not_null(value, "no %s", word);
	}
	return value;
}

static void expect_number(json_t *object, const char *keys, json_int_t value)
{
	json_t *got = at(object, keys);

	cr_expect(json_is_integer(got) && json_integer_value(got) == value, "%s is %lld", keys,
		  (long long)json_integer_value(got));
}

static void expect_text(json_t *object, const char *keys, const char *value)
{
	const char *got = json_string_value(at(object, keys));

	cr_expect(got && !strcmp(got, value), "%s is %s", keys, got ? got : "no text");
}

/* Every number of the result has its place, and none that of another. */
Test(loss_report, json_summary)
{
	static const char *const names[] = {
		"nodes_put_back",
		"blocks_out_of_place",
		"blocks_unreadable",
		"blocks_not_current",
		"deleted_devices_left_out",
		"guessed",
		"snapshotted_times_raised",
		"mapping_root",
		"details_root",
		"single_mappings_left_out",
		"losses_left_out",
		"loss_devices_left_out",
		"homeless_pieces",
		"homeless_mappings",
	};
	struct salvage_result result = { 0 };
	uint64_t *const numbers[] = {
		&result.nr_adopted,
		&result.nr_strays,
		&result.nr_unreadable,
		&result.nr_stale,
		&result.nr_gone,
		&result.nr_guessed,
		&result.nr_raised,
		&result.mapping_root,
		&result.details_root,
		&result.nr_dropped,
		&result.nr_losses_left_out,
		&result.nr_shares_left_out,
		&result.nr_homeless,
		&result.nr_homeless_mappings,
	};
	json_t *object;

	for (size_t n = 0; n < ARRAY_SIZE(numbers); n++)
		*numbers[n] = 1000 + n;
	result.per_finding[FINDING_BLOCK_CHECKSUM] = 5;
	object = json_of(&result);
	for (size_t n = 0; n < ARRAY_SIZE(numbers); n++)
		expect_number(at(object, "summary"), names[n], (json_int_t)(1000 + n));
	expect_text(object, "tool", "tool");
	expect_text(object, "version", THINMEND_VERSION);
	expect_text(object, "input", "disk");
	cr_expect(json_is_null(at(object, "error")));
	expect_number(object, "findings.block-checksum", 5);
	cr_expect_eq(json_object_size(at(object, "findings")), 1);
	cr_expect_eq(json_array_size(at(object, "losses")), 0);
	cr_expect_eq(json_array_size(at(object, "devices")), 0);
	cr_expect(json_is_true(at(object, "summary.anything_lost")));
	json_decref(object);
}

Test(loss_report, json_flags)
{
	static const char *const names[] = { "contradicts_itself", "older_commit",
					     "superblock_found_again", "data_blocks_lost" };

	for (size_t n = 0; n < ARRAY_SIZE(names); n++) {
		const struct salvage_result result = { .contradicts_itself = n == 0,
						       .older = n == 1,
						       .superblock_found_out = n == 2,
						       .nr_data_blocks_lost = n == 3 };
		json_t *object = json_of(&result);

		for (size_t m = 0; m < ARRAY_SIZE(names); m++)
			cr_expect_eq(json_is_true(at(at(object, "summary"), names[m])), n == m,
				     "%s", names[m]);
		cr_expect_eq(json_is_true(at(object, "summary.anything_lost")), n < 2);
		json_decref(object);
	}
}

Test(loss_report, json_devices)
{
	static const char *const evidence[] = { NULL,      "numbers",   "only-way",
						"version", "agreement", "likelihood" };
	struct salvaged_device devices[6];
	const struct salvage_result result = { .devices = devices, .nr_devices = 6 };
	json_t *object;

	for (unsigned int n = 0; n < 6; n++)
		devices[n] = (struct salvaged_device){ .id = 10 + n,
						       .nr_expected = n ? 20 : UINT64_MAX,
						       .nr_mappings = 20 - n,
						       .rebuilt_details = n == 1,
						       .matched_root = n == 2,
						       .evidence = (enum salvage_evidence)n };
	object = json_of(&result);
	for (unsigned int n = 0; n < 6; n++) {
		json_t *device = json_array_get(at(object, "devices"), n);

		expect_number(device, "device", 10 + n);
		expect_number(device, "kept", 20 - n);
		if (n)
			expect_number(device, "expected", 20);
		else
			cr_expect(json_is_null(at(device, "expected")), "it is not known");
		cr_expect_eq(json_is_true(at(device, "details_rebuilt")), n == 1);
		cr_expect_eq(json_is_true(at(device, "tree_found_again")), n == 2);
		if (evidence[n])
			expect_text(device, "tree_evidence", evidence[n]);
		else
			cr_expect(json_is_null(at(device, "tree_evidence")));
	}
	expect_number(object, "summary.devices", 6);
	expect_number(object, "summary.mappings", 105);
	expect_number(object, "summary.mappings_lost", 15);
	expect_number(object, "summary.devices_hit", 5);
	expect_number(object, "summary.devices_with_more_than_expected", 0);
	json_decref(object);
}

/* Who shares a loss stands with it; an end that is open, or a block that nobody knows, is null. */
Test(loss_report, json_losses)
{
	struct salvage_loss losses[] = { { 17, 3, 0, RANGE_OPEN },
					 { NO_BLOCK, NO_DEVICE, 5, 9 },
					 { 19, 4, 1, 2 } };
	struct salvage_share shares[] = { { 1, 7 }, { 1, 8 }, { 2, 9 } };
	struct salvage_adoption adoption = { 30, 31, 2, NO_DEVICE, EVIDENCE_ONLY_WAY };
	const struct salvage_result result = { .losses = losses,
					       .nr_losses = 3,
					       .shares = shares,
					       .nr_shares = 3,
					       .adoptions = &adoption,
					       .nr_adoptions = 1 };
	json_t *object = json_of(&result);

	cr_expect_eq(json_array_size(at(object, "losses")), 3);
	expect_number(object, "losses.0.block", 17);
	expect_number(object, "losses.0.begin", 0);
	cr_expect(json_is_null(at(object, "losses.0.end")));
	cr_expect_eq(json_array_size(at(object, "losses.0.devices")), 1);
	expect_number(object, "losses.0.devices.0", 3);
	cr_expect(json_is_null(at(object, "losses.1.block")));
	expect_number(object, "losses.1.end", 9);
	cr_expect_eq(json_array_size(at(object, "losses.1.devices")), 2);
	expect_number(object, "losses.1.devices.0", 7);
	expect_number(object, "losses.1.devices.1", 8);
	cr_expect_eq(json_array_size(at(object, "losses.2.devices")), 2);
	expect_number(object, "losses.2.devices.0", 4);
	expect_number(object, "losses.2.devices.1", 9);
	expect_number(object, "put_back.0.block", 30);
	expect_number(object, "put_back.0.first_child", 31);
	expect_number(object, "put_back.0.children", 2);
	cr_expect(json_is_null(at(object, "put_back.0.device")));
	expect_text(object, "put_back.0.evidence", "only-way");
	json_decref(object);
}

/* Names of files need not be UTF-8, JSON is. */
Test(loss_report, json_of_a_failure)
{
	json_t *object;

	cr_assert_eq(write_to(path, "disk", NULL, "no trees are left"), 0);
	object = load();
	expect_text(object, "error", "no trees are left");
	expect_text(object, "input", "disk");
	json_decref(object);

	cr_assert_eq(write_to(path, "a\xff", NULL, "a\xff: no"), 0);
	object = load();
	expect_text(object, "input", "a\\xff");
	expect_text(object, "error", "a\\xff: no");
	json_decref(object);
}

Test(loss_report, json_that_cannot_be_written)
{
	const struct salvage_result result = { 0 };

	cr_expect_eq(write_to("/dev/full", "disk", &result, NULL), -ENOSPC);
	cr_expect_eq(write_to("/dev/full", "disk", NULL, "x"), -ENOSPC);
}
