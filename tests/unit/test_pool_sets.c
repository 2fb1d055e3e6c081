/* SPDX-License-Identifier: MIT
 * test_pool_sets.c: whose data blocks are whose: against thin_ls, and against counting one by one.
 */
#include <criterion/criterion.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/pool/block_owners.h"
#include "common/pool/pool_sets.h"
#include "tests/support/leaks.h"
#include "tests/support/pool.h"

TestSuite(pool_sets, .fini = fail_on_leaks);

/* ---- what it is made of */

Test(pool_sets, data_runs_are_read_as_they_were_added)
{
	static const uint64_t edges[] = { 0, 1, 2, 31, 32, 127, 128, 5000, UINT64_C(1) << 40 };
	const size_t nr = ARRAY_SIZE(edges);
	struct data_runs r = { 0 };
	struct data_runs_cursor c;
	uint64_t begin, length;

	cr_assert_eq(data_runs_add(&r, 77, 3), 0);
	begin = r.used;
	data_runs_begin(&r);
	for (size_t i = 0; i < nr * nr; i++)
		cr_assert_eq(data_runs_add(&r, edges[i % nr], edges[i / nr] + 1), 0);
	c = data_runs_read(&r, begin, r.used);
	for (size_t i = 0; i < nr * nr; i++) {
		cr_assert(data_runs_next(&c, &begin, &length));
		cr_assert_eq(begin, edges[i % nr]);
		cr_assert_eq(length, edges[i / nr] + 1);
	}
	cr_expect_not(data_runs_next(&c, &begin, &length));
	c = data_runs_read(&r, 0, 0);
	cr_expect_not(data_runs_next(&c, &begin, &length));
	data_runs_destroy(&r);
}

static void compare_owners(const struct block_owners *o, const uint32_t *flat)
{
	for (uint64_t b = 0, end; b < o->nr_blocks; b = end) {
		uint32_t owner = block_owners_at(o, b, &end);

		cr_assert(end > b && end <= o->nr_blocks);
		for (uint64_t i = b; i < end; i++)
			cr_assert_eq(flat[i], owner, "block %llu", (unsigned long long)i);
	}
}

Test(pool_sets, owners_as_in_a_flat_array)
{
	enum { NR = 5 * OWNERS_CHUNK + 17 };
	uint32_t *flat = calloc(NR, sizeof(*flat));

	srand(1);
	for (int round = 0; round < 30; round++) {
		struct block_owners o;

		cr_assert_eq(block_owners_init(&o, NR), 0);
		memset(flat, 0, NR * sizeof(*flat));
		for (int i = 0; i < round; i++) {
			uint64_t begin = (uint64_t)rand() % NR / (i & 1 ? OWNERS_CHUNK : 1) *
					 (i & 1 ? OWNERS_CHUNK : 1);
			uint64_t length = 1 + (uint64_t)rand() % (round & 1 ? 40 : NR);
			uint32_t owner = OWNER_FIRST + (uint32_t)rand() % 3;

			length = length < NR - begin ? length : NR - begin;
			cr_assert_eq(block_owners_add(&o, begin, length, owner), 0);
			for (uint64_t b = begin; b < begin + length; b++)
				flat[b] = !flat[b] || flat[b] == owner ? owner : OWNER_SEVERAL;
		}
		compare_owners(&o, flat);
		block_owners_destroy(&o);
	}
	free(flat);
}

Test(pool_sets, an_absurd_device_costs_little)
{
	struct block_owners o;
	uint64_t end;

	cr_assert_eq(block_owners_init(&o, UINT64_C(1) << 36), 0);
	cr_assert_eq(block_owners_add(&o, 5, UINT64_C(1) << 32, OWNER_FIRST), 0);
	cr_assert_eq(block_owners_add(&o, (UINT64_C(1) << 36) - 1, 1, OWNER_FIRST + 1), 0);
	cr_expect_eq(o.nr_chunks, 3);
	cr_expect_eq(block_owners_at(&o, UINT64_C(1) << 31, &end), OWNER_FIRST);
	cr_expect_eq(block_owners_at(&o, (UINT64_C(1) << 36) - 1, &end), OWNER_FIRST + 1);
	cr_expect_eq(end, UINT64_C(1) << 36);
	block_owners_destroy(&o);
}

/* ---- thin_ls */

struct listed {
	const char *fixture;
	struct pool_state state;
	size_t nr;
};

static void list(struct listed *l, const char *name)
{
	if (l->fixture) {
		cr_expect_eq(l->nr, l->state.nr_devices, "%s", l->fixture);
		pool_state_destroy(&l->state);
	}
	free((void *)(uintptr_t)l->fixture);
	*l = (struct listed){ .fixture = name ? strdup(name) : NULL };
	if (name)
		l->state = pool_load(name + (*name == '@'), *name == '@');
}

