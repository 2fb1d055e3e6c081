/* SPDX-License-Identifier: MIT
 * test_verify.c: the last look at what was salvaged, before anybody is told that it is good.
 */
#include <criterion/criterion.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/alloc.h"
#include "common/tool/verify.h"
#include "tests/support/alloc_fault.h"
#include "tests/support/capture.h"
#include "tests/support/image.h"
#include "tests/support/leaks.h"

TestSuite(verify, .fini = fail_on_leaks);

enum { WITHOUT_MAPS, WITH_MAPS };
enum { SNAPSHOTTED_TIME = 20 }; /* offset in device details */

static struct contradictions find(struct image *i, bool space_maps)
{
	struct block_engine *e = image_engine(i);
	struct contradictions c;

	cr_assert_eq(contradictions_find(e, space_maps, &c), 0);
	block_engine_destroy(e);
	return c;
}

static void expect_any(struct image *i, bool space_maps, bool any)
{
	struct contradictions c = find(i, space_maps);

	cr_expect_eq(c.any, any, "space maps %d: %d", space_maps, c.any);
	contradictions_destroy(&c);
}

static void set_snapshotted_time(struct image *i, uint64_t device, uint64_t time)
{
	uint64_t block;
	size_t offset = device_details_offset(i, device, &block);

	image_set_node(i, block, offset + SNAPSHOTTED_TIME, 4, time);
}

Test(verify, what_the_kernel_left_has_none)
{
	static const char *const names[] = { "basic", "many-snaps", "metadata-snapshot",
					     "docker-live" };

	for (size_t n = 0; n < ARRAY_SIZE(names); n++) {
		struct image i = image_load(names[n]);

		for (int maps = WITHOUT_MAPS; maps <= WITH_MAPS; maps++) {
			struct contradictions c = find(&i, maps);

			cr_expect(!c.any && !c.nr_exposing, "%s", names[n]);
			contradictions_destroy(&c);
		}
		image_destroy(&i);
	}
}

/* The devices that would write are named, and they alone. */
Test(verify, devices_that_would_overwrite_others)
{
	static const uint64_t devices[] = { 0, 5, 100 };
	struct image clean = image_load("many-snaps"), i = image_load("many-snaps");
	struct contradictions c;

	for (size_t n = 0; n < ARRAY_SIZE(devices); n++) {
		for (int maps = WITHOUT_MAPS; maps <= WITH_MAPS; maps++) {
			set_snapshotted_time(&i, devices[n], 0);
			c = find(&i, maps);
			cr_expect(c.any);
			cr_assert_eq(c.nr_exposing, 1, "%zu", c.nr_exposing);
			cr_expect_eq(c.exposing[0], devices[n], "%d", (int)c.exposing[0]);
			contradictions_destroy(&c);
			memcpy(i.bytes, clean.bytes, i.nr_blocks * MD_BLOCK_SIZE);
		}
	}
	for (size_t n = 0; n < ARRAY_SIZE(devices); n++)
		set_snapshotted_time(&i, devices[n], 0);
	c = find(&i, WITH_MAPS);
	cr_expect_eq(c.nr_exposing, ARRAY_SIZE(devices), "%zu", c.nr_exposing);
	contradictions_destroy(&c);
	image_destroy(&clean);
	image_destroy(&i);
}

/* A device that was never snapshotted writes in place, and two of its mappings lead to one block.
 */
Test(verify, a_data_block_that_is_mapped_twice)
{
	struct image i = image_load("basic");
	uint64_t leaf = first_leaf(&i, device_root(&i, 1));

	image_set_node(&i, leaf, node_value_offset(&i, leaf, 0), 8, node_value(&i, leaf, 1));
	expect_any(&i, WITHOUT_MAPS, true);
	expect_any(&i, WITH_MAPS, true);
	image_destroy(&i);
}

/* Space maps are judged only where that is asked for. */
Test(verify, a_block_in_use_that_counts_as_free)
{
	struct image i = image_load("basic");
	uint64_t bitmap = image_data_bitmap(&i);

	image_set_count(&i, bitmap, image_find_count(&i, bitmap, 1), 0);
	expect_any(&i, WITHOUT_MAPS, false);
	expect_any(&i, WITH_MAPS, true);
	image_destroy(&i);
}

/* A leak costs space and nothing else. */
Test(verify, leaks_are_none)
{
	struct image i = image_load("basic");

	image_leak_data(&i);
	image_leak_metadata(&i);
	expect_any(&i, WITH_MAPS, false);
	expect_any(&i, WITHOUT_MAPS, false);
	image_destroy(&i);
}

