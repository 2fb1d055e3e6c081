/* SPDX-License-Identifier: MIT
 * test_pool.c: reading a pool for docker_meta: raw and XML, damage, torn reads, look-ups.
 */
#include <criterion/criterion.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/pool/pool_find.h"
#include "common/pool/pool_sets.h"
#include "tests/support/leaks.h"
#include "tests/support/pool.h"

TestSuite(pool, .fini = fail_on_leaks);

/* ---- raw and XML */

static void compare_sets(const struct pool_state *a, const struct pool_state *b)
{
	uint32_t *set_of = calloc(a->nr_devices + 1, sizeof(*set_of));
	struct pool_set_totals x, y;
	uint64_t in_a[3], in_b[3];

	for (size_t i = 0; i < a->nr_devices; i++)
		set_of[i] = i % 4 == 3 ? NO_SET : (uint32_t)(i % 4);
	cr_assert_eq(pool_sets_count(a, set_of, 3, in_a, &x), 0);
	cr_assert_eq(pool_sets_count(b, set_of, 3, in_b, &y), 0);
	cr_expect_arr_eq(in_a, in_b, sizeof(in_a));
	cr_expect(x.nr_mapped == y.nr_mapped && x.nr_no_set == y.nr_no_set &&
		  x.nr_between == y.nr_between);
	free(set_of);
}

static void compare_states(const struct pool_state *a, const struct pool_state *b, const char *name)
{
	cr_expect_eq(a->header.time, b->header.time);
	cr_expect_eq(a->header.transaction_id, b->header.transaction_id);
	cr_expect_eq(a->header.needs_check, b->header.needs_check);
	cr_expect_eq(a->header.data_block_size, b->header.data_block_size);
	cr_expect_eq(a->nr_data_blocks, b->nr_data_blocks);
	cr_expect_eq(a->nr_mapped, b->nr_mapped);
	cr_expect_eq(a->data_blocks_mapped, b->data_blocks_mapped);
	cr_expect_eq(a->data_end, b->data_end);
	cr_assert_eq(a->nr_devices, b->nr_devices, "%s", name);
	for (size_t i = 0; i < a->nr_devices; i++) {
		const struct pool_device *x = &a->devices[i], *y = &b->devices[i];

		cr_expect_eq(x->id, y->id);
		cr_expect_eq(memcmp(&x->details, &y->details, sizeof(x->details)), 0);
		cr_expect_eq(x->nr_mapped, y->nr_mapped);
		cr_expect_eq(x->nr_thin_blocks, y->nr_thin_blocks);
		cr_expect_eq(x->nr_exclusive, y->nr_exclusive);
		cr_expect_eq(x->newest_time, y->newest_time);
		cr_expect(x->complete && y->complete);
	}
	compare_sets(a, b);
}

Test(pool, raw_and_its_xml_say_the_same)
{
	for (size_t n = 0; n < nr_pool_fixtures; n++) {
		struct image i = image_load(pool_fixtures[n]);
		struct pool_state raw = pool_load(pool_fixtures[n], false), xml;
		char path[64];

		pool_dump(&i, n & 1, path);
		xml = pool_load_xml(path);
		compare_states(&raw, &xml, pool_fixtures[n]);
		cr_expect(raw.reading.raw && !xml.reading.raw);
		cr_expect_eq(raw.reading.transaction_before, raw.header.transaction_id);
		cr_expect_eq(raw.reading.transaction_after, raw.header.transaction_id);
		cr_expect_not(raw.reading.torn || xml.reading.torn);
		/* No data block is leaked: the space map counts what is mapped. */
		cr_expect_eq(xml.data_blocks_used, raw.data_blocks_mapped);
		pool_state_destroy(&raw);
		pool_state_destroy(&xml);
		image_destroy(&i);
		unlink(path);
	}
}