Test(pool_sets, devices_as_thin_ls_lists_them)
{
	FILE *f = fopen("tests/fixtures/thin_ls.tsv", "r");
	unsigned long long id, mapped, exclusive, transaction, creation, snap;
	struct listed l = { 0 };
	char line[256], name[64];
	unsigned int nr_fixtures = 0;

	cr_assert(f);
	while (fgets(line, sizeof(line), f)) {
		const struct pool_device *d;

		if (*line == '#')
			continue;
		cr_assert_eq(sscanf(line, "%63s %llu %llu %llu %llu %llu %llu", name, &id, &mapped,
				    &exclusive, &transaction, &creation, &snap),
			     7);
		if (!l.fixture || strcmp(l.fixture, name) != 0) {
			list(&l, name);
			nr_fixtures++;
		}
		d = pool_state_find(&l.state, id);
		cr_assert(d, "%s: device %llu", name, id);
		cr_expect_eq(d->nr_mapped, mapped, "%s: device %llu", name, id);
		cr_expect_eq(d->nr_exclusive, exclusive, "%s: device %llu: %llu, not %llu", name,
			     id, (unsigned long long)d->nr_exclusive, exclusive);
		cr_expect_eq(d->details.transaction_id, transaction);
		cr_expect_eq(d->details.creation_time, creation);
		cr_expect_eq(d->details.snapshotted_time, snap);
		cr_expect(d->complete);
		l.nr++;
	}
	list(&l, NULL);
	fclose(f);
	cr_expect_eq(nr_fixtures, 13);
}

/* ---- sets, one block after the other */

/* The truth about one data block: its set, or nr_sets + column. */
static uint32_t column_of(const struct content *c, const struct pool_state *s,
			  const uint32_t *set_of, uint32_t nr_sets, uint64_t block,
			  bool *ret_mapped)
{
	uint32_t column = 0;

	*ret_mapped = false;
	for (size_t i = 0; i < c->nr; i++) {
		const struct pool_device *d;
		uint32_t set;

		if (c->mappings[i].data != block)
			continue;
		d = pool_state_find(s, c->mappings[i].device);
		cr_assert(d);
		set = set_of[d - s->devices];
		if (set == NO_SET)
			set = nr_sets + POOL_MAP_NO_SET;
		if (*ret_mapped && set != column)
			return nr_sets + POOL_MAP_BETWEEN;
		column = set;
		*ret_mapped = true;
	}
	return column;
}

static int by_data(const void *a, const void *b)
{
	const struct content_mapping *x = a, *y = b;

	return (x->data > y->data) - (x->data < y->data);
}

/* Count all there is in s and c, with the same partition. */
static void check_partition(const struct pool_state *s, const struct content *c,
			    const uint32_t *set_of, uint32_t nr_sets, uint32_t nr_cells,
			    const char *name)
{
	const uint32_t columns = nr_sets + NR_POOL_MAP_COLUMNS;
	uint64_t *sets = calloc(columns, sizeof(*sets));
	uint64_t *expected = calloc((size_t)columns * (nr_cells + 1), sizeof(*expected));
	uint64_t *total = expected + (size_t)columns * nr_cells;
	struct content sorted = { .nr = c->nr };
	struct pool_set_totals t;
	struct pool_map map;

	sorted.mappings = malloc((c->nr + 1) * sizeof(*sorted.mappings));
	if (c->nr)
		memcpy(sorted.mappings, c->mappings, c->nr * sizeof(*sorted.mappings));
	qsort(sorted.mappings, sorted.nr, sizeof(*sorted.mappings), by_data);
	for (size_t i = 0, end; i < sorted.nr; i = end) {
		uint64_t block = sorted.mappings[i].data;
		struct content users = { .mappings = sorted.mappings + i };
		uint32_t column;
		bool mapped;

		for (end = i; end < sorted.nr && sorted.mappings[end].data == block; end++)
			users.nr++;
		column = column_of(&users, s, set_of, nr_sets, block, &mapped);
		total[column]++;
		expected[block * nr_cells / s->nr_data_blocks * columns + column]++;
	}
	cr_assert_eq(pool_sets_count(s, set_of, nr_sets, sets, &t), 0);
	sets[nr_sets + POOL_MAP_NO_SET] = t.nr_no_set;
	sets[nr_sets + POOL_MAP_BETWEEN] = t.nr_between;
	cr_assert_eq(pool_map_make(s, set_of, nr_sets, nr_cells, &map), 0);
	for (uint32_t k = 0; k < columns; k++) {
		cr_expect_eq(sets[k], total[k], "%s: set %u of %u: %llu, not %llu", name, k,
			     nr_sets, (unsigned long long)sets[k], (unsigned long long)total[k]);
		t.nr_mapped -= total[k];
		for (uint32_t cell = 0; cell < nr_cells; cell++)
			cr_expect_eq(pool_map_blocks(&map, cell, k),
				     expected[(size_t)cell * columns + k], "%s: cell %u of %u",
				     name, cell, nr_cells);
	}
	cr_expect_eq(t.nr_mapped, 0);
	pool_map_destroy(&map);
	free(sorted.mappings);
	free(expected);
	free(sets);
}

