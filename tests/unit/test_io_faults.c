/* SPDX-License-Identifier: MIT
 * test_io_faults.c: reading and writing on engines that fail, and that finish in any order.
 */
#include <criterion/criterion.h>
#include <errno.h>
#include <string.h>

#include "common/base/alloc.h"
#include "common/io/block_reader.h"
#include "common/io/block_writer.h"
#include "tests/support/alloc_fault.h"
#include "tests/support/fault_engine.h"
#include "tests/support/leaks.h"

TestSuite(io_faults, .fini = fail_on_leaks);

enum { NR_BLOCKS = 2000 };

/* A device in memory, whose blocks begin with their numbers, behind an engine with faults. */
struct device {
	uint8_t *bytes;
	struct block_engine *memory, *engine;
	struct faults faults;
};

static void device_make(struct device *d)
{
	d->faults = faults_none(-EREMOTEIO);
	d->bytes = alloc_aligned((size_t)NR_BLOCKS * MD_BLOCK_SIZE);
	cr_assert_not_null(d->bytes);
	for (uint64_t b = 0; b < NR_BLOCKS; b++)
		memcpy(d->bytes + b * MD_BLOCK_SIZE, &b, sizeof(b));
	cr_assert_eq(mem_engine_create(d->bytes, NR_BLOCKS, &d->memory), 0);
	d->engine = fault_engine_create(d->memory, &d->faults);
}

static void device_destroy(struct device *d)
{
	cr_expect_eq(d->faults.nr_under_way, 0, "a request was left under way");
	block_engine_destroy(d->engine);
	block_engine_destroy(d->memory);
	alloc_free(d->bytes);
}

static uint64_t number_in(const void *block)
{
	uint64_t number;

	memcpy(&number, block, sizeof(number));
	return number;
}

/* ---- one block */

Test(io_faults, a_request_stays_within_the_device)
{
	struct device d;
	struct io_request rq = { .nr_blocks = 0 };
	uint8_t *room = alloc_aligned((size_t)(IO_MAX_BLOCKS + 1) * MD_BLOCK_SIZE);

	device_make(&d);
	rq.data = room;
	cr_expect_eq(io_submit_request(d.engine, &rq), -EINVAL);
	rq.nr_blocks = IO_MAX_BLOCKS + 1;
	cr_expect_eq(io_submit_request(d.engine, &rq), -EINVAL);
	rq.nr_blocks = 2;
	rq.block = NR_BLOCKS - 1;
	cr_expect_eq(io_submit_request(d.engine, &rq), -EIO);
	rq.block = UINT64_MAX;
	cr_expect_eq(io_submit_request(d.engine, &rq), -EIO);
	cr_expect_eq(d.faults.nr_submits, 0, "the engine never sees them");
	rq.block = NR_BLOCKS - 2;
	cr_assert_eq(io_submit_request(d.engine, &rq), 0);
	cr_expect_eq(d.engine->nr_under_way, 1);
	cr_assert_eq(io_reap_request(d.engine, &(struct io_request *){ NULL }), 0);
	cr_expect_eq(number_in(room + MD_BLOCK_SIZE), NR_BLOCKS - 1);
	alloc_free(room);
	device_destroy(&d);
}

Test(io_faults, one_block_tells_what_failed)
{
	struct device d;
	uint8_t *block = alloc_aligned(MD_BLOCK_SIZE);

	memset(block, 0x5a, MD_BLOCK_SIZE);
	device_make(&d);
	d.faults.bad_block = 7;
	cr_expect_eq(block_read(d.engine, 7, block), -EIO);
	cr_expect_eq(block_write(d.engine, 7, block), -EREMOTEIO);
	cr_expect_eq(number_in(d.bytes + 7 * MD_BLOCK_SIZE), 7, "nothing was written");
	cr_expect_eq(block_write(d.engine, 8, block), 0);
	cr_expect_eq(number_in(d.bytes + 8 * MD_BLOCK_SIZE), 0x5a5a5a5a5a5a5a5au);
	cr_expect_eq(block_flush(d.engine), 0);
	d.faults.flush = true;
	cr_expect_eq(block_flush(d.engine), -EREMOTEIO);
	d.faults.submit_at = 0;
	cr_expect_eq(block_read(d.engine, 9, block), -EREMOTEIO);
	cr_expect_eq(d.engine->nr_under_way, 0);
	block_engine_destroy(NULL);
	alloc_free(block);
	device_destroy(&d);
}

/* ---- the reader */

