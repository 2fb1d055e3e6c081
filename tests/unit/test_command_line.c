/* SPDX-License-Identifier: MIT
 * test_command_line.c: what a tool says of itself and of a wrong command line, and where it says
 * it; how it begins and ends.
 */
#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <stdio_ext.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/base/alloc.h"
#include "common/tool/pool_options.h"
#include "common/tool/tool.h"
#include "tests/support/alloc_fault.h"
#include "tests/support/capture.h"
#include "tests/support/leaks.h"

enum { OPT_NUMBER = 1, OPT_QUIET, OPT_QUICK, OPT_OLD, OPT_SIZE };

static const struct tool_option options[] = {
	{ OPT_NUMBER, "number", 'n', ARGUMENT_REQUIRED, "NUM", "a number" },
	{ OPT_QUIET, "quiet", 'q', ARGUMENT_NONE, NULL, "be quiet" },
	{ OPT_QUICK, "quick", 0, ARGUMENT_OPTIONAL, "HOW", "be quick" },
	{ OPT_OLD, "old-name", 0, ARGUMENT_NONE, NULL, NULL },
	{ OPT_SIZE, "size", 's', ARGUMENT_REQUIRED, "SECTORS", "size of a data block" },
};
static const struct tool_conflict conflicts[] = { { OPT_QUIET, OPT_QUICK },
						  { OPT_NUMBER, OPT_QUIET } };

static struct tool tool;
static uint32_t sectors;

static void tool_reset(void)
{
	tool = (struct tool){ .name = "tool",
			      .summary = "Try the parser",
			      .input = "{file}",
			      .options = options,
			      .nr_options = ARRAY_SIZE(options),
			      .conflicts = conflicts,
			      .nr_conflicts = ARRAY_SIZE(conflicts) };
}

TestSuite(command_line, .init = tool_reset, .fini = fail_on_leaks);

static int take(void *context, const struct tool_option *option, const char *argument)
{
	uint64_t number;

	(void)context;
	if (option->id == OPT_NUMBER)
		return take_number(&tool, option, argument, 1, 100, &number);
	if (option->id == OPT_SIZE)
		return take_data_block_size(&tool, option, argument, &sectors);
	return STATUS_NONE;
}

struct said {
	int status;
	char *out, *err; /* what was printed, for free() */
	const char *inputs[3];
};

/* Parses words parted by blanks. */
static struct said parse(const char *line)
{
	static char copy[200];
	char *argv[20] = { copy };
	struct said said = { .status = 0 };
	struct capture out, err;
	int argc = 0;

	snprintf(copy, sizeof(copy), "tool %s", line);
	for (char *word = strtok(copy, " "); word; word = strtok(NULL, " "))
		argv[argc++] = word;
	argv[argc] = NULL;
	optind = 0;
	out = capture_begin(stdout);
	err = capture_begin(stderr);
	said.status = tool_parse(&tool, argc, argv, take, NULL, said.inputs);
	said.err = capture_end(&err);
	said.out = capture_end(&out);
	return said;
}

static void forget(struct said *s)
{
	free(s->out);
	free(s->err);
}

/* ---- what is told */

Test(command_line, help)
{
	struct said s = parse("--help");

	cr_expect_eq(s.status, STATUS_OK);
	cr_expect_str_eq(s.err, "");
	cr_expect_str_eq(s.out,
			 "Try the parser\n\nUsage: tool [options] {file}\n\nOptions:\n"
			 "  -n, --number <NUM>                   a number\n"
			 "  -q, --quiet                          be quiet\n"
			 "      --quick[=<HOW>]                  be quick\n"
			 "  -s, --size <SECTORS>                 size of a data block\n"
			 "  -h, --help                           print this help\n"
			 "  -V, --version                        print the version\n",
			 "%s", s.out);
	forget(&s);

	tool.input = NULL;
	tool.usage = "-n NUM";
	tool.footer = "That is all.";
	s = parse("-h");
	cr_expect(strstr(s.out, "Usage: tool [options] -n NUM\n"), "%s", s.out);
	cr_expect(strstr(s.out, "version\n\nThat is all.\n"), "%s", s.out);
	forget(&s);
}

