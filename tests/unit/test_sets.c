/* SPDX-License-Identifier: MIT
 * test_sets.c: sets of devices and lineages, against counting block by block.
 */
#include <criterion/criterion.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/pool/pool_lineage.h"
#include "docker_meta/facts/descent.h"
#include "docker_meta/facts/sets.h"
#include "tests/support/leaks.h"
/* Docker has images of another kind. */
#define image disk_image
#include "tests/support/pool.h"
#undef image

TestSuite(sets, .fini = fail_on_leaks);

static char none[] = "none", web[] = "web", driver[] = "devicemapper", base[] = "base";

enum { MAX_DEVICES = 16, MAX_IMAGES = 4, MAX_MOUNTS = 3 };

/* ---- who maps what: a bit for each device of the pool, by data block */

struct truth {
	uint64_t nr_blocks;
	uint32_t *users; /* owned */
};

static size_t number_of(const struct pool_state *s, uint64_t id)
{
	return (size_t)(pool_state_find(s, id) - s->devices);
}

static struct truth truth_of(const struct pool_state *s, const struct content *c)
{
	struct truth t = { .nr_blocks = s->data_end };

	cr_assert_leq(s->nr_devices, 32);
	t.users = calloc(t.nr_blocks + 1, sizeof(*t.users));
	for (size_t i = 0; i < c->nr; i++)
		t.users[c->mappings[i].data] |= 1u << number_of(s, c->mappings[i].device);
	return t;
}

/* Blocks that somebody of these maps and nobody else. */
static uint64_t count_exclusive(const struct truth *t, uint32_t devices)
{
	uint64_t nr = 0;

	for (uint64_t b = 0; b < t->nr_blocks; b++)
		nr += t->users[b] && !(t->users[b] & ~devices);
	return nr;
}

/* ---- a host made up for a pool: layers, images, containers and orphans at random */

struct host {
	struct docker_state d;
	struct device_record records[MAX_DEVICES];
	struct layer layers[MAX_DEVICES];
	struct image images[MAX_IMAGES];
	struct digest chains[MAX_IMAGES][MAX_DEVICES];
	struct mount mounts[MAX_MOUNTS];
	struct container containers[MAX_MOUNTS];
	char hashes[MAX_DEVICES][HEX_NAME + 1];
	char names[MAX_MOUNTS][HEX_NAME + 1];
};

static void hex_name(char *text, char kind, size_t number)
{
	snprintf(text, HEX_NAME + 1, "%c%063zx", kind, number);
}

static void add_layer(struct host *h, size_t record)
{
	const size_t n = h->d.layers.nr_layers++;
	struct layer *l = &h->layers[n];

	hex_name(l->chain, 'a', n);
	l->directory = l->chain;
	l->cache_id = h->hashes[record];
	l->whole = true;
	if (n && rand() % 4)
		strcpy(l->parent, h->layers[(size_t)rand() % n].chain);
}

static void add_mount(struct host *h, size_t record)
{
	const size_t n = h->d.layers.nr_mounts++;
	struct mount *m = &h->mounts[n];
	const bool has_container = rand() % 3;

	hex_name(h->names[n], 'c', n);
	m->name = h->names[n];
	m->mount_id = h->hashes[record];
	m->init_id = none;
	m->whole = true;
	if (h->d.layers.nr_layers && rand() % 4)
		strcpy(m->parent, h->layers[(size_t)rand() % h->d.layers.nr_layers].chain);
	if (has_container) {
		struct container *c = &h->containers[h->d.containers.nr_containers++];

		*c = (struct container){
			.id = h->names[n], .name = web, .driver = driver, .whole = true
		};
	}
}

/* Each has the chain of some layer, from the bottom. */
static void add_image(struct host *h)
{
	const size_t n = h->d.images.nr_images++;
	struct image *image = &h->images[n];
	const struct layer *l = &h->layers[(size_t)rand() % h->d.layers.nr_layers];
	size_t at = MAX_DEVICES;

	for (; l; l = *l->parent ? layer_store_find(&h->d.layers, l->parent) : NULL)
		strcpy(h->chains[n][--at].hex, l->chain);
	hex_name(image->id, 'e', n);
	image->whole = true;
	image->chains = &h->chains[n][at];
	image->nr_chains = MAX_DEVICES - at;
	/* No image has a name here: those that others were built on are steps. */
	if (n && !(rand() % 3))
		strcpy(image->parent, h->images[(size_t)rand() % n].id);
}

