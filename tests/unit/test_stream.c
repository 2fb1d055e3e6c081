/* SPDX-License-Identifier: MIT
 * test_stream.c: text on its way out: what it holds, and how each failure is told.
 */
#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/base/alloc.h"
#include "common/io/fd_io.h"
#include "common/io/input.h"
#include "common/io/stream.h"
#include "tests/support/alloc_fault.h"
#include "tests/support/capture.h"
#include "tests/support/leaks.h"

TestSuite(stream, .fini = fail_on_leaks);

/* Text that gzip cannot make small: nr bytes of it, more than the buffer has. */
enum { MUCH = 3 << 20 };

static void put_noise(struct stream *s, size_t nr)
{
	unsigned int seed = 9;

	while (nr) {
		const size_t piece = nr < STREAM_ROOM ? nr : STREAM_ROOM;
		char *room = stream_room(s);

		for (size_t i = 0; i < piece; i++)
			room[i] = (char)(rand_r(&seed) >> 8);
		stream_advance(s, piece);
		nr -= piece;
	}
}

static void put_words(struct stream *s, const char *text)
{
	memcpy(stream_room(s), text, strlen(text));
	stream_advance(s, strlen(text));
}

/* What stands in the file, unpacked where it is packed. */
static size_t get_file(const char *path, char *room, size_t nr_room)
{
	struct input *in;
	size_t got;

	cr_assert_eq(input_open(path, &in), 0);
	cr_assert_eq(input_read(in, room, nr_room, &got), 0);
	input_close(in);
	return got;
}

static off_t size_of(const char *path)
{
	struct stat st;

	cr_assert_eq(stat(path, &st), 0);
	return st.st_size;
}

Test(stream, all_of_it_and_nothing_else)
{
	static const char path[] = "build/stream-all";
	char *room = alloc_array(MUCH + 100, 1), *again = alloc_array(MUCH + 100, 1);

	for (int compress = 0; compress < 2; compress++) {
		struct stream *s;

		cr_assert_eq(stream_open(path, compress, &s), 0);
		put_noise(s, MUCH);
		put_words(s, "the end");
		cr_expect_eq(stream_error(s), 0);
		cr_expect_eq(stream_close(s), 0);
		cr_expect_eq(get_file(path, compress ? again : room, MUCH + 100), MUCH + 7);
		if (!compress)
			cr_expect_eq(size_of(path), MUCH + 7);
	}
	cr_expect(!memcmp(room, again, MUCH + 7));
	cr_expect(!memcmp(room + MUCH, "the end", 7));
	unlink(path);
	alloc_free(room);
	alloc_free(again);
}

/* An older file is emptied first; one that is made honours the umask. */
Test(stream, an_older_file_is_emptied)
{
	static const char path[] = "build/stream-older";
	struct stream *s;
	struct stat st;
	char room[100];

	umask(027);
	for (int round = 0; round < 2; round++) {
		cr_assert_eq(stream_open(path, false, &s), 0);
		put_words(s, round ? "short" : "a longer text than the next");
		cr_expect_eq(stream_close(s), 0);
	}
	cr_expect_eq(get_file(path, room, sizeof(room)), 5);
	cr_assert_eq(stat(path, &st), 0);
	cr_expect_eq(st.st_mode & 0777, 0640, "%o", (unsigned int)st.st_mode);
	unlink(path);
}

/* It is not closed with the stream. */
Test(stream, standard_output)
{
	for (int compress = 0; compress < 2; compress++) {
		struct capture c = capture_begin(stdout);
		struct stream *s;
		char *text;

		cr_assert_eq(stream_open(NULL, compress, &s), 0);
		put_words(s, "words");
		cr_expect_eq(stream_close(s), 0);
		cr_expect_eq(fcntl(STDOUT_FILENO, F_GETFD), 0);
		text = capture_end(&c);
		if (compress)
			cr_expect(!strncmp(text, "\x1f\x8b", 2));
		else
			cr_expect_str_eq(text, "words");
		free(text);
	}
}

Test(stream, what_cannot_be_opened)
{
	struct stream *s;

	cr_expect_eq(stream_open("build", false, &s), -EISDIR);
	cr_expect_eq(stream_open("build/not/there", true, &s), -ENOENT);
}

/* The first error stays, and what is said after it goes nowhere. */
static void expect_failure(const char *path, bool compress, int error)
{
	struct stream *s;

	cr_assert_eq(stream_open(path, compress, &s), 0);
	put_noise(s, MUCH);
	cr_expect_eq(stream_error(s), error, "%s: %d", path ? path : "-", stream_error(s));
	put_noise(s, MUCH);
	cr_expect_eq(stream_error(s), error);
	cr_expect_eq(stream_close(s), error);
}

