/* SPDX-License-Identifier: MIT
 * test_lookup.c: names, lineages and commands of docker_meta's show and block.
 */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/alloc.h"
#include "docker_meta/answers/block.h"
#include "docker_meta/answers/lineage.h"
#include "docker_meta/answers/rescue.h"
#include "docker_meta/answers/subject.h"
#include "docker_meta/docker_meta.h"
#include "tests/support/leaks.h"

TestSuite(lookup, .fini = fail_on_leaks);

/* The tool's own is of its main program. */
const struct tool docker_meta_tool = { .name = "docker_meta" };

/* ---- a host */

#define TEXT(text) ((char[]){ text })

#define A "aaaa0000000000000000000000000000000000000000000000000000000000aa"
#define A2 "aaaa1111111111111111111111111111111111111111111111111111111111aa"
#define B "bbbb0000000000000000000000000000000000000000000000000000000000bb"
#define C "cccc0000000000000000000000000000000000000000000000000000000000cc"
#define D "dddd0000000000000000000000000000000000000000000000000000000000dd"
#define E "eeee0000000000000000000000000000000000000000000000000000000000ee"
#define N "1234567800000000000000000000000000000000000000000000000000000012"
#define BUILD "0123456789abcdefghijklmno"
#define BUILD2 "zzz3456789abcdefghijklmno"

static struct device_record records[] = {
	{ .hash = TEXT(BUILD), .usable = true, .device_id = 20, .size = 1 << 20 },
	{ .hash = TEXT(N), .usable = true, .device_id = 7, .size = 1 << 20 },
	{ .hash = TEXT(A), .usable = true, .device_id = 2, .size = 1 << 20 },
	{ .hash = TEXT(A2), .usable = true, .device_id = 3, .size = 1 << 20 },
	{ .hash = TEXT("base"), .usable = true, .device_id = 1, .size = 1 << 20 },
	{ .hash = TEXT(B), .usable = true, .device_id = 5, .size = 1 << 20 },
	{ .hash = TEXT(B "-init"), .usable = true, .device_id = 4, .size = 1 << 20 },
	{ .hash = TEXT(D), .usable = true, .device_id = 12345678, .size = 1 << 20 },
	{ .hash = TEXT(E), .usable = false },
	{ .hash = TEXT(BUILD2), .usable = true, .device_id = 21, .size = 1 << 20 },
};
static struct digest chains[] = { { C }, { D } };
static struct image images[] = {
	{ .id = A, .whole = true, .chains = chains, .nr_chains = 2 },
	{ .id = E, .whole = true, .chains = chains, .nr_chains = 1 },
};
static struct tag tags[] = {
	{ .name = TEXT("app:1"), .id = A },
	{ .name = TEXT("ubuntu:16.04"), .id = A },
	{ .name = TEXT("ubuntu@sha256:" D), .id = A },
	{ .name = TEXT("app:latest"), .id = E },
	{ .name = TEXT("dd:5000/only:3"), .id = E },
};
static struct container containers[] = {
	{ .id = TEXT(A), .name = TEXT("web"), .whole = true, .running = true },
	{ .id = TEXT(D), .name = TEXT("5"), .whole = true, .old_layout = true, .image = A2 },
	{ .id = TEXT(E), .name = TEXT("db"), .whole = true },
};
static struct layer layers[] = {
	{ .directory = TEXT(C), .chain = C, .cache_id = TEXT(A), .whole = true },
	{ .directory = TEXT(D), .chain = D, .cache_id = TEXT(A2), .parent = C, .whole = true },
};
static struct mount mounts[] = {
	{ .name = TEXT(A),
	  .mount_id = TEXT(B),
	  .init_id = TEXT(B "-init"),
	  .parent = D,
	  .whole = true },
	{ .name = TEXT(BUILD2), .mount_id = TEXT(N), .parent = C, .whole = true },
};
static struct snapshot_record snapshots[] = {
	{ .key = BUILD, .parent = "sha256:" D },
	{ .key = BUILD2, .parent = BUILD },
};

static int by_hash(const void *a, const void *b)
{
	return strcmp(((const struct device_record *)a)->hash,
		      ((const struct device_record *)b)->hash);
}

static struct docker_state docker(void)
{
	qsort(records, ARRAY_SIZE(records), sizeof(*records), by_hash);
	return (struct docker_state){
		.driver = { .present = true,
			    .records = records,
			    .nr_records = ARRAY_SIZE(records) },
		.layers = { .present = true,
			    .complete = true,
			    .layers = layers,
			    .nr_layers = ARRAY_SIZE(layers),
			    .mounts = mounts,
			    .nr_mounts = ARRAY_SIZE(mounts) },
		.images = { .present = true,
			    .complete = true,
			    .images = images,
			    .nr_images = ARRAY_SIZE(images),
			    .tags = tags,
			    .nr_tags = ARRAY_SIZE(tags) },
		.containers = { .present = true,
				.complete = true,
				.containers = containers,
				.nr_containers = ARRAY_SIZE(containers) },
		.snapshots = { .records = snapshots,
			       .nr = ARRAY_SIZE(snapshots),
			       .complete = true },
		.has_buildkit = true,
	};
}

