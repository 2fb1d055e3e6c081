/* SPDX-License-Identifier: MIT
 * test_named_storage.c: outputs that would overwrite what a command line names; disks that may be
 * written over.
 */
#include "tests/support/made_devices.h"

#include "common/base/alloc.h"
#include "common/tool/named_storage.h"
#include "common/tool/output_file.h"
#include "common/tool/tool.h"
#include "tests/support/alloc_fault.h"
#include "tests/support/capture.h"

TestSuite(named_storage, .init = make_devices, .fini = remove_devices);

/* ---- what a command line names */

static const struct tool tool = { .name = "tool" };
static const struct tool failing = { .name = "tool", .failure = 3 };

/* What is said, and *ret_status, where standard output or error is the file at `stream`. */
static char *check_names(const struct named_storage *n, int *ret_status)
{
	struct capture c = capture_begin(stderr);

	*ret_status = named_storage_check(n, &tool);
	return capture_end(&c);
}

static void expect_names(const struct named_file *files, size_t nr, int wanted, const char *words)
{
	struct named_storage n = { 0 };
	int status;
	char *text;

	for (size_t i = 0; i < nr; i++)
		cr_assert_eq(named_storage_add(&n, &tool, files[i].is_output, files[i].option,
					       files[i].path),
			     STATUS_NONE);
	cr_expect_eq(n.nr, nr);
	text = check_names(&n, &status);
	cr_expect_eq(status, wanted, "%d: %s", status, text);
	cr_expect(wanted == STATUS_NONE ? !*text : strstr(text, words) != NULL, "%s", text);
	cr_expect(!*text || strchr(text, '\n') == text + strlen(text) - 1, "one line: %s", text);
	free(text);
	named_storage_destroy(&n);
	cr_expect(!n.files && !n.nr);
}

Test(named_storage, names_that_are_the_same)
{
	const struct named_file in_a = { false, NULL, file_a };
	const struct named_file option_a = { false, "input", file_a };
	const struct named_file out_link = { true, "output", link_a };
	const struct named_file report_link = { true, "report", link_a };
	const struct named_file out_b = { true, "output", file_b };
	const struct named_file out_new = { true, "output", "/none" };

	expect_names((const struct named_file[]){ in_a, out_b }, 2, STATUS_NONE, "");
	expect_names((const struct named_file[]){ in_a, option_a, in_a }, 3, STATUS_NONE, "");
	expect_names((const struct named_file[]){ in_a, out_new }, 2, STATUS_NONE, "");
	expect_names((const struct named_file[]){ in_a, out_link }, 2, STATUS_USAGE,
		     "would overwrite the input: it is the same storage as /tmp");
	expect_names((const struct named_file[]){ out_link, in_a }, 2, STATUS_USAGE,
		     "tool: --output /tmp");
	expect_names((const struct named_file[]){ option_a, out_b, report_link }, 3, STATUS_USAGE,
		     "would overwrite --input /tmp");
	expect_names((const struct named_file[]){ out_link, report_link }, 2, STATUS_USAGE,
		     "would overwrite --output /tmp");
	/* An option that was given twice. */
	expect_names((const struct named_file[]){ in_a, out_b, out_b }, 3, STATUS_NONE, "");
}

/* "-" is standard input of an input alone. */
Test(named_storage, standard_input)
{
	const struct named_file files[] = { { false, "input", "-" }, { true, "output", file_a } };
	char here[400];
	int fd = open(file_a, O_RDONLY), saved = dup(STDIN_FILENO);

	cr_assert_eq(dup2(fd, STDIN_FILENO), STDIN_FILENO);
	expect_names(files, 2, STATUS_USAGE, "would overwrite --input -:");
	cr_assert_not_null(getcwd(here, sizeof(here)));
	cr_assert_eq(chdir(root), 0);
	put("/-", "");
	expect_names((const struct named_file[]){ files[0], { true, "output", "-" } }, 2,
		     STATUS_NONE, "");
	cr_assert_eq(chdir(here), 0);
	dup2(saved, STDIN_FILENO);
	close(saved);
	close(fd);
}