struct seen {
	uint8_t times[NR_BLOCKS];
	uint64_t nr_wrong, nr_errors, last_bad;
	int error;
};

static int see(void *context, uint64_t block, const void *data, int error)
{
	struct seen *s = context;

	cr_assert_lt(block, (uint64_t)NR_BLOCKS);
	cr_expect_eq(data == NULL, error != 0);
	s->times[block]++;
	if (error) {
		s->nr_errors++;
		s->last_bad = block;
		s->error = error;
	} else {
		s->nr_wrong += number_in(data) != block;
	}
	return 0;
}

/* Every second block, in groups that gaps of 20 part, so that there are many requests. */
static struct bitset some_blocks(void)
{
	struct bitset wanted;

	cr_assert_eq(bitset_init(&wanted, NR_BLOCKS), 0);
	for (uint64_t b = 0; b < NR_BLOCKS; b++) {
		if (b % 60 < 40 && b % 2)
			bitset_set(&wanted, b);
	}
	return wanted;
}

static int read_some(struct device *d, struct seen *ret_seen)
{
	struct bitset wanted = some_blocks();
	struct block_reader *reader;
	int r;

	*ret_seen = (struct seen){ .error = 0 };
	cr_assert_eq(block_reader_create(d->engine, &reader), 0);
	r = block_reader_run(reader, &wanted, see, ret_seen);
	for (uint64_t b = 0; b < NR_BLOCKS; b++)
		cr_expect_leq(ret_seen->times[b], bitset_test(&wanted, b), "block %d", (int)b);
	cr_expect_eq(ret_seen->nr_wrong, 0);
	if (!r) {
		for (uint64_t b = 0; b < NR_BLOCKS; b++)
			cr_expect_eq(ret_seen->times[b], bitset_test(&wanted, b), "block %d",
				     (int)b);
	}
	block_reader_destroy(reader);
	bitset_destroy(&wanted);
	return r;
}

Test(io_faults, the_reader_takes_requests_in_any_order)
{
	struct device d;
	struct seen seen;

	device_make(&d);
	cr_expect_eq(read_some(&d, &seen), 0);
	cr_expect_eq(seen.nr_errors, 0);
	cr_expect_gt(d.faults.most_under_way, 1);
	cr_expect_lt(d.faults.nr_submits, NR_BLOCKS / 10, "neighbours are read together");
	device_destroy(&d);
}

/* Requests that fail alone: each of their blocks is tried by itself, and reads well. */
Test(io_faults, the_reader_tries_each_block_of_a_failed_request)
{
	struct device d;
	struct seen seen;

	for (uint64_t n = 0; n < 20; n++) {
		device_make(&d);
		d.faults.result_at = n;
		cr_expect_eq(read_some(&d, &seen), 0);
		cr_expect_eq(seen.nr_errors, 0);
		device_destroy(&d);
	}
}

Test(io_faults, the_reader_names_the_block_that_is_bad)
{
	static const uint64_t bad[] = { 1, 21, 39, 61, 1021, NR_BLOCKS - 1 };

	for (size_t n = 0; n < ARRAY_SIZE(bad); n++) {
		struct device d;
		struct seen seen;

		device_make(&d);
		d.faults.bad_block = bad[n];
		cr_expect_eq(read_some(&d, &seen), 0);
		cr_expect_eq(seen.nr_errors, bad[n] % 60 < 40, "block %d", (int)bad[n]);
		cr_expect(!seen.nr_errors || (seen.last_bad == bad[n] && seen.error == -EIO));
		device_destroy(&d);
	}
}

/* A block between wanted ones is read with them; that it cannot be read is nobody's loss. */
Test(io_faults, a_bad_block_that_nobody_wants_is_none)
{
	struct device d;
	struct seen seen;

	device_make(&d);
	d.faults.bad_block = 20;
	cr_expect_eq(read_some(&d, &seen), 0);
	cr_expect_eq(seen.nr_errors, 0);
	device_destroy(&d);
}

Test(io_faults, the_reader_ends_where_the_engine_fails)
{
	struct seen seen;

	for (uint64_t n = 0; n < 20; n++) {
		struct device d;

		device_make(&d);
		d.faults.submit_at = n;
		cr_expect_eq(read_some(&d, &seen), -EREMOTEIO, "submission %d", (int)n);
		device_destroy(&d);
	}
}

static int stop(void *context, uint64_t block, const void *data, int error)
{
	uint64_t *left = context;

	(void)block;
	(void)data;
	(void)error;
	return (*left)-- ? 0 : -ECANCELED;
}

