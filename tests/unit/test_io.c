/* SPDX-License-Identifier: MIT */
#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>

#include "common/base/alloc.h"
#include "common/io/block_reader.h"
#include "common/io/checksum.h"
#include "common/io/stream.h"
#include "tests/support/file_stream.h"
#include "tests/support/image.h"
#include "tests/support/leaks.h"

TestSuite(io, .fini = fail_on_leaks);

/* RFC 3720, B.4, where the checksum is inverted at the end. */
Test(io, crc32c_known_vectors)
{
	uint8_t zeros[32] = { 0 }, ones[32], up[32];

	memset(ones, 0xff, sizeof(ones));
	for (unsigned int i = 0; i < 32; i++)
		up[i] = (uint8_t)i;
	cr_expect_eq(~crc32c_portable(~0u, zeros, 32), 0x8a9136aau);
	cr_expect_eq(~crc32c_portable(~0u, ones, 32), 0x62a8ab43u);
	cr_expect_eq(~crc32c_portable(~0u, up, 32), 0x46dd794eu);
	cr_expect_eq(~crc32c_portable(~0u, "123456789", 9), 0xe3069283u);
	if (crc32c_has_hardware())
		cr_expect_eq(~crc32c_hardware(~0u, "123456789", 9), 0xe3069283u);
}

Test(io, hardware_and_portable_agree)
{
	uint8_t *block = alloc_aligned(MD_BLOCK_SIZE);
	unsigned int seed = 1;

	for (int round = 0; round < 200; round++) {
		for (size_t i = 0; i < MD_BLOCK_SIZE; i++)
			block[i] = (uint8_t)rand_r(&seed);
		cr_assert_eq(block_checksum(block, 121107),
			     crc32c_portable(~0u, block + 4, MD_BLOCK_SIZE - 4) ^ 121107u);
		block_checksum_set(block, SALT_BITMAP);
		cr_assert(block_checksum_ok(block, SALT_BITMAP));
		cr_assert_not(block_checksum_ok(block, SALT_INDEX));
		block[4 + rand_r(&seed) % 4092] ^= 1;
		cr_assert_not(block_checksum_ok(block, SALT_BITMAP));
	}
	alloc_free(block);
}

/* ---- engines and the reader */

enum { NR_BLOCKS = 3000 };

static void fill(uint8_t *bytes)
{
	for (uint64_t b = 0; b < NR_BLOCKS; b++)
		memcpy(bytes + b * MD_BLOCK_SIZE, &b, sizeof(b));
}

struct seen {
	struct bitset *wanted;
	uint64_t nr, bad, unreadable;
};

static int see(void *context, uint64_t block, const void *data, int error)
{
	struct seen *s = context;
	uint64_t stored = 0;

	s->nr++;
	if (error) {
		s->unreadable = block;
		return 0;
	}
	memcpy(&stored, data, sizeof(stored));
	s->bad += stored != block || !bitset_test(s->wanted, block);
	return 0;
}

static void read_scattered(struct block_engine *e, uint64_t unreadable)
{
	struct bitset wanted;
	struct block_reader *reader;
	struct seen seen = { .wanted = &wanted, .unreadable = NO_BLOCK };

	cr_assert_eq(bitset_init(&wanted, e->nr_blocks), 0);
	for (uint64_t b = 0; b < NR_BLOCKS; b += b < 1500 ? 1 : b % 37 + 1)
		bitset_set(&wanted, b);
	cr_assert_eq(block_reader_create(e, &reader), 0);
	for (int round = 0; round < 2; round++) {
		seen.nr = 0;
		cr_assert_eq(block_reader_run(reader, &wanted, see, &seen), 0);
		cr_expect_eq(seen.nr, wanted.nr_set);
		cr_expect_eq(seen.bad, 0);
		cr_expect_eq(seen.unreadable, unreadable);
	}
	block_reader_destroy(reader);
	bitset_destroy(&wanted);
}

