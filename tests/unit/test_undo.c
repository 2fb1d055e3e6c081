/* SPDX-License-Identifier: MIT
 * test_undo.c: what is noted before blocks are changed in place, and putting it back.
 */
#include <criterion/criterion.h>
#include <endian.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/base/alloc.h"
#include "common/io/checksum.h"
#include "common/io/undo.h"
#include "tests/support/alloc_fault.h"
#include "tests/support/fault_engine.h"
#include "tests/support/leaks.h"

/* As common/io/undo.h says. */
enum { NR_BLOCKS = 16, HEADER = 32, RECORD = 16 + 2 * MD_BLOCK_SIZE };

static char dir[64], path[80];
static uint8_t *memory, *before, *after; /* of a device: now, as it began, when it was changed */
static struct block_engine *device;

static uint8_t *block_of(uint8_t *bytes, uint64_t nr)
{
	return bytes + nr * MD_BLOCK_SIZE;
}

static void begin(void)
{
	strcpy(dir, "build/undo-XXXXXX");
	cr_assert_not_null(mkdtemp(dir));
	(void)snprintf(path, sizeof(path), "%s/log", dir);
	memory = alloc_aligned((size_t)NR_BLOCKS * MD_BLOCK_SIZE);
	before = alloc_aligned((size_t)NR_BLOCKS * MD_BLOCK_SIZE);
	after = alloc_aligned((size_t)NR_BLOCKS * MD_BLOCK_SIZE);
	for (uint64_t b = 0; b < NR_BLOCKS; b++)
		memset(block_of(memory, b), (int)b + 1, MD_BLOCK_SIZE);
	memcpy(before, memory, (size_t)NR_BLOCKS * MD_BLOCK_SIZE);
	cr_assert_eq(mem_engine_create(memory, NR_BLOCKS, &device), 0);
}

static void finish(void)
{
	block_engine_destroy(device);
	alloc_free(memory);
	alloc_free(before);
	alloc_free(after);
	unlink(path);
	cr_expect_eq(rmdir(dir), 0, "nothing else is left");
	fail_on_leaks();
}

TestSuite(undo, .init = begin, .fini = finish);

static int write_block(struct block_engine *e, uint64_t nr, int byte)
{
	uint8_t *block = alloc_aligned(MD_BLOCK_SIZE);
	int r;

	memset(block, byte, MD_BLOCK_SIZE);
	r = block_write(e, nr, block);
	alloc_free(block);
	return r;
}

/* Blocks 3, 9, 3 again and 0 are changed, in this order. */
static void change(void)
{
	static const uint64_t blocks[] = { 3, 9, 3, 0 };
	struct block_engine *e;

	cr_assert_eq(undo_engine_create(device, path, &e), 0);
	cr_expect_eq(e->nr_blocks, NR_BLOCKS);
	for (size_t i = 0; i < ARRAY_SIZE(blocks); i++)
		cr_assert_eq(write_block(e, blocks[i], 0x80 + (int)i), 0);
	cr_expect_eq(undo_engine_nr_noted(e), ARRAY_SIZE(blocks));
	cr_expect_eq(block_flush(e), 0);
	block_engine_destroy(e);
	memcpy(after, memory, (size_t)NR_BLOCKS * MD_BLOCK_SIZE);
	cr_expect_eq(*block_of(memory, 3), 0x82);
	cr_expect_eq(*block_of(memory, 9), 0x81);
	cr_expect_eq(*block_of(memory, 0), 0x83);
}

static void expect_device(const uint8_t *wanted)
{
	for (uint64_t b = 0; b < NR_BLOCKS; b++)
		cr_expect(!memcmp(memory + b * MD_BLOCK_SIZE, wanted + b * MD_BLOCK_SIZE,
				  MD_BLOCK_SIZE),
			  "block %d", (int)b);
}

static void expect_undone(uint64_t nr)
{
	struct undo_fault fault;
	uint64_t nr_back;

	cr_expect_eq(undo_apply(device, path, &nr_back, &fault), 0, "%s", fault.text);
	cr_expect_eq(nr_back, nr);
	cr_expect_str_eq(fault.text, "");
	expect_device(before);
}

/* Refused with these words; the device stays as it is. */
static void expect_refused(struct block_engine *e, const char *words)
{
	uint8_t *kept = alloc_aligned((size_t)NR_BLOCKS * MD_BLOCK_SIZE);
	struct undo_fault fault;
	uint64_t nr_back = 7;
	int r;

	memcpy(kept, memory, (size_t)NR_BLOCKS * MD_BLOCK_SIZE);
	r = undo_apply(e, path, &nr_back, &fault);
	cr_expect_eq(r, -EUCLEAN, "%d", r);
	cr_expect(strstr(fault.text, words), "no '%s' in: %s", words, fault.text);
	cr_expect_eq(nr_back, 0);
	expect_device(kept);
	alloc_free(kept);
}