static void host_make(struct host *h, const struct pool_state *s)
{
	const int kinds = rand();

	memset(h, 0, sizeof(*h));
	h->d.driver.present = true;
	h->d.driver.records = h->records;
	h->d.layers = (struct layer_store){
		.present = true, .complete = true, .layers = h->layers, .mounts = h->mounts
	};
	h->d.images =
		(struct image_store){ .present = true, .complete = true, .images = h->images };
	h->d.containers = (struct container_store){ .present = true,
						    .complete = kinds % 5 != 0,
						    .containers = h->containers };
	for (size_t i = 0; i < s->nr_devices; i++) {
		const size_t n = h->d.driver.nr_records;
		const int kind = rand() % 8;

		if (!kind)
			continue;
		hex_name(h->hashes[n], 'd', n);
		h->records[n] = (struct device_record){
			.hash = h->hashes[n],
			.usable = true,
			.device_id = (int64_t)s->devices[i].id,
			.transaction_id = s->devices[i].details.transaction_id + 1,
			.deleted = kind == 1 && rand() % 2,
		};
		h->d.driver.nr_records++;
		if (kind > 4)
			add_layer(h, n);
		else if (kind > 3 && h->d.layers.nr_mounts < MAX_MOUNTS)
			add_mount(h, n);
	}
	while (h->d.layers.nr_layers && h->d.images.nr_images < MAX_IMAGES && rand() % 4)
		add_image(h);
}

/* ---- what the sets should be */

static bool is_step(const struct host *h, size_t image)
{
	for (size_t i = 0; i < h->d.images.nr_images; i++) {
		if (!strcmp(h->images[i].parent, h->images[image].id))
			return true;
	}
	return false;
}

static bool image_has(const struct host *h, size_t image, const struct layer *l)
{
	for (size_t k = 0; k < h->images[image].nr_chains; k++) {
		if (!strcmp(h->images[image].chains[k].hex, l->chain))
			return true;
	}
	return false;
}

/* A writable layer stands on it, by way of others or not. */
static bool is_held(const struct host *h, const struct layer *l)
{
	for (size_t i = 0; i < h->d.layers.nr_mounts; i++) {
		const struct layer *at = layer_store_find(&h->d.layers, h->mounts[i].parent);

		for (; at; at = *at->parent ? layer_store_find(&h->d.layers, at->parent) : NULL) {
			if (at == l)
				return true;
		}
	}
	return false;
}

static enum set_kind kind_of_layer(const struct host *h, const struct layer *l, bool complete)
{
	size_t nr = 0;

	for (size_t i = 0; i < h->d.images.nr_images; i++)
		nr += !is_step(h, i) && image_has(h, i, l);
	if (nr)
		return nr > 1 ? SET_SHARED : SET_IMAGE;
	return is_held(h, l) ? SET_KEPT : complete ? SET_UNUSED : SET_UNPROVEN;
}

static enum set_kind kind_of_row(const struct host *h, const struct device_row *row, bool complete)
{
	if (row->record && row->record->deleted)
		return SET_DELETING;
	if (row->layer)
		return kind_of_layer(h, row->layer, complete);
	if (row->mount)
		return row->container || !h->d.containers.complete ? SET_CONTAINER : SET_LEFT;
	return complete ? SET_ORPHANS : SET_UNPROVEN;
}

static uint32_t bit_of(const struct pool_state *s, const struct device_row *row)
{
	return 1u << (size_t)(row->pool - s->devices);
}

static bool in_groups(enum set_kind kind)
{
	return kind == SET_UNUSED || kind == SET_ORPHANS || kind == SET_UNPROVEN;
}

/* Spread over those that share a block which only `all` map, until nothing changes. */
static uint32_t related(const struct truth *t, uint32_t all, uint32_t one)
{
	for (uint32_t before = 0; before != one;) {
		before = one;
		for (uint64_t b = 0; b < t->nr_blocks; b++) {
			if (t->users[b] & one && !(t->users[b] & ~all))
				one |= t->users[b];
		}
	}
	return one;
}

static void check_set(const struct host *h, const struct pool_state *s, const struct truth *t,
		      const struct device_set *set)
{
	uint32_t devices = 0, goes = 0;
	uint64_t mapped = 0, largest = 0;

	for (size_t i = 0; i < set->nr_rows; i++) {
		const struct device_row *row = set->rows[i];

		devices |= bit_of(s, row);
		mapped += row->pool->nr_mapped;
		if (row->pool->nr_mapped > largest)
			largest = row->pool->nr_mapped;
		if (!row->layer || set->kind != SET_IMAGE || !is_held(h, row->layer))
			goes |= bit_of(s, row);
	}
	cr_expect_eq(set->nr_mapped, mapped);
	cr_expect_eq(set->nr_largest, largest);
	cr_expect_eq(set->nr_exclusive, count_exclusive(t, devices));
	cr_expect_eq(set->nr_returned, count_exclusive(t, goes));
	cr_expect(set->name && *set->name);
}