Test(stream, a_full_disk)
{
	expect_failure("/dev/full", false, -ENOSPC);
	expect_failure("/dev/full", true, -ENOSPC);
}

/* Little text: it is noticed when all is written in the end. */
Test(stream, a_full_disk_in_the_end)
{
	for (int compress = 0; compress < 2; compress++) {
		struct stream *s;

		cr_assert_eq(stream_open("/dev/full", compress, &s), 0);
		put_words(s, "text");
		cr_expect_eq(stream_error(s), 0);
		cr_expect_eq(stream_close(s), -ENOSPC, "compress %d", compress);
	}
}

Test(stream, a_reader_that_went_away)
{
	int ends[2], saved = dup(STDOUT_FILENO);

	signal(SIGPIPE, SIG_IGN);
	cr_assert_eq(pipe(ends), 0);
	close(ends[0]);
	cr_assert_eq(dup2(ends[1], STDOUT_FILENO), STDOUT_FILENO);
	expect_failure(NULL, false, -EPIPE);
	expect_failure(NULL, true, -EPIPE);
	dup2(saved, STDOUT_FILENO);
	close(saved);
	close(ends[1]);
}

/* A file that may not grow any more: what is there is the beginning, and the error is told. */
Test(stream, a_limit_in_the_middle)
{
	static const char path[] = "build/stream-limit";
	struct rlimit before, small;

	signal(SIGXFSZ, SIG_IGN);
	cr_assert_eq(getrlimit(RLIMIT_FSIZE, &before), 0);
	small = before;
	small.rlim_cur = MUCH / 2 + 5;
	for (int compress = 0; compress < 2; compress++) {
		struct stream *s;
		int r;

		cr_assert_eq(stream_open(path, compress, &s), 0);
		cr_assert_eq(setrlimit(RLIMIT_FSIZE, &small), 0);
		put_noise(s, MUCH);
		r = stream_close(s);
		cr_assert_eq(setrlimit(RLIMIT_FSIZE, &before), 0);
		cr_expect_eq(r, -EFBIG, "compress %d: %d", compress, r);
		cr_expect_leq(size_of(path), MUCH / 2 + 5);
	}
	unlink(path);
}

/* No descriptor is left for zlib. */
Test(stream, no_descriptor_for_gzip)
{
	static const char path[] = "build/stream-descriptors";
	struct rlimit before, small;
	struct stream *s;
	int probe = dup(STDOUT_FILENO), r;

	close(probe);
	cr_assert_eq(getrlimit(RLIMIT_NOFILE, &before), 0);
	small = before;
	small.rlim_cur = (rlim_t)probe + 1; /* the file, and not one more */
	cr_assert_eq(setrlimit(RLIMIT_NOFILE, &small), 0);
	r = stream_open(path, true, &s);
	cr_assert_eq(setrlimit(RLIMIT_NOFILE, &before), 0);
	cr_expect_eq(r, -EMFILE);
	unlink(path);
}

static int open_file(void *context)
{
	struct stream *s;
	int r = stream_open("build/stream-memory", false, &s);

	(void)context;
	return r ? r : stream_close(s);
}

Test(stream, without_memory_nothing_is_opened)
{
	cr_expect_eq(alloc_fault_sweep(open_file, NULL, 1), 2);
	unlink("build/stream-memory");
}

/* ---- writing all of something */

Test(stream, a_write_does_all_of_it)
{
	static const char text[] = "0123456789";
	char room[20] = "";
	int fd = open("build", O_TMPFILE | O_RDWR, 0600), ends[2];

	cr_expect_eq(fd_pwrite_all(fd, text, 10, 3), 0);
	cr_expect_eq(fd_pwrite_all(fd, text, 0, 100), 0);
	cr_expect_eq(lseek(fd, 0, SEEK_END), 13);
	cr_expect_eq(pread(fd, room, 10, 3), 10);
	cr_expect_str_eq(room, text);
	close(fd);
	cr_assert_eq(pipe(ends), 0);
	cr_expect_eq(fd_write_all(ends[1], text, 10), 0);
	cr_expect_eq(read(ends[0], room, sizeof(room)), 10);
	cr_expect_eq(fd_pwrite_all(ends[1], text, 10, 0), -ESPIPE);
	close(ends[0]);
	close(ends[1]);
	cr_expect_eq(fd_write_all(ends[1], text, 10), -EBADF);
}