Test(pool, figures_of_the_superblock)
{
	struct pool_state s = pool_load("basic", false);

	/* dmsetup said: 2 118/1024 314/4096 -, with the tenth that the kernel keeps for itself. */
	cr_expect_eq(s.header.transaction_id, 2);
	cr_expect_eq(s.reading.metadata_blocks, 1024);
	cr_expect_eq(s.reading.metadata_blocks - s.reading.metadata_blocks_free, 118 - 1024 / 10);
	cr_expect_eq(s.nr_data_blocks, 4096);
	cr_expect_eq(s.data_blocks_used, 314);
	cr_expect_eq(s.reading.held_root, 0);
	pool_state_destroy(&s);

	/* dmsetup said: 6 120/1024 414/2048 52 */
	s = pool_load("metadata-snapshot", false);
	cr_expect_eq(s.reading.held_root, 52);
	cr_expect_eq(s.nr_devices, 5);
	cr_expect_not(s.from_snapshot);
	pool_state_destroy(&s);
	s = pool_load("metadata-snapshot", true);
	cr_expect_eq(s.reading.held_root, 52);
	cr_expect_eq(s.reading.transaction_before, 6);
	cr_expect_eq(s.header.transaction_id, 5);
	cr_expect_eq(s.nr_data_blocks, 2048, "the snapshot's own superblock does not say");
	cr_expect_eq(s.reading.data_blocks_allocated, 414);
	cr_expect_eq(s.nr_devices, 4);
	cr_expect(s.from_snapshot);
	pool_state_destroy(&s);
	s = pool_load("needs-check", false);
	cr_expect(s.header.needs_check);
	pool_state_destroy(&s);
}

static int read_path(enum pool_source_kind kind, const char *path, struct pool_fault *fault)
{
	struct pool_source_options o = { .kind = kind, .path = path };
	struct pool_source *source;
	struct pool_state s;
	int r = pool_source_open(&o, &source, fault);

	if (r)
		return r;
	r = pool_state_read(source, NULL, &s, fault);
	pool_state_destroy(&s);
	pool_source_close(source);
	return r;
}

static void expect_fault(enum pool_source_kind kind, const char *path, int error, const char *text)
{
	struct pool_fault fault = { "" };

	cr_expect_eq(read_path(kind, path, &fault), error, "%s", path);
	cr_expect(strstr(fault.text, text), "%s: %s", path, fault.text);
	cr_expect_null(strchr(fault.text, '\n'));
}

static void write_text(char *path, const char *text)
{
	int fd = mkstemp(strcpy(path, "/tmp/test_pool.XXXXXX"));

	cr_assert(fd >= 0 && write(fd, text, strlen(text)) == (ssize_t)strlen(text) && !close(fd));
}

#define XML_START                                                                 \
	"<superblock uuid=\"\" time=\"0\" transaction=\"0\" version=\"2\" "       \
	"data_block_size=\"128\" nr_data_blocks=\"1099511627776\">\n"             \
	"<device dev_id=\"1\" mapped_blocks=\"1099511627776\" transaction=\"0\" " \
	"creation_time=\"0\" snap_time=\"0\">\n"

Test(pool, what_cannot_be_read_is_told)
{
	char path[64];
	struct pool_fault fault = { "" };

	cr_expect_eq(read_path(POOL_RAW, "build/fixtures/basic.raw", &fault), 0);
	expect_fault(POOL_RAW, "/nonexistent", -ENOENT, "nothing of this name");
	expect_fault(POOL_RAW, "/tmp", -EISDIR, "neither a file nor");
	expect_fault(POOL_XML, "/nonexistent", -ENOENT, "No such file");
	expect_fault(POOL_XML, "/tmp", -EISDIR, "directory");
	expect_fault(POOL_XML, "build/fixtures/basic.raw", -EINVAL, "line 1, column ");
	write_text(path, "<superblock");
	expect_fault(POOL_RAW, path, -EUCLEAN, "too small");
	expect_fault(POOL_XML, path, -EINVAL, "line 1, column ");
	unlink(path);
	/* A line of XML that no metadata device could hold. */
	write_text(path, XML_START "<range_mapping origin_begin=\"0\" data_begin=\"0\" "
				   "length=\"1099511627776\" time=\"0\"/></device></superblock>\n");
	expect_fault(POOL_XML, path, -EINVAL, "more mappings than any");
	unlink(path);
}

/* ---- damage */

static struct pool_state read_image(struct image *i, int expected, struct pool_fault *fault)
{
	struct pool_source *source = pool_source_of(i, false);
	struct pool_state s;

	cr_expect_eq(pool_state_read(source, NULL, &s, fault), expected, "%s", fault->text);
	pool_source_close(source);
	return s;
}