Test(named_storage, standard_output_and_error)
{
	const struct named_file input = { false, NULL, file_a };
	struct named_storage n = { 0 };
	int fd = open(link_a, O_WRONLY | O_APPEND), saved, status;
	struct stat st;

	fflush(stdout);
	saved = dup(STDOUT_FILENO);
	cr_assert_eq(dup2(fd, STDOUT_FILENO), STDOUT_FILENO);
	expect_names(&input, 1, STATUS_USAGE, "standard output would overwrite the input");
	/* It is no input: what is written twice is another check's. */
	expect_names((const struct named_file[]){ { true, "output", file_a } }, 1, STATUS_NONE, "");
	dup2(saved, STDOUT_FILENO);
	close(saved);

	cr_assert_eq(named_storage_add(&n, &tool, false, NULL, file_a), STATUS_NONE);
	saved = dup(STDERR_FILENO);
	cr_assert_eq(dup2(fd, STDERR_FILENO), STDERR_FILENO);
	status = named_storage_check(&n, &tool);
	dup2(saved, STDERR_FILENO);
	cr_expect_eq(status, STATUS_USAGE);
	cr_expect(!stat(file_a, &st) && st.st_size == 1, "nothing is said there");
	close(STDERR_FILENO);
	status = named_storage_check(&n, &tool);
	dup2(saved, STDERR_FILENO);
	cr_expect_eq(status, STATUS_NONE);
	close(saved);
	close(fd);
	named_storage_destroy(&n);
}

Test(named_storage, names_without_memory)
{
	struct named_storage n = { 0 };
	struct capture c = capture_begin(stderr);
	int fd = open(file_b, O_WRONLY), saved = dup(STDOUT_FILENO), status[5];
	char *text;

	alloc_fault_set(0);
	status[0] = named_storage_add(&n, &tool, false, NULL, file_a);
	alloc_fault_set(0);
	status[1] = named_storage_add(&n, &failing, false, NULL, file_a);
	alloc_fault_clear();
	status[2] = named_storage_add(&n, &tool, false, NULL, file_a);
	/* Standard output is compared, then an output is, too. */
	fflush(stdout);
	dup2(fd, STDOUT_FILENO);
	alloc_fault_set(0);
	status[3] = named_storage_check(&n, &failing);
	dup2(saved, STDOUT_FILENO);
	alloc_fault_clear();
	if (named_storage_add(&n, &tool, true, "output", file_b) == STATUS_NONE)
		alloc_fault_set(0);
	status[4] = named_storage_check(&n, &failing);
	alloc_fault_clear();
	text = capture_end(&c);
	cr_expect(status[0] == STATUS_BAD && status[1] == 3 && status[2] == STATUS_NONE);
	cr_expect(status[3] == 3 && status[4] == 3, "%d %d", status[3], status[4]);
	cr_expect_str_eq(text, "tool: Cannot allocate memory\ntool: Cannot allocate memory\n"
			       "tool: Cannot allocate memory\ntool: Cannot allocate memory\n");
	free(text);
	close(fd);
	close(saved);
	named_storage_destroy(&n);
}

/* A loop device on an input is that input. */
Test(named_storage, devices_that_are_the_same)
{
	const struct named_file in_a = { false, NULL, file_a };
	const struct named_file on_a = { true, "output", "/dev/loop0" };
	const struct named_file on_b = { true, "output", "/dev/loop1" };

	(void)add_loop(0, file_a, 0, 0);
	(void)add_loop(1, file_b, 0, 0);
	expect_names((const struct named_file[]){ in_a, on_b }, 2, STATUS_NONE, "");
	expect_names((const struct named_file[]){ in_a, on_a }, 2, STATUS_USAGE,
		     "--output /dev/loop0 would overwrite the input");
}

/* ---- disks that may be written over */

Test(named_storage, disks_are_no_place_for_an_output)
{
	static const struct output_mark mark = { "<superblock", NULL };
	const struct device *d = add_device("sda", makedev(8, 0), "sda");
	struct output_file f;
	struct out_fault fault;

	cr_expect_eq(output_file_place(d->path, false, &mark, 1, &f, &fault), -EEXIST);
	cr_expect_str_eq(fault.text, OUTPUT_IS_DEVICE);
	cr_expect_eq(output_file_end(&f, 0), 0);
	cr_expect_eq(output_file_place(d->path, true, &mark, 1, &f, &fault), 0);
	cr_expect_eq(output_file_end(&f, 0), 0);
}