/* LVM reads the first line as three numbers. */
Test(command_line, version)
{
	static const char *const lines[] = { "-V", "--version", "--vers", "-q -V nonsense" };

	for (size_t n = 0; n < ARRAY_SIZE(lines); n++) {
		struct said s = parse(lines[n]);
		int major, minor, patch;

		cr_expect_eq(s.status, STATUS_OK);
		cr_expect_eq(sscanf(s.out, "%d.%d.%d\n", &major, &minor, &patch), 3, "%s", s.out);
		cr_expect_str_eq(s.err, "");
		forget(&s);
	}
}

/* One line on stderr that names the tool and what is wrong, and where help is. */
Test(command_line, wrong_usage)
{
	static const struct {
		const char *line, *words;
	} cases[] = {
		{ "", "arguments were not provided: {file}" },
		{ "file more", "'more'" },
		{ "-x file", "'-x'" },
		{ "-qx file", "'-x'" },
		{ "--nothing file", "'--nothing'" },
		{ "--nothing=1 file", "'--nothing=1'" },
		{ "--qui file", "ambiguous" },
		{ "--quiet=1 file", "'--quiet=1' takes no value" },
		{ "file -n", "'-n' needs a value" },
		{ "file --number", "'--number' needs a value" },
		{ "-n 0 file", "--number wants a number from 1 to 100, not '0'" },
		{ "-n 101 file", "not '101'" },
		{ "-n 7seven file", "not '7seven'" },
		{ "-n 5 -q file", "--number cannot be used with --quiet" },
		{ "--quick -q file", "--quiet cannot be used with --quick" },
		{ "-s 100 file", "--size" },
		{ "-s x file", "not 'x'" },
		{ "-s 2097280 file", "2097152" },
	};

	for (size_t n = 0; n < ARRAY_SIZE(cases); n++) {
		struct said s = parse(cases[n].line);
		const char *end = strchr(s.err, '\n');

		cr_expect_eq(s.status, STATUS_USAGE, "%s: %d", cases[n].line, s.status);
		cr_expect_str_eq(s.out, "", "%s", cases[n].line);
		cr_expect(!strncmp(s.err, "tool: ", 6) && strstr(s.err, "'tool --help'"), "%s",
			  s.err);
		cr_expect(strstr(s.err, cases[n].words), "%s: %s", cases[n].line, s.err);
		cr_expect(end && !end[1], "one line: %s", s.err);
		forget(&s);
	}
}

Test(command_line, data_block_sizes)
{
	static const struct {
		const char *line;
		uint32_t sectors;
	} cases[] = { { "-s 128 file", 128 },
		      { "-s 2097152 file", 2097152 },
		      { "-s384 file", 384 } };

	for (size_t n = 0; n < ARRAY_SIZE(cases); n++) {
		struct said s = parse(cases[n].line);

		cr_expect_eq(s.status, STATUS_NONE);
		cr_expect_eq(sectors, cases[n].sectors);
		forget(&s);
	}
}

Test(command_line, inputs)
{
	struct said s;

	tool.input_optional = true;
	s = parse("-q");
	cr_expect_eq(s.status, STATUS_NONE);
	cr_expect_null(s.inputs[0]);
	forget(&s);

	tool.max_inputs = 3;
	s = parse("a -q b -- -c");
	cr_expect_eq(s.status, STATUS_NONE);
	cr_expect_str_eq(s.inputs[0], "a");
	cr_expect_str_eq(s.inputs[1], "b");
	cr_expect_str_eq(s.inputs[2], "-c");
	forget(&s);
	s = parse("a b c d");
	cr_expect_eq(s.status, STATUS_USAGE);
	cr_expect(strstr(s.err, "'d'"), "%s", s.err);
	forget(&s);
}

/* ---- messages */