static void harm_file(off_t at)
{
	int fd = open(path, O_RDWR);
	uint8_t byte;

	cr_assert_eq(pread(fd, &byte, 1, at), 1);
	byte ^= 0x40;
	cr_assert_eq(pwrite(fd, &byte, 1, at), 1);
	close(fd);
}

static off_t size_of_file(void)
{
	struct stat st;

	return stat(path, &st) ? -1 : st.st_size;
}

/* ---- noting */

Test(undo, there_and_back)
{
	struct stat st;

	change();
	cr_assert_eq(stat(path, &st), 0);
	cr_expect_eq(st.st_mode & 07777, 0600);
	cr_expect_eq(st.st_size, HEADER + 4 * RECORD);
	expect_undone(4);
	expect_undone(4); /* again, as after an interruption */
}

/* What is in the file is documented, and nothing else. */
Test(undo, the_file)
{
	const uint32_t superblock = htole32(crc32c_portable(UINT32_MAX, before, MD_BLOCK_SIZE));
	uint8_t header[HEADER], *record = alloc_array(RECORD, 1);
	int fd;

	change();
	fd = open(path, O_RDONLY);
	cr_assert_eq(read(fd, header, sizeof(header)), (ssize_t)sizeof(header));
	cr_expect(!memcmp(header, "thinmend undo 1\n\x10\0\0\0\0\0\0\0", 24));
	cr_expect(!memcmp(header + 24, &superblock, 4));
	cr_assert_eq(pread(fd, record, RECORD, HEADER + 2 * RECORD), RECORD);
	cr_expect(!memcmp(record, "\3\0\0\0\0\0\0\0\2\0\0\0", 12));
	for (size_t i = 0; i < MD_BLOCK_SIZE; i++) {
		cr_assert_eq(record[16 + i], 0x80);
		cr_assert_eq(record[16 + MD_BLOCK_SIZE + i], 0x82);
	}
	close(fd);
	alloc_free(record);
}

/* One request of several blocks; what is read through it is what is there. */
Test(undo, requests_of_several_blocks)
{
	uint8_t *blocks = alloc_aligned(3 * MD_BLOCK_SIZE);
	struct io_request rq = { .write = true, .block = 5, .nr_blocks = 3, .source = blocks };
	struct io_request *done;
	struct block_engine *e;

	for (int i = 0; i < 3; i++)
		memset(block_of(blocks, (uint64_t)i), 0xa0 + i, MD_BLOCK_SIZE);
	cr_assert_eq(undo_engine_create(device, path, &e), 0);
	cr_assert_eq(io_submit_request(e, &rq), 0);
	cr_assert_eq(io_reap_request(e, &done), 0);
	cr_expect(done == &rq && !rq.result);
	cr_expect_eq(undo_engine_nr_noted(e), 3);
	rq.write = false;
	rq.data = blocks;
	memset(blocks, 0, 3 * MD_BLOCK_SIZE);
	cr_assert_eq(io_submit_request(e, &rq), 0);
	cr_assert_eq(io_reap_request(e, &done), 0);
	for (int i = 0; i < 3; i++) {
		cr_expect_eq(*block_of(blocks, (uint64_t)i), 0xa0 + i);
		cr_expect_eq(*block_of(memory, 5 + (uint64_t)i), 0xa0 + i);
	}
	cr_expect_eq(undo_engine_nr_noted(e), 3, "nothing is noted of what is read");
	cr_expect_eq(io_reap_request(e, &done), -EINVAL);
	block_engine_destroy(e);
	alloc_free(blocks);
	expect_undone(3);
}

Test(undo, a_file_of_nothing_is_removed)
{
	struct block_engine *e;
	uint8_t *block = alloc_aligned(MD_BLOCK_SIZE);

	cr_assert_eq(undo_engine_create(device, path, &e), 0);
	cr_expect_eq(size_of_file(), -1, "nothing is to be seen of it yet");
	cr_assert_eq(undo_engine_begin(e), 0);
	cr_assert_eq(undo_engine_begin(e), 0);
	cr_expect_eq(size_of_file(), HEADER);
	cr_expect_eq(block_read(e, 3, block), 0);
	block_engine_destroy(e);
	cr_expect_eq(size_of_file(), -1);
	alloc_free(block);
}

