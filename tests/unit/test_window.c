/* SPDX-License-Identifier: MIT
 * test_window.c: small reads made of larger ones give the same bytes and the same failures.
 */
#include <criterion/criterion.h>
#include <errno.h>
#include <string.h>

#include "common/base/alloc.h"
#include "common/pool/window_engine.h"
#include "tests/support/alloc_fault.h"
#include "tests/support/fault_engine.h"
#include "tests/support/leaks.h"

TestSuite(window, .fini = fail_on_leaks);

enum { NR_BLOCKS = 4100, WINDOW = 16 };

/* A device in memory, whose blocks begin with their numbers, behind one that fails. */
struct device {
	uint8_t *bytes, *room;
	struct block_engine *memory, *faulty, *window;
	struct faults faults;
};

static void device_make(struct device *d)
{
	d->faults = faults_none(-EREMOTEIO);
	d->bytes = alloc_aligned((size_t)NR_BLOCKS * MD_BLOCK_SIZE);
	d->room = alloc_aligned((size_t)IO_MAX_BLOCKS * MD_BLOCK_SIZE);
	cr_assert(d->bytes && d->room);
	for (uint64_t b = 0; b < NR_BLOCKS; b++)
		memcpy(d->bytes + b * MD_BLOCK_SIZE, &b, sizeof(b));
	cr_assert_eq(mem_engine_create(d->bytes, NR_BLOCKS, &d->memory), 0);
	d->faulty = fault_engine_create(d->memory, &d->faults);
	cr_assert_eq(window_engine_create(d->faulty, &d->window), 0);
}

static void device_destroy(struct device *d)
{
	cr_expect_eq(d->faults.nr_under_way, 0, "a request was left under way");
	block_engine_destroy(d->window);
	block_engine_destroy(d->faulty);
	block_engine_destroy(d->memory);
	alloc_free(d->bytes);
	alloc_free(d->room);
}

static void expect_block(struct device *d, uint64_t block)
{
	uint64_t number;

	cr_assert_eq(block_read(d->window, block, d->room), 0);
	memcpy(&number, d->room, sizeof(number));
	cr_expect_eq(number, block);
}

Test(window, neighbours_are_read_once)
{
	struct device d;

	device_make(&d);
	for (uint64_t b = 0; b < 4 * WINDOW; b++)
		expect_block(&d, b);
	cr_expect_eq(d.faults.nr_submits, 4);
	/* The last window is a part of one. */
	expect_block(&d, NR_BLOCKS - 1);
	expect_block(&d, NR_BLOCKS - NR_BLOCKS % WINDOW);
	cr_expect_eq(d.faults.nr_submits, 5);
	cr_expect_eq(block_read(d.window, NR_BLOCKS, d.room), -EIO);
	device_destroy(&d);
}

/* Where nothing more is taken from a window blocks are read by themselves. */
Test(window, scattered_blocks_are_read_alone)
{
	struct device d;
	uint64_t before;

	device_make(&d);
	for (uint64_t b = 0; b < NR_BLOCKS; b += WINDOW)
		expect_block(&d, b);
	before = d.faults.nr_submits;
	expect_block(&d, 200 * WINDOW + 5);
	expect_block(&d, 200 * WINDOW + 6);
	cr_expect_eq(d.faults.nr_submits, before + 2);
	device_destroy(&d);
}

Test(window, a_bad_block_costs_itself)
{
	struct device d;

	device_make(&d);
	d.faults.bad_block = 20;
	for (uint64_t b = 16; b < 32; b++) {
		if (b != 20)
			expect_block(&d, b);
	}
	cr_expect_eq(block_read(d.window, 20, d.room), -EIO);
	device_destroy(&d);
}

Test(window, an_engine_that_fails)
{
	struct device d;

	device_make(&d);
	d.faults.submit_at = 0;
	cr_expect_eq(block_read(d.window, 3, d.room), -EREMOTEIO);
	device_destroy(&d);
}

/* Large requests go through, and what they have under way is handed on. */
Test(window, between_large_requests)
{
	static struct io_request large[IO_MAX_DEPTH];
	struct device d;
	struct io_request small = { .block = 40, .nr_blocks = 1 }, *done;
	char *room;

	device_make(&d);
	room = alloc_aligned((size_t)IO_MAX_DEPTH * WINDOW * MD_BLOCK_SIZE);
	small.data = d.room;
	for (unsigned int i = 0; i + 1 < IO_MAX_DEPTH; i++) {
		large[i] = (struct io_request){ .block = (uint64_t)(100 + i) * WINDOW,
						.nr_blocks = WINDOW,
						.data = room + (size_t)i * WINDOW * MD_BLOCK_SIZE };
		cr_assert_eq(io_submit_request(d.window, &large[i]), 0);
	}
	cr_assert_eq(io_submit_request(d.window, &small), 0);
	for (unsigned int i = 0; i < IO_MAX_DEPTH; i++) {
		uint64_t number;

		cr_assert_eq(io_reap_request(d.window, &done), 0);
		cr_expect_eq(done->result, 0);
		memcpy(&number, done->data, sizeof(number));
		cr_expect_eq(number, done->block);
	}
	alloc_free(room);
	device_destroy(&d);
}

Test(window, nothing_is_written)
{
	struct device d;

	device_make(&d);
	cr_expect_eq(block_write(d.window, 3, d.room), -EROFS);
	cr_expect_eq(block_flush(d.window), -EROFS);
	device_destroy(&d);
}

static int create(void *inner)
{
	struct block_engine *e;
	int r = window_engine_create(inner, &e);

	if (!r)
		block_engine_destroy(e);
	return r;
}

Test(window, without_memory)
{
	struct device d;

	device_make(&d);
	cr_expect_eq(alloc_fault_sweep(create, d.faulty, 1), 3);
	device_destroy(&d);
}
