/* SPDX-License-Identifier: MIT
 * test_overlay.c: a device with blocks replaced and added, and what lies below it untouched.
 */
#include <criterion/criterion.h>
#include <errno.h>
#include <string.h>

#include "common/base/alloc.h"
#include "common/io/overlay_engine.h"
#include "tests/support/alloc_fault.h"
#include "tests/support/fault_engine.h"
#include "tests/support/leaks.h"

TestSuite(overlay, .fini = fail_on_leaks);

enum { NR_BLOCKS = 40 };

/* Block b below is filled with the byte b, one that is put with PUT + b. */
enum { PUT = 100 };

struct device {
	uint8_t *bytes;
	struct block_engine *memory, *below, *overlay;
	struct faults faults;
};

static void device_make(struct device *d)
{
	d->faults = faults_none(-EREMOTEIO);
	d->bytes = alloc_aligned(NR_BLOCKS * MD_BLOCK_SIZE);
	for (unsigned int b = 0; b < NR_BLOCKS; b++)
		memset(d->bytes + b * MD_BLOCK_SIZE, (int)b, MD_BLOCK_SIZE);
	cr_assert_eq(mem_engine_create(d->bytes, NR_BLOCKS, &d->memory), 0);
	d->below = fault_engine_create(d->memory, &d->faults);
	cr_assert_eq(overlay_engine_create(d->below, &d->overlay), 0);
}

static void device_destroy(struct device *d)
{
	for (unsigned int b = 0; b < NR_BLOCKS; b++)
		cr_expect_eq(d->bytes[b * MD_BLOCK_SIZE + 17], b, "block %u was written", b);
	block_engine_destroy(d->overlay);
	block_engine_destroy(d->below);
	block_engine_destroy(d->memory);
	alloc_free(d->bytes);
}

static int put(struct device *d, uint64_t block)
{
	uint8_t raw[MD_BLOCK_SIZE];

	memset(raw, (int)(PUT + block), sizeof(raw));
	return overlay_engine_put(d->overlay, block, raw);
}

/* nr blocks in one request, the rest of the room stays as it was.  The request's result. */
static int read_blocks(struct device *d, uint64_t first, unsigned int nr, uint8_t *room)
{
	struct io_request rq = { .block = first, .nr_blocks = nr, .data = room }, *done;
	int r;

	memset(room, 0xee, (NR_BLOCKS + 10) * MD_BLOCK_SIZE);
	r = io_submit_request(d->overlay, &rq);
	if (r)
		return r;
	cr_assert_eq(io_reap_request(d->overlay, &done), 0);
	cr_expect_eq(done, &rq);
	cr_expect_eq(room[nr * MD_BLOCK_SIZE], 0xee, "read beyond its blocks");
	return rq.result;
}

static void expect_filled(const uint8_t *block, unsigned int byte)
{
	cr_expect(block[0] == byte && block[MD_BLOCK_SIZE - 1] == byte, "%u and %u, not %u",
		  block[0], block[MD_BLOCK_SIZE - 1], byte);
}

static bool is_put(uint64_t b)
{
	return b == 0 || b == 7 || b == 8 || b == 20 || b == NR_BLOCKS - 1;
}

/* Every stretch of the device, wherever replaced blocks stand in it. */
Test(overlay, each_block_is_the_latest)
{
	uint8_t *room = alloc_aligned((NR_BLOCKS + 10) * MD_BLOCK_SIZE);
	struct device d;
	uint64_t nr_put = 0;

	device_make(&d);
	for (uint64_t b = 0; b < NR_BLOCKS; b++) {
		if (is_put(b)) {
			cr_assert_eq(put(&d, b), 0);
			nr_put++;
		}
	}
	cr_expect_eq(overlay_engine_nr_put(d.overlay), nr_put);
	for (unsigned int first = 0; first < NR_BLOCKS; first++) {
		for (unsigned int nr = 1; nr <= NR_BLOCKS - first; nr++) {
			cr_assert_eq(read_blocks(&d, first, nr, room), 0);
			for (unsigned int n = 0; n < nr; n++)
				expect_filled(room + n * MD_BLOCK_SIZE,
					      first + n + (is_put(first + n) ? PUT : 0));
		}
	}
	alloc_free(room);
	device_destroy(&d);
}

/* What is not replaced is read in as few requests as there are gaps. */
Test(overlay, neighbours_are_read_together)
{
	uint8_t *room = alloc_aligned((NR_BLOCKS + 10) * MD_BLOCK_SIZE);
	struct device d;

	device_make(&d);
	cr_assert_eq(put(&d, 10) | put(&d, 20), 0);
	cr_expect_eq(read_blocks(&d, 0, NR_BLOCKS, room), 0);
	cr_expect_eq(d.faults.nr_submits, 3);
	alloc_free(room);
	device_destroy(&d);
}