/* nr_exclusive, counted from the single mappings of those devices that are complete. */
static void check_exclusive(const struct pool_state *s, const struct content *c)
{
	uint64_t *owner = calloc(s->nr_data_blocks, sizeof(*owner));
	uint64_t *nr = calloc(s->nr_devices + 1, sizeof(*nr));

	for (size_t i = 0; i < c->nr; i++) {
		const struct pool_device *d = pool_state_find(s, c->mappings[i].device);
		uint64_t *o = &owner[c->mappings[i].data];

		cr_assert(d);
		if (d->complete)
			*o = !*o || *o == d->id + 1 ? d->id + 1 : UINT64_MAX;
	}
	for (uint64_t b = 0; b < s->nr_data_blocks; b++) {
		if (owner[b] && owner[b] != UINT64_MAX)
			nr[pool_state_find(s, owner[b] - 1) - s->devices]++;
	}
	for (size_t i = 0; i < s->nr_devices; i++)
		cr_expect_eq(s->devices[i].nr_exclusive, nr[i]);
	free(owner);
	free(nr);
}

/* How many devices have the first leaf of this tree; theirs is the first, too. */
static size_t nr_above_leaf(const struct image *i, const struct pool_state *whole, uint64_t root)
{
	uint64_t leaf = first_leaf(i, root);
	size_t nr = 0;

	for (size_t n = 0; n < whole->nr_devices; n++)
		nr += first_leaf(i, device_root(i, whole->devices[n].id)) == leaf;
	return nr;
}

/* Only those devices lose their mappings that have them in or below the block. */
static void damage_one_block(struct image *i, const struct pool_state *whole,
			     const struct content *c, uint64_t block, size_t nr_lost)
{
	uint32_t old = (uint32_t)image_get(i, block, 100, 4);
	struct pool_fault fault;
	struct pool_state s;
	size_t nr_incomplete = 0;

	image_set(i, block, 100, 4, old ^ 1);
	s = read_image(i, 0, &fault);
	image_set(i, block, 100, 4, old);
	cr_expect(s.incomplete);
	cr_expect(strstr(s.fault.text, "checksum"), "%s", s.fault.text);
	cr_assert_eq(s.nr_devices, whole->nr_devices);
	for (size_t n = 0; n < s.nr_devices; n++) {
		const struct pool_device *d = &s.devices[n], *w = &whole->devices[n];

		cr_expect_eq(d->id, w->id);
		cr_expect_eq(memcmp(&d->details, &w->details, sizeof(d->details)), 0);
		cr_expect_eq(d->nr_mapped, d->complete ? w->nr_mapped : 0);
		cr_expect_eq(d->nr_thin_blocks, d->complete ? w->nr_thin_blocks : 0);
		cr_expect(d->complete ? d->nr_exclusive >= w->nr_exclusive : !d->nr_exclusive);
		nr_incomplete += !d->complete;
	}
	cr_expect_eq(nr_incomplete, nr_lost, "%zu, not %zu, for block %llu", nr_incomplete, nr_lost,
		     (unsigned long long)block);
	cr_expect_eq(s.data_blocks_used, whole->data_blocks_used);
	check_exclusive(&s, c);
	pool_state_destroy(&s);
}

Test(pool, damage_costs_only_whom_it_harms)
{
	struct image i = image_load("basic");
	struct content c = pool_content("basic");
	struct pool_state whole = pool_load("basic", false);

	damage_one_block(&i, &whole, &c, device_root(&i, 3), 1);
	damage_one_block(&i, &whole, &c, device_root(&i, 0), 1);
	/* 11 and 16777215 have one tree. */
	damage_one_block(&i, &whole, &c, device_root(&i, 11), 2);
	pool_state_destroy(&whole);
	content_destroy(&c);
	image_destroy(&i);
}

Test(pool, damage_to_what_many_share)
{
	struct image i = image_load("many-snaps");
	struct content c = pool_content("many-snaps");
	struct pool_state whole = pool_load("many-snaps", false);
	uint64_t root = device_root(&i, 23);

	cr_assert_not(node_is_leaf(&i, root));
	damage_one_block(&i, &whole, &c, root, 1);
	damage_one_block(&i, &whole, &c, first_leaf(&i, root), nr_above_leaf(&i, &whole, root));
	pool_state_destroy(&whole);
	content_destroy(&c);
	image_destroy(&i);
}

Test(pool, damage_that_leaves_nothing)
{
	struct image i = image_load("basic");
	uint64_t details_root = image_get(&i, 0, SUPER_DETAILS_ROOT, 8);
	struct pool_fault fault;
	struct pool_state s;

	image_set(&i, details_root, 100, 4, 0x12345678);
	s = read_image(&i, -EUCLEAN, &fault);
	cr_expect(strstr(fault.text, "checksum"), "%s", fault.text);
	cr_expect_eq(s.nr_devices, 0);
	cr_expect_eq(s.reading.transaction_before, 2);
	image_set(&i, 0, SUPER_TIME, 4, 7);
	s = read_image(&i, -EUCLEAN, &fault);
	cr_expect(strstr(fault.text, "bad checksum in superblock"), "%s", fault.text);
	i.unreadable = 0;
	s = read_image(&i, -EUCLEAN, &fault);
	cr_expect(*fault.text);
	cr_expect_eq(s.nr_devices, 0);
	image_destroy(&i);
}