static void check_partitions(const struct pool_state *s, const struct content *c, const char *name)
{
	static const uint32_t cells[] = { 1, 7, 64, 1000 };
	uint32_t *set_of = malloc((s->nr_devices + 1) * sizeof(*set_of));

	for (uint32_t nr_sets = 1; nr_sets < 5; nr_sets++) {
		for (size_t i = 0; i < s->nr_devices; i++) {
			uint32_t set = (uint32_t)rand() % (nr_sets + 1);

			set_of[i] = set == nr_sets ? NO_SET : set;
		}
		check_partition(s, c, set_of, nr_sets, cells[nr_sets - 1], name);
	}
	/* Together all devices own everything. */
	memset(set_of, 0, s->nr_devices * sizeof(*set_of));
	check_partition(s, c, set_of, 1, 3, name);
	for (size_t i = 0; i < s->nr_devices; i++)
		set_of[i] = NO_SET;
	check_partition(s, c, set_of, 0, 3, name);
	free(set_of);
}

/* What the metadata say of each device, counted from single mappings. */
static void check_devices(const struct pool_state *s, const struct content *c, const char *name)
{
	size_t k = 0;

	cr_expect_eq(s->nr_mapped, c->nr, "%s", name);
	cr_expect_eq(s->nr_devices, c->nr_devices, "%s", name);
	for (size_t i = 0; i < s->nr_devices; i++) {
		const struct pool_device *d = &s->devices[i];
		uint64_t nr = 0, end = 0;
		uint32_t newest = 0;

		cr_assert(!i || d->id > s->devices[i - 1].id);
		for (; k < c->nr && c->mappings[k].device == d->id; k++) {
			nr++;
			end = c->mappings[k].thin + 1;
			newest = c->mappings[k].time > newest ? c->mappings[k].time : newest;
		}
		cr_expect_eq(d->nr_mapped, nr, "%s: device %llu", name, (unsigned long long)d->id);
		cr_expect_eq(d->nr_thin_blocks, end);
		cr_expect_eq(d->newest_time, newest);
	}
	cr_expect_eq(k, c->nr);
}

Test(pool_sets, real_pools_block_by_block)
{
	srand(2);
	for (size_t n = 0; n < nr_pool_fixtures; n++) {
		struct pool_state s = pool_load(pool_fixtures[n], false);
		struct content c = pool_content(pool_fixtures[n]);

		check_devices(&s, &c, pool_fixtures[n]);
		check_partitions(&s, &c, pool_fixtures[n]);
		content_destroy(&c);
		pool_state_destroy(&s);
	}
}

Test(pool_sets, random_pools_block_by_block)
{
	char name[32];

	for (unsigned int seed = 0; seed < 150; seed++) {
		struct random_pool p = random_pool_make(seed);
		struct pool_state s = pool_load_xml(p.path);

		snprintf(name, sizeof(name), "pool %u", seed);
		check_devices(&s, &p.content, name);
		check_partitions(&s, &p.content, name);
		pool_state_destroy(&s);
		s = pool_load_restored(p.path);
		check_devices(&s, &p.content, name);
		check_partitions(&s, &p.content, name);
		pool_state_destroy(&s);
		random_pool_destroy(&p);
	}
}

Test(pool_sets, what_is_asked_for_is_checked)
{
	struct pool_state s = pool_load("basic", false);
	uint32_t set_of[8] = { 0, 0, 0, 1, 1, 2 };
	struct pool_set_totals t;
	struct pool_map m;
	uint64_t blocks[3];

	cr_expect_eq(pool_sets_count(&s, set_of, 2, blocks, &t), -EINVAL);
	cr_expect_eq(pool_sets_count(&s, set_of, UINT32_MAX, blocks, &t), -EINVAL);
	cr_expect_eq(pool_sets_count(&s, set_of, 3, blocks, &t), 0);
	cr_expect_eq(pool_map_make(&s, set_of, 2, 10, &m), -EINVAL);
	pool_map_destroy(&m);
	cr_expect_eq(pool_map_make(&s, set_of, 3, 0, &m), -EINVAL);
	pool_map_destroy(&m);
	cr_expect_eq(pool_map_make(&s, set_of, 3, POOL_MAX_CELLS + 1, &m), -EINVAL);
	pool_map_destroy(&m);
	/* More cells than blocks: each block is in one, and the cells are all of the device. */
	cr_assert_eq(pool_map_make(&s, set_of, 3, POOL_MAX_CELLS, &m), 0);
	cr_expect_eq(pool_map_begin(&m, 0), 0);
	cr_expect_eq(pool_map_begin(&m, POOL_MAX_CELLS), s.nr_data_blocks);
	pool_map_destroy(&m);
	cr_expect_null(pool_state_find(&s, 2));
	pool_state_destroy(&s);
	cr_expect_null(pool_state_find(&s, 0));
}