static void expect_unknown(struct image *i)
{
	struct block_engine *e = image_engine(i);
	struct contradictions c;

	cr_expect_eq(contradictions_find(e, true, &c), -EIO);
	contradictions_destroy(&c);
	block_engine_destroy(e);
}

Test(verify, what_cannot_be_read_is_not_known)
{
	struct image i = image_load("basic");

	i.unreadable = first_leaf(&i, device_root(&i, 0));
	expect_unknown(&i);
	i.unreadable = 0;
	expect_unknown(&i);
	image_destroy(&i);
}

Test(verify, space_maps_must_be_whole)
{
	struct image i = image_load("basic");

	image_set(&i, image_metadata_bitmap(&i), 100, 4, 0xdeadbeef);
	expect_any(&i, WITH_MAPS, true);
	image_destroy(&i);
}

static int find_in(void *context)
{
	struct block_engine *e = context;
	struct contradictions c;
	int r = contradictions_find(e, true, &c);

	cr_expect_not(c.any);
	contradictions_destroy(&c);
	return r;
}

/* Without memory nothing is called good: it is a failure. */
Test(verify, without_memory_there_is_no_answer)
{
	struct image i = image_load("basic");
	struct block_engine *e = image_engine(&i);

	cr_expect_gt(alloc_fault_sweep(find_in, e, 1), 10);
	block_engine_destroy(e);
	image_destroy(&i);
}

/* ---- are times all that is wrong? */

Test(verify, times_alone)
{
	struct salvaged_device sound = { .nr_expected = 5, .nr_mappings = 5 };
	struct salvaged_device fewer = { .nr_expected = 5, .nr_mappings = 4 };
	struct salvaged_device rebuilt = { .nr_expected = 5,
					   .nr_mappings = 5,
					   .rebuilt_details = true };
	struct salvaged_device matched = { .nr_expected = 5,
					   .nr_mappings = 5,
					   .matched_root = true };
	uint64_t device = 3;
	const struct contradictions one = { .any = true, .exposing = &device, .nr_exposing = 1 };
	const struct contradictions others = { .any = true };
	const struct salvage_result times = { .devices = &sound, .nr_devices = 1 };
	const struct salvage_result more[] = {
		{ .devices = &fewer, .nr_devices = 1 },
		{ .devices = &rebuilt, .nr_devices = 1 },
		{ .devices = &matched, .nr_devices = 1 },
		{ .nr_stale = 1 },
		{ .nr_adopted = 1 },
		{ .superblock_found_out = true },
		{ .nr_dropped = 1 },
		{ .older = true },
		{ .nr_homeless = 1 },
	};

	cr_expect(contradictions_are_times(&one, &times));
	cr_expect_not(contradictions_are_times(&others, &times), "something else is wrong");
	for (size_t n = 0; n < ARRAY_SIZE(more); n++)
		cr_expect_not(contradictions_are_times(&one, &more[n]), "%zu", n);
}

/* ---- telling */

static char *told(const struct contradictions *c, int r, bool quiet, int *ret_status)
{
	static const struct tool tool = { .name = "tool" };
	struct capture err = capture_begin(stderr);

	*ret_status = contradictions_tell(&tool, c, r, "disk", quiet);
	return capture_end(&err);
}

Test(verify, telling)
{
	const struct contradictions none = { .any = false }, any = { .any = true };
	int status;
	char *text = told(&none, 0, false, &status);

	cr_expect_eq(status, STATUS_OK);
	cr_expect_str_eq(text, "");
	free(text);

	text = told(&any, 0, false, &status);
	cr_expect_eq(status, STATUS_BAD);
	cr_expect(!strncmp(text, "tool: disk: ", 12) && strstr(text, "thin_check"), "%s", text);
	free(text);

	text = told(&none, -ENOMEM, false, &status);
	cr_expect_eq(status, STATUS_BAD, "nobody knows whether it is good");
	cr_expect(!strncmp(text, "tool: disk: ", 12) && strstr(text, strerror(ENOMEM)), "%s", text);
	free(text);

	text = told(&any, 0, true, &status);
	cr_expect_eq(status, STATUS_BAD);
	cr_expect_str_eq(text, "");
	free(text);

	text = told(&none, -EIO, true, &status);
	cr_expect_eq(status, STATUS_BAD);
	cr_expect_str_eq(text, "");
	free(text);
}