Test(pool, no_snapshot)
{
	struct image i = image_load("basic");
	struct pool_source *source = pool_source_of(&i, true);
	struct pool_fault fault;
	struct pool_state s;

	cr_expect_eq(pool_state_read(source, NULL, &s, &fault), -ENODATA);
	cr_expect(strstr(fault.text, "no current metadata snap"));
	pool_source_close(source);
	image_destroy(&i);
}

/* ---- an active pool */

/* Something that a commit changes is changed while the metadata are read. */
struct meddler {
	struct metadata_visitor base;
	struct image *image;
	uint64_t block;
	size_t offset, bytes;
	uint64_t value;
};

static int meddle(struct metadata_visitor *v, const struct pool_header *header)
{
	struct meddler *m = (struct meddler *)v;

	(void)header;
	image_set(m->image, m->block, m->offset, m->bytes, m->value);
	image_seal(m->image, m->block, SALT_SUPERBLOCK);
	return 0;
}

static int ignore(struct metadata_visitor *v)
{
	(void)v;
	return 0;
}

static int ignore_name(struct metadata_visitor *v, uint64_t name)
{
	(void)v;
	(void)name;
	return 0;
}

static int ignore_device(struct metadata_visitor *v, uint64_t id, const struct device_details *d)
{
	(void)v;
	(void)id;
	(void)d;
	return 0;
}

static int ignore_map(struct metadata_visitor *v, const struct mapping_run *run)
{
	(void)v;
	(void)run;
	return 0;
}

static bool torn_by(bool metadata_snap, uint64_t block, size_t offset, size_t bytes, uint64_t value)
{
	struct image i = image_load("metadata-snapshot");
	struct meddler m = { .base = { meddle, ignore, ignore_name, ignore, ignore_device, ignore,
				       ignore_map, ignore_name },
			     .image = &i,
			     .block = block,
			     .offset = offset,
			     .bytes = bytes,
			     .value = value };
	struct pool_source *source = pool_source_of(&i, metadata_snap);
	struct pool_reading reading;
	struct pool_fault fault;

	cr_expect_eq(pool_source_run(source, NULL, &m.base, NULL, &reading, &fault), 0);
	cr_expect_eq(reading.transaction_before, 6);
	cr_expect_eq(reading.transaction_after, !block && offset == SUPER_TRANSACTION ? value : 6);
	pool_source_close(source);
	image_destroy(&i);
	return reading.torn;
}

Test(pool, a_commit_in_between_is_seen)
{
	cr_expect_not(torn_by(false, 0, SUPER_TRANSACTION, 8, 6));
	cr_expect(torn_by(false, 0, SUPER_TRANSACTION, 8, 7));
	cr_expect(torn_by(false, 0, SUPER_MAPPING_ROOT, 8, 77));
	cr_expect(torn_by(false, 0, SUPER_DATA_MAP + MAP_NR_ALLOCATED, 8, 77));
	cr_expect(torn_by(false, 0, SUPER_METADATA_MAP + MAP_BITMAP_ROOT, 8, 77));
	cr_expect(torn_by(false, 0, SUPER_HELD_ROOT, 8, 0));
	/* The pool goes on, and the snapshot stays; then it goes. */
	cr_expect_not(torn_by(true, 0, SUPER_TRANSACTION, 8, 7));
	cr_expect_not(torn_by(true, 0, SUPER_MAPPING_ROOT, 8, 77));
	cr_expect(torn_by(true, 0, SUPER_HELD_ROOT, 8, 0));
	cr_expect(torn_by(true, 52, SUPER_MAPPING_ROOT, 8, 77));
}

/* ---- look-ups */