/* However a file is called: one line, and nothing that a terminal obeys. */
Test(command_line, a_message_is_one_line)
{
	struct capture c = capture_begin(stderr);
	char *text;

	tool_error(&tool, "%s: bad", "a\nb\033[1m\x7f\tc");
	text = capture_end(&c);
	cr_expect_str_eq(text, "tool: a\\x0ab\\x1b[1m\\x7f\\x09c: bad\n");
	free(text);
}

/* What was printed before comes before it, where both go to the same place. */
Test(command_line, messages_keep_their_order)
{
	struct capture c = capture_begin(stderr);
	int saved = dup(STDOUT_FILENO);
	char *text;

	cr_assert_eq(dup2(STDERR_FILENO, STDOUT_FILENO), STDOUT_FILENO);
	printf("first\n");
	tool_error(&tool, "second");
	dup2(saved, STDOUT_FILENO);
	close(saved);
	text = capture_end(&c);
	cr_expect_str_eq(text, "first\ntool: second\n");
	free(text);
}

Test(command_line, a_message_without_memory)
{
	struct capture c = capture_begin(stderr);
	char *text;

	alloc_fault_set(0);
	tool_error(&tool, "words");
	cr_expect_not(alloc_fault_clear(), "a message takes none");
	text = capture_end(&c);
	cr_expect_str_eq(text, "tool: words\n");
	free(text);
}

/* ---- beginning and end */

/* A descriptor that is closed must not become that of the metadata. */
Test(command_line, closed_streams_are_taken)
{
	int saved[3], fd;

	for (int n = 0; n < 3; n++) {
		saved[n] = dup(n);
		close(n);
	}
	tool_begin();
	fd = open("/dev/null", O_RDONLY);
	for (int n = 0; n < 3; n++) {
		const bool taken = fcntl(n, F_GETFD) >= 0;

		dup2(saved[n], n);
		close(saved[n]);
		cr_expect(taken, "descriptor %d", n);
	}
	cr_expect_gt(fd, STDERR_FILENO);
	close(fd);
}

Test(command_line, signals_become_errors)
{
	signal(SIGPIPE, SIG_DFL);
	signal(SIGXFSZ, SIG_DFL);
	tool_begin();
	cr_expect_eq(signal(SIGPIPE, SIG_DFL), SIG_IGN);
	cr_expect_eq(signal(SIGXFSZ, SIG_DFL), SIG_IGN);
}

/* Prints, and ends with stdout as fd; returns the status, and what was said. */
static int end_with(int fd, int status, char **ret_err)
{
	struct capture err = capture_begin(stderr);
	int saved;

	fflush(stdout);
	saved = dup(STDOUT_FILENO);
	cr_assert_eq(dup2(fd, STDOUT_FILENO), STDOUT_FILENO);
	printf("output");
	status = tool_end(&tool, status);
	dup2(saved, STDOUT_FILENO);
	close(saved);
	clearerr(stdout);
	__fpurge(stdout);
	*ret_err = capture_end(&err);
	return status;
}

Test(command_line, output_that_does_not_get_out)
{
	int full = open("/dev/full", O_WRONLY), null = open("/dev/null", O_WRONLY), ends[2];
	char *err;

	tool_begin();
	cr_expect_eq(end_with(null, STATUS_OK, &err), STATUS_OK);
	cr_expect_str_eq(err, "");
	free(err);
	cr_expect_eq(end_with(null, STATUS_BAD, &err), STATUS_BAD);
	free(err);
	cr_expect_eq(end_with(full, STATUS_OK, &err), STATUS_BAD);
	cr_expect(strstr(err, "tool: cannot write to standard output"), "%s", err);
	free(err);
	cr_expect_eq(end_with(full, STATUS_USAGE, &err), STATUS_USAGE);
	free(err);

	/* A reader that went away knows it; the status tells it nevertheless. */
	cr_assert_eq(pipe(ends), 0);
	close(ends[0]);
	cr_expect_eq(end_with(ends[1], STATUS_OK, &err), STATUS_BAD);
	cr_expect_str_eq(err, "");
	free(err);
	close(ends[1]);
	close(full);
	close(null);
}
