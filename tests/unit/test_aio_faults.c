/* SPDX-License-Identifier: MIT
 * test_aio_faults.c: the engine that uses libaio, when libaio fails: pread and pwrite serve then.
 */
#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/base/alloc.h"
#include "common/io/block_io.h"
#include "common/io/block_reader.h"
#include "common/io/block_writer.h"
#include "tests/support/aio_fault.h"
#include "tests/support/leaks.h"

TestSuite(aio_faults, .fini = fail_on_leaks);

enum { NR_BLOCKS = 1500 };

/* A file of NR_BLOCKS blocks that begin with their numbers. */
struct file {
	char path[64];
	struct block_engine *engine;
};

static void file_make(struct file *f)
{
	uint8_t *block = alloc_aligned(MD_BLOCK_SIZE);
	int fd;

	strcpy(f->path, "build/aio-faults-XXXXXX");
	fd = mkstemp(f->path);
	cr_assert_geq(fd, 0);
	memset(block, 0, MD_BLOCK_SIZE);
	for (uint64_t b = 0; b < NR_BLOCKS; b++) {
		memcpy(block, &b, sizeof(b));
		cr_assert_eq(write(fd, block, MD_BLOCK_SIZE), (ssize_t)MD_BLOCK_SIZE);
	}
	alloc_free(block);
	cr_assert_eq(aio_engine_create(fd, NR_BLOCKS, &f->engine), 0);
}

static void file_destroy(struct file *f)
{
	cr_expect_eq(f->engine->nr_under_way, 0);
	block_engine_destroy(f->engine);
	unlink(f->path);
}

static int see(void *context, uint64_t block, const void *data, int error)
{
	uint64_t stored = ~block, *nr = context;

	cr_expect_eq(error, 0, "block %d: %d", (int)block, error);
	if (data)
		memcpy(&stored, data, sizeof(stored));
	cr_expect_eq(stored, block);
	++*nr;
	return 0;
}

static void expect_all_read(struct file *f)
{
	struct block_reader *reader;
	struct bitset all;
	uint64_t nr = 0;

	cr_assert_eq(bitset_init(&all, NR_BLOCKS), 0);
	for (uint64_t b = 0; b < NR_BLOCKS; b++)
		bitset_set(&all, b);
	cr_assert_eq(block_reader_create(f->engine, &reader), 0);
	cr_expect_eq(block_reader_run(reader, &all, see, &nr), 0);
	cr_expect_eq(nr, NR_BLOCKS);
	block_reader_destroy(reader);
	bitset_destroy(&all);
}

/* All blocks are written anew, with their numbers inverted, and looked at without the engine. */
static void expect_all_written(struct file *f)
{
	struct block_writer *w;
	uint64_t block, stored;
	void *raw;
	int fd;

	cr_assert_eq(block_writer_create(f->engine, 0, NR_BLOCKS, &w), 0);
	for (uint64_t b = 0; b < NR_BLOCKS; b++) {
		cr_assert_eq(block_writer_next(w, &block, &raw), 0);
		memset(raw, 0, MD_BLOCK_SIZE);
		stored = ~block;
		memcpy(raw, &stored, sizeof(stored));
	}
	cr_expect_eq(block_writer_drain(w), 0);
	block_writer_destroy(w);
	fd = open(f->path, O_RDONLY);
	for (uint64_t b = 0; b < NR_BLOCKS; b++) {
		cr_assert_eq(pread(fd, &stored, sizeof(stored), (off_t)(b * MD_BLOCK_SIZE)),
			     (ssize_t)sizeof(stored));
		cr_expect_eq(stored, ~b, "block %d", (int)b);
	}
	close(fd);
}

Test(aio_faults, without_faults)
{
	struct file f;

	file_make(&f);
	expect_all_read(&f);
	expect_all_written(&f);
	file_destroy(&f);
}

Test(aio_faults, no_context_is_told)
{
	struct block_engine *e;
	int fd = open("/dev/null", O_RDONLY);

	aio_faults.setup = -EAGAIN;
	cr_expect_eq(aio_engine_create(fd, 1, &e), -EAGAIN);
	cr_expect_eq(close(fd), 0, "it stays the caller's");
}

/* A host whose contexts are all taken: what is opened is read nevertheless. */
Test(aio_faults, no_context_is_no_reason_not_to_read)
{
	struct file f;

	file_make(&f);
	block_engine_destroy(f.engine);
	aio_faults.setup = -EAGAIN;
	cr_assert_eq(block_open(f.path, OPEN_READ, &f.engine), 0);
	cr_expect_eq(f.engine->nr_blocks, NR_BLOCKS);
	expect_all_read(&f);
	file_destroy(&f);
}

/* Each with requests under way, and with none. */
static const uint64_t calls[] = { 0, 1, 5, 7, 8, 9, 20 };