struct look {
	struct docker_state docker;
	struct device_table table;
};

static void begin(struct look *l)
{
	l->docker = docker();
	cr_assert_eq(device_table_join(&l->docker, NULL, NULL, false, &l->table), 0);
}

/* What the name may be: "device 2, image aaaa", … */
static const char *found(const struct look *l, const char *name)
{
	static char text[1000];
	struct subjects s;
	size_t used = 0;

	*text = 0;
	cr_assert_eq(subjects_find(&l->table, name, &s), 0);
	for (size_t i = 0; i < s.nr; i++) {
		const struct subject *x = &s.items[i];

		used += (size_t)snprintf(text + used, sizeof(text) - used, "%s%s ", i ? ", " : "",
					 subject_kind_name(x->kind));
		if (x->kind == SUBJECT_DEVICE)
			used += (size_t)snprintf(text + used, sizeof(text) - used, "%llu",
						 (unsigned long long)x->device->id);
		else
			used += (size_t)snprintf(text + used, sizeof(text) - used, "%.4s",
						 x->kind == SUBJECT_IMAGE       ? x->image->id
						 : x->kind == SUBJECT_CONTAINER ? x->container->id
						 : x->kind == SUBJECT_LAYER     ? x->layer->chain
										: x->mount->name);
	}
	subjects_destroy(&s);
	return text;
}

Test(lookup, a_name_is_what_it_fits_best)
{
	static const struct {
		const char *name, *wanted;
	} names[] = {
		{ "2", "device 2" },
		{ "id:5", "device 5" },
		{ "5", "device 5, container dddd" }, /* somebody called a container so */
		{ "container:5", "container dddd" },
		{ "device:5", "device 5" },
		{ "123", "device 7" },             /* no such device: a prefix of a hash */
		{ "12345678", "device 12345678" }, /* the id beats the prefix */
		{ "device:1234567800", "device 7" },
		{ "id:123", "" },
		{ "02", "" },
		{ "base", "device 1" },
		{ A, "device 2, image aaaa, container aaaa" },
		{ "device:aaaa", "device 2, device 3" },
		{ "device:aaaa0", "device 2" },
		{ "image:" A, "image aaaa" },
		{ "sha256:" A, "image aaaa" },
		{ "sha256:aaaa", "image aaaa" },
		{ "image:aa", "image aaaa" },
		{ "bbbb", "device 5" }, /* not its init device */
		{ "bbbb-init", "device 4" },
		{ B "-init", "device 4" },
		{ B "-i", "device 4" },
		{ B, "device 5" },
		{ "cc", "layer cccc" },
		{ "sha256:cc", "layer cccc" },
		{ "layer:" A2, "layer dddd" },
		{ D, "container dddd, layer dddd" }, /* not the device that the container is */
		{ "ubuntu", "image aaaa" },
		{ "ubuntu:16.04", "image aaaa" },
		{ "docker.io/library/ubuntu:16.04", "image aaaa" },
		{ "ubuntu:16", "" },
		{ "ubuntu@sha256:" D, "image aaaa" },
		{ "ubuntu@sha256:dd", "image aaaa" },
		{ "app", "image eeee" }, /* app:latest, not app:1 */
		{ "app:1", "image aaaa" },
		{ "ap", "" },
		{ "dd:5000/only", "image eeee" },
		{ "web", "container aaaa" },
		{ "/web", "container aaaa" },
		{ "db", "container eeee" },
		{ "image:web", "" },
		{ BUILD, "device 20" },
		{ "mount:" BUILD2, "mount zzz3" },
		{ "eeee", "image eeee, container eeee" },
		{ "", "" },
		{ "container:", "" },
		{ "nothing:at all", "" },
	};
	struct look l;

	begin(&l);
	for (size_t i = 0; i < ARRAY_SIZE(names); i++)
		cr_expect_str_eq(found(&l, names[i].name), names[i].wanted, "%s: '%s', not '%s'",
				 names[i].name, found(&l, names[i].name), names[i].wanted);
	device_table_destroy(&l.table);
}

Test(lookup, what_is_near)
{
	const char *names[MAX_NEAR];
	struct look l;

	begin(&l);
	cr_expect_eq(subject_near(&l.table, "wep", names), 1);
	cr_expect_str_eq(names[0], "web");
	cr_expect_eq(subject_near(&l.table, "16.04", names), 1);
	cr_expect_str_eq(names[0], "ubuntu:16.04");
	cr_expect_eq(subject_near(&l.table, "xyzxyz", names), 0);
	cr_expect_eq(subject_near(&l.table, "", names), 0);
	device_table_destroy(&l.table);
}

