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
#include "tests/support/file_stream.h"
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
		struct file_stream f;

		cr_assert_eq(file_stream_open(path, compress, &f), 0);
		put_noise(f.stream, MUCH);
		put_words(f.stream, "the end");
		cr_expect_eq(stream_error(f.stream), 0);
		cr_expect_eq(file_stream_close(&f), 0);
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

/* It is not closed with the stream. */
Test(stream, standard_output)
{
	for (int compress = 0; compress < 2; compress++) {
		struct capture c = capture_begin(stdout);
		struct stream *s;
		char *text;

		cr_assert_eq(stream_open(STDOUT_FILENO, compress, NULL, &s), 0);
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

/* The first error stays, and what is said after it goes nowhere. */
static void expect_failure(int fd, bool compress, int error)
{
	struct stream *s;

	cr_assert_eq(stream_open(fd, compress, NULL, &s), 0);
	put_noise(s, MUCH);
	cr_expect_eq(stream_error(s), error, "%d", stream_error(s));
	put_noise(s, MUCH);
	cr_expect_eq(stream_error(s), error);
	cr_expect_eq(stream_close(s), error);
}

Test(stream, a_full_disk)
{
	const int fd = open("/dev/full", O_WRONLY | O_CLOEXEC);

	expect_failure(fd, false, -ENOSPC);
	expect_failure(fd, true, -ENOSPC);
	close(fd);
}

/* Little text: it is noticed when all is written in the end. */
Test(stream, a_full_disk_in_the_end)
{
	for (int compress = 0; compress < 2; compress++) {
		struct file_stream f;

		cr_assert_eq(file_stream_open("/dev/full", compress, &f), 0);
		put_words(f.stream, "text");
		cr_expect_eq(stream_error(f.stream), 0);
		cr_expect_eq(file_stream_close(&f), -ENOSPC, "compress %d", compress);
	}
}

Test(stream, a_reader_that_went_away)
{
	int ends[2];

	signal(SIGPIPE, SIG_IGN);
	cr_assert_eq(pipe(ends), 0);
	close(ends[0]);
	expect_failure(ends[1], false, -EPIPE);
	expect_failure(ends[1], true, -EPIPE);
	close(ends[1]);
}

/* Whoever holds signals back is told that one came that would end it: it may be an hour to the end.
 */
static void expect_held(int number, bool by_us, bool ignored, int wanted)
{
	const int fd = open("/dev/null", O_WRONLY | O_CLOEXEC);
	sigset_t held, before;
	struct stream *s;

	(void)sigemptyset(&held);
	(void)sigaddset(&held, number);
	cr_assert_neq(signal(number, ignored ? SIG_IGN : SIG_DFL), SIG_ERR);
	(void)sigprocmask(SIG_BLOCK, &held, by_us ? &before : NULL);
	if (!by_us)
		(void)sigprocmask(SIG_BLOCK, NULL, &before);
	cr_assert_eq(raise(number), 0);
	cr_assert_eq(stream_open(fd, false, &before, &s), 0);
	put_noise(s, MUCH);
	cr_expect_eq(stream_close(s), wanted, "%d: %d, %d", number, by_us, ignored);
	cr_assert_eq(stream_open(fd, false, NULL, &s), 0);
	put_noise(s, MUCH);
	cr_expect_eq(stream_close(s), 0, "%d: nobody holds it", number);
	cr_assert_neq(signal(number, SIG_IGN), SIG_ERR);
	(void)sigprocmask(SIG_UNBLOCK, &held, NULL);
	close(fd);
}

Test(stream, a_signal_that_is_held_back)
{
	static const int signals[] = { SIGINT, SIGTERM, SIGHUP };

	for (size_t i = 0; i < ARRAY_SIZE(signals); i++) {
		expect_held(signals[i], true, false, -ECANCELED);
		expect_held(signals[i], true, true, 0);
		expect_held(signals[i], false, false, 0);
	}
	expect_held(SIGUSR1, true, false, 0);
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
		struct file_stream f;
		int r;

		cr_assert_eq(file_stream_open(path, compress, &f), 0);
		cr_assert_eq(setrlimit(RLIMIT_FSIZE, &small), 0);
		put_noise(f.stream, MUCH);
		r = file_stream_close(&f);
		cr_assert_eq(setrlimit(RLIMIT_FSIZE, &before), 0);
		cr_expect_eq(r, -EFBIG, "compress %d: %d", compress, r);
		cr_expect_leq(size_of(path), MUCH / 2 + 5);
	}
	unlink(path);
}

/* No descriptor is left for zlib. */
Test(stream, no_descriptor_for_gzip)
{
	struct rlimit before, small;
	struct stream *s;
	int probe = dup(STDOUT_FILENO), r;

	close(probe);
	cr_assert_eq(getrlimit(RLIMIT_NOFILE, &before), 0);
	small = before;
	small.rlim_cur = (rlim_t)probe;
	cr_assert_eq(setrlimit(RLIMIT_NOFILE, &small), 0);
	r = stream_open(STDOUT_FILENO, true, NULL, &s);
	cr_assert_eq(setrlimit(RLIMIT_NOFILE, &before), 0);
	cr_expect_eq(r, -EMFILE);
}

static int open_file(void *context)
{
	struct stream *s;
	int r = stream_open(STDOUT_FILENO, false, NULL, &s);

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
