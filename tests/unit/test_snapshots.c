/* SPDX-License-Identifier: MIT
 * test_snapshots.c: what BuildKit knows of devices.
 */
#include <criterion/criterion.h>
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "docker_meta/source/docker/snapshots.h"
#include "tests/support/bolt_image.h"
#include "tests/support/leaks.h"

TestSuite(snapshots, .fini = fail_on_leaks);

#define CHAIN "sha256:47a4bb1cfbc7e4fc8a1f2b7d1f6a3c7f8a0f3f2a4d0d2f5ea0b9a7f8d6c5b4a3"

/* An image's layer; a device on it that was committed and one that was not; a name; one removed. */
static const struct bolt_item of_device_1[] = { { .key = "iscommitted", .value = "" },
						{ .key = "later", .value = "?" },
						{ .key = "parent", .value = CHAIN } };
static const struct bolt_item of_device_2[] = { { .key = "chainid", .value = CHAIN },
						{ .key = "parent", .value = "name" } };
static const struct bolt_item of_device_3[] = { { .key = "parent", .value = "" } };
static const struct bolt_item of_name[] = { { .key = "committed", .value = "device-1" },
					    { .key = "size", .value = "18446744073709551615" } };
static const struct bolt_item of_old_name[] = { { .key = "committed", .value = "device-0" } };

static const struct bolt_plan plans[] = {
	{ of_device_1, 3, 0, 0, true },  { of_device_2, 2, 0, 0, false },
	{ of_device_3, 1, 0, 0, true },  { of_name, 2, 0, 0, true },
	{ of_old_name, 1, 0, 0, false }, { NULL, 0, 0, 0, true },
};

static const struct bolt_item all[] = {
	{ .key = "device-1", .bucket = &plans[0] }, { .key = "device-2", .bucket = &plans[1] },
	{ .key = "device-3", .bucket = &plans[2] }, { .key = "name", .bucket = &plans[3] },
	{ .key = "old-name", .bucket = &plans[4] }, { .key = CHAIN, .bucket = &plans[5] },
};
static const struct bolt_plan root = { all, 6, 2, 2, false };

static struct snapshot_table read_image(const struct bolt_image *i)
{
	struct snapshot_table t;
	int fd = bolt_image_file(i);

	cr_assert_eq(snapshots_read(fd, &t), 0);
	close(fd);
	return t;
}

static void expect_text(const char *text, const char *expected, const char *what)
{
	if (!text || !expected)
		cr_expect(!text && !expected, "%s", what);
	else
		cr_expect_str_eq(text, expected, "%s", what);
}

static void expect_record(const struct snapshot_table *t, const struct snapshot_record *expected)
{
	const struct snapshot_record *s = snapshots_find(t, expected->key);

	cr_assert_not_null(s, "%s", expected->key);
	cr_expect_str_eq(s->key, expected->key);
	expect_text(s->parent, expected->parent, s->key);
	expect_text(s->committed, expected->committed, s->key);
	expect_text(s->chainid, expected->chainid, s->key);
	cr_expect(s->size == expected->size && s->has_size == expected->has_size, "%s", s->key);
	cr_expect_eq(s->is_committed, expected->is_committed, "%s", s->key);
}

Test(snapshots, every_key)
{
	const struct snapshot_record expected[] = {
		{ .key = "device-1", .parent = CHAIN, .is_committed = true },
		{ .key = "device-2", .parent = "name", .chainid = CHAIN },
		{ .key = "device-3", .parent = "" },
		{ .key = "name", .committed = "device-1", .size = UINT64_MAX, .has_size = true },
		{ .key = "old-name", .committed = "device-0" },
		{ .key = CHAIN },
	};
	struct bolt_image i = bolt_image_make(1024, &root);
	struct snapshot_table t = read_image(&i);

	cr_expect(t.complete && !t.fault.nr, "%s", t.fault.text);
	cr_assert_eq(t.nr, 6);
	for (size_t n = 0; n < 6; n++) {
		expect_record(&t, &expected[n]);
		cr_expect_str_eq(t.records[n].key, expected[n].key, "sorted");
	}
	snapshots_destroy(&t);
	bolt_image_destroy(&i);
}

Test(snapshots, who_is_referred_to)
{
	struct bolt_image i = bolt_image_make(1024, &root);
	struct snapshot_table t = read_image(&i);

	cr_expect(snapshots_refer_to(&t, "device-1"));
	cr_expect(snapshots_refer_to(&t, "device-2"));
	cr_expect(snapshots_refer_to(&t, "device-3"));
	cr_expect(snapshots_refer_to(&t, "device-0"), "it has no record, but a name");
	cr_expect(snapshots_refer_to(&t, CHAIN));
	cr_expect_not(snapshots_refer_to(&t, "device-"));
	cr_expect_not(snapshots_refer_to(&t, "device-4"));
	cr_expect_not(snapshots_refer_to(&t, ""));
	cr_expect_null(snapshots_find(&t, "device-0"));
	snapshots_destroy(&t);
	bolt_image_destroy(&i);
}