Test(io, reader_reads_each_block_once)
{
	struct image i = { .bytes = alloc_aligned((size_t)NR_BLOCKS * MD_BLOCK_SIZE),
			   .nr_blocks = NR_BLOCKS,
			   .unreadable = NO_BLOCK };
	struct block_engine *e = image_engine(&i);

	fill(i.bytes);
	read_scattered(e, NO_BLOCK);
	i.unreadable = 700;
	read_scattered(e, 700);
	i.unreadable = 0;
	read_scattered(e, 0);
	block_engine_destroy(e);
	image_destroy(&i);
}

static int stop(void *context, uint64_t block, const void *data, int error)
{
	(void)context;
	(void)data;
	(void)error;
	return block == 300 ? -ECANCELED : 0;
}

Test(io, reader_stops_when_told)
{
	struct image i = { .bytes = alloc_aligned((size_t)NR_BLOCKS * MD_BLOCK_SIZE),
			   .nr_blocks = NR_BLOCKS,
			   .unreadable = NO_BLOCK };
	struct block_engine *e = image_engine(&i);
	struct block_reader *reader;
	struct bitset all;

	fill(i.bytes);
	cr_assert_eq(bitset_init(&all, NR_BLOCKS), 0);
	for (uint64_t b = 0; b < NR_BLOCKS; b++)
		bitset_set(&all, b);
	cr_assert_eq(block_reader_create(e, &reader), 0);
	cr_expect_eq(block_reader_run(reader, &all, stop, NULL), -ECANCELED);
	cr_expect_eq(e->nr_under_way, 0);
	block_reader_destroy(reader);
	bitset_destroy(&all);
	block_engine_destroy(e);
	image_destroy(&i);
}

Test(io, list_is_read_in_its_order)
{
	static const uint64_t blocks[] = { 9, 10, 11, 5, 4, 3, 2000, 2001, 9, NR_BLOCKS, 7 };
	struct image i = { .bytes = alloc_aligned((size_t)NR_BLOCKS * MD_BLOCK_SIZE),
			   .nr_blocks = NR_BLOCKS,
			   .unreadable = 10 };
	struct block_engine *e = image_engine(&i);
	uint8_t *slab = alloc_aligned(ARRAY_SIZE(blocks) * MD_BLOCK_SIZE);
	int errors[ARRAY_SIZE(blocks)];

	fill(i.bytes);
	cr_assert_eq(block_read_list(e, blocks, ARRAY_SIZE(blocks), slab, errors), 0);
	for (size_t n = 0; n < ARRAY_SIZE(blocks); n++) {
		uint64_t stored;

		memcpy(&stored, slab + n * MD_BLOCK_SIZE, sizeof(stored));
		if (blocks[n] == 10 || blocks[n] == NR_BLOCKS)
			cr_expect_eq(errors[n], -EIO);
		else
			cr_expect(!errors[n] && stored == blocks[n], "block %d", (int)blocks[n]);
	}
	alloc_free(slab);
	block_engine_destroy(e);
	image_destroy(&i);
}

static void on_file(int (*create)(int, uint64_t, struct block_engine **), int flags)
{
	char path[] = "build/io-test-XXXXXX";
	uint8_t *bytes = alloc_aligned((size_t)NR_BLOCKS * MD_BLOCK_SIZE);
	struct block_engine *e;
	int fd = mkstemp(path);
	uint64_t stored = 0;

	fill(bytes);
	cr_assert_eq(write(fd, bytes, (size_t)NR_BLOCKS * MD_BLOCK_SIZE),
		     (ssize_t)NR_BLOCKS * MD_BLOCK_SIZE);
	close(fd);
	fd = open(path, O_RDWR | flags);
	if (fd < 0 && errno == EINVAL)
		fd = open(path, O_RDWR);
	cr_assert_eq(create(fd, NR_BLOCKS, &e), 0);
	read_scattered(e, NO_BLOCK);
	memset(bytes, 0x5a, MD_BLOCK_SIZE);
	cr_expect_eq(block_write(e, 17, bytes), 0);
	cr_expect_eq(block_flush(e), 0);
	cr_expect_eq(block_read(e, 17, bytes + MD_BLOCK_SIZE), 0);
	memcpy(&stored, bytes + MD_BLOCK_SIZE, sizeof(stored));
	cr_expect_eq(stored, 0x5a5a5a5a5a5a5a5au);
	cr_expect_eq(block_read(e, NR_BLOCKS, bytes), -EIO);
	block_engine_destroy(e);
	unlink(path);
	alloc_free(bytes);
}