static void check_sets(const struct host *h, const struct pool_state *s, const struct truth *t)
{
	uint32_t of_kind[NR_SET_KINDS] = { 0 };
	uint64_t sum = 0;
	struct device_table table;
	struct device_sets sets;
	size_t nr_rows = 0;

	cr_assert_eq(device_table_join(&h->d, s, NULL, false, &table), 0);
	cr_assert_eq(device_sets_make(&table, &sets), 0);
	for (size_t i = 0; i < table.nr; i++) {
		const enum set_kind kind = kind_of_row(h, &table.rows[i], table.complete);

		cr_expect_eq(device_set_of(&sets, &table, &table.rows[i])->kind, kind,
			     "device %llu: %s, not %s", (unsigned long long)table.rows[i].id,
			     set_kind_name(device_set_of(&sets, &table, &table.rows[i])->kind),
			     set_kind_name(kind));
		of_kind[kind] |= bit_of(s, &table.rows[i]);
	}
	for (size_t i = 0; i < table.nr; i++) {
		const struct device_set *set = device_set_of(&sets, &table, &table.rows[i]);
		uint32_t own = bit_of(s, &table.rows[i]), devices = 0;

		for (size_t k = 0; k < set->nr_rows; k++)
			devices |= bit_of(s, set->rows[k]);
		cr_expect(devices & own);
		if (in_groups(set->kind))
			cr_expect_eq(devices, related(t, of_kind[set->kind], own));
	}
	for (size_t i = 0; i < sets.nr; i++) {
		check_set(h, s, t, &sets.sets[i]);
		cr_expect(!i || sets.sets[i].kind >= sets.sets[i - 1].kind);
		sum += sets.sets[i].nr_exclusive;
		nr_rows += sets.sets[i].nr_rows;
	}
	for (size_t i = 0; i < h->d.images.nr_images; i++) {
		const struct device_set *set = device_set_of_image(&sets, &table, &h->images[i]);

		cr_expect_eq(set->kind, SET_IMAGE);
		cr_expect_eq(set->image, &h->images[i]);
		cr_expect_eq(set->step, is_step(h, i));
	}
	cr_expect_eq(nr_rows, table.nr);
	cr_expect_eq(sum + sets.totals.nr_between, sets.totals.nr_mapped);
	cr_expect_eq(sets.totals.nr_mapped, s->data_blocks_mapped);
	cr_expect_eq(sets.totals.nr_no_set, 0);
	device_sets_destroy(&sets);
	device_table_destroy(&table);
}

Test(sets, random_hosts_block_by_block)
{
	static struct host h;

	for (unsigned int seed = 0; seed < 400; seed++) {
		struct random_pool p = random_pool_make(seed);
		struct pool_state s = pool_load_xml(p.path);
		struct truth t = truth_of(&s, &p.content);

		srand(seed);
		host_make(&h, &s);
		check_sets(&h, &s, &t);
		free(t.users);
		pool_state_destroy(&s);
		random_pool_destroy(&p);
	}
}

Test(sets, without_a_pool)
{
	struct device_record record = { .hash = base, .usable = true, .device_id = 1 };
	struct docker_state d = { .driver = { .records = &record, .nr_records = 1 } };
	struct device_table table;
	struct device_sets sets;

	cr_assert_eq(device_table_join(&d, NULL, NULL, false, &table), 0);
	cr_assert_eq(device_sets_make(&table, &sets), 0);
	cr_assert_eq(sets.nr, 1);
	cr_expect_eq(sets.sets[0].kind, SET_BASE);
	cr_expect_not(sets.counted);
	device_sets_destroy(&sets);
	device_table_destroy(&table);
}

/* ---- lineage */

static bool is_above(const uint32_t *parent_of, uint32_t above, uint32_t device)
{
	while (device != above && device != NO_PARENT)
		device = parent_of[device];
	return device == above;
}

static uint32_t nearest_of(const uint32_t *parent_of, uint32_t devices)
{
	uint32_t at = (uint32_t)__builtin_ctz(devices);

	for (; at != NO_PARENT; at = parent_of[at]) {
		uint32_t left = devices;

		while (left && is_above(parent_of, at, (uint32_t)__builtin_ctz(left)))
			left &= left - 1;
		if (!left)
			break;
	}
	return at;
}