Test(undo, no_file_is_overwritten)
{
	struct block_engine *e;

	change();
	cr_assert_eq(dup2(STDERR_FILENO, STDIN_FILENO), STDIN_FILENO);
	cr_expect_eq(undo_engine_create(device, path, &e), -EEXIST);
	cr_expect_neq(fcntl(STDIN_FILENO, F_GETFD), -1, "what was not opened is not closed");
	cr_expect_eq(size_of_file(), HEADER + 4 * RECORD);
	strcat(path, "/x");
	cr_expect_eq(undo_engine_create(device, path, &e), -ENOTDIR);
	path[strlen(path) - 2] = '\0';
}

/* Somebody else makes a file of that name before the first change. */
Test(undo, a_file_that_comes_meanwhile_stays)
{
	struct block_engine *e;
	int fd;

	cr_assert_eq(undo_engine_create(device, path, &e), 0);
	fd = open(path, O_WRONLY | O_CREAT | O_EXCL, 0600);
	cr_assert_eq(write(fd, "other", 5), 5);
	close(fd);
	cr_expect_eq(undo_engine_begin(e), -EEXIST);
	cr_expect_eq(write_block(e, 4, 0), -EEXIST, "nothing is written that cannot be noted");
	expect_device(before);
	block_engine_destroy(e);
	cr_expect_eq(size_of_file(), 5);
}

/* Where the file is made with its name, one that could not be begun is none the next time either.
 */
Test(undo, a_beginning_that_fails_fails_for_ever)
{
	struct faults faults = faults_none(-EIO);
	struct block_engine *faulty = fault_engine_create(device, &faults), *e;

	cr_assert_eq(undo_engine_create(faulty, path, &e), 0);
	faults.bad_block = 0;
	cr_expect_eq(undo_engine_begin(e), -EIO);
	faults.bad_block = FAULT_NEVER;
	cr_expect_eq(undo_engine_begin(e), -EIO);
	cr_expect_eq(write_block(e, 4, 0), -EIO);
	cr_expect_eq(undo_engine_error(e), -EIO);
	expect_device(before);
	block_engine_destroy(e);
	block_engine_destroy(faulty);
	cr_expect_eq(size_of_file(), -1);
}

Test(undo, a_name_without_a_directory)
{
	struct block_engine *e;
	char here[400];

	cr_assert_not_null(getcwd(here, sizeof(here)));
	cr_assert_eq(chdir(dir), 0);
	cr_expect_eq(undo_engine_create(device, "log", &e), 0);
	cr_expect_eq(write_block(e, 2, 0), 0);
	block_engine_destroy(e);
	cr_assert_eq(chdir(here), 0);
	expect_undone(1);
}

/* Nothing is written that is not noted. */
Test(undo, what_cannot_be_noted_is_not_written)
{
	struct faults faults = faults_none(-EIO);
	struct block_engine *faulty = fault_engine_create(device, &faults), *e;

	cr_assert_eq(undo_engine_create(faulty, path, &e), 0);
	faults.bad_block = 4;
	cr_expect_eq(write_block(e, 4, 0), -EIO, "it cannot be read");
	cr_expect_eq(undo_engine_nr_noted(e), 0);
	faults.bad_block = FAULT_NEVER;
	faults.submit_at = faults.nr_submits + 1;
	cr_expect_eq(write_block(e, 5, 0), -EIO, "it cannot be written");
	cr_expect_eq(undo_engine_nr_noted(e), 1);
	faults.submit_at = FAULT_NEVER;
	faults.flush = true;
	cr_expect_eq(block_flush(e), -EIO);
	block_engine_destroy(e);
	expect_device(before);
	block_engine_destroy(faulty);
	cr_expect_eq(size_of_file(), HEADER + RECORD, "it stays: block 5 may be half written");
	expect_undone(1);
}

Test(undo, a_disk_that_is_full)
{
	struct block_engine *e;

	if (access("/dev/full", W_OK)) {
		cr_skip_test("there is no /dev/full");
		return;
	}
	/* The file becomes /dev/full behind the engine's back. */
	cr_assert_eq(undo_engine_create(device, path, &e), 0);
	cr_assert_eq(undo_engine_begin(e), 0);
	for (int fd = 3; fd < 100; fd++) {
		struct stat own, st;

		if (!fstat(fd, &own) && !stat(path, &st) && own.st_ino == st.st_ino &&
		    own.st_dev == st.st_dev) {
			int full = open("/dev/full", O_WRONLY);

			cr_assert_eq(dup2(full, fd), fd);
			close(full);
		}
	}
	cr_expect_eq(write_block(e, 4, 0), -ENOSPC);
	expect_device(before);
	block_engine_destroy(e);
	cr_expect_eq(size_of_file(), -1);
}