/* Whoever gets the blocks may end it at any of them, also while failed ones are tried again. */
Test(io_faults, the_reader_stops_when_told_at_any_time)
{
	struct bitset wanted = some_blocks();

	for (uint64_t n = 0; n < wanted.nr_set; n += 7) {
		struct block_reader *reader;
		struct device d;
		uint64_t left = n;

		device_make(&d);
		d.faults.bad_block = 301;
		cr_assert_eq(block_reader_create(d.engine, &reader), 0);
		cr_expect_eq(block_reader_run(reader, &wanted, stop, &left), -ECANCELED);
		cr_expect_eq(d.engine->nr_under_way, 0);
		block_reader_destroy(reader);
		device_destroy(&d);
	}
	block_reader_destroy(NULL);
	bitset_destroy(&wanted);
}

/* ---- lists */

enum { LIST_NR = 300 };

static int read_list(struct device *d, const uint64_t *blocks, int *errors)
{
	uint8_t *slab = alloc_aligned((size_t)LIST_NR * MD_BLOCK_SIZE);
	int r = block_read_list(d->engine, blocks, LIST_NR, slab, errors);

	for (unsigned int i = 0; i < LIST_NR && !r; i++)
		cr_expect(errors[i] || number_in(slab + (size_t)i * MD_BLOCK_SIZE) == blocks[i]);
	alloc_free(slab);
	return r;
}

/* No two of them are neighbours, so that each is a request. */
static void lonely_blocks(uint64_t *blocks)
{
	for (unsigned int i = 0; i < LIST_NR; i++)
		blocks[i] = (LIST_NR - i) * 5;
}

Test(io_faults, a_list_tells_which_block_is_bad)
{
	uint64_t blocks[LIST_NR];
	int errors[LIST_NR];
	struct device d;

	lonely_blocks(blocks);
	blocks[17] = NR_BLOCKS + 3;
	device_make(&d);
	d.faults.bad_block = blocks[5];
	d.faults.result_at = 9;
	cr_expect_eq(read_list(&d, blocks, errors), 0);
	cr_expect_eq(d.faults.most_under_way, IO_MAX_DEPTH);
	for (unsigned int i = 0; i < LIST_NR; i++)
		cr_expect_eq(errors[i], i == 5 ? -EIO : i == 17 ? -EIO : 0, "%u: %d", i, errors[i]);
	device_destroy(&d);
}

/* One request of many blocks fails: only one of these is bad. */
Test(io_faults, a_list_tells_which_of_neighbours_is_bad)
{
	uint64_t blocks[LIST_NR];
	int errors[LIST_NR];
	struct device d;

	for (unsigned int i = 0; i < LIST_NR; i++)
		blocks[i] = 100 + i;
	device_make(&d);
	d.faults.bad_block = 350;
	cr_expect_eq(read_list(&d, blocks, errors), 0);
	for (unsigned int i = 0; i < LIST_NR; i++)
		cr_expect_eq(errors[i], i == 250 ? -EIO : 0, "%u: %d", i, errors[i]);
	device_destroy(&d);
}

/* Submissions that an engine refuses are errors of their blocks, and these are tried once more. */
Test(io_faults, a_list_survives_what_the_engine_refuses)
{
	uint64_t blocks[LIST_NR];
	int errors[LIST_NR];
	struct device d;

	lonely_blocks(blocks);
	device_make(&d);
	d.faults.submit_at = 100;
	cr_expect_eq(read_list(&d, blocks, errors), 0);
	for (unsigned int i = 0; i < LIST_NR; i++)
		cr_expect_eq(errors[i], i < 100 ? 0 : -EREMOTEIO, "%u: %d", i, errors[i]);
	device_destroy(&d);
}

/* ---- the writer */

/* Writes blocks from `first` on, as many as it can up to nr; each holds ~number. */
static int write_some(struct device *d, uint64_t first, uint64_t end, uint64_t nr, bool drain)
{
	struct block_writer *w;
	uint64_t block, expected = first;
	void *raw;
	int r = 0, drained;

	cr_assert_eq(block_writer_create(d->engine, first, end, &w), 0);
	while (nr-- && !r) {
		cr_expect_eq(block_writer_position(w), expected);
		r = block_writer_next(w, &block, &raw);
		if (r)
			break;
		cr_expect_eq(block, expected++);
		memset(raw, 0, MD_BLOCK_SIZE);
		block = ~block;
		memcpy(raw, &block, sizeof(block));
	}
	if (drain) {
		drained = block_writer_drain(w);
		cr_expect(r == -ENOSPC || !r || drained == r, "%d, then %d", r, drained);
		r = r ? r : drained;
	}
	block_writer_destroy(w);
	cr_expect_eq(d->engine->nr_under_way, 0);
	return r;
}