Test(io, aio_engine)
{
	on_file(aio_engine_create, O_DIRECT);
}

Test(io, sync_engine)
{
	on_file(sync_engine_create, 0);
}

/* A file that shrinks while it is read is an I/O error and not stale memory. */
Test(io, truncated_file_is_an_error)
{
	char path[] = "build/io-test-XXXXXX";
	int fd = mkstemp(path);
	uint8_t *block = alloc_aligned(MD_BLOCK_SIZE);
	struct block_engine *e;

	cr_assert_eq(ftruncate(fd, 4 * MD_BLOCK_SIZE + 100), 0);
	close(fd);
	cr_assert_eq(block_open(path, OPEN_READ, &e), 0);
	cr_expect_eq(e->nr_blocks, 4);
	cr_assert_eq(truncate(path, MD_BLOCK_SIZE), 0);
	cr_expect_eq(block_read(e, 3, block), -EIO);
	block_engine_destroy(e);
	unlink(path);
	alloc_free(block);
}

/* A file system may not take O_DIRECT. */
Test(io, in_memory)
{
	char path[] = "/dev/shm/io-test-XXXXXX";
	int fd = mkstemp(path);
	uint8_t *block = alloc_aligned(MD_BLOCK_SIZE);
	struct block_engine *e;

	if (fd < 0)
		cr_skip_test("no /dev/shm");
	cr_assert_eq(ftruncate(fd, 4 * MD_BLOCK_SIZE), 0);
	close(fd);
	cr_assert_eq(block_open(path, OPEN_READ_WRITE, &e), 0);
	cr_expect_eq(e->nr_blocks, 4);
	cr_expect_eq(block_read(e, 3, block), 0);
	block_engine_destroy(e);
	unlink(path);
	alloc_free(block);
}

Test(io, open_refuses_what_is_no_device)
{
	struct block_engine *e;

	cr_expect_eq(block_open("build/not-there", OPEN_READ, &e), -ENOENT);
	cr_expect_eq(block_open("build", OPEN_READ, &e), -EISDIR);
	cr_expect_eq(block_open("/dev/null", OPEN_READ, &e), -ENOTBLK);
	unlink("build/io-fifo");
	cr_assert_eq(mkfifo("build/io-fifo", 0600), 0);
	cr_expect_eq(block_open("build/io-fifo", OPEN_READ, &e), -ENOTBLK);
	unlink("build/io-fifo");
}

/* ---- streams */

static void write_lines(const char *path, bool compress, int nr)
{
	struct file_stream f;

	cr_assert_eq(file_stream_open(path, compress, &f), 0);
	for (int i = 0; i < nr; i++) {
		char *p = stream_room(f.stream);

		stream_advance(f.stream, (size_t)snprintf(p, STREAM_ROOM, "line %d\n", i));
	}
	cr_assert_eq(file_stream_close(&f), 0);
}

Test(io, stream_plain_and_gzip_hold_the_same)
{
	gzFile plain, packed; /* gzopen reads plain files too */
	char a[64], b[64];
	int nr = 0;

	write_lines("build/io-stream", false, 300000);
	write_lines("build/io-stream.gz", true, 300000);
	plain = gzopen("build/io-stream", "r");
	packed = gzopen("build/io-stream.gz", "r");
	while (gzgets(plain, a, sizeof(a)) && gzgets(packed, b, sizeof(b))) {
		cr_assert_str_eq(a, b);
		nr++;
	}
	cr_expect_eq(nr, 300000);
	gzclose(plain);
	gzclose(packed);
	unlink("build/io-stream");
	unlink("build/io-stream.gz");
}

Test(io, stream_to_a_full_disk_fails)
{
	struct file_stream f;

	for (int compress = 0; compress < 2; compress++) {
		cr_assert_eq(file_stream_open("/dev/full", compress, &f), 0);
		stream_advance(f.stream,
			       (size_t)snprintf(stream_room(f.stream), STREAM_ROOM, "text"));
		cr_expect_eq(file_stream_close(&f), -ENOSPC);
	}
}