Test(overlay, a_block_that_is_put_again_is_replaced)
{
	uint8_t *room = alloc_aligned((NR_BLOCKS + 10) * MD_BLOCK_SIZE);
	uint8_t raw[MD_BLOCK_SIZE];
	struct device d;

	device_make(&d);
	cr_assert_eq(put(&d, 5), 0);
	memset(raw, 0x77, sizeof(raw));
	cr_assert_eq(overlay_engine_put(d.overlay, 5, raw), 0);
	memset(raw, 0x11, sizeof(raw)); /* it was copied */
	cr_expect_eq(overlay_engine_nr_put(d.overlay), 1);
	cr_expect_eq(read_blocks(&d, 5, 1, room), 0);
	expect_filled(room, 0x77);
	alloc_free(room);
	device_destroy(&d);
}

/* Blocks behind the end make the device larger; a block between that nobody put is not there. */
Test(overlay, it_grows)
{
	uint8_t *room = alloc_aligned((NR_BLOCKS + 10) * MD_BLOCK_SIZE);
	struct device d;

	device_make(&d);
	cr_expect_eq(d.overlay->nr_blocks, NR_BLOCKS);
	cr_assert_eq(put(&d, NR_BLOCKS), 0);
	cr_expect_eq(d.overlay->nr_blocks, NR_BLOCKS + 1);
	cr_assert_eq(put(&d, NR_BLOCKS + 3), 0);
	cr_expect_eq(d.overlay->nr_blocks, NR_BLOCKS + 4);
	cr_expect_eq(d.below->nr_blocks, NR_BLOCKS);
	cr_expect_eq(read_blocks(&d, NR_BLOCKS - 1, 2, room), 0);
	expect_filled(room, NR_BLOCKS - 1);
	expect_filled(room + MD_BLOCK_SIZE, PUT + NR_BLOCKS);
	cr_expect_eq(read_blocks(&d, NR_BLOCKS + 3, 1, room), 0);
	expect_filled(room, PUT + NR_BLOCKS + 3);
	cr_expect_eq(read_blocks(&d, NR_BLOCKS + 1, 1, room), -EIO);
	cr_expect_eq(read_blocks(&d, NR_BLOCKS + 4, 1, room), -EIO, "behind the new end");
	alloc_free(room);
	device_destroy(&d);
}

Test(overlay, a_block_that_cannot_be_read)
{
	uint8_t *room = alloc_aligned((NR_BLOCKS + 10) * MD_BLOCK_SIZE);
	struct device d;

	device_make(&d);
	d.faults.bad_block = 12;
	cr_expect_eq(read_blocks(&d, 12, 1, room), -EIO);
	cr_expect_eq(read_blocks(&d, 0, 30, room), -EIO);
	cr_expect_eq(read_blocks(&d, 13, 5, room), 0);
	cr_expect_eq(overlay_engine_nr_unreadable(d.overlay), 1);
	/* What replaces it can be read. */
	cr_assert_eq(put(&d, 12), 0);
	cr_expect_eq(read_blocks(&d, 0, 30, room), 0);
	expect_filled(room + 12 * MD_BLOCK_SIZE, PUT + 12);
	d.faults.submit_at = 0;
	cr_expect_eq(read_blocks(&d, 0, 1, room), -EIO);
	cr_expect_eq(d.overlay->nr_under_way, 0);
	alloc_free(room);
	device_destroy(&d);
}

Test(overlay, nothing_is_written)
{
	uint8_t *block = alloc_aligned(MD_BLOCK_SIZE);
	struct device d;

	memset(block, 0xff, MD_BLOCK_SIZE);
	device_make(&d);
	cr_assert_eq(put(&d, 3), 0);
	cr_expect_eq(block_write(d.overlay, 3, block), -EROFS);
	cr_expect_eq(block_write(d.overlay, 4, block), -EROFS);
	cr_expect_eq(block_flush(d.overlay), -EROFS);
	cr_expect_eq(d.faults.nr_submits + d.faults.nr_flushes, 0);
	cr_expect_eq(block_read(d.overlay, 3, block), 0);
	expect_filled(block, PUT + 3);
	alloc_free(block);
	device_destroy(&d);
}

static int make_and_put(void *context)
{
	struct device *d = context;
	struct block_engine *overlay;
	uint8_t raw[MD_BLOCK_SIZE] = { 0 };
	int r = overlay_engine_create(d->below, &overlay);

	if (r)
		return r;
	for (uint64_t b = 0; b < 30 && !r; b++) {
		const uint64_t nr_before = overlay_engine_nr_put(overlay);

		r = overlay_engine_put(overlay, b, raw);
		cr_expect_eq(overlay_engine_nr_put(overlay), nr_before + !r);
	}
	block_engine_destroy(overlay);
	return r;
}

Test(overlay, without_memory_nothing_changes)
{
	struct device d;

	device_make(&d);
	cr_expect_gt(alloc_fault_sweep(make_and_put, &d, 1), 30);
	device_destroy(&d);
}
