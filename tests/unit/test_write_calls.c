/* SPDX-License-Identifier: MIT
 * test_write_calls.c: what the writer refuses, what it says of what it was told, and what stands in
 * the superblock then.
 */
#include <criterion/criterion.h>
#include <errno.h>

#include "common/pdata/btree_build.h"
#include "common/pdata/space_map_build.h"
#include "common/thin/superblock.h"
#include "tests/support/leaks.h"
#include "tests/support/made_pool.h"

TestSuite(write_calls, .fini = fail_on_leaks);

enum { NR_DATA = 1000, NR_METADATA = 200 };

static const struct pool_header plain_header = {
	.time = 7, .transaction_id = 5, .data_block_size = 256, .nr_data_blocks = NR_DATA
};

static void begin(struct made_pool *p, const struct pool_header *header)
{
	made_pool_begin(p, NR_METADATA, header);
}

static int map(struct made_pool *s, uint64_t thin, uint64_t data, uint64_t length, uint32_t time)
{
	const struct mapping_run run = { thin, data, length, time };

	return s->v->map(s->v, &run);
}

static void device(struct made_pool *p, uint64_t id, uint32_t created, uint32_t snapped)
{
	const struct device_details d = { .creation_time = created, .snapshotted_time = snapped };

	made_pool_device(p, id, &d);
}

/* ---- what is refused */

Test(write_calls, data_blocks_beyond_the_end)
{
	struct made_pool s;

	begin(&s, &plain_header);
	device(&s, 1, 0, 1);
	cr_expect_eq(map(&s, 0, NR_DATA - 3, 3, 0), 0);
	cr_expect_eq(map(&s, 10, NR_DATA - 3, 4, 0), -EINVAL);
	cr_expect_eq(map(&s, 10, NR_DATA, 1, 0), -EINVAL);
	cr_expect_eq(map(&s, 10, UINT64_MAX, 1, 0), -EINVAL);
	cr_expect_eq(map(&s, 10, UINT64_MAX - 5, 300, 0), -EINVAL);
	made_pool_destroy(&s);
}

Test(write_calls, names_that_are_known_or_not)
{
	struct made_pool s;

	begin(&s, &plain_header);
	cr_expect_eq(s.v->def(s.v, 4), 0);
	cr_expect_eq(map(&s, 0, 0, 3, 0), 0);
	cr_expect_eq(s.v->def_end(s.v), 0);
	cr_expect_eq(s.v->def(s.v, 4), -EINVAL);
	device(&s, 1, 0, 1);
	cr_expect_eq(s.v->ref(s.v, 3), -EINVAL);
	cr_expect_eq(s.v->ref(s.v, 4), 0);
	made_pool_destroy(&s);
}

static int commit_devices(const uint64_t *ids, size_t nr)
{
	struct made_pool s;
	int r;

	begin(&s, &plain_header);
	for (size_t n = 0; n < nr; n++) {
		device(&s, ids[n], 0, 1);
		made_pool_device_end(&s);
	}
	r = made_pool_commit(&s);
	if (!r)
		cr_expect_eq(image_worst(&s.image), SEVERITY_NONE);
	else
		cr_expect_eq(image_get(&s.image, 0, SUPER_MAGIC, 8), 0, "a superblock was written");
	made_pool_destroy(&s);
	return r;
}

Test(write_calls, devices_in_any_order_but_each_once)
{
	cr_expect_eq(commit_devices(NULL, 0), 0);
	cr_expect_eq(commit_devices((const uint64_t[]){ 5, 4, 3 }, 3), 0);
	cr_expect_eq(commit_devices((const uint64_t[]){ 3, 5, 4, MAX_DEV_ID, 0 }, 5), 0);
	cr_expect_eq(commit_devices((const uint64_t[]){ 3, 3 }, 2), -EINVAL);
	cr_expect_eq(commit_devices((const uint64_t[]){ 3, 5, 3 }, 3), -EINVAL);
	cr_expect_eq(commit_devices((const uint64_t[]){ 1, 2, 5, 5 }, 4), -EINVAL);
	cr_expect_eq(commit_devices((const uint64_t[]){ 1, 1, 2, 5 }, 4), -EINVAL);
}

/* ---- the superblock */

