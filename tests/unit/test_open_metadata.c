/* SPDX-License-Identifier: MIT
 * test_open_metadata.c: what is taken for metadata, and what is said of everything else.
 */
#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/base/alloc.h"
#include "common/tool/open_metadata.h"
#include "tests/support/alloc_fault.h"
#include "tests/support/capture.h"
#include "tests/support/image.h"
#include "tests/support/leaks.h"

TestSuite(open_metadata, .fini = fail_on_leaks);

static const struct tool tool = { .name = "tool" };
static const char path[] = "build/open-metadata";

typedef int (*open_fn)(const char *name, bool quiet, struct block_engine **ret_engine);

static int strictly(const char *name, bool quiet, struct block_engine **ret_engine)
{
	return open_metadata(&tool, name, OPEN_READ, quiet, ret_engine);
}

static int any_blocks(const char *name, bool quiet, struct block_engine **ret_engine)
{
	return open_any_blocks(&tool, name, OPEN_READ, quiet, ret_engine);
}

static int for_output(const char *name, bool quiet, struct block_engine **ret_engine)
{
	return open_output(&tool, name, quiet, ret_engine);
}

/* Opened, with nothing said. */
static void expect_taken(open_fn fn, const char *name, uint64_t nr_blocks)
{
	struct capture c = capture_begin(stderr);
	struct block_engine *e = NULL;
	int status = fn(name, false, &e);
	char *text = capture_end(&c);

	cr_expect_eq(status, STATUS_NONE, "%s: %d: %s", name, status, text);
	cr_expect_str_eq(text, "");
	cr_expect(e && e->nr_blocks == nr_blocks);
	block_engine_destroy(e);
	free(text);
}

/* Refused in one line that has these words, and, when quiet, without any. */
static void expect_refused(open_fn fn, const char *name, const char *words)
{
	for (int quiet = 0; quiet < 2; quiet++) {
		struct capture c = capture_begin(stderr);
		struct block_engine *e = NULL;
		int status = fn(name, quiet, &e);
		char *text = capture_end(&c), start[100];
		const char *end = strchr(text, '\n');

		cr_expect_eq(status, STATUS_BAD, "%s: %d", name, status);
		if (quiet) {
			cr_expect_str_eq(text, "");
		} else {
			snprintf(start, sizeof(start), "tool: %s: ", name);
			cr_expect(!strncmp(text, start, strlen(start)), "%s", text);
			cr_expect(strstr(text, words), "no '%s' in: %s", words, text);
			cr_expect(end && !end[1], "one line: %s", text);
		}
		free(text);
	}
}

/* A file of nr_bytes, zeros but for these bytes at offset. */
static void put_file(size_t nr_bytes, size_t offset, const char *bytes, size_t nr)
{
	int fd = open(path, O_RDWR | O_CREAT | O_TRUNC, 0600);

	cr_assert_geq(fd, 0);
	cr_assert_eq(ftruncate(fd, (off_t)nr_bytes), 0);
	cr_assert_eq(pwrite(fd, bytes, nr, (off_t)offset), (ssize_t)nr);
	close(fd);
}

/* ---- names that lead nowhere */

Test(open_metadata, what_cannot_be_opened)
{
	static const open_fn fns[] = { strictly, any_blocks, for_output };

	unlink("build/open-fifo");
	unlink("build/open-loop");
	cr_assert_eq(mkfifo("build/open-fifo", 0600), 0);
	cr_assert_eq(symlink("open-loop", "build/open-loop"), 0);
	for (size_t n = 0; n < ARRAY_SIZE(fns); n++) {
		expect_refused(fns[n], "build/not-there", "find");
		expect_refused(fns[n], "build", "directory");
		expect_refused(fns[n], "/dev/null", "block device");
		expect_refused(fns[n], "build/open-fifo", "block device");
		expect_refused(fns[n], "build/open-loop", strerror(ELOOP));
	}
	expect_refused(strictly, "build/not-there", "input");
	expect_refused(for_output, "build/not-there", "output");
	unlink("build/open-fifo");
	unlink("build/open-loop");
}

/* ---- metadata, however damaged */

Test(open_metadata, metadata)
{
	struct image i = image_load("basic");

	image_save_file(&i, path);
	expect_taken(strictly, path, i.nr_blocks);
	expect_taken(any_blocks, path, i.nr_blocks);
	expect_taken(for_output, path, i.nr_blocks);

	/* A wrong checksum alone: the magic number says what it is. */
	image_set(&i, 0, 100, 4, 0xdeadbeef);
	image_save_file(&i, path);
	expect_taken(strictly, path, i.nr_blocks);

	/* A wrong magic number alone: the checksum does. */
	image_set_super(&i, SUPER_MAGIC, 8, 7);
	image_save_file(&i, path);
	expect_taken(strictly, path, i.nr_blocks);

	/* Both: only who takes any blocks takes it. */
	image_set(&i, 0, 100, 4, 0);
	image_save_file(&i, path);
	expect_refused(strictly, path, "superblock");
	expect_taken(any_blocks, path, i.nr_blocks);
	expect_taken(for_output, path, i.nr_blocks);
	unlink(path);
	image_destroy(&i);
}

/* ---- what is clearly something else */