static void check_lineage(const struct pool_state *s, const struct truth *t,
			  const uint32_t *parent_of)
{
	uint64_t blocks[32], with[32], expected[32] = { 0 }, apart = 0, sum = 0;
	struct pool_lineage_totals totals;

	cr_assert_eq(pool_lineage_count(s, parent_of, blocks, with, &totals), 0);
	for (uint64_t b = 0; b < t->nr_blocks; b++) {
		uint32_t device = t->users[b] ? nearest_of(parent_of, t->users[b]) : NO_PARENT;

		if (device != NO_PARENT)
			expected[device]++;
		else
			apart += t->users[b] != 0;
	}
	for (uint32_t i = 0; i < s->nr_devices; i++) {
		uint32_t family = 0;

		for (uint32_t k = 0; k < s->nr_devices; k++)
			family |= is_above(parent_of, i, k) ? 1u << k : 0;
		cr_expect_eq(blocks[i], expected[i]);
		cr_expect_eq(with[i], count_exclusive(t, family));
		sum += blocks[i];
	}
	cr_expect_eq(totals.nr_apart, apart);
	cr_expect_eq(sum + apart, totals.nr_mapped);
	cr_expect_eq(totals.nr_mapped, s->data_blocks_mapped);
}

Test(sets, random_lineages_block_by_block)
{
	for (unsigned int seed = 0; seed < 400; seed++) {
		struct random_pool p = random_pool_make(seed);
		struct pool_state s = pool_load_xml(p.path);
		struct truth t = truth_of(&s, &p.content);
		uint32_t parent_of[32], order[32];

		srand(seed);
		for (uint32_t i = 0; i < s.nr_devices; i++) {
			uint32_t k = (uint32_t)rand() % (i + 1);

			order[i] = order[k];
			order[k] = i;
		}
		/* Odd ones are deep. */
		for (uint32_t i = 0; i < s.nr_devices; i++)
			parent_of[order[i]] = !i || !(rand() % 5) ? NO_PARENT
					      : seed % 2          ? order[i - 1]
								  : order[(uint32_t)rand() % i];
		check_lineage(&s, &t, parent_of);
		free(t.users);
		pool_state_destroy(&s);
		random_pool_destroy(&p);
	}
}

Test(sets, a_lineage_is_a_forest)
{
	struct pool_state s = pool_load("basic", false);
	uint32_t parent_of[8];
	uint64_t blocks[8], with[8];
	struct pool_lineage_totals totals;

	cr_assert_eq(s.nr_devices, 8);
	for (uint32_t i = 0; i < 8; i++)
		parent_of[i] = (i + 1) % 8;
	cr_expect_eq(pool_lineage_count(&s, parent_of, blocks, with, &totals), -EINVAL);
	parent_of[7] = 8;
	cr_expect_eq(pool_lineage_count(&s, parent_of, blocks, with, &totals), -EINVAL);
	parent_of[7] = NO_PARENT;
	cr_expect_eq(pool_lineage_count(&s, parent_of, blocks, with, &totals), 0);
	pool_state_destroy(&s);
}

/* ---- origins */

Test(sets, a_chain_of_snapshots_is_told_by_its_times)
{
	struct pool_device devices[6] = { 0 };
	struct pool_state s = { .devices = devices, .nr_devices = 6 };
	struct origins o;

	/* 0; 1 of 0 at 1; 2 of 1 at 2; 3 of 1 at 3; 4 no snapshot; 5 of 0 at 4. */
	static const uint32_t times[][2] = { { 0, 4 }, { 1, 3 }, { 2, 2 },
					     { 3, 3 }, { 3, 3 }, { 4, 4 } };

	for (uint32_t i = 0; i < 6; i++) {
		devices[i].id = i;
		devices[i].details.transaction_id = i;
		devices[i].details.creation_time = times[i][0];
		devices[i].details.snapshotted_time = times[i][1];
	}
	cr_assert_eq(origins_make(&s, &o), 0);
	cr_expect_null(pool_origin_find(&o, &devices[0]));
	cr_expect_null(pool_origin_find(&o, &devices[1]));
	cr_expect_eq(pool_origin_guess(&o, &devices[1]), &devices[0]);
	cr_expect_null(pool_origin_find(&o, &devices[2]));
	cr_expect_null(pool_origin_guess(&o, &devices[2]));
	cr_expect_eq(pool_origin_find(&o, &devices[3]), &devices[1]);
	cr_expect_null(pool_origin_find(&o, &devices[4]));
	cr_expect_not(origin_is_snapshot(&o, &devices[4]));
	cr_expect_eq(pool_origin_find(&o, &devices[5]), &devices[0]);
	origins_destroy(&o);
}
