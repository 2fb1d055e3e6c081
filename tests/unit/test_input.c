/* SPDX-License-Identifier: MIT
 * test_input.c: text on its way in: files and pipes, plain and gzip'd, twice.
 */
#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>
#include <zlib.h>

#include "common/base/alloc.h"
#include "common/io/input.h"
#include "tests/support/alloc_fault.h"
#include "tests/support/leaks.h"

TestSuite(input, .fini = fail_on_leaks);

/* More than any buffer on the way, and no piece of it repeats. */
enum { TEXT_BYTES = 700001 };

static char path[64];

static uint8_t *text_make(void)
{
	uint8_t *text = alloc_array(TEXT_BYTES, 1);
	unsigned int seed = 5;

	cr_assert_not_null(text);
	for (size_t i = 0; i < TEXT_BYTES; i++)
		text[i] = (uint8_t)(rand_r(&seed) >> 8);
	text[0] = 'x'; /* no gzip */
	return text;
}

static void put_file(const void *bytes, size_t nr)
{
	int fd;

	strcpy(path, "build/input-XXXXXX");
	fd = mkstemp(path);
	cr_assert_geq(fd, 0);
	cr_assert_eq(write(fd, bytes, nr), (ssize_t)nr);
	close(fd);
}

/* A member of gzip; returns its size. */
static size_t pack(const void *bytes, size_t nr, uint8_t *room, size_t nr_room)
{
	z_stream z = { .next_in = (uint8_t *)(uintptr_t)bytes, .avail_in = (unsigned int)nr };
	size_t packed;

	cr_assert_eq(deflateInit2(&z, 6, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY), Z_OK);
	z.next_out = room;
	z.avail_out = (unsigned int)nr_room;
	cr_assert_eq(deflate(&z, Z_FINISH), Z_STREAM_END);
	packed = z.total_out;
	deflateEnd(&z);
	return packed;
}

/* Reads up to room, in pieces; returns the error that ended it, or 0 at the end. */
static int read_all(struct input *in, uint8_t *room, size_t nr_room, size_t piece, size_t *ret_nr)
{
	size_t got = 1;
	int r = 0;

	for (*ret_nr = 0; !r && *ret_nr < nr_room; *ret_nr += got) {
		const size_t want = piece < nr_room - *ret_nr ? piece : nr_room - *ret_nr;

		r = input_read(in, room + *ret_nr, want, &got);
		cr_expect_leq(got, want);
		if (r || got < want)
			break;
	}
	*ret_nr += r || *ret_nr >= nr_room ? 0 : got;
	return r;
}

/* The file's text is as expected, read in pieces of any size, and read again. */
static void expect_text(const char *name, const uint8_t *text, size_t nr)
{
	static const size_t pieces[] = { 1 << 20, 4096, 65537 };
	uint8_t *room = alloc_array(nr + 100, 1);
	struct input *in;
	size_t got;

	cr_assert_eq(input_open(name, &in), 0);
	for (size_t n = 0; n < ARRAY_SIZE(pieces); n++) {
		memset(room, 0, nr + 100);
		cr_assert_eq(read_all(in, room, nr + 100, pieces[n], &got), 0);
		cr_expect_eq(got, nr, "%zu of %zu in pieces of %zu", got, nr, pieces[n]);
		cr_expect(!memcmp(room, text, nr));
		cr_assert_eq(input_read(in, room, 10, &got), 0);
		cr_expect_eq(got, 0, "the end stays the end");
		cr_assert_eq(input_rewind(in), 0);
	}
	input_close(in);
	alloc_free(room);
}

Test(input, plain_files)
{
	uint8_t *text = text_make();

	put_file(text, TEXT_BYTES);
	expect_text(path, text, TEXT_BYTES);
	unlink(path);
	put_file(text, 1);
	expect_text(path, text, 1);
	unlink(path);
	put_file(text, 0);
	expect_text(path, text, 0);
	unlink(path);
	put_file("\x1f", 1); /* gzip begins with two bytes */
	expect_text(path, (const uint8_t *)"\x1f", 1);
	unlink(path);
	alloc_free(text);
}

