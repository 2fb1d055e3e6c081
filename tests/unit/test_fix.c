/* SPDX-License-Identifier: MIT
 * test_fix.c: what thin_check mends in place, and what is on disk when it is interrupted.
 */
#include <criterion/criterion.h>
#include <errno.h>
#include <string.h>

#include "common/base/compiler.h"
#include "common/pdata/space_map.h"
#include "common/thin/metadata_fix.h"
#include "tests/support/image.h"
#include "tests/support/leaks.h"

TestSuite(fix, .fini = fail_on_leaks);

static const char *const fixtures[] = {
	"basic",          "metadata-snapshot", "many-snaps",     "out-of-metadata",
	"needs-check",    "docker-loop-lvm",   "docker-live",    "docker-pool-full",
	"docker-kill9-1", "docker-kill9-2",    "docker-kill9-3",
};

/* ---- an engine that loses its power after some writes */

enum { MAX_UNFLUSHED = 64 };

/* At the cut, what was not flushed is lost, but for the newest write: disks reorder. */
struct cut_engine {
	struct block_engine base;
	struct block_engine *inner;
	struct image *image;
	unsigned int writes_left;
	unsigned int nr_unflushed;
	uint64_t blocks[MAX_UNFLUSHED];
	uint8_t before[MAX_UNFLUSHED][MD_BLOCK_SIZE];
};

static struct cut_engine *to_cut(struct block_engine *e)
{
	return (struct cut_engine *)e;
}

static void remember(struct cut_engine *c, uint64_t block)
{
	cr_assert_lt(c->nr_unflushed, MAX_UNFLUSHED);
	memcpy(c->before[c->nr_unflushed], c->image->bytes + block * MD_BLOCK_SIZE, MD_BLOCK_SIZE);
	c->blocks[c->nr_unflushed++] = block;
}

static void lose_power(struct cut_engine *c)
{
	for (unsigned int n = c->nr_unflushed; n > 1; n--)
		memcpy(c->image->bytes + c->blocks[n - 2] * MD_BLOCK_SIZE, c->before[n - 2],
		       MD_BLOCK_SIZE);
	c->nr_unflushed = 0;
}

static int cut_submit(struct block_engine *e, struct io_request *rq)
{
	struct cut_engine *c = to_cut(e);

	if (rq->write && !c->writes_left) {
		lose_power(c);
		return -EIO;
	}
	if (rq->write) {
		c->writes_left--;
		remember(c, rq->block);
	}
	return c->inner->ops->submit(c->inner, rq);
}

static int cut_reap(struct block_engine *e, struct io_request **ret_rq)
{
	return to_cut(e)->inner->ops->reap(to_cut(e)->inner, ret_rq);
}

static int cut_flush(struct block_engine *e)
{
	to_cut(e)->nr_unflushed = 0;
	return 0;
}

static const struct block_engine_ops cut_ops = { .submit = cut_submit,
						 .reap = cut_reap,
						 .flush = cut_flush };

/* ---- mending */

struct attempt {
	unsigned int nr_writes;   /* until the power goes */
	bool keep_metadata_leaks; /* as if somebody used those blocks */
};

static const struct attempt undisturbed = { .nr_writes = UINT32_MAX };

/* Leaks of the data space map first, as many as are to be freed. */
static size_t data_leaks_first(struct check_result *result)
{
	size_t nr = 0;

	for (size_t n = 0; n < result->nr_leaks; n++) {
		if (!result->leaks[n].metadata)
			result->leaks[nr++] = result->leaks[n];
	}
	return nr;
}

static int mend(struct image *i, const struct attempt *attempt, struct fix_result *ret)
{
	struct check_options options = { .collect_leaks = true };
	static struct cut_engine cut;
	struct check_result result;
	struct report report;
	int r;

	cr_assert_eq(image_check(i, &options, &report, &result), 0);
	cr_assert(report_worst(&report) == SEVERITY_NON_FATAL ||
			  report_worst(&report) == SEVERITY_SUSPECT,
		  "%s: %s", finding_type(report.findings[0].id)->id, report.findings[0].message);
	if (attempt->keep_metadata_leaks)
		result.nr_leaks = data_leaks_first(&result);
	cut = (struct cut_engine){ .base = { .ops = &cut_ops, .nr_blocks = i->nr_blocks },
				   .inner = image_engine(i),
				   .image = i,
				   .writes_left = attempt->nr_writes };
	r = metadata_fix_space_maps(&cut.base, result.leaks, result.nr_leaks, ret);
	block_engine_destroy(cut.inner);
	check_result_destroy(&result);
	report_destroy(&report);
	return r;
}