Test(aio_faults, a_submission_that_fails)
{
	static const int errors[] = { -EAGAIN, -ENOSYS, -EBADF, 0 };

	for (size_t n = 0; n < ARRAY_SIZE(calls); n++) {
		struct file f;

		file_make(&f);
		aio_faults_reset();
		aio_faults.submit_error = errors[n % ARRAY_SIZE(errors)];
		aio_faults.submit_at = calls[n];
		expect_all_read(&f);
		file_destroy(&f);
	}
}

Test(aio_faults, a_submission_that_fails_while_writing)
{
	struct file f;

	file_make(&f);
	aio_faults.submit_error = -EAGAIN;
	aio_faults.submit_at = 5;
	expect_all_written(&f);
	file_destroy(&f);
}

Test(aio_faults, waiting_that_fails)
{
	static const int errors[] = { -EINVAL, -EFAULT, 0 };

	for (size_t n = 0; n < ARRAY_SIZE(errors); n++) {
		struct file f;

		file_make(&f);
		aio_faults_reset();
		aio_faults.event_error = errors[n];
		aio_faults.event_at = 3 * n;
		expect_all_read(&f);
		expect_all_written(&f);
		file_destroy(&f);
	}
}

/* It is only asked again. */
Test(aio_faults, waiting_that_a_signal_ends)
{
	struct file f;

	file_make(&f);
	aio_faults.event_error = -EINTR;
	aio_faults.event_at = 2;
	aio_faults.submit_error = -EINTR;
	aio_faults.submit_at = 3;
	expect_all_read(&f);
	file_destroy(&f);
}

/* What the queue says of itself is no fault of the device: the request is carried out. */
Test(aio_faults, a_request_that_the_queue_gave_up)
{
	static const long results[] = { -EAGAIN, -ECANCELED, -ENOMEM, -EOPNOTSUPP, 0, 4096, 5000 };

	for (size_t n = 0; n < ARRAY_SIZE(results); n++) {
		struct file f;

		file_make(&f);
		aio_faults_reset();
		aio_faults.result = results[n];
		aio_faults.result_at = 1;
		expect_all_read(&f);
		aio_faults_reset();
		aio_faults.result = results[n];
		aio_faults.result_at = 4;
		expect_all_written(&f);
		file_destroy(&f);
	}
}

/* What it says of the device counts. */
Test(aio_faults, a_block_that_cannot_be_read)
{
	uint8_t *block = alloc_aligned(MD_BLOCK_SIZE);
	struct file f;

	file_make(&f);
	aio_faults.result = -EIO;
	aio_faults.result_at = 0;
	cr_expect_eq(block_read(f.engine, 3, block), -EIO);
	cr_expect_eq(block_read(f.engine, 3, block), 0);
	aio_faults_reset();
	aio_faults.result = -ENOSPC;
	aio_faults.result_at = 0;
	cr_expect_eq(block_write(f.engine, 3, block), -ENOSPC);
	/* A file that became shorter: the rest is not there. */
	cr_assert_eq(truncate(f.path, 10 * MD_BLOCK_SIZE + 100), 0);
	cr_expect_eq(block_read(f.engine, 10, block), -EIO);
	cr_expect_eq(block_read(f.engine, 9, block), 0);
	cr_expect_eq(block_flush(f.engine), 0);
	file_destroy(&f);
	alloc_free(block);
}

/* One more than there is room for is refused, and the others are not harmed. */
Test(aio_faults, more_requests_than_there_is_room_for)
{
	uint8_t *blocks = alloc_aligned((IO_MAX_DEPTH + 1) * MD_BLOCK_SIZE);
	struct io_request rqs[IO_MAX_DEPTH + 1], *done;
	struct file f;

	file_make(&f);
	for (unsigned int broken = 0; broken < 2; broken++) {
		for (unsigned int i = 0; i <= IO_MAX_DEPTH; i++) {
			int r;

			rqs[i] = (struct io_request){ .block = i,
						      .nr_blocks = 1,
						      .data = blocks + i * MD_BLOCK_SIZE };
			r = io_submit_request(f.engine, &rqs[i]);
			cr_expect_eq(r, i < IO_MAX_DEPTH ? 0 : -EBUSY, "%u: %d", i, r);
		}
		for (unsigned int i = 0; i < IO_MAX_DEPTH; i++) {
			uint64_t stored;

			cr_assert_eq(io_reap_request(f.engine, &done), 0);
			cr_expect_eq(done->result, 0);
			memcpy(&stored, done->data, sizeof(stored));
			cr_expect_eq(stored, done->block);
		}
		aio_faults_reset();
		aio_faults.submit_error = -EAGAIN;
		aio_faults.submit_at = 0;
	}
	cr_expect_eq(io_reap_request(f.engine, &done), -EINVAL, "none is under way");
	file_destroy(&f);
	alloc_free(blocks);
}