/* Several members are one text, and zeros behind them nothing: as gzip has it. */
Test(input, gzip_files)
{
	uint8_t *text = text_make(), *packed = alloc_array(2 * TEXT_BYTES, 1);
	const size_t half = TEXT_BYTES / 2;
	size_t nr = pack(text, TEXT_BYTES, packed, 2 * TEXT_BYTES);

	put_file(packed, nr);
	expect_text(path, text, TEXT_BYTES);
	unlink(path);

	nr = pack(text, half, packed, TEXT_BYTES);
	nr += pack(text, 0, packed + nr, TEXT_BYTES);
	nr += pack(text + half, TEXT_BYTES - half, packed + nr, TEXT_BYTES);
	put_file(packed, nr);
	expect_text(path, text, TEXT_BYTES);
	unlink(path);

	memset(packed + nr, 0, 3000);
	put_file(packed, nr + 3000);
	expect_text(path, text, TEXT_BYTES);
	unlink(path);
	alloc_free(packed);
	alloc_free(text);
}

/* Twice: it is as bad as before.  Where at is not looked at unless the error is -EBADMSG. */
static void expect_failure(const uint8_t *bytes, size_t nr, int error, size_t at)
{
	uint8_t room[400];
	struct input *in;
	size_t got;

	put_file(bytes, nr);
	cr_assert_eq(input_open(path, &in), 0);
	for (int time = 0; time < 2; time++) {
		cr_expect_eq(read_all(in, room, sizeof(room), sizeof(room), &got), error,
			     "%zu bytes", nr);
		cr_expect(error != -EBADMSG || input_position(in) == at, "at %d, not %d",
			  (int)input_position(in), (int)at);
		cr_assert_eq(input_rewind(in), 0);
	}
	input_close(in);
	unlink(path);
}

/* What is wrong with a gzip'd file, and where it stands. */
Test(input, damaged_gzip_files)
{
	static const uint8_t text[] = "0123456789abcdefghijklmnopqrstuvwxyz";
	uint8_t packed[400];
	const size_t nr = pack(text, sizeof(text), packed, 100);
	static const struct {
		const char *behind; /* the member */
		size_t nr_behind;
		int error;
		size_t at; /* where what is no gzip stands, behind the member */
	} cases[] = {
		{ "more", 4, -EBADMSG, 0 },     { "\0\0x", 3, -EBADMSG, 2 },
		{ "\x1f\x8b\x08", 3, -EIO, 0 }, { "\x1f", 1, -EIO, 0 },
		{ "\x1f\x8b\x07", 3, -EIO, 0 }, { "\0\x1f\x8b\x08", 4, -EBADMSG, 1 },
	};

	for (size_t n = 0; n < ARRAY_SIZE(cases); n++) {
		memcpy(packed + nr, cases[n].behind, cases[n].nr_behind);
		expect_failure(packed, nr + cases[n].nr_behind, cases[n].error, nr + cases[n].at);
	}
	for (size_t cut = 2; cut < nr; cut++)
		expect_failure(packed, cut, -EIO, 0);
	for (size_t at = nr - 8; at < nr; at++) { /* its checksum and its size */
		packed[at] ^= 0x40;
		expect_failure(packed, nr, -EIO, 0);
		packed[at] ^= 0x40;
	}
}

Test(input, what_cannot_be_opened)
{
	const int next = dup(STDERR_FILENO);
	struct input *in;

	close(next);
	cr_expect_eq(input_open("build/not-there", &in), -ENOENT);
	cr_expect_eq(input_open("build", &in), -EISDIR);
	cr_expect_eq(input_open("/proc/self/mem", &in), -EIO);
	cr_expect_eq(dup(STDERR_FILENO), next, "nothing is left open");
	close(next);
}

/* ---- standard input: a file from where it stands, a pipe by way of a copy */