static void find_all(struct pool_source *source, const struct content *c, size_t step)
{
	struct pool_mapping m;
	struct pool_fault fault;

	for (size_t i = 0; i < c->nr; i += step) {
		const struct content_mapping *t = &c->mappings[i];
		struct pool_users users;
		size_t k = 0;

		cr_assert_eq(pool_find_mapping(source, t->device, t->thin, &m, &fault), 0);
		cr_expect(m.mapped && m.data_block == t->data && m.time == t->time);
		cr_assert_eq(pool_find_users(source, NULL, 0, t->data, &users, &fault), 0);
		for (size_t n = 0; n < c->nr; n++) {
			const struct content_mapping *u = &c->mappings[n];

			if (u->data != t->data)
				continue;
			cr_assert(k < users.nr_users);
			cr_expect(users.users[k].device == u->device &&
				  users.users[k].thin_block == u->thin &&
				  users.users[k].time == u->time);
			k++;
		}
		cr_expect_eq(k, users.nr_users);
		pool_users_destroy(&users);
	}
}

static void find_in(const char *fixture, size_t step)
{
	struct image i = image_load(fixture);
	struct content c = pool_content(fixture);
	struct pool_source *source = pool_source_of(&i, false);
	char path[64];

	find_all(source, &c, step);
	pool_source_close(source);
	pool_dump(&i, false, path);
	source = pool_source_of_xml(path);
	find_all(source, &c, step);
	pool_source_close(source);
	unlink(path);
	content_destroy(&c);
	image_destroy(&i);
}

Test(pool, every_mapping_is_found_from_both_sides)
{
	find_in("basic", 7);
	find_in("many-snaps", 20011);
	find_in("docker-live", 1501);
	for (unsigned int seed = 0; seed < 20; seed++) {
		struct random_pool p = random_pool_make(seed);
		struct pool_source *source = pool_source_of_xml(p.path);

		find_all(source, &p.content, 501);
		pool_source_close(source);
		random_pool_destroy(&p);
	}
}

Test(pool, what_is_not_there_is_not_found)
{
	struct image i = image_load("basic");
	struct pool_source *sources[2] = { pool_source_of(&i, false) };
	struct pool_mapping m;
	struct pool_users users;
	struct pool_fault fault;
	char path[64];

	pool_dump(&i, false, path);
	sources[1] = pool_source_of_xml(path);
	for (int n = 0; n < 2; n++) {
		cr_expect_eq(pool_find_mapping(sources[n], 5, 0, &m, &fault), 0);
		cr_expect_not(m.mapped);
		cr_expect_eq(pool_find_mapping(sources[n], 0, UINT64_MAX, &m, &fault), 0);
		cr_expect_not(m.mapped);
		cr_expect_eq(pool_find_mapping(sources[n], 2, 0, &m, &fault), -ENODATA);
		cr_expect(strstr(fault.text, "there is no device 2"), "%s", fault.text);
		cr_expect_eq(pool_find_users(sources[n], NULL, 0, UINT64_MAX, &users, &fault), 0);
		cr_expect_eq(users.nr_users, 0);
		pool_source_close(sources[n]);
	}
	unlink(path);
	image_destroy(&i);
}

/* ---- checking */

Test(pool, check_counts_what_is_wrong)
{
	struct image i = image_load("basic");
	struct pool_source *source = pool_source_of(&i, false);
	struct pool_check check;

	cr_expect_eq(pool_check(source, NULL, &check), 0);
	cr_expect_eq(check.worst, SEVERITY_NONE);
	cr_expect(check.space_maps_checked);
	image_leak_data(&i);
	image_leak_data(&i);
	image_leak_metadata(&i);
	cr_expect_eq(pool_check(source, NULL, &check), 0);
	cr_expect_eq(check.worst, SEVERITY_NON_FATAL);
	cr_expect_eq(check.nr_leaked_data_blocks, 2);
	cr_expect_eq(check.nr_leaked_metadata_blocks, 1);
	cr_expect(check.nr_by_id[FINDING_BLOCK_LEAKED] > 0);
	image_set(&i, first_leaf(&i, device_root(&i, 3)), 100, 4, 0x12345678);
	cr_expect_eq(pool_check(source, NULL, &check), 0);
	cr_expect_eq(check.worst, SEVERITY_FATAL);
	cr_expect_eq(check.nr_by_id[FINDING_BLOCK_CHECKSUM], 1);
	pool_source_close(source);
	source = pool_source_of(&i, true);
	cr_expect_eq(pool_check(source, NULL, &check), -ENODATA);
	pool_source_close(source);
	image_destroy(&i);
}

Test(pool, xml_cannot_be_checked)
{
	struct pool_check check;
	struct pool_source *source;
	char path[64];

	write_text(path, "");
	source = pool_source_of_xml(path);
	cr_expect_eq(pool_check(source, NULL, &check), -ENOTSUP);
	pool_source_close(source);
	unlink(path);
}
