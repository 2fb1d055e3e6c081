/* SPDX-License-Identifier: MIT
 * test_write.c: new metadata, from calls of a visitor.
 */
#include <criterion/criterion.h>
#include <errno.h>
#include <stdlib.h>

#include "common/base/alloc.h"
#include "common/pdata/space_map.h"
#include "common/thin/metadata_write.h"
#include "tests/support/content.h"
#include "tests/support/image.h"
#include "tests/support/leaks.h"
#include "tests/support/made_pool.h"

TestSuite(write, .fini = fail_on_leaks);

enum { NR_DATA_BLOCKS = 100000 };

struct script {
	struct metadata_visitor *v;
	struct content truth;
	uint64_t device;
	int error; /* the first that a call gave: then no more are made */
};

#define call(s, ...) ((s)->error = (s)->error ? (s)->error : (s)->v->__VA_ARGS__)

static void remember(struct script *s, uint64_t thin, uint64_t data)
{
	struct content *c = &s->truth;

	c->mappings = alloc_grow(c->mappings, &c->capacity, c->nr, sizeof(*c->mappings));
	cr_assert_not_null(c->mappings);
	c->mappings[c->nr++] = (struct content_mapping){ s->device, thin, data, 0 };
}

/* n mappings from thin block `thin` on; in runs of one, so that no two join. */
static void map(struct script *s, uint64_t thin, uint64_t data, uint64_t n, bool own)
{
	for (uint64_t i = 0; i < n; i++) {
		struct mapping_run run = { .thin_begin = thin + i,
					   .data_begin = data + i,
					   .length = 1 };

		call(s, map(s->v, &run));
		if (own)
			remember(s, thin + i, data + i);
	}
}

static void def(struct script *s, uint64_t name, uint64_t thin, uint64_t data, uint64_t n)
{
	call(s, def(s->v, name));
	map(s, thin, data, n, false);
	call(s, def_end(s->v));
}

static void ref(struct script *s, uint64_t name, uint64_t thin, uint64_t data, uint64_t n)
{
	call(s, ref(s->v, name));
	for (uint64_t i = 0; i < n; i++)
		remember(s, thin + i, data + i);
}

static void begin_device(struct script *s, uint64_t id, uint64_t mapped)
{
	struct device_details d = { .mapped_blocks = mapped, .snapshotted_time = 1 };

	s->device = id;
	call(s, device(s->v, id, &d));
}

static void end_device(struct script *s)
{
	call(s, device_end(s->v));
}

/*
 * Shared runs with little between them, before them and behind them: leaves that cannot stay
 * shared, or not all of them; the same run by itself in another device.
 */
static void tell(struct script *s, uint64_t small, uint64_t large)
{
	const struct pool_header header = { .time = 1,
					    .transaction_id = 5,
					    .data_block_size = 128,
					    .nr_data_blocks = NR_DATA_BLOCKS };
	uint64_t id = 1;

	call(s, superblock(s->v, &header));
	def(s, 1, 1000, 10000, small);
	def(s, 2, 5000, 20000, large);
	def(s, 3, 9000, 90000, 300); /* nobody refers to it */
	begin_device(s, id++, small);
	ref(s, 1, 1000, 10000, small);
	end_device(s);
	for (uint64_t own = 0; own < 800; own = own ? own * 3 : 1) {
		begin_device(s, id++, own + small + own + large + own);
		map(s, 0, 30000 + 1000 * id, own, true);
		ref(s, 1, 1000, 10000, small);
		map(s, 4000, 31000 + 1000 * id, own, true);
		ref(s, 2, 5000, 20000, large);
		map(s, 8000, 32000 + 1000 * id, own, true);
		end_device(s);
	}
	begin_device(s, id++, small + large);
	ref(s, 1, 1000, 10000, small);
	ref(s, 2, 5000, 20000, large);
	end_device(s);
	begin_device(s, id++, 0);
	end_device(s);
	call(s, superblock_end(s->v));
}

static uint64_t measure(uint64_t small, uint64_t large, uint64_t nr_blocks)
{
	struct metadata_writer *w;
	struct script s = { 0 };
	uint64_t needed = 0;

	cr_assert_eq(metadata_writer_create(NULL, nr_blocks, &w), 0);
	s.v = metadata_writer_visitor(w);
	tell(&s, small, large);
	cr_assert_eq(s.error, 0);
	cr_assert_eq(metadata_writer_commit(w, &needed), 0);
	metadata_writer_destroy(w);
	content_destroy(&s.truth);
	return needed;
}