Test(open_metadata, other_formats)
{
	static const struct {
		size_t offset;
		const char *bytes;
		size_t nr;
		const char *words;
	} cases[] = {
		{ 0, "\x1f\x8b\x08", 3, "gzip" },
		{ 0,
		  "\xfd"
		  "7zXZ\0",
		  6, "xz" },
		{ 0, "BZh91AY", 7, "bzip2" },
		{ 0, "\x28\xb5\x2f\xfd", 4, "zstd" },
		{ 0,
		  "\x7f"
		  "ELF\x02",
		  5, "program" },
		{ 0, "<superblock uuid", 16, "thin_restore" },
		{ 0, " \n\t<?xml", 8, "thin_restore" },
		{ 0, "\xef\xbb\xbf<superblock", 14, "thin_restore" },
		{ 512, "LABELONE", 8, "physical volume" },
		{ 1080, "\x53\xef", 2, "ext" },
		{ 0, "XFSB", 4, "XFS" },
	};

	for (size_t n = 0; n < ARRAY_SIZE(cases); n++) {
		put_file(3 * MD_BLOCK_SIZE, cases[n].offset, cases[n].bytes, cases[n].nr);
		expect_refused(strictly, path, cases[n].words);
		expect_refused(any_blocks, path, cases[n].words);
		cr_assert_not_null(what_no_metadata_is(path));
		cr_expect_not_null(strstr(what_no_metadata_is(path), cases[n].words));
		expect_taken(for_output, path, 3);
		/* Too short for metadata: what it is matters more. */
		if (cases[n].offset)
			continue;
		put_file(40, cases[n].offset, cases[n].bytes, cases[n].nr);
		expect_refused(strictly, path, cases[n].words);
		expect_refused(any_blocks, path, cases[n].words);
	}
	unlink(path);
}

/* What an earlier file system has left in metadata, or in their first block, makes them nothing
 * else. */
Test(open_metadata, metadata_are_no_other_format)
{
	struct image i = image_load("basic");

	cr_assert_not_null(strstr(what_no_metadata_is("/dev/null"), "empty"));
	cr_expect_null(what_no_metadata_is("build/not-there"));
	image_set(&i, 0, 1080, 2, 0xef53);
	image_seal(&i, 0, SALT_SUPERBLOCK);
	image_save_file(&i, path);
	cr_expect_null(what_no_metadata_is(path), "the checksum is right");
	image_set(&i, 0, 100, 4, 0xdeadbeef);
	image_save_file(&i, path);
	cr_expect_null(what_no_metadata_is(path), "the magic number is there");
	image_destroy(&i);
	put_file(3 * MD_BLOCK_SIZE, 0, "\xa5\x5a", 2);
	cr_expect_null(what_no_metadata_is(path), "damage is nothing that is known");
	put_file(100, 0, "\xa5\x5a", 2);
	cr_expect_not_null(strstr(what_no_metadata_is(path), "too small"));
	unlink(path);
}

/* Text, nothing at all, and what nobody can name. */
Test(open_metadata, no_format)
{
	char text[MD_BLOCK_SIZE + 1];

	memset(text, 'a', sizeof(text));
	text[100] = '\n';
	put_file(MD_BLOCK_SIZE, 0, text, MD_BLOCK_SIZE);
	expect_refused(strictly, path, "text file");
	expect_refused(any_blocks, path, "text file");
	put_file(5, 0, text, 5);
	expect_refused(strictly, path, "text file");

	put_file(MD_BLOCK_SIZE, 0, "", 0);
	expect_refused(strictly, path, "all zero");
	expect_taken(any_blocks, path, 1);

	text[50] = '\x01';
	put_file(MD_BLOCK_SIZE, 0, text, MD_BLOCK_SIZE);
	expect_refused(strictly, path, "there is no superblock");
	expect_taken(any_blocks, path, 1);

	put_file(0, 0, "", 0);
	expect_refused(strictly, path, "too small");
	expect_refused(any_blocks, path, "too small");
	put_file(MD_BLOCK_SIZE - 1, 0, "\x01", 1);
	expect_refused(strictly, path, "too small");
	unlink(path);
}

/* ---- memory */

/* Refused, but for the first: without libaio pread serves. */
Test(open_metadata, without_memory)
{
	struct image i = image_load("basic");
	bool failed = true;

	image_save_file(&i, path);
	for (uint64_t n = 0; failed; n++) {
		struct block_engine *e = NULL;
		int status;

		alloc_fault_set(n);
		status = strictly(path, true, &e);
		failed = alloc_fault_clear();
		cr_expect(status == (failed ? STATUS_BAD : STATUS_NONE) || n == 0, "%d", (int)n);
		block_engine_destroy(e);
		cr_assert_lt(n, 10);
	}
	unlink(path);
	image_destroy(&i);
}

/* What was written over the superblock hides no metadata: they are to be rescued. */
Test(open_metadata, metadata_behind_something_else)
{
	struct image i = image_load("basic");

	for (size_t at = 0; at < 512; at += 8)
		image_set(&i, 0, at, 8, 0);
	for (size_t n = 0; n < 8; n++)
		image_set(&i, 0, 512 + n, 1, (uint64_t) "LABELONE"[n]);
	image_save_file(&i, path);
	expect_taken(any_blocks, path, i.nr_blocks);
	expect_refused(strictly, path, "thin_repair");
	cr_expect_null(what_no_metadata_is(path));
	unlink(path);
	image_destroy(&i);
}
