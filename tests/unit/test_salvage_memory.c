/* SPDX-License-Identifier: MIT
 * test_salvage_memory.c: a salvage that runs out of memory, wherever that is, says so and leaves
 * nothing behind: it never gives half of what there was.
 */
#include <criterion/criterion.h>
#include <errno.h>
#include <string.h>

#include "common/base/alloc.h"
#include "common/thin/salvage.h"
#include "common/thin/salvage_candidates.h"
#include "tests/support/alloc_fault.h"
#include "tests/support/image.h"
#include "tests/support/leaks.h"
#include "tests/support/versions.h"

TestSuite(salvage_memory, .fini = fail_on_leaks);

enum { MAX_RUNS = 60 }; /* of one salvage */

struct attempt {
	struct image image;
	struct salvage_options options;
	struct block_engine *engine; /* on the image */
};

static int salvage_once(void *context)
{
	struct attempt *a = context;
	struct block_engine *sound = NULL;
	struct salvage_result result;
	struct salvage_fault fault;
	int r = salvage(a->engine, &a->options, &sound, &result, &fault);

	salvage_result_destroy(&result);
	if (!r)
		block_engine_destroy(sound);
	return r;
}

static int list_once(void *context)
{
	struct attempt *a = context;
	struct candidate_list list;
	struct salvage_fault fault;
	int r = salvage_find_candidates(a->engine, &list, &fault);

	candidate_list_destroy(&list);
	return r;
}

/* How many allocations there are, found by those that are too many. */
static uint64_t count_allocations(int (*run)(void *context), struct attempt *a)
{
	uint64_t nr = 1;

	for (;; nr *= 2) {
		int r;

		alloc_fault_set(nr);
		r = run(a);
		if (!alloc_fault_clear()) {
			cr_assert_eq(r, 0, "%d", r);
			return nr;
		}
		cr_assert_eq(r, -ENOMEM, "allocation %d: %d", (int)nr, r);
	}
}

static void sweep(int (*run)(void *context), struct attempt *a)
{
	uint64_t nr;

	a->engine = image_engine(&a->image);
	nr = count_allocations(run, a);
	cr_expect_gt(alloc_fault_sweep(run, a, nr / MAX_RUNS + 1), 10);
	block_engine_destroy(a->engine);
	image_destroy(&a->image);
}

static void lose(struct image *i, uint64_t block)
{
	memset(i->bytes + block * MD_BLOCK_SIZE, 0, MD_BLOCK_SIZE);
}

static uint64_t mapping_root(const struct image *i)
{
	return image_get(i, 0, SUPER_MAPPING_ROOT, 8);
}

static uint64_t details_root(const struct image *i)
{
	return image_get(i, 0, SUPER_DETAILS_ROOT, 8);
}

Test(salvage_memory, of_healthy_metadata)
{
	struct attempt a = { .image = image_load("basic") };

	sweep(salvage_once, &a);
}

Test(salvage_memory, of_leaves)
{
	struct attempt a = { .image = image_load("many-snaps") };

	lose(&a.image, first_leaf(&a.image, device_root(&a.image, 0)));
	lose(&a.image, first_leaf(&a.image, device_root(&a.image, 100)));
	sweep(salvage_once, &a);
}

/* Nodes above leaves: their children are looked for. */
Test(salvage_memory, of_nodes)
{
	struct attempt a = { .image = image_load("many-snaps") };

	lose(&a.image, device_root(&a.image, 0));
	lose(&a.image, device_root(&a.image, 50));
	sweep(salvage_once, &a);
}

/* All trees are there, and nothing tells whose is which. */
Test(salvage_memory, of_the_top_level)
{
	struct attempt a = { .image = image_load("many-snaps") };

	lose(&a.image, mapping_root(&a.image));
	sweep(salvage_once, &a);
}

Test(salvage_memory, of_trees_that_cannot_be_told_apart)
{
	struct attempt a = { .image = image_load("needs-check") };

	lose(&a.image, mapping_root(&a.image));
	sweep(salvage_once, &a);
	a.image = image_load("needs-check");
	a.options.aggressive = true;
	lose(&a.image, mapping_root(&a.image));
	sweep(salvage_once, &a);
}

Test(salvage_memory, of_device_details)
{
	struct attempt a = { .image = image_load("basic") };

	lose(&a.image, details_root(&a.image));
	sweep(salvage_once, &a);
}

Test(salvage_memory, of_the_superblock)
{
	struct attempt a = { .image = image_load("basic"), .options.data_block_size = 128 };

	lose(&a.image, 0);
	sweep(salvage_once, &a);
}

Test(salvage_memory, of_space_maps)
{
	struct attempt a = { .image = image_load("many-snaps") };

	lose(&a.image, image_get(&a.image, 0, SUPER_METADATA_MAP + MAP_BITMAP_ROOT, 8));
	lose(&a.image, image_data_bitmap(&a.image));
	lose(&a.image, mapping_root(&a.image));
	sweep(salvage_once, &a);
}

Test(salvage_memory, of_an_earlier_commit)
{
	struct attempt a = { .image = image_load("basic"), .options.allow_older = true };

	lose(&a.image, mapping_root(&a.image));
	lose(&a.image, details_root(&a.image));
	sweep(salvage_once, &a);
}

/* A write that was lost: an earlier version of a block stands in its place. */
Test(salvage_memory, of_blocks_that_are_not_current)
{
	struct image clean = image_load("basic");

	for (uint64_t b = 1, nr = 0; b < clean.nr_blocks && nr < 3; b++) {
		for (uint64_t old = 1; old < clean.nr_blocks && version_in_use(&clean, b); old++) {
			struct attempt a;

			if (version_in_use(&clean, old) || !version_of(&clean, b, old))
				continue;
			a = (struct attempt){ .image = image_load("basic") };
			version_put(&a.image, &clean, b, old);
			sweep(salvage_once, &a);
			nr++;
			break;
		}
	}
	image_destroy(&clean);
}

Test(salvage_memory, of_candidates)
{
	struct attempt a = { .image = image_load("basic") };

	sweep(list_once, &a);
	a.image = image_load("basic");
	lose(&a.image, 0);
	sweep(list_once, &a);
}

/* Devices whose times are raised. */
Test(salvage_memory, of_times)
{
	static const uint64_t exposing[] = { 1, 3 };
	struct attempt a = { .image = image_load("basic"),
			     .options = { .exposing = exposing, .nr_exposing = 2 } };

	sweep(salvage_once, &a);
}