static void leak_properly(struct image *i)
{
	for (int n = 0; n < 3; n++) {
		image_leak_data(i);
		image_leak_metadata(i);
	}
}

static void mend_leaks_of(const char *fixture)
{
	struct image i = image_load(fixture);
	struct fix_result fixed;

	leak_properly(&i);
	cr_assert_eq(mend(&i, &undisturbed, &fixed), 0);
	cr_expect_eq(fixed.nr_freed, 6);
	cr_expect_not(fixed.in_place);
	cr_expect_eq(image_worst(&i), SEVERITY_NONE, "%s", fixture);
	image_destroy(&i);
}

Test(fix, leaks_are_freed)
{
	for (size_t n = 0; n < ARRAY_SIZE(fixtures); n++)
		mend_leaks_of(fixtures[n]);
}

static void hide_nr_free(struct image *i)
{
	uint64_t leaf = first_leaf(i, image_get(i, 0, SUPER_DATA_MAP + MAP_BITMAP_ROOT, 8));

	image_set_node(i, leaf, node_value_offset(i, leaf, 0) + 8, 4, 3);
}

static uint64_t next_with_count(const struct image *i, uint64_t bitmap, uint64_t from,
				unsigned int count)
{
	const struct disk_bitmap *b = (const void *)(i->bytes + bitmap * MD_BLOCK_SIZE);

	while (bitmap_entry(bitmap_word(b, (unsigned int)from / 32), from % 32) != count)
		from++;
	return from;
}

/* What lies between two leaks is in use. */
Test(fix, only_leaks_are_freed)
{
	struct image i = image_load("many-snaps");
	struct check_options options = { .collect_leaks = true };
	uint64_t bitmap = image_data_bitmap(&i), first, used, second;
	struct check_result result;
	struct report report;
	struct fix_result fixed;

	used = next_with_count(&i, bitmap, 0, 1);
	first = next_with_count(&i, bitmap, used, 0);
	used = next_with_count(&i, bitmap, first, 1);
	second = next_with_count(&i, bitmap, used, 0);
	image_set_count(&i, bitmap, first, 1);
	image_set_count(&i, bitmap, second, 1);
	image_set_super(&i, SUPER_DATA_MAP + MAP_NR_ALLOCATED, 8,
			image_get(&i, 0, SUPER_DATA_MAP + MAP_NR_ALLOCATED, 8) + 2);
	hide_nr_free(&i);
	cr_assert_eq(image_check(&i, &options, &report, &result), 0);
	cr_assert_eq(result.nr_leaks, 2);
	cr_expect(result.leaks[0].begin == first && result.leaks[0].end == first + 1);
	cr_expect(result.leaks[1].begin == second && result.leaks[1].end == second + 1);
	check_result_destroy(&result);
	report_destroy(&report);
	cr_assert_eq(mend(&i, &undisturbed, &fixed), 0);
	cr_expect_eq(fixed.nr_freed, 2);
	cr_expect_eq(image_worst(&i), SEVERITY_NONE);
	image_destroy(&i);
}

/* Whenever the power goes, the metadata is as bad as before, or good: never worse. */
Test(fix, a_power_cut_harms_nothing)
{
	int r = -EIO;

	for (unsigned int writes = 0; r; writes++) {
		struct image i = image_load("metadata-snapshot");
		struct attempt attempt = { .nr_writes = writes };
		struct fix_result fixed;

		cr_assert_lt(writes, 100);
		leak_properly(&i);
		r = mend(&i, &attempt, &fixed);
		cr_expect_eq(image_worst(&i), r ? SEVERITY_NON_FATAL : SEVERITY_NONE, "%u writes",
			     writes);
		image_destroy(&i);
	}
}

/* ---- without room */

static uint64_t free_metadata(const struct image *i)
{
	return image_get(i, 0, SUPER_METADATA_MAP + MAP_NR_BLOCKS, 8) -
	       image_get(i, 0, SUPER_METADATA_MAP + MAP_NR_ALLOCATED, 8);
}

static uint64_t nr_found(struct image *i, enum finding_id id)
{
	struct check_result result;
	struct report report;
	uint64_t nr;

	cr_assert_eq(image_check(i, NULL, &report, &result), 0);
	nr = report.per_id[id];
	check_result_destroy(&result);
	report_destroy(&report);
	return nr;
}

/* So that nothing but the data bitmap, its index and the totals can be mended. */
static struct image image_without_room(void)
{
	struct image i = image_load("basic");

	for (uint64_t n = free_metadata(&i); n; n--)
		image_leak_metadata(&i);
	return i;
}

