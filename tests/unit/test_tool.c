/* SPDX-License-Identifier: MIT
 * test_tool.c: command lines, reports as text and as JSON, progress, names of files.
 */
#include <criterion/criterion.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "common/base/alloc.h"
#include "common/base/number.h"
#include "common/thin/describe.h"
#include "common/tool/dm_busy.h"
#include "common/tool/progress_terminal.h"
#include "common/tool/report_json.h"
#include "common/tool/report_text.h"
#include "common/tool/same_storage.h"
#include "common/tool/tool.h"
#include "tests/support/leaks.h"

TestSuite(tool, .fini = fail_on_leaks);

/* ---- command lines */

enum { OPT_NUMBER = 1, OPT_QUIET, OPT_QUICK };

static const struct tool_option options[] = {
	{ OPT_NUMBER, "number", 'n', ARGUMENT_REQUIRED, "NUM", "a number" },
	{ OPT_QUIET, "quiet", 'q', ARGUMENT_NONE, NULL, "be quiet" },
	{ OPT_QUICK, "quick", 0, ARGUMENT_OPTIONAL, "HOW", NULL },
};
static const struct tool_conflict conflicts[] = { { OPT_NUMBER, OPT_QUIET } };
static const struct tool tool = { .name = "tool",
				  .summary = "Try the parser",
				  .input = "{file}",
				  .options = options,
				  .nr_options = ARRAY_SIZE(options),
				  .conflicts = conflicts,
				  .nr_conflicts = ARRAY_SIZE(conflicts) };
static const struct tool no_input = { .name = "tool",
				      .summary = "Try the parser",
				      .usage = "-n NUM",
				      .options = options,
				      .nr_options = ARRAY_SIZE(options) };

struct taken {
	uint64_t number;
	bool quiet, quick;
	const char *how;
};

static int take(void *context, const struct tool_option *option, const char *argument)
{
	struct taken *t = context;

	if (option->id == OPT_NUMBER)
		return take_number(&tool, option, argument, 1, 100, &t->number);
	if (option->id == OPT_QUICK)
		t->quick = true;
	else
		t->quiet = true;
	t->how = option->id == OPT_QUICK ? argument : t->how;
	return STATUS_NONE;
}

/* Parses words parted by blanks. */
static int parse(const struct tool *which, const char *line, struct taken *t, char **ret_input)
{
	static char copy[200];
	char *argv[20] = { copy };
	const char *input = NULL;
	int argc = 0, status;

	snprintf(copy, sizeof(copy), "tool %s", line);
	for (char *word = strtok(copy, " "); word; word = strtok(NULL, " "))
		argv[argc++] = strcmp(word, "''") ? word : word + 2;
	argv[argc] = NULL;
	*t = (struct taken){ .number = 0 };
	optind = 0;
	status = tool_parse(which, argc, argv, take, t, &input);
	*ret_input = input ? strdup(input) : NULL;
	return status;
}

Test(tool, command_lines)
{
	static const struct {
		const char *line;
		int status;
		uint64_t number;
		bool quiet, quick;
	} cases[] = {
		{ "file", STATUS_NONE, 0, false, false },
		{ "-n 5 file", STATUS_NONE, 5, false, false },
		{ "-n5 file", STATUS_NONE, 5, false, false },
		{ "file --number=100", STATUS_NONE, 100, false, false },
		{ "--numb 7 file", STATUS_NONE, 7, false, false },
		{ "-q --quick file", STATUS_NONE, 0, true, true },
		{ "--quick=x file", STATUS_NONE, 0, false, true },
		{ "-q -- file", STATUS_NONE, 0, true, false },
		{ "", STATUS_USAGE, 0, false, false },
		{ "file more", STATUS_USAGE, 0, false, false },
		{ "-x file", STATUS_USAGE, 0, false, false },
		{ "--qui file", STATUS_USAGE, 0, false, false },
		{ "--nothing file", STATUS_USAGE, 0, false, false },
		{ "--quiet=1 file", STATUS_USAGE, 0, false, false },
		{ "-n", STATUS_USAGE, 0, false, false },
		{ "-n 0 file", STATUS_USAGE, 0, false, false },
		{ "-n 101 file", STATUS_USAGE, 0, false, false },
		{ "-n 1x file", STATUS_USAGE, 0, false, false },
		{ "-n 3 -q file", STATUS_USAGE, 3, true, false },
		{ "-h", STATUS_OK, 0, false, false },
		{ "--version", STATUS_OK, 0, false, false },
	};

	for (size_t n = 0; n < ARRAY_SIZE(cases); n++) {
		struct taken t;
		char *input;
		int status = parse(&tool, cases[n].line, &t, &input);

		cr_expect_eq(status, cases[n].status, "%s: %d", cases[n].line, status);
		cr_expect(t.number == cases[n].number && t.quiet == cases[n].quiet &&
				  t.quick == cases[n].quick,
			  "%s", cases[n].line);
		cr_expect(status != STATUS_NONE || !strcmp(input, "file"), "%s", cases[n].line);
		free(input);
	}
}