Test(lookup, a_device_of_each_thing)
{
	static const struct {
		const char *name;
		uint64_t id;
	} things[] = {
		{ "web", 5 },        { "container:5", 12345678 }, { "app:1", 3 },
		{ "image:eeee", 2 }, { "layer:cc", 2 },           { "mount:" BUILD2, 7 },
	};
	struct look l;

	begin(&l);
	for (size_t i = 0; i < ARRAY_SIZE(things); i++) {
		const struct device_row *row;
		struct subjects s;
		const char *hash;

		cr_assert_eq(subjects_find(&l.table, things[i].name, &s), 0);
		cr_assert_eq(s.nr, 1, "%s", things[i].name);
		row = subject_device(&l.table, &s.items[0], &hash);
		cr_assert(row, "%s", things[i].name);
		cr_expect_eq(row->id, things[i].id, "%s", things[i].name);
		subjects_destroy(&s);
	}
	device_table_destroy(&l.table);
}

/* ---- lineages */

static void expect_lineage(const struct look *l, uint64_t id, const char *wanted)
{
	struct lineage lineage;
	char text[200] = "";
	size_t used = 0;

	cr_assert_eq(lineage_make(&l->table, device_table_find_id(&l->table, id), &lineage), 0);
	for (size_t i = 0; i < lineage.nr; i++)
		used += (size_t)snprintf(text + used, sizeof(text) - used, "%s%llu", i ? " " : "",
					 (unsigned long long)lineage.devices[i]->id);
	cr_expect_str_eq(text, wanted);
	lineage_destroy(&lineage);
}

Test(lookup, lineages_of_layers_containers_and_builds)
{
	struct look l;

	begin(&l);
	expect_lineage(&l, 5, "5 4 3 2 1");
	expect_lineage(&l, 7, "7 2 1");
	expect_lineage(&l, 20, "20 3 2 1");
	expect_lineage(&l, 21, "21 20 3 2 1");
	expect_lineage(&l, 12345678, "12345678");
	device_table_destroy(&l.table);
}

static struct pool_device at(uint64_t id, uint32_t created, uint32_t snapshotted)
{
	return (struct pool_device){
		.id = id, .details = { .creation_time = created, .snapshotted_time = snapshotted }
	};
}

Test(lookup, origins_by_the_times_of_the_pool)
{
	struct pool_device devices[] = { at(1, 0, 9), at(2, 1, 5), at(3, 5, 5),
					 at(4, 7, 7), at(5, 9, 9), at(6, 9, 9) };
	const struct pool_state pool = { .devices = devices, .nr_devices = ARRAY_SIZE(devices) };
	struct origin o = origin_find(&pool, &devices[2]);

	cr_expect(o.is_snapshot && o.certain == &devices[1] && o.nr_possible == 2);
	o = origin_find(&pool, &devices[3]); /* its origin was snapshotted again, or is gone */
	cr_expect(o.is_snapshot && !o.certain && o.nr_possible == 1 && o.possible == devices);
	o = origin_find(&pool, &devices[4]); /* one of two made at 9 is no snapshot */
	cr_expect(!o.is_snapshot && !o.certain);
	o = origin_find(&pool, &devices[0]);
	cr_expect(!o.is_snapshot && !o.certain && !o.nr_possible);
}

Test(lookup, who_wrote_it_by_its_time)
{
	struct pool_device pool[] = { at(1, 0, 3), at(2, 3, 8), at(3, 8, 8) };
	struct device_row rows[] = { { .id = 3, .pool = &pool[2] },
				     { .id = 9 },
				     { .id = 2, .pool = &pool[1] },
				     { .id = 1, .pool = &pool[0] } };
	const struct device_row *devices[] = { &rows[0], &rows[1], &rows[2], &rows[3] };
	const struct lineage l = { .devices = devices, .nr = 4 };

	cr_expect_eq(lineage_at(&l, 9), &rows[0]);
	cr_expect_eq(lineage_at(&l, 8), &rows[0]);
	cr_expect_eq(lineage_at(&l, 7), &rows[2]);
	cr_expect_eq(lineage_at(&l, 3), &rows[2]);
	cr_expect_eq(lineage_at(&l, 2), &rows[3]);
	cr_expect_eq(lineage_at(&l, 0), &rows[3]);
	cr_expect(lineage_fits_times(&l));
	pool[1].details.snapshotted_time = 7;
	cr_expect_not(lineage_fits_times(&l));
	pool[1].details = (struct device_details){ .creation_time = 8, .snapshotted_time = 8 };
	cr_expect_not(lineage_fits_times(&l));
	/* A write where time and snapshot are the same is no shared one. */
	cr_expect_eq(write_kind_of(&pool[2], 7), WRITE_COPIES);
	cr_expect_eq(write_kind_of(&pool[2], 8), WRITE_IN_PLACE);
}

/* ---- what stands in commands */

Test(lookup, words_for_a_shell)
{
	static const char *const bad[] = {
		"",      "-x",   ".",    "../x", "a b", "a;b", "a'b",
		"a$(b)", "a`b`", "a\nb", "a/b",  "a\\", "a*",  "\xc3\xa4"
	};

	cr_expect(is_plain_name("docker-254:16-16386-pool"));
	cr_expect(is_plain_name("vg-thin--pool_1"));
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
		cr_expect_not(is_plain_name(bad[i]), "%s", bad[i]);
}