static struct image write_image(uint64_t small, uint64_t large, uint64_t nr_blocks,
				struct content *ret_truth)
{
	struct image i = { .nr_blocks = nr_blocks, .unreadable = NO_BLOCK };
	struct metadata_writer *w;
	struct block_engine *e;
	struct script s = { 0 };
	uint64_t used = 0;

	i.bytes = alloc_array(nr_blocks, MD_BLOCK_SIZE);
	cr_assert_not_null(i.bytes);
	e = image_engine(&i);
	cr_assert_eq(metadata_writer_create(e, nr_blocks, &w), 0);
	s.v = metadata_writer_visitor(w);
	tell(&s, small, large);
	cr_assert_eq(s.error, 0);
	cr_assert_eq(metadata_writer_commit(w, &used), 0);
	cr_assert_leq(used, nr_blocks);
	metadata_writer_destroy(w);
	block_engine_destroy(e);
	*ret_truth = s.truth;
	return i;
}

static uint64_t nr_underfull(struct image *i)
{
	struct check_result result;
	struct report report;
	uint64_t nr;

	cr_assert_eq(image_check(i, NULL, &report, &result), 0);
	cr_expect_eq(report.nr_findings, report.per_id[FINDING_LEAF_UNDERFULL]);
	nr = report.per_id[FINDING_LEAF_UNDERFULL];
	check_result_destroy(&result);
	report_destroy(&report);
	return nr;
}

static void write_and_check(uint64_t small, uint64_t large)
{
	uint64_t needed = measure(small, large, 4096);
	struct content truth, got;
	struct image i = write_image(small, large, needed, &truth);
	struct content_difference d;
	struct block_engine *e = image_engine(&i);

	cr_expect_eq(nr_underfull(&i), 0, "%llu, %llu", (unsigned long long)small,
		     (unsigned long long)large);
	cr_assert_eq(content_read(e, 0, &got), 0);
	d = content_compare(&truth, &got);
	cr_expect(d.kept == truth.nr && !d.lost && !d.wrong, "%llu, %llu",
		  (unsigned long long)small, (unsigned long long)large);
	content_destroy(&got);
	content_destroy(&truth);
	block_engine_destroy(e);
	image_destroy(&i);
}

Test(write, shared_runs_of_every_size)
{
	static const uint64_t sizes[] = {
		1, 2, 83, 84, 85, 251, 252, 253, 335, 336, 504, 505, 1000
	};

	for (size_t a = 0; a < ARRAY_SIZE(sizes); a++) {
		for (size_t b = 0; b < ARRAY_SIZE(sizes); b++)
			write_and_check(sizes[a], sizes[b]);
	}
}

/*
 * What is measured suffices: a few blocks more than are used, for leaves that could not be seen to
 * stay shared (8 of 74 here).  With less than is used there is no result, not even in part.
 */
Test(write, what_does_not_fit_is_refused)
{
	uint64_t needed = measure(300, 1000, 4096), actual;
	struct content truth;
	struct image whole = write_image(300, 1000, needed, &truth);

	actual = image_get(&whole, 0, SUPER_METADATA_MAP + MAP_BITMAP_ROOT, 8) + 1; /* comes last */
	cr_assert(actual <= needed && needed <= actual + 10, "%llu of %llu",
		  (unsigned long long)actual, (unsigned long long)needed);
	content_destroy(&truth);
	image_destroy(&whole);
	for (uint64_t nr = 2; nr < actual; nr++) {
		struct image i = { .nr_blocks = nr, .unreadable = NO_BLOCK };
		struct metadata_writer *w;
		struct block_engine *e;
		struct script s = { 0 };
		uint64_t used;

		cr_expect_eq(measure(300, 1000, nr), needed);
		i.bytes = alloc_array(nr, MD_BLOCK_SIZE);
		e = image_engine(&i);
		cr_assert_eq(metadata_writer_create(e, nr, &w), 0);
		s.v = metadata_writer_visitor(w);
		tell(&s, 300, 1000);
		cr_expect_eq(s.error ? s.error : metadata_writer_commit(w, &used), -ENOSPC);
		cr_expect_eq(image_get(&i, 0, SUPER_MAGIC, 8), 0, "a superblock was written");
		metadata_writer_destroy(w);
		content_destroy(&s.truth);
		block_engine_destroy(e);
		image_destroy(&i);
	}
}