Test(snapshots, doubtful_records_are_kept)
{
	static const struct bolt_item bad_size[] = { { .key = "committed", .value = "device-5" },
						     { .key = "size", .value = "12x" } };
	static const struct bolt_plan of_bad = { bad_size, 2, 0, 0, false };
	static const struct bolt_item bad[] = { { .key = "name", .bucket = &of_bad },
						{ .key = "plain", .value = "?" } };
	static const struct bolt_plan bad_root = { bad, 2, 0, 0, false };
	struct bolt_image i = bolt_image_make(4096, &bad_root);
	struct snapshot_table t = read_image(&i);

	cr_expect_not(t.complete);
	cr_expect_eq(t.fault.nr, 2);
	cr_expect_str_eq(t.fault.text, "page 4: the size of a snapshot is no number");
	cr_expect(snapshots_refer_to(&t, "device-5") && snapshots_refer_to(&t, "plain"));
	cr_expect(t.nr == 2 && !t.records[0].has_size);
	snapshots_destroy(&t);

	/* A zero byte in the name, and in a value. */
	bolt_image_set(&i, 5, BOLT_ELEMENTS + 32, 1, 0);
	t = read_image(&i);
	cr_expect(!t.complete && t.nr == 2);
	cr_expect(snapshots_refer_to(&t, "device-5"));
	cr_expect_not(snapshots_refer_to(&t, "name"));
	snapshots_destroy(&t);
	bolt_image_set(&i, 4, BOLT_ELEMENTS + 32 + 9, 1, 0);
	t = read_image(&i);
	cr_expect_not(snapshots_refer_to(&t, "device-5"));
	cr_expect_str_eq(t.fault.text, "page 5: a text has a zero byte in it");
	snapshots_destroy(&t);
	bolt_image_destroy(&i);
}

Test(snapshots, damage_makes_the_table_incomplete)
{
	struct bolt_image i = bolt_image_make(1024, &root);
	struct snapshot_table t;
	int ends[2];

	bolt_image_set(&i, 4, BOLT_ID, 8, 99); /* device-2's */
	t = read_image(&i);
	cr_expect(!t.complete && t.nr == 6);
	cr_expect_str_eq(t.fault.text, "page 4: it says that it is page 99");
	snapshots_destroy(&t);
	bolt_image_set(&i, 0, BOLT_META_ROOT, 8, 99);
	bolt_image_set(&i, 1, BOLT_META_ROOT, 8, 99);
	t = read_image(&i);
	cr_expect(!t.complete && t.nr == 0);
	cr_expect_not(snapshots_refer_to(&t, "device-1"));
	cr_expect_str_eq(t.fault.text, "no good meta page, or no bbolt database");
	snapshots_destroy(&t);
	cr_assert_eq(pipe(ends), 0);
	cr_expect_eq(snapshots_read(ends[0], &t), -EINVAL);
	close(ends[0]);
	close(ends[1]);
	bolt_image_destroy(&i);
}

/* tests/fixtures/bolt/README.md */
Test(snapshots, of_a_real_database)
{
	struct bolt_image i = bolt_image_load("snapshots");
	struct snapshot_table t = read_image(&i);
	size_t nr_parents = 0, nr_names = 0, nr_chains = 0, nr_committed = 0, nr_sizes = 0;

	cr_expect(t.complete, "%s", t.fault.text);
	cr_expect_eq(t.nr, 416);
	for (size_t n = 0; n < t.nr; n++) {
		const struct snapshot_record *s = &t.records[n];

		cr_expect(!n || strcmp(t.records[n - 1].key, s->key) < 0);
		cr_expect_eq(snapshots_find(&t, s->key), s);
		nr_names += s->committed != NULL;
		nr_chains += s->chainid && !strcmp(s->chainid, s->key);
		nr_parents += s->parent != NULL;
		nr_committed += s->is_committed;
		nr_sizes += s->has_size && s->size % 4096 == 17 && s->size / 4096 < 300;
		if (s->committed)
			cr_expect(strlen(s->committed) == 25 &&
				  snapshots_refer_to(&t, s->committed));
	}
	/* As bbolt counts them. */
	cr_expect_eq(nr_names, 94);
	cr_expect_eq(nr_chains, 43);
	cr_expect_eq(nr_committed, 96);
	cr_expect_eq(nr_parents, 251);
	cr_expect_eq(nr_sizes, 94);
	cr_expect_eq(t.nr_devices, nr_names);
	snapshots_destroy(&t);
	bolt_image_destroy(&i);
	i = bolt_image_load("empty");
	t = read_image(&i);
	cr_expect(t.complete && t.nr == 0 && !snapshots_refer_to(&t, "device"));
	snapshots_destroy(&t);
	bolt_image_destroy(&i);
}

/* No answer but "incomplete" may come of a lost byte. */
Test(snapshots, truncated_and_mutated)
{
	struct bolt_image i = bolt_image_make(1024, &root);
	int fd = bolt_image_file(&i);
	uint64_t state = 1;

	for (size_t bytes = i.nr_bytes - 1; bytes; bytes--) {
		struct snapshot_table t;

		cr_assert_eq(ftruncate(fd, (off_t)bytes), 0);
		cr_assert_eq(snapshots_read(fd, &t), 0);
		cr_expect(!t.complete || t.nr == 6, "%zu", bytes);
		snapshots_destroy(&t);
	}
	for (int round = 0; round < 5000; round++) {
		struct bolt_image copy = bolt_image_make(1024, &root);
		struct snapshot_table t;

		for (unsigned int n = 0; n < 3; n++) {
			state = state * UINT64_C(6364136223846793005) + 1;
			copy.bytes[4096 + (state >> 33) % (copy.nr_bytes - 4096)] =
				(uint8_t)(state >> 25);
		}
		bolt_image_put(&copy, fd, copy.nr_bytes);
		cr_assert_eq(snapshots_read(fd, &t), 0);
		(void)snapshots_refer_to(&t, "device-1");
		snapshots_destroy(&t);
		bolt_image_destroy(&copy);
	}
	close(fd);
	bolt_image_destroy(&i);
}