Test(tool, command_lines_without_input)
{
	struct taken t;
	char *input;

	cr_expect_eq(parse(&no_input, "-n 5", &t, &input), STATUS_NONE);
	cr_expect_eq(parse(&no_input, "'' -n 5 ''", &t, &input), STATUS_NONE, "LVM passes ''");
	cr_expect_eq(t.number, 5);
	cr_expect_eq(parse(&no_input, "-n 5 file", &t, &input), STATUS_USAGE);
}

Test(tool, numbers)
{
	uint64_t v = 7;

	cr_expect(parse_u64("0", &v) && v == 0);
	cr_expect(parse_u64("18446744073709551615", &v) && v == UINT64_MAX);
	cr_expect_not(parse_u64("18446744073709551616", &v));
	cr_expect_not(parse_u64("", &v) || parse_u64("-1", &v) || parse_u64("+1", &v) ||
		      parse_u64(" 1", &v) || parse_u64("1 ", &v) || parse_u64("0x1", &v));
}

Test(tool, numbers_that_others_follow)
{
	static const char *const none[] = { "",
					    "x",
					    "8",
					    "8:",
					    ":1",
					    "-8:1",
					    "8 :1",
					    "8: 1",
					    "8:-1",
					    "4294967296:0",
					    "0:4294967296",
					    "a:1",
					    "8.1",
					    "99999999999999999999:1" };
	uint64_t v = 7;
	dev_t d = 7;
	const char *end;

	end = parse_u64_prefix("128 0 0", &v);
	cr_expect(end && !strcmp(end, " 0 0") && v == 128);
	cr_expect_null(parse_u64_prefix(" 1", &v));
	cr_expect_null(parse_u64_prefix("18446744073709551616 ", &v));
	cr_expect_eq(v, 128);
	end = parse_device_prefix("253:17 2048", &d);
	cr_expect(end && !strcmp(end, " 2048") && d == makedev(253, 17));
	end = parse_device_prefix("4294967295:4294967295", &d);
	cr_expect(end && !*end && d == makedev(UINT32_MAX, UINT32_MAX));
	for (size_t i = 0; i < ARRAY_SIZE(none); i++)
		cr_expect_null(parse_device_prefix(none[i], &d), "%s", none[i]);
	cr_expect_eq(d, makedev(UINT32_MAX, UINT32_MAX));
}

/* ---- reports */

static void sample_report(struct report *r)
{
	struct affected a[] = {
		{ .device = 3, .unit = RANGE_THIN_BLOCKS, .begin = 5, .end = 9, .mappings = 4 },
		{ .device = 4, .unit = RANGE_THIN_BLOCKS, .begin = 7, .end = RANGE_OPEN },
	};
	struct affected block = {
		.device = NO_DEVICE, .unit = RANGE_DATA_BLOCKS, .begin = 1, .end = 2
	};
	struct finding f = { .id = FINDING_BLOCK_CHECKSUM,
			     .tree = "mapping tree",
			     .block = 17,
			     .affected = a,
			     .nr_affected = 2 };
	struct finding leak = { .id = FINDING_BLOCK_LEAKED,
				.tree = "data space map bitmap",
				.block = NO_BLOCK,
				.found = 1,
				.affected = &block,
				.nr_affected = 1 };

	report_init(r);
	report_finding(r, &leak, "a %s", "leak");
	report_finding(r, &f, "bad checksum");
	report_sort(r);
}

Test(tool, report_as_text)
{
	struct report r;
	char *text = NULL;
	size_t bytes;
	FILE *out = open_memstream(&text, &bytes);

	sample_report(&r);
	report_print_text(&r, out);
	fclose(out);
	cr_expect_str_eq(text,
			 "fatal: mapping tree, block 17: bad checksum [block-checksum]\n"
			 "    device 3: thin blocks 5 to 8 (about 4 mappings)\n"
			 "    device 4: thin blocks 7 and above\n"
			 "non-fatal: data space map bitmap: a leak; data block 1 [block-leaked]\n");
	free(text);
	report_destroy(&r);
}