/* thin_restore 0.9 on a device whose last bitmap is full: only its one block too many shows. */
Test(write, counts_of_an_old_restore_without_a_tail)
{
	struct content truth;
	struct image i = write_image(100, 300, BITMAP_ENTRIES, &truth);
	uint64_t index = image_get(&i, 0, SUPER_METADATA_MAP + MAP_BITMAP_ROOT, 8);
	size_t nr_allocated = SUPER_METADATA_MAP + MAP_NR_ALLOCATED;
	struct check_result result;
	struct report report;

	cr_expect_eq(image_worst(&i), SEVERITY_NONE);
	image_set_super(&i, nr_allocated, 8, image_get(&i, 0, nr_allocated, 8) + 1);
	image_set(&i, index, 16 + 8, 4, image_get(&i, index, 16 + 8, 4) - 1);
	image_set(&i, index, 16 + 12, 4, image_get(&i, index, 16 + 12, 4) + 1);
	image_seal(&i, index, SALT_INDEX);
	cr_assert_eq(image_check(&i, NULL, &report, &result), 0);
	cr_expect_eq(report.nr_findings, 1, "the block that is hidden is none of its own");
	cr_expect_eq(report.per_id[FINDING_SPACE_MAP_OLD_RESTORE], 1);
	cr_expect_eq(report_worst(&report), SEVERITY_SUSPECT);
	check_result_destroy(&result);
	report_destroy(&report);
	content_destroy(&truth);
	image_destroy(&i);
}

/* ---- which leaves stay shared */

static void def_of(struct made_pool *p, uint64_t name, uint64_t thin, uint64_t nr)
{
	cr_assert_eq(p->v->def(p->v, name), 0);
	made_pool_map(p, thin, 1000 * name, nr, 1);
	cr_assert_eq(p->v->def_end(p->v), 0);
}

/* Own mappings before those of a def, and behind it. */
static void mixed_device(struct made_pool *p, uint64_t id, uint64_t before, uint64_t name,
			 uint64_t behind)
{
	const struct device_details d = { .snapshotted_time = 2 };

	made_pool_device(p, id, &d);
	if (before)
		made_pool_map(p, 0, 10000 * id, before, 1);
	cr_assert_eq(p->v->ref(p->v, name), 0);
	if (behind)
		made_pool_map(p, 9000, 10000 * id + 5000, behind, 1);
	made_pool_device_end(p);
}

static bool leads_to(const struct image *i, uint64_t device, uint64_t leaf)
{
	uint64_t root = device_root(i, device);

	for (unsigned int n = 0; n < node_nr_entries(i, root); n++) {
		if (node_value(i, root, n) == leaf)
			return true;
	}
	return false;
}

/* A leaf has to be a third full, 84 mappings, beside others: one that is stays as it is. */
Test(write, a_third_is_enough)
{
	const struct pool_header header = { .version = 2,
					    .time = 2,
					    .transaction_id = 1,
					    .data_block_size = 128,
					    .nr_data_blocks = NR_DATA_BLOCKS };

	for (uint64_t nr = 83; nr < 86; nr++) {
		const bool shared = nr >= 84;
		struct made_pool p;

		made_pool_begin(&p, 100, &header);
		def_of(&p, 1, 1000, nr);
		def_of(&p, 2, 1000, 252);
		mixed_device(&p, 1, 0, 1, 0);
		mixed_device(&p, 2, 0, 2, 0);
		mixed_device(&p, 3, 100, 1, 0);
		mixed_device(&p, 4, 0, 1, 100);
		mixed_device(&p, 5, nr, 2, 0);
		mixed_device(&p, 6, 0, 2, nr);
		cr_assert_eq(made_pool_commit(&p), 0);
		for (uint64_t id = 3; id < 7; id++) {
			uint64_t leaf = device_root(&p.image, id < 5 ? 1 : 2);

			cr_expect_eq(leads_to(&p.image, id, leaf), shared, "%llu, device %llu",
				     (unsigned long long)nr, (unsigned long long)id);
		}
		made_pool_destroy(&p);
	}
}

/* ---- room */

static int write_into(uint64_t nr_blocks)
{
	const struct pool_header header = { .version = 2,
					    .data_block_size = 128,
					    .nr_data_blocks = NR_DATA_BLOCKS };
	struct made_pool p;
	int r;

	made_pool_begin(&p, nr_blocks, &header);
	made_pool_device(&p, 1, &(struct device_details){ .mapped_blocks = 1000 });
	made_pool_map(&p, 0, 0, 1000, 0);
	made_pool_device_end(&p);
	r = made_pool_commit(&p);
	made_pool_destroy(&p);
	return r;
}

/* The superblock; 4 leaves and their parent; details, top level; data: 7 bitmaps, index, counts;
 * metadata: bitmap, index, counts. */
Test(write, what_fits_exactly_is_written)
{
	const uint64_t needed = 1 + 5 + 2 + (7 + 1 + 1) + 3;

	cr_expect_eq(write_into(needed), 0);
	cr_expect_eq(write_into(needed + 1), 0);
	cr_expect_eq(write_into(needed - 1), -ENOSPC);
}