Test(io_faults, the_writer_writes_all_and_nothing_else)
{
	struct device d;

	device_make(&d);
	cr_expect_eq(write_some(&d, 10, NR_BLOCKS, 1500, true), 0);
	for (uint64_t b = 0; b < NR_BLOCKS; b++)
		cr_expect_eq(number_in(d.bytes + b * MD_BLOCK_SIZE), b < 10 || b >= 1510 ? b : ~b,
			     "block %d", (int)b);
	cr_expect_gt(d.faults.most_under_way, 1);
	device_destroy(&d);
}

Test(io_faults, the_writer_ends_at_its_end)
{
	struct device d;

	device_make(&d);
	cr_expect_eq(write_some(&d, 10, 75, 1000, true), -ENOSPC);
	cr_expect_eq(number_in(d.bytes + 74 * MD_BLOCK_SIZE), ~(uint64_t)74);
	cr_expect_eq(number_in(d.bytes + 75 * MD_BLOCK_SIZE), 75);
	cr_expect_eq(write_some(&d, 75, 75, 1, true), -ENOSPC);
	device_destroy(&d);
}

/* Whatever fails, it is told at the latest when all is drained, and nothing is left under way. */
Test(io_faults, the_writer_tells_of_each_failure)
{
	for (uint64_t n = 0; n < NR_BLOCKS / 64; n++) {
		struct device d;

		device_make(&d);
		d.faults.result_at = n;
		cr_expect_eq(write_some(&d, 0, NR_BLOCKS, NR_BLOCKS, true), -EREMOTEIO);
		device_destroy(&d);

		device_make(&d);
		d.faults.submit_at = n;
		cr_expect_eq(write_some(&d, 0, NR_BLOCKS, NR_BLOCKS, true), -EREMOTEIO);
		device_destroy(&d);
	}
}

/* Given up halfway: what was submitted ends before its buffers are freed. */
Test(io_faults, a_writer_that_is_given_up_waits)
{
	struct device d;

	device_make(&d);
	cr_expect_eq(write_some(&d, 0, NR_BLOCKS, 64 * 7 + 5, false), 0);
	cr_expect_eq(d.faults.nr_submits, 7);
	cr_expect_eq(number_in(d.bytes + (64 * 7 - 1) * MD_BLOCK_SIZE), ~(uint64_t)(64 * 7 - 1));
	cr_expect_eq(number_in(d.bytes + 64 * 7 * MD_BLOCK_SIZE), 64 * 7, "never submitted");
	device_destroy(&d);
}

Test(io_faults, a_writer_without_engine_counts)
{
	struct block_writer *w;
	uint64_t block;
	void *raw;

	cr_assert_eq(block_writer_create(NULL, 5, 1000, &w), 0);
	for (uint64_t b = 5; b < 1000; b++) {
		cr_assert_eq(block_writer_next(w, &block, &raw), 0);
		cr_expect_eq(block, b);
		memset(raw, 0xff, MD_BLOCK_SIZE);
	}
	cr_expect_eq(block_writer_next(w, &block, &raw), -ENOSPC);
	cr_expect_eq(block_writer_position(w), 1000);
	cr_expect_eq(block_writer_drain(w), 0);
	block_writer_destroy(w);
	block_writer_destroy(NULL);
}

/* ---- memory */

static int make_reader_and_writer(void *context)
{
	struct device *d = context;
	struct block_reader *reader;
	struct block_writer *writer;
	int r = block_reader_create(d->engine, &reader);

	if (r)
		return r;
	block_reader_destroy(reader);
	r = block_writer_create(d->engine, 0, 1, &writer);
	if (!r)
		block_writer_destroy(writer);
	return r;
}

static int make_memory_engine(void *context)
{
	struct block_engine *e;
	int r = mem_engine_create(context, 1, &e);

	if (!r)
		block_engine_destroy(e);
	return r;
}

Test(io_faults, without_memory_nothing_is_made)
{
	struct device d;

	device_make(&d);
	cr_expect_eq(alloc_fault_sweep(make_reader_and_writer, &d, 1), 4);
	cr_expect_eq(alloc_fault_sweep(make_memory_engine, d.bytes, 1), 1);
	device_destroy(&d);
}