static int create_and_destroy(void *context)
{
	struct block_engine *e;
	const int r = undo_engine_create(device, path, &e);

	(void)context;
	if (r)
		cr_expect_eq(size_of_file(), -1, "no file is left");
	else
		block_engine_destroy(e);
	return r;
}

static int apply(void *context)
{
	struct undo_fault fault;
	uint64_t nr;

	(void)context;
	return undo_apply(device, path, &nr, &fault);
}

Test(undo, without_memory)
{
	/* The engine, its record, its block, its path, and that of its directory. */
	cr_expect_eq(alloc_fault_sweep(create_and_destroy, NULL, 1), 5);
	change();
	cr_expect_eq(alloc_fault_sweep(apply, NULL, 1), 3);
	expect_device(before);
}

/* ---- putting back */

/* An unfinished record: its block was not written yet. */
Test(undo, the_last_record_is_not_whole)
{
	change();
	memcpy(block_of(memory, 0), block_of(before, 0), MD_BLOCK_SIZE);
	cr_assert_eq(truncate(path, HEADER + 4 * RECORD - 100), 0);
	expect_undone(3);
	harm_file(HEADER + 2 * RECORD + 20);
	expect_refused(device, "a record in the midst of it is damaged");
}

Test(undo, the_last_record_is_damaged)
{
	change();
	memcpy(block_of(memory, 0), block_of(before, 0), MD_BLOCK_SIZE);
	harm_file(HEADER + 4 * RECORD - 1);
	expect_undone(3);
}

/* The superblock was written, and the file does not know of it. */
Test(undo, a_file_that_was_cut_off)
{
	change();
	for (int nr = 3; nr > 0; nr--) {
		cr_assert_eq(truncate(path, HEADER + nr * RECORD + 100), 0);
		expect_refused(device, "cut off");
		cr_assert_eq(truncate(path, HEADER + nr * RECORD), 0);
		expect_refused(device, "cut off");
	}
}

/* Whole records that are not where they belong. */
Test(undo, a_file_without_one_of_its_records)
{
	uint8_t *record = alloc_array(RECORD, 1);
	int fd;

	change();
	fd = open(path, O_RDWR);
	for (off_t nr = 2; nr < 4; nr++) {
		cr_assert_eq(pread(fd, record, RECORD, HEADER + nr * RECORD), RECORD);
		cr_assert_eq(pwrite(fd, record, RECORD, HEADER + (nr - 1) * RECORD), RECORD);
	}
	cr_assert_eq(ftruncate(fd, HEADER + 3 * RECORD), 0);
	close(fd);
	alloc_free(record);
	expect_refused(device, "damaged");
}

Test(undo, a_damaged_record)
{
	static const off_t places[] = { 0, 7, 8, 11, 16, 16 + MD_BLOCK_SIZE, RECORD - 1 };

	change();
	for (size_t i = 0; i < ARRAY_SIZE(places); i++) {
		harm_file(HEADER + RECORD + places[i]);
		expect_refused(device, "damaged");
		harm_file(HEADER + RECORD + places[i]);
	}
	expect_undone(4);
}

Test(undo, no_undo_file)
{
	static const off_t places[] = { 0, 15, 16, 24, 27 };
	struct undo_fault fault;
	uint64_t nr;

	cr_expect_eq(undo_apply(device, path, &nr, &fault), -ENOENT);
	cr_expect_str_eq(fault.text, "");
	cr_expect_eq(undo_apply(device, dir, &nr, &fault), -EISDIR);
	change();
	for (size_t i = 0; i < ARRAY_SIZE(places); i++) {
		harm_file(places[i]);
		expect_refused(device, "it is no undo file of thin_check");
		harm_file(places[i]);
	}
	cr_assert_eq(truncate(path, HEADER), 0);
	expect_refused(device, "it has no record");
	cr_assert_eq(truncate(path, HEADER + RECORD - 1), 0);
	expect_refused(device, "it has no record");
	cr_assert_eq(truncate(path, HEADER - 1), 0);
	expect_refused(device, "it is no undo file");
	cr_assert_eq(truncate(path, 0), 0);
	expect_refused(device, "it is no undo file");
}

Test(undo, a_device_of_another_size)
{
	struct block_engine *shorter;

	cr_assert_eq(mem_engine_create(memory, NR_BLOCKS - 1, &shorter), 0);
	change();
	expect_refused(shorter, "a device of 16 metadata blocks, and the output has 15");
	block_engine_destroy(shorter);
}