Test(input, standard_input_that_is_a_file)
{
	uint8_t *text = text_make();
	int fd;

	put_file(text, TEXT_BYTES);
	fd = open(path, O_RDONLY);
	cr_assert_eq(lseek(fd, 1000, SEEK_SET), 1000);
	cr_assert_eq(dup2(fd, STDIN_FILENO), STDIN_FILENO);
	text[1000] = text[1000] == 0x1f ? 0 : text[1000];
	expect_text("-", text + 1000, TEXT_BYTES - 1000);
	close(fd);
	unlink(path);
	alloc_free(text);
}

/* A child writes the text into the pipe that is standard input. */
static pid_t feed_pipe(const uint8_t *text, size_t nr)
{
	int ends[2];
	pid_t child;

	cr_assert_eq(pipe(ends), 0);
	child = fork();
	cr_assert_geq(child, 0);
	if (!child) {
		close(ends[0]);
		for (size_t done = 0; done < nr;) {
			ssize_t n = write(ends[1], text + done, nr - done);

			if (n < 0)
				_exit(1);
			done += (size_t)n;
		}
		_exit(0);
	}
	close(ends[1]);
	cr_assert_eq(dup2(ends[0], STDIN_FILENO), STDIN_FILENO);
	close(ends[0]);
	return child;
}

Test(input, pipes_are_read_twice)
{
	static const char *const places[] = { NULL, "/tmp", "/not/there" };
	uint8_t *text = text_make();

	for (size_t n = 0; n < ARRAY_SIZE(places); n++) {
		int status;
		pid_t child = feed_pipe(text, TEXT_BYTES);

		if (places[n])
			setenv("TMPDIR", places[n], 1);
		else
			unsetenv("TMPDIR");
		expect_text("-", text, TEXT_BYTES);
		cr_assert_eq(waitpid(child, &status, 0), child);
		cr_expect(WIFEXITED(status) && !WEXITSTATUS(status));
	}
	alloc_free(text);
}

/* A fifo by its name is as any pipe. */
Test(input, a_fifo_with_gzip)
{
	static const uint8_t text[] = "a few words, packed";
	uint8_t packed[200];
	const size_t nr = pack(text, sizeof(text), packed, sizeof(packed));
	int status;
	pid_t child;

	unlink("build/input-fifo");
	cr_assert_eq(mkfifo("build/input-fifo", 0600), 0);
	child = fork();
	if (!child) {
		int fd = open("build/input-fifo", O_WRONLY);

		_exit(write(fd, packed, nr) != (ssize_t)nr);
	}
	expect_text("build/input-fifo", text, sizeof(text));
	waitpid(child, &status, 0);
	unlink("build/input-fifo");
}

Test(input, a_copy_that_does_not_fit)
{
	uint8_t *text = text_make();
	struct rlimit before, small;
	struct input *in;
	pid_t child;
	int r;

	signal(SIGXFSZ, SIG_IGN);
	cr_assert_eq(getrlimit(RLIMIT_FSIZE, &before), 0);
	child = feed_pipe(text, TEXT_BYTES);
	small = before;
	small.rlim_cur = 100000;
	cr_assert_eq(setrlimit(RLIMIT_FSIZE, &small), 0);
	r = input_open("-", &in);
	cr_assert_eq(setrlimit(RLIMIT_FSIZE, &before), 0);
	cr_expect_eq(r, -EFBIG);
	close(STDIN_FILENO);
	waitpid(child, NULL, 0);
	alloc_free(text);
}

/* ---- memory */

static int open_file(void *context)
{
	struct input *in;
	int r = input_open(context, &in);

	if (!r)
		input_close(in);
	return r;
}

static int open_pipe(void *context)
{
	static const uint8_t text[] = "text";
	pid_t child = feed_pipe(text, sizeof(text));
	int r = open_file(context), status;

	waitpid(child, &status, 0);
	return r;
}

Test(input, without_memory_nothing_is_opened)
{
	put_file("text", 4);
	cr_expect_gt(alloc_fault_sweep(open_file, path, 1), 0);
	cr_expect_gt(alloc_fault_sweep(open_pipe, (void *)(uintptr_t) "-", 1), 1);
	unlink(path);
}