Test(write_calls, the_superblock_has_what_the_header_said)
{
	for (uint32_t flag = 0; flag < 2; flag++) {
		struct pool_header h = plain_header;
		struct made_pool s;

		h.needs_check = flag != 0;
		begin(&s, &h);
		cr_assert_eq(made_pool_commit(&s), 0);
		cr_expect_eq(image_get(&s.image, 0, SUPER_FLAGS, 4), flag);
		cr_expect_eq(image_get(&s.image, 0, SUPER_TIME, 4), 7);
		cr_expect_eq(image_get(&s.image, 0, SUPER_TRANSACTION, 8), 5);
		cr_expect_eq(image_get(&s.image, 0, SUPER_DATA_BLOCK_SIZE, 4), 256);
		cr_expect_eq(image_get(&s.image, 0, SUPER_METADATA_NR_BLOCKS, 8), NR_METADATA);
		cr_expect_eq(image_get(&s.image, 0, SUPER_DATA_MAP + MAP_NR_BLOCKS, 8), NR_DATA);
		cr_expect_eq(image_get(&s.image, 0, SUPER_METADATA_MAP + MAP_NR_BLOCKS, 8),
			     NR_METADATA);
		cr_expect_eq(image_worst(&s.image), SEVERITY_NONE);
		made_pool_destroy(&s);
	}
}

static uint32_t time_with(uint32_t created, uint32_t snapped, uint32_t mapped, bool raised)
{
	struct made_pool s;
	uint32_t time;

	begin(&s, &plain_header);
	device(&s, 1, created, snapped);
	cr_assert_eq(map(&s, 0, 0, 1, mapped), 0);
	cr_assert_eq(map(&s, 1, 1, 1, 0), 0);
	made_pool_device_end(&s);
	cr_assert_eq(made_pool_commit(&s), 0);
	cr_expect_eq(metadata_writer_raised_time(s.w, &time), raised);
	cr_expect_eq(image_get(&s.image, 0, SUPER_TIME, 4), time);
	made_pool_destroy(&s);
	return time;
}

Test(write_calls, the_time_is_the_newest_of_all)
{
	cr_expect_eq(time_with(1, 2, 3, false), 7);
	cr_expect_eq(time_with(7, 7, 7, false), 7);
	cr_expect_eq(time_with(8, 2, 3, true), 8);
	cr_expect_eq(time_with(1, 9, 3, true), 9);
	cr_expect_eq(time_with(1, 2, 10, true), 10);
}

/* ---- blocks that two would overwrite */

Test(write_calls, blocks_that_are_overwritten_in_place)
{
	struct made_pool s;

	begin(&s, &plain_header);
	device(&s, 1, 0, 5);
	cr_assert_eq(map(&s, 0, 7, 1, 4), 0); /* older than the snapshot: would be copied */
	cr_assert_eq(map(&s, 1, 7, 1, 4), 0);
	cr_assert_eq(map(&s, 2, 8, 1, 5), 0);
	cr_assert_eq(map(&s, 3, 9, 1, 5), 0);
	cr_assert_eq(map(&s, 4, 9, 1, 4), 0);
	made_pool_device_end(&s);
	cr_assert_eq(made_pool_commit(&s), 0);
	cr_expect(metadata_writer_repeats(s.w) && metadata_writer_suspicious(s.w));
	cr_expect_not(metadata_writer_repeated(s.w, 7));
	cr_expect_not(metadata_writer_repeated(s.w, 8));
	cr_expect(metadata_writer_repeated(s.w, 9));
	cr_expect_not(metadata_writer_estimated(s.w));
	made_pool_destroy(&s);
}

/* A def's newest mapping against the time of the device's last snapshot. */
static bool suspicious_ref(uint32_t first, uint32_t second, uint32_t snapped)
{
	struct made_pool s;
	bool suspicious;

	begin(&s, &plain_header);
	cr_assert_eq(s.v->def(s.v, 1), 0);
	cr_assert_eq(map(&s, 0, 0, 1, first), 0);
	cr_assert_eq(map(&s, 1, 1, 1, second), 0);
	cr_assert_eq(s.v->def_end(s.v), 0);
	for (uint64_t id = 1; id < 3; id++) {
		device(&s, id, 0, snapped);
		cr_assert_eq(s.v->ref(s.v, 1), 0);
		made_pool_device_end(&s);
	}
	cr_assert_eq(made_pool_commit(&s), 0);
	cr_expect_not(metadata_writer_repeats(s.w));
	suspicious = metadata_writer_suspicious(s.w);
	made_pool_destroy(&s);
	return suspicious;
}