/* A write that was torn leaves some sectors as they were. */
Test(undo, torn_blocks)
{
	change();
	memcpy(block_of(memory, 0), block_of(before, 0), 512);
	memcpy(block_of(memory, 9) + 1536, block_of(before, 9) + 1536, 1024);
	expect_undone(4);
}

/* A block that was written twice may be as it was in between: interrupted there. */
Test(undo, between_two_writes_of_a_block)
{
	change();
	memset(block_of(memory, 3), 0x80, MD_BLOCK_SIZE);
	expect_undone(4);
}

Test(undo, a_device_that_was_used_since)
{
	static const uint64_t blocks[] = { 0, 3, 9 };

	change();
	for (size_t i = 0; i < ARRAY_SIZE(blocks); i++) {
		for (size_t at = 0; at < MD_BLOCK_SIZE; at += 1365) {
			char words[40];

			(void)snprintf(words, sizeof(words), "its block %d is neither",
				       (int)blocks[i]);
			block_of(memory, blocks[i])[at] ^= 1;
			expect_refused(device, words);
			block_of(memory, blocks[i])[at] ^= 1;
		}
	}
	/* Half a sector of each is no torn write. */
	memcpy(block_of(memory, 9), block_of(before, 9), 256);
	expect_refused(device, "its block 9 is neither");
	/* A block of the change that has what another one of it had. */
	memcpy(block_of(memory, 9), block_of(after, 3), MD_BLOCK_SIZE);
	expect_refused(device, "its block 9 is neither");
	memcpy(block_of(memory, 9), block_of(after, 9), MD_BLOCK_SIZE);
	/* Another block may have changed: it is none of the change. */
	block_of(memory, 12)[5] ^= 1;
	block_of(before, 12)[5] ^= 1;
	expect_undone(4);
}

static uint64_t order[8];
static size_t nr_order;

struct seen {
	struct block_engine base;
	size_t nr_flushes;
};

static int seen_submit(struct block_engine *e, struct io_request *rq)
{
	(void)e;
	if (rq->write)
		order[nr_order++] = rq->block;
	return io_submit_request(device, rq);
}

static int seen_reap(struct block_engine *e, struct io_request **ret_rq)
{
	(void)e;
	return io_reap_request(device, ret_rq);
}

static int seen_flush(struct block_engine *e)
{
	((struct seen *)e)->nr_flushes++;
	cr_expect_eq(((struct seen *)e)->nr_flushes, nr_order, "each is flushed before the next");
	return 0;
}

/* The superblock was the last to be written: it is the first to go back. */
Test(undo, backwards_and_each_flushed)
{
	static const struct block_engine_ops ops = { .submit = seen_submit,
						     .reap = seen_reap,
						     .flush = seen_flush };
	struct seen seen = { .base = { .ops = &ops, .nr_blocks = NR_BLOCKS } };
	static const uint64_t wanted[] = { 0, 3, 9, 3 };
	struct undo_fault fault;
	uint64_t nr;

	change();
	cr_expect_eq(undo_apply(&seen.base, path, &nr, &fault), 0);
	cr_assert_eq(nr_order, 4);
	for (size_t i = 0; i < 4; i++)
		cr_expect_eq(order[i], wanted[i]);
	cr_expect_eq(seen.nr_flushes, 4);
	expect_device(before);
}

Test(undo, a_device_that_fails)
{
	struct faults faults = faults_none(-EIO);
	struct block_engine *faulty = fault_engine_create(device, &faults);
	struct undo_fault fault;
	uint64_t nr = 7;

	change();
	faults.bad_block = 9;
	cr_expect_eq(undo_apply(faulty, path, &nr, &fault), -EIO);
	cr_expect_eq(nr, 0);
	expect_device(after);
	faults.bad_block = FAULT_NEVER;
	faults.flush = true;
	cr_expect_eq(undo_apply(faulty, path, &nr, &fault), -EIO);
	cr_expect_eq(nr, 0);
	cr_expect(!memcmp(block_of(memory, 9), block_of(after, 9), MD_BLOCK_SIZE),
		  "it goes no further");
	faults.flush = false;
	/* The checks read four blocks, then it writes. */
	faults.submit_at = faults.nr_submits + 5;
	cr_expect_eq(undo_apply(faulty, path, &nr, &fault), -EIO);
	cr_expect_eq(nr, 0);
	block_engine_destroy(faulty);
	expect_undone(4);
}