Test(fix, in_place_where_there_is_no_room)
{
	int r = -EIO;

	for (unsigned int writes = 0; r; writes++) {
		struct image i = image_without_room();
		struct attempt attempt = { .nr_writes = writes, .keep_metadata_leaks = true };
		uint64_t nr_metadata = nr_found(&i, FINDING_BLOCK_LEAKED), nr_before;
		struct fix_result fixed;

		cr_assert_lt(writes, 100);
		image_leak_data(&i);
		image_leak_data(&i);
		nr_before = nr_found(&i, FINDING_BLOCK_LEAKED);
		cr_assert_gt(nr_before, nr_metadata);
		r = mend(&i, &attempt, &fixed);
		cr_expect(fixed.in_place);
		cr_expect_eq(image_worst(&i), SEVERITY_NON_FATAL);
		if (r)
			goto next;
		cr_expect_eq(fixed.nr_freed, 2);
		cr_expect_eq(nr_found(&i, FINDING_BLOCK_LEAKED), nr_metadata);
		cr_expect_eq(nr_found(&i, FINDING_INDEX_NR_FREE_LOW), 0);
		cr_expect_eq(nr_found(&i, FINDING_SPACE_MAP_NR_ALLOCATED_HIGH), 0);
	next:
		image_destroy(&i);
	}
}

/* Nothing but the bitmap knows of them: index and totals are right as if they were free. */
Test(fix, leaks_of_the_bitmap_alone)
{
	struct image i = image_load("many-snaps");
	struct fix_result fixed;

	image_set_count(&i, image_data_bitmap(&i), image_find_count(&i, image_data_bitmap(&i), 0),
			1);
	image_set_count(&i, image_metadata_bitmap(&i),
			image_find_count(&i, image_metadata_bitmap(&i), 0), 2);
	cr_assert_eq(mend(&i, &undisturbed, &fixed), 0);
	cr_expect_eq(fixed.nr_freed, 2);
	cr_expect_eq(image_worst(&i), SEVERITY_NONE);
	image_destroy(&i);
}

/* ---- counts above two */

/* A leak whose count stands in the tree. */
static void leak_with_count(struct image *i, size_t map, unsigned int count)
{
	bool data = map == SUPER_DATA_MAP;
	uint64_t bitmap = data ? image_data_bitmap(i) : image_metadata_bitmap(i);
	uint64_t leaf = first_leaf(i, image_get(i, 0, map + MAP_REF_COUNT_ROOT, 8));
	unsigned int e = node_nr_entries(i, leaf), block = image_find_count(i, bitmap, 0);

	if (data)
		image_leak_data(i);
	else
		image_leak_metadata(i);
	image_set_count(i, bitmap, block, 3);
	image_set_node(i, leaf, NODE_NR_ENTRIES, 4, e + 1);
	for (; e && node_key(i, leaf, e - 1) > block; e--) {
		node_set_key(i, leaf, e, node_key(i, leaf, e - 1));
		image_set_node(i, leaf, node_value_offset(i, leaf, e), 4,
			       image_get(i, leaf, node_value_offset(i, leaf, e - 1), 4));
	}
	node_set_key(i, leaf, e, block);
	image_set_node(i, leaf, node_value_offset(i, leaf, e), 4, count);
}

static void mend_high_counts_of(const char *fixture)
{
	struct image i = image_load(fixture);
	struct fix_result fixed;

	image_leak_data(&i);
	image_leak_metadata(&i);
	leak_with_count(&i, SUPER_DATA_MAP, 3);
	leak_with_count(&i, SUPER_DATA_MAP, 7000);
	leak_with_count(&i, SUPER_METADATA_MAP, 3);
	cr_assert_eq(mend(&i, &undisturbed, &fixed), 0);
	cr_expect_eq(fixed.nr_freed, 5);
	cr_expect_eq(image_worst(&i), SEVERITY_NONE, "%s", fixture);
	image_destroy(&i);
}

/* Of two neighbours with such counts one is freed: the other's count stays. */
Test(fix, a_neighbours_high_count_stays)
{
	struct image i = image_load("needs-check");
	uint64_t block = image_find_count(&i, image_data_bitmap(&i), 0);
	struct leak leak = { .begin = block, .end = block + 1, .found = 3 };
	struct block_engine *e = image_engine(&i);
	struct fix_result fixed;

	leak_with_count(&i, SUPER_DATA_MAP, 3);
	leak_with_count(&i, SUPER_DATA_MAP, 7000);
	cr_assert_eq(image_find_count(&i, image_data_bitmap(&i), 0), block + 2);
	cr_assert_eq(metadata_fix_space_maps(e, &leak, 1, &fixed), 0);
	cr_expect_eq(fixed.nr_freed, 1);
	cr_expect_eq(nr_found(&i, FINDING_BLOCK_LEAKED), 1);
	cr_expect_eq(image_worst(&i), SEVERITY_NON_FATAL);
	block_engine_destroy(e);
	image_destroy(&i);
}