Test(write_calls, refs_to_what_is_newer_than_the_snapshot)
{
	cr_expect_not(suspicious_ref(3, 4, 5));
	cr_expect(suspicious_ref(3, 4, 4));
	cr_expect(suspicious_ref(4, 3, 4));
	cr_expect_not(suspicious_ref(4, 3, 5));
	cr_expect(suspicious_ref(0, 0, 0));
}

/* ---- more than there can be */

Test(write_calls, far_too_many_mappings_are_estimated)
{
	const uint64_t nr = 20000000;
	struct pool_header h = plain_header;
	const struct mapping_run run = { .length = nr };
	const struct device_details d = { .mapped_blocks = nr };
	struct metadata_writer *w;
	struct metadata_visitor *v;
	uint64_t needed = 0, used;

	h.nr_data_blocks = nr;
	cr_assert_eq(metadata_writer_create(NULL, 100, &w), 0);
	v = metadata_writer_visitor(w);
	cr_assert_eq(v->superblock(v, &h), 0);
	cr_assert_eq(v->device(v, 1, &d), 0);
	cr_assert_eq(v->map(v, &run), 0);
	cr_assert_eq(v->device_end(v), 0);
	cr_assert_eq(v->superblock_end(v), 0);
	cr_assert_eq(metadata_writer_commit(w, &needed), 0);
	cr_expect(metadata_writer_estimated(w));
	/* The superblock, the device's tree, details, top level, and both space maps. */
	used = 1 + btree_nr_nodes(nr, 8) + 2 + space_map_data_size(nr, 0);
	cr_expect_eq(needed, used + space_map_metadata_size(needed, 0));
	metadata_writer_destroy(w);
}

/* More than the largest metadata device has room for: said all the same. */
Test(write_calls, more_than_any_device_holds_is_estimated)
{
	const uint64_t nr = 20000000, nr_runs = 60;
	struct pool_header h = plain_header;
	const struct device_details d = { .mapped_blocks = nr_runs * nr };
	struct metadata_writer *w;
	struct metadata_visitor *v;
	uint64_t needed = 0, used;

	h.nr_data_blocks = nr;
	cr_assert_eq(metadata_writer_create(NULL, 100, &w), 0);
	v = metadata_writer_visitor(w);
	cr_assert_eq(v->superblock(v, &h), 0);
	cr_assert_eq(v->device(v, 1, &d), 0);
	for (uint64_t n = 0; n < nr_runs; n++) {
		const struct mapping_run run = { .thin_begin = n * nr, .length = nr };

		cr_assert_eq(v->map(v, &run), 0);
	}
	cr_assert_eq(v->device_end(v), 0);
	cr_assert_eq(v->superblock_end(v), 0);
	cr_assert_eq(metadata_writer_commit(w, &needed), 0);
	used = 1 + btree_nr_nodes(nr_runs * nr, 8) + 2 + space_map_data_size(nr, 0);
	cr_assert_gt(used, METADATA_MAX_BLOCKS);
	cr_expect_eq(needed, used + space_map_metadata_size(METADATA_MAX_BLOCKS, 0));
	metadata_writer_destroy(w);
}

Test(write_calls, a_destroyed_superblock_is_zero)
{
	struct image i = image_load("basic"), before = image_load("basic");
	struct block_engine *e = image_engine(&i);

	cr_assert_eq(metadata_destroy_superblock(e), 0);
	for (size_t n = 0; n < MD_BLOCK_SIZE; n++)
		cr_assert_eq(i.bytes[n], 0);
	cr_expect_eq(memcmp(i.bytes + MD_BLOCK_SIZE, before.bytes + MD_BLOCK_SIZE,
			    (i.nr_blocks - 1) * MD_BLOCK_SIZE),
		     0);
	block_engine_destroy(e);
	image_destroy(&before);
	image_destroy(&i);
}