Test(tool, report_as_json)
{
	struct check_result result = { .has_superblock = false };
	struct report r;
	struct json_report j = { .tool = "tool",
				 .version = "1.2.3",
				 .input = "bad \xff name",
				 .report = &r,
				 .result = &result,
				 .exit_status = 1 };
	char *text = NULL;
	size_t bytes;
	FILE *out = open_memstream(&text, &bytes);

	sample_report(&r);
	for (int n = 0; n < REPORT_MAX_PER_ID + 5; n++) {
		struct finding f = { .id = FINDING_NODE_PADDING, .tree = "x", .block = NO_BLOCK };

		report_finding(&r, &f, "padding");
	}
	cr_expect_eq(report_print_json(&j, out), 0);
	fclose(out);
	for (const char *const *want =
		     (const char *const[]){ "\"input\": \"", "\"superblock\": null",
					    "\"id\": \"block-checksum\"", "\"end\": null",
					    "\"block\": 17", "\"worst\": \"fatal\"",
					    "\"node-padding\": 1005", "\"findings_left_out\": 5",
					    "\"exit_status\": 1", NULL };
	     *want; want++)
		cr_expect(strstr(text, *want), "no %s", *want);
	free(text);
	report_destroy(&r);
}

/* However much there is to say, a report stays small; what is left out is counted. */
Test(tool, reports_are_bounded)
{
	struct affected *many = alloc_array(20000, sizeof(*many));
	struct finding f = { .id = FINDING_BLOCK_CHECKSUM,
			     .tree = "x",
			     .block = 1,
			     .affected = many,
			     .nr_affected = 20000 };
	struct report r;
	size_t kept = 0, left_out = 0;

	report_init(&r);
	for (int n = 0; n < 100; n++)
		report_finding(&r, &f, "x");
	for (size_t n = 0; n < r.nr_findings; n++) {
		kept += r.findings[n].nr_affected;
		left_out += r.findings[n].nr_affected_left_out;
	}
	cr_expect_eq(kept, REPORT_MAX_AFFECTED_TOTAL);
	cr_expect_eq(kept + left_out, 100 * 20000);
	report_destroy(&r);
	alloc_free(many);
}

Test(tool, every_finding_has_words)
{
	char text[160];

	for (int id = 0; id < NR_FINDINGS; id++) {
		const char *words = finding_describe((enum finding_id)id, 1, 2, text, sizeof(text));

		cr_expect(*words);
		cr_expect(id == FINDING_MAPPING_SHARED ||
				  strcmp(words, finding_type((enum finding_id)id)->id) != 0,
			  "%s", words);
	}
}

/* ---- progress: on a terminal only, and not at once */

Test(tool, progress_on_a_terminal)
{
	int terminal = posix_openpt(O_RDWR | O_NOCTTY), saved = dup(STDERR_FILENO), other;
	struct progress_terminal p;
	struct progress *progress;
	char text[256] = "";
	size_t n = 0;

	if (terminal < 0)
		return;
	cr_assert_eq(grantpt(terminal) | unlockpt(terminal), 0);
	other = open(ptsname(terminal), O_RDWR | O_NOCTTY);
	cr_assert_geq(other, 0);
	dup2(other, STDERR_FILENO);
	progress = progress_terminal_begin(&p, "tool", false);
	progress_phase(progress, "too early");
	p.started.tv_sec -= 10;
	progress_phase(progress, "mappings");
	p.last.tv_sec -= 10;
	progress_at(progress, 7, 9);
	progress_terminal_end(&p);
	dup2(saved, STDERR_FILENO);
	close(other);
	cr_assert_not_null(progress);
	/* It comes in pieces, and ends with an error where nobody has the other end open. */
	for (ssize_t r; (r = read(terminal, text + n, sizeof(text) - 1 - n)) > 0;)
		n += (size_t)r;
	text[n] = '\0';
	cr_expect(strstr(text, "tool: mappings") && strstr(text, "mappings: 7 of 9 blocks"));
	cr_expect_not(strstr(text, "too early"));
	close(terminal);
	close(saved);
}

Test(tool, no_progress_for_nobody)
{
	struct progress_terminal p;
	int null = open("/dev/null", O_WRONLY), saved = dup(STDERR_FILENO);
	struct progress *progress;

	dup2(null, STDERR_FILENO);
	progress = progress_terminal_begin(&p, "tool", false);
	dup2(saved, STDERR_FILENO);
	cr_expect_null(progress);
	cr_expect_null(progress_terminal_begin(&p, "tool", true));
	close(null);
	close(saved);
}

Test(tool, files_and_who_uses_them)
{
	char a[] = "/tmp/test_tool.XXXXXX", b[64], user[64] = "x";
	int fd = mkstemp(a);

	cr_assert_geq(fd, 0);
	snprintf(b, sizeof(b), "%s.link", a);
	cr_assert_eq(link(a, b), 0);
	cr_expect(same_storage(a, b));
	cr_expect_not(same_storage(a, "/dev/null"));
	cr_expect_not(same_storage(a, "/no/such/file"));
	cr_expect_not(same_storage("-", a));
	dm_who_uses(a, user, sizeof(user));
	cr_expect_str_eq(user, "");
	unlink(a);
	unlink(b);
	close(fd);
}