/* In place their tree cannot be built anew: they stay leaks, and the rest is mended. */
Test(fix, high_counts_stay_in_place)
{
	struct attempt attempt = { .nr_writes = UINT32_MAX, .keep_metadata_leaks = true };
	struct image i;
	struct fix_result fixed;
	uint64_t before;

	i = image_load("basic");
	image_leak_data(&i);
	leak_with_count(&i, SUPER_DATA_MAP, 3);
	for (uint64_t n = free_metadata(&i); n; n--)
		image_leak_metadata(&i);
	before = nr_found(&i, FINDING_BLOCK_LEAKED);
	cr_assert_eq(mend(&i, &attempt, &fixed), 0);
	cr_expect(fixed.in_place);
	cr_expect_eq(fixed.nr_freed, 1);
	cr_expect_eq(nr_found(&i, FINDING_BLOCK_LEAKED), before - 1);
	cr_expect_eq(nr_found(&i, FINDING_OVERFLOW_EXTRA), 0);
	image_destroy(&i);
}

Test(fix, leaks_with_high_counts_are_freed)
{
	mend_high_counts_of("basic");             /* its data map has counts that stay, */
	mend_high_counts_of("metadata-snapshot"); /* the metadata map of this one */
}

/* ---- free space that is not counted */

static void hide_none_free_before(struct image *i)
{
	uint64_t leaf = first_leaf(i, image_get(i, 0, SUPER_DATA_MAP + MAP_BITMAP_ROOT, 8));

	image_set_node(i, leaf, node_value_offset(i, leaf, 0) + 12, 4, BITMAP_ENTRIES);
}

static void hide_in_metadata_index(struct image *i)
{
	uint64_t index = image_get(i, 0, SUPER_METADATA_MAP + MAP_BITMAP_ROOT, 8);

	image_set(i, index, 16 + 8, 4, 17);
	image_set(i, index, 16 + 12, 4, 16000);
	image_seal(i, index, SALT_INDEX);
}

static void hide_in_total(struct image *i)
{
	image_set_super(i, SUPER_DATA_MAP + MAP_NR_ALLOCATED, 8,
			image_get(i, 0, SUPER_DATA_MAP + MAP_NR_ALLOCATED, 8) + 5);
}

static void hide_in_tail(struct image *i)
{
	uint64_t index = image_get(i, 0, SUPER_METADATA_MAP + MAP_BITMAP_ROOT, 8);

	image_set_count(i, image_metadata_bitmap(i), i->nr_blocks + 3, 1);
	image_set(i, index, 16 + 8, 4, image_get(i, index, 16 + 8, 4) - 1);
	image_seal(i, index, SALT_INDEX);
}

Test(fix, hidden_space_is_found)
{
	static void (*const hide[])(struct image * i) = {
		hide_nr_free,  hide_none_free_before, hide_in_metadata_index,
		hide_in_total, hide_in_tail,
	};

	for (size_t n = 0; n < ARRAY_SIZE(hide); n++) {
		struct image i = image_load("many-snaps");
		struct fix_result fixed;

		hide[n](&i);
		cr_assert_eq(mend(&i, &undisturbed, &fixed), 0);
		cr_expect_eq(fixed.nr_freed, 0);
		cr_expect_eq(image_worst(&i), SEVERITY_NONE, "number %zu", n);
		image_destroy(&i);
	}
}

Test(fix, clearing_needs_check_changes_nothing_else)
{
	struct image i = image_load("needs-check"), before = image_load("needs-check");
	struct block_engine *e = image_engine(&i);

	for (unsigned int n = 0; n < 16; n++) {
		image_set_super(&i, 16 + n, 1, n + 1);
		image_set_super(&before, 16 + n, 1, n + 1);
	}
	image_set_super(&i, SUPER_COMPAT, 4, 5);
	image_set_super(&before, SUPER_COMPAT, 4, 5);
	cr_assert_eq(metadata_clear_needs_check(e), 0);
	cr_expect_eq(image_get(&i, 0, SUPER_FLAGS, 4), 0);
	image_set_super(&before, SUPER_FLAGS, 4, 0);
	cr_expect_eq(memcmp(i.bytes, before.bytes, i.nr_blocks * MD_BLOCK_SIZE), 0);
	block_engine_destroy(e);
	image_destroy(&i);
	image_destroy(&before);
}
