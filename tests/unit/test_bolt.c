/* SPDX-License-Identifier: MIT
 * test_bolt.c: what bbolt wrote is read as bbolt reads it, and nothing that is damaged does harm.
 */
#include <criterion/criterion.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "docker_meta/source/docker/bolt.h"
#include "tests/support/bolt_image.h"
#include "tests/support/leaks.h"

TestSuite(bolt, .fini = fail_on_leaks);

/* ---- who writes while the file is read: before that one of all calls of pread() */

static struct {
	unsigned int nr_reads, at;
	void (*change)(int fd);
} writer;

ssize_t pread(int fd, void *buffer, size_t bytes, off_t offset)
{
	if (++writer.nr_reads == writer.at)
		writer.change(fd);
	return syscall(SYS_pread64, fd, buffer, bytes, offset);
}

/* ---- all that is read, in one number */

struct outcome {
	int opened, walked;
	struct bolt_fault fault;
	uint64_t nr, nr_buckets, hash, txid;
	uint32_t page_size;
	unsigned int deepest;
	uint64_t stop_after; /* 0: never */
};

static void add_bytes(struct outcome *o, const uint8_t *p, size_t bytes)
{
	for (size_t i = 0; i < bytes; i++)
		o->hash = (o->hash ^ p[i]) * UINT64_C(0x100000001b3);
}

static void add_number(struct outcome *o, size_t bytes, uint64_t value)
{
	for (size_t i = 0; i < bytes; i++) {
		uint8_t byte = (uint8_t)(value >> 8 * i);

		add_bytes(o, &byte, 1);
	}
}

/* The hash is that of tests/fixtures/bolt/README.md. */
static int count_entry(void *context, const struct bolt_entry *e)
{
	struct outcome *o = context;

	o->nr++;
	o->nr_buckets += e->is_bucket;
	if (e->depth > o->deepest)
		o->deepest = e->depth;
	add_number(o, 1, e->depth | (e->is_bucket ? 0x80 : 0));
	add_number(o, 4, e->key.nr);
	add_number(o, 8, e->value.nr);
	add_bytes(o, e->key.at, e->key.nr);
	add_bytes(o, e->value.at, e->value.nr);
	return o->nr == o->stop_after ? -ECANCELED : 0;
}

static struct outcome read_file(int fd, uint64_t stop_after)
{
	struct outcome o = { .hash = UINT64_C(0xcbf29ce484222325), .stop_after = stop_after };
	struct bolt *b = NULL;

	o.opened = bolt_open(fd, &b, &o.fault);
	if (o.opened)
		return o;
	o.txid = bolt_txid(b);
	o.page_size = bolt_page_size(b);
	o.walked = bolt_walk(b, count_entry, &o, &o.fault);
	bolt_close(b);
	return o;
}

static struct outcome read_image(const struct bolt_image *i)
{
	int fd = bolt_image_file(i);
	struct outcome o = read_file(fd, 0);

	close(fd);
	return o;
}

static void expect_sound(const struct outcome *o, const char *what)
{
	cr_expect(!o->opened && !o->walked, "%s: %d, %d", what, o->opened, o->walked);
	cr_expect_eq(o->fault.nr, 0, "%s: %s", what, o->fault.text);
}

/* ---- a database with all there is: leaves and a branch, inlined, long, nested, and empty */

static const struct bolt_item of_a[] = {
	{ .key = "k00", .value = "0" }, { .key = "k01", .value = "1" },
	{ .key = "k02", .value = "2" }, { .key = "k03", .value = "3" },
	{ .key = "k04", .value = "4" }, { .key = "k05", .value = "5" },
	{ .key = "k06", .value = "6" }, { .key = "k07", .value = "" },
	{ .key = "k08", .value = "8" }, { .key = "k09", .value = "9" },
	{ .key = "k10", .value = "a" }, { .key = "k11", .value = "b" },
};
static const struct bolt_plan plan_a = { of_a, 12, 4, 4, false };
static const struct bolt_item of_b[] = { { .key = "x", .value = "1" },
					 { .key = "y", .value = "2" } };
static const struct bolt_plan plan_b = { of_b, 2, 0, 0, true };
static const struct bolt_item of_e[] = { { .key = "f", .value = "6" } };
static const struct bolt_plan plan_e = { of_e, 1, 0, 0, false };
static const struct bolt_item of_d[] = { { .key = "e", .bucket = &plan_e } };
static const struct bolt_plan plan_d = { of_d, 1, 0, 0, false };
static const struct bolt_plan plan_z = { NULL, 0, 0, 0, false };

/* Its pages, of 1024 bytes. */
enum { LEAF = 4, BRANCH = 7, LONG = 8, OF_E = 11, OF_D = 12, ROOT = 14 };
enum { NR_ENTRIES = 22, NR_OF_A = 12, NR_OF_ROOT = 5, LONG_BYTES = 2500 };

static struct bolt_image make(size_t page_size)
{
	char text[LONG_BYTES + 1] = "";
	const struct bolt_item of_c[] = { { .key = "long", .value = text } };
	const struct bolt_plan plan_c = { of_c, 1, 0, 0, false };
	const struct bolt_item of_root[NR_OF_ROOT] = {
		{ .key = "a", .bucket = &plan_a }, { .key = "b", .bucket = &plan_b },
		{ .key = "c", .bucket = &plan_c }, { .key = "d", .bucket = &plan_d },
		{ .key = "z", .bucket = &plan_z },
	};
	const struct bolt_plan root = { of_root, NR_OF_ROOT, 0, 0, false };

	memset(text, '?', LONG_BYTES);
	return bolt_image_make(page_size, &root);
}

Test(bolt, every_kind_of_page_in_every_size)
{
	uint64_t hash = 0;

	for (size_t size = 1024; size <= 65536; size *= 2) {
		struct bolt_image i = make(size);
		struct outcome o = read_image(&i);

		expect_sound(&o, "written");
		cr_expect_eq(o.nr, NR_ENTRIES);
		cr_expect_eq(o.nr_buckets, 6);
		cr_expect_eq(o.deepest, 2);
		cr_expect_eq(o.txid, BOLT_IMAGE_TXID);
		cr_expect_eq(o.page_size, size);
		cr_expect(!hash || o.hash == hash, "the same in pages of %zu bytes", size);
		hash = o.hash;
		bolt_image_destroy(&i);
	}
}

static int expect_in_order(void *context, const struct bolt_entry *e)
{
	static const char *const all[] = {
		"a",   "k00", "k01", "k02", "k03", "k04", "k05",  "k06", "k07", "k08", "k09",
		"k10", "k11", "b",   "x",   "y",   "c",   "long", "d",   "e",   "f",   "z",
	};
	unsigned int *nr = context;
	const char *key = all[*nr];

	cr_expect(e->key.nr == strlen(key) && !memcmp(e->key.at, key, e->key.nr), "%u", *nr);
	if (!strcmp(key, "long"))
		cr_expect(e->value.nr == LONG_BYTES && e->value.at[LONG_BYTES - 1] == '?');
	if (!strcmp(key, "f"))
		cr_expect(e->depth == 2 && e->page == OF_E && e->value.at[0] == '6');
	if (!strcmp(key, "y"))
		cr_expect(e->depth == 1 && e->page == ROOT && e->value.at[0] == '2');
	++*nr;
	return 0;
}

Test(bolt, entries_come_in_order)
{
	struct bolt_image i = make(1024);
	int fd = bolt_image_file(&i);
	struct bolt_fault fault = { .nr = 0 };
	struct outcome o = read_file(fd, 7);
	unsigned int nr = 0;
	struct bolt *b;

	cr_expect_eq(o.walked, -ECANCELED);
	cr_expect_eq(o.nr, 7);
	cr_assert_eq(bolt_open(fd, &b, &fault), 0);
	cr_expect_eq(bolt_walk(b, expect_in_order, &nr, &fault), 0);
	cr_expect_eq(bolt_walk(b, expect_in_order, &(unsigned int){ 0 }, &fault), 0, "and again");
	cr_expect_eq(nr, NR_ENTRIES);
	cr_expect_eq(fault.nr, 0);
	bolt_close(b);
	close(fd);
	bolt_image_destroy(&i);
}

/* ---- meta pages */

Test(bolt, the_newest_good_meta_page_counts)
{
	for (size_t size = 1024; size <= 65536; size *= 2) {
		struct bolt_image i = make(size);
		struct outcome o;

		bolt_image_set(&i, 1, BOLT_META_TXID, 8, BOLT_IMAGE_TXID + 1);
		bolt_image_seal(&i, 1);
		o = read_image(&i);
		expect_sound(&o, "the second one is newer");
		cr_expect_eq(o.nr, 0);
		bolt_image_set(&i, 1, BOLT_META_ROOT, 8, 2);
		o = read_image(&i);
		cr_expect_eq(o.nr, NR_ENTRIES);
		cr_expect_eq(o.fault.nr, 1);
		cr_expect_str_eq(o.fault.text,
				 "page 1: no good meta page: the last commit may be lost");
		bolt_image_set(&i, 1, BOLT_META_ROOT, 8, 3);
		bolt_image_set(&i, 0, BOLT_META_ROOT, 8, 2);
		o = read_image(&i);
		cr_expect(!o.opened && o.nr == 0 && o.txid == BOLT_IMAGE_TXID + 1);
		cr_expect(o.fault.nr == 1 && o.fault.page == 0);
		bolt_image_set(&i, 1, BOLT_META_TXID, 1, 0);
		o = read_image(&i);
		cr_expect_eq(o.opened, -EUCLEAN);
		cr_expect(o.fault.nr == 1 && o.fault.page == BOLT_NO_PAGE);
		cr_expect_str_eq(o.fault.text, "no good meta page, or no bbolt database");
		bolt_image_destroy(&i);
	}
}

Test(bolt, meta_pages_that_are_none)
{
	static const struct {
		size_t offset;
		uint32_t value;
	} bad[] = {
		{ BOLT_ELEMENTS, 0xED0CDAEE }, { BOLT_META_VERSION, 3 },
		{ BOLT_META_PAGE_SIZE, 512 },  { BOLT_META_PAGE_SIZE, 131072 },
		{ BOLT_META_PAGE_SIZE, 1025 }, { BOLT_META_PAGE_SIZE, 0 },
	};

	for (size_t n = 0; n < sizeof(bad) / sizeof(bad[0]); n++) {
		struct bolt_image i = make(1024);
		struct outcome o;

		bolt_image_set(&i, 0, bad[n].offset, 4, bad[n].value);
		bolt_image_seal(&i, 0);
		o = read_image(&i);
		cr_expect(!o.opened && o.txid == BOLT_IMAGE_TXID - 1 && o.fault.page == 0, "%zu",
			  n);
		bolt_image_destroy(&i);
	}
}

Test(bolt, what_is_no_database)
{
	struct bolt_image i = { .bytes = NULL };
	struct outcome o = read_image(&i);
	int fd = memfd_create("bolt", MFD_CLOEXEC), ends[2];

	cr_expect_eq(o.opened, -EUCLEAN);
	cr_expect_str_eq(o.fault.text, "the file is empty");
	cr_assert_eq(ftruncate(fd, (off_t)BOLT_MAX_BYTES + 1), 0);
	cr_expect_eq(read_file(fd, 0).opened, -EFBIG);
	close(fd);
	cr_assert_eq(pipe(ends), 0);
	cr_expect_eq(read_file(ends[0], 0).opened, -EINVAL);
	close(ends[0]);
	cr_expect_eq(read_file(ends[0], 0).opened, -EBADF);
	close(ends[1]);
}

/* ---- a daemon that writes */

static void commit(int fd)
{
	struct bolt_image i = make(1024);

	bolt_image_set(&i, 1, BOLT_META_TXID, 8, BOLT_IMAGE_TXID + 1);
	bolt_image_seal(&i, 1);
	bolt_image_put(&i, fd, i.nr_bytes);
	bolt_image_destroy(&i);
}

static void tear(int fd)
{
	cr_assert_eq(pwrite(fd, "", 1, BOLT_META_TXID), 1);
}

static void grow(int fd)
{
	cr_assert_eq(ftruncate(fd, 1 << 16), 0);
}

static void write_elsewhere(int fd)
{
	cr_assert_eq(pwrite(fd, "new", 3, 2 * 1024), 3);
}

Test(bolt, a_commit_while_it_is_read)
{
	static const struct {
		void (*change)(int fd);
		int expected;
	} changes[] = {
		{ commit, -EAGAIN }, { tear, -EAGAIN }, { grow, -EAGAIN }, { write_elsewhere, 0 }
	};
	struct bolt_image i = make(1024);

	for (size_t n = 0; n < sizeof(changes) / sizeof(changes[0]); n++) {
		int fd = bolt_image_file(&i);
		struct outcome o;

		writer.nr_reads = 0;
		writer.at = 2; /* after all was read */
		writer.change = changes[n].change;
		o = read_file(fd, 0);
		cr_expect_eq(o.opened, changes[n].expected, "change %zu: %d", n, o.opened);
		cr_expect_eq(o.fault.nr, 0);
		writer.at = 0;
		if (changes[n].change != tear)
			cr_expect_eq(read_file(fd, 0).opened, 0, "and then it is quiet");
		close(fd);
	}
	bolt_image_destroy(&i);
}

/* ---- damage, and what is still read */

struct harm {
	uint64_t page;
	size_t offset, bytes;
	uint64_t value;
};

/* In pages of 1024 bytes.  Data of a leaf with n elements begin at 16 + 16 * n. */
static const struct {
	struct harm harm[2];
	const char *text;
	uint64_t nr; /* entries still given */
} harms[] = {
	{ { { 0, BOLT_META_ROOT, 8, 99 } }, "page 99: there is no such page: 15 are in use", 0 },
	{ { { 0, BOLT_META_ROOT, 8, 1 } }, "page 1: there is no such page: 15 are in use", 0 },
	{ { { ROOT, BOLT_ID, 8, 99 } }, "page 14: it says that it is page 99", 0 },
	{ { { LEAF, BOLT_KIND, 2, 0x10 } }, "page 4: neither leaf nor branch: kind 16", 18 },
	{ { { LEAF, BOLT_COUNT, 2, 64 } }, "page 4: 64 elements in 1024 bytes", 18 },
	{ { { LEAF, BOLT_COUNT, 2, 0 } }, "page 4: it is empty", 18 },
	{ { { BRANCH, BOLT_COUNT, 2, 0 } }, "page 7: it is empty", 10 },
	{ { { LEAF, BOLT_COUNT, 2, 3 } },
	  "page 4: element 0 does not stand behind the one before it",
	  21 },
	{ { { LEAF, BOLT_OVERFLOW, 4, UINT32_MAX } },
	  "page 4: it needs 4294967296 pages, and the file ends",
	  NR_ENTRIES },
	{ { { LEAF, BOLT_LEAF_POS(0), 4, UINT32_MAX } },
	  "page 4: element 0 reaches out of it",
	  21 },
	{ { { LEAF, BOLT_LEAF_KEY(3), 4, UINT32_MAX } },
	  "page 4: element 3 reaches out of it",
	  21 },
	{ { { LEAF, BOLT_LEAF_VALUE(3), 4, 930 } }, "page 4: element 3 reaches out of it", 21 },
	{ { { LEAF, BOLT_LEAF_VALUE(1), 4, 2 } },
	  "page 4: element 2 does not stand behind the one before it",
	  NR_ENTRIES },
	{ { { LEAF, BOLT_LEAF_KEY(3), 4, 0 } }, "page 4: element 3 has no key", NR_ENTRIES },
	{ { { LEAF, BOLT_LEAF_FLAGS(1), 4, 4 } }, "page 4: element 1: unknown flags", NR_ENTRIES },
	{ { { LEAF, 16 + 64 + 6, 1, '0' } },
	  "page 4: element 1: the keys are not in order",
	  NR_ENTRIES },
	{ { { LEAF, 16 + 64 + 12, 1, 'l' } },
	  "page 4: the key of element 3 does not belong there",
	  NR_ENTRIES },
	{ { { LEAF + 1, 16 + 64, 1, 'j' } },
	  "page 5: the key of element 0 does not belong there",
	  NR_ENTRIES },
	{ { { BRANCH, 16 + 48 + 3, 1, 'j' } },
	  "page 7: element 1: the keys are not in order",
	  NR_ENTRIES },
	{ { { BRANCH, BOLT_BRANCH_POS(1), 4, 1024 } }, "page 7: element 1 reaches out of it", 18 },
	{ { { BRANCH, BOLT_BRANCH_CHILD(1), 8, BRANCH } },
	  "page 7: more than one pointer leads to it",
	  18 },
	{ { { BRANCH, BOLT_BRANCH_CHILD(1), 8, LEAF } },
	  "page 4: more than one pointer leads to it",
	  18 },
	{ { { BRANCH, BOLT_BRANCH_CHILD(1), 8, ROOT } },
	  "page 14: more than one pointer leads to it",
	  18 },
	{ { { BRANCH, BOLT_BRANCH_CHILD(2), 8, UINT64_MAX } }, NULL, 18 },
	{ { { BRANCH, BOLT_BRANCH_CHILD(2), 8, 2 } },
	  "page 2: neither leaf nor branch: kind 16",
	  18 },
	{ { { BRANCH, BOLT_BRANCH_CHILD(2), 8, 15 } },
	  "page 15: there is no such page: 15 are in use",
	  18 },
	/* A value that claims the page behind. */
	{ { { LEAF, BOLT_OVERFLOW, 4, 1 }, { LEAF, BOLT_LEAF_VALUE(3), 4, 1024 } },
	  "page 5: more than one pointer leads to it",
	  18 },
	{ { { OF_D, BOLT_OVERFLOW, 4, 2 }, { OF_D, BOLT_LEAF_VALUE(0), 4, 2100 } },
	  "page 12: it overlaps with page 14",
	  20 },
	{ { { LONG, BOLT_OVERFLOW, 4, 1000 } },
	  "page 8: it needs 1001 pages, and the file ends",
	  NR_ENTRIES },
	{ { { LONG, BOLT_OVERFLOW, 4, 1 } }, "page 8: element 0 reaches out of it", 21 },
	/* Buckets: their values stand behind the keys, in the root. */
	{ { { ROOT, 96 + 1, 8, ROOT } }, "page 14: more than one pointer leads to it", 10 },
	{ { { ROOT, BOLT_LEAF_VALUE(4), 4, 8 } }, "page 14: a bucket of 8 bytes", NR_ENTRIES },
	{ { { ROOT, BOLT_LEAF_VALUE(4), 4, 16 }, { ROOT, 96 + 17 + 69 + 17 + 17 + 1, 8, 0 } },
	  "page 14: a bucket of 16 bytes",
	  NR_ENTRIES },
	{ { { ROOT, 96 + 17 + 1 + 16 + BOLT_KIND, 2, 1 } },
	  "page 14: a branch inside of a value",
	  20 },
	{ { { ROOT, 96 + 17 + 1 + 16 + BOLT_COUNT, 2, 5 } },
	  "page 14: 5 elements in 52 bytes",
	  20 },
	{ { { ROOT, 96 + 17 + 1 + 16 + BOLT_LEAF_KEY(1), 4, 50 } },
	  "page 14: element 1 reaches out of it",
	  21 },
};

static void do_harm(struct bolt_image *i, const struct harm *h)
{
	if (h->bytes)
		bolt_image_set(i, h->page, h->offset, h->bytes, h->value);
	if (h->bytes && h->page < 2)
		bolt_image_seal(i, h->page);
}

Test(bolt, damage_is_told_and_the_rest_is_read)
{
	for (size_t n = 0; n < sizeof(harms) / sizeof(harms[0]); n++) {
		struct bolt_image i = make(1024);
		struct outcome o;

		do_harm(&i, &harms[n].harm[0]);
		do_harm(&i, &harms[n].harm[1]);
		o = read_image(&i);
		cr_expect(!o.opened && !o.walked && o.fault.nr, "%zu", n);
		if (harms[n].text)
			cr_expect_str_eq(o.fault.text, harms[n].text, "%zu: %s", n, o.fault.text);
		cr_expect_eq(o.nr, harms[n].nr, "%zu (%s): %" PRIu64 " entries", n, o.fault.text,
			     o.nr);
		bolt_image_destroy(&i);
	}
}

/* Elements whose values are all the same bucket, which stands in the page once. */
Test(bolt, what_overlaps_is_not_read_without_end)
{
	struct bolt_image i = make(1024);
	enum { NR = 30 };
	uint64_t begin = 16 + 16 * NR, bytes = 16 + 16 + 16 * NR;
	struct outcome o;

	memset(i.bytes + ROOT * i.page_size + BOLT_KIND, 0, 1024 - BOLT_KIND);
	bolt_image_set(&i, ROOT, BOLT_KIND, 2, 2);
	bolt_image_set(&i, ROOT, BOLT_COUNT, 2, NR);
	for (unsigned int n = 0; n < NR; n++) {
		bolt_image_set(&i, ROOT, BOLT_LEAF_FLAGS(n), 4, 1);
		bolt_image_set(&i, ROOT, BOLT_LEAF_POS(n), 4, begin - 16 - 16 * n);
		bolt_image_set(&i, ROOT, BOLT_LEAF_KEY(n), 4, 1);
		bolt_image_set(&i, ROOT, BOLT_LEAF_VALUE(n), 4, bytes);
	}
	bolt_image_set(&i, ROOT, begin + 1 + 16 + BOLT_KIND, 2, 2);
	bolt_image_set(&i, ROOT, begin + 1 + 16 + BOLT_COUNT, 2, NR);
	o = read_image(&i);
	cr_expect(!o.walked && o.fault.nr);
	/* The file has 15 pages; the root takes 32 of their 16 bytes, and each bucket 31. */
	cr_expect_eq(o.nr, NR + (15 * 64 - 32) / 31 * NR, "%" PRIu64, o.nr);
	bolt_image_destroy(&i);
}

Test(bolt, limits_hold_through_several_branches)
{
	static const struct bolt_plan deep = { of_a, 12, 4, 2, false };
	static const struct bolt_item items[] = { { .key = "a", .bucket = &deep } };
	static const struct bolt_plan root = { items, 1, 0, 0, false };
	struct bolt_image i = bolt_image_make(1024, &root);
	struct outcome o = read_image(&i);

	expect_sound(&o, "three levels");
	cr_expect_eq(o.nr, 13);
	bolt_image_set(&i, 5, 16 + 64 + 12, 1, 'l'); /* the last key of the left branch */
	o = read_image(&i);
	cr_expect_eq(o.nr, 13);
	cr_expect_str_eq(o.fault.text, "page 5: the key of element 3 does not belong there");
	bolt_image_destroy(&i);
}

static struct outcome read_nested(size_t levels)
{
	struct bolt_plan plans[80] = { { .nr = 0 } };
	struct bolt_item items[80];
	struct bolt_image i;
	struct outcome o;

	for (size_t n = 1; n < levels; n++) {
		items[n] = (struct bolt_item){ .key = "deeper", .bucket = &plans[n - 1] };
		plans[n] = (struct bolt_plan){ .items = &items[n], .nr = 1 };
	}
	i = bolt_image_make(1024, &plans[levels - 1]);
	o = read_image(&i);
	bolt_image_destroy(&i);
	return o;
}

Test(bolt, buckets_in_buckets_in_buckets)
{
	struct outcome o = read_nested(BOLT_MAX_LEVELS);

	expect_sound(&o, "as many levels as there may be");
	cr_expect(o.nr == BOLT_MAX_LEVELS - 1 && o.deepest == BOLT_MAX_LEVELS - 2);
	o = read_nested(BOLT_MAX_LEVELS + 1);
	cr_expect(o.nr == BOLT_MAX_LEVELS && o.fault.nr == 1);
	cr_expect(strstr(o.fault.text, ": more than 64 levels"), "%s", o.fault.text);
	o = read_nested(80);
	cr_expect(o.nr == BOLT_MAX_LEVELS && o.fault.nr == 1);
}

/* ---- what bbolt wrote: tests/fixtures/bolt/README.md */

static const struct {
	const char *name;
	uint64_t nr, nr_buckets, hash;
} real[] = {
	{ "empty", 0, 0, UINT64_C(0xcbf29ce484222325) },
	{ "docker-cache", 4, 4, UINT64_C(0x651fb71bcc225c0d) },
	{ "snapshots", 994, 416, UINT64_C(0x4b3fecf92fbb9d9c) },
	{ "mixed", 3006, 21, UINT64_C(0x9475a8e2fa9532f9) },
	{ "mixed-1k", 3006, 21, UINT64_C(0x9475a8e2fa9532f9) },
};

enum { NR_REAL = sizeof(real) / sizeof(real[0]) };

Test(bolt, real_databases_read_as_bbolt_reads_them)
{
	for (size_t n = 0; n < NR_REAL; n++) {
		struct bolt_image i = bolt_image_load(real[n].name);
		struct outcome o = read_image(&i);

		expect_sound(&o, real[n].name);
		cr_expect_eq(o.nr, real[n].nr, "%s: %" PRIu64, real[n].name, o.nr);
		cr_expect_eq(o.nr_buckets, real[n].nr_buckets);
		cr_expect_eq(o.hash, real[n].hash, "%s", real[n].name);
		bolt_image_destroy(&i);
	}
}

/* Whatever is missing, it is not missed in silence. */
static void expect_told(const struct outcome *o, const struct outcome *whole, const char *what,
			size_t n)
{
	cr_expect(!o->walked && (!o->opened || o->opened == -EUCLEAN), "%s %zu", what, n);
	cr_expect(o->fault.nr || o->hash == whole->hash, "%s %zu", what, n);
}

static void truncate_everywhere(struct bolt_image *i, size_t step)
{
	struct outcome whole = read_image(i);
	int fd = bolt_image_file(i);

	for (size_t bytes = i->nr_bytes / step * step; bytes; bytes -= step) {
		struct outcome o;

		cr_assert_eq(ftruncate(fd, (off_t)bytes), 0);
		o = read_file(fd, 0);
		expect_told(&o, &whole, "cut to", bytes);
	}
	close(fd);
	bolt_image_destroy(i);
}

Test(bolt, truncated_anywhere)
{
	struct bolt_image small = make(1024), snapshots = bolt_image_load("snapshots"),
			  mixed = bolt_image_load("mixed-1k");

	truncate_everywhere(&small, 1);
	truncate_everywhere(&snapshots, 64);
	truncate_everywhere(&mixed, 1024);
}

/* What is lost inside of a long value nobody can tell. */
static void lose_pages(const char *name, bool all_told)
{
	struct bolt_image i = bolt_image_load(name);
	struct outcome whole = read_image(&i);
	int fd = bolt_image_file(&i);
	uint8_t saved[4096];

	for (size_t page = 0; page < i.nr_pages; page++) {
		uint8_t *p = i.bytes + page * i.page_size, *other = p;
		struct outcome o;

		memcpy(saved, p, i.page_size);
		memset(p, 0, i.page_size);
		bolt_image_put(&i, fd, i.nr_bytes);
		o = read_file(fd, 0);
		if (all_told)
			expect_told(&o, &whole, "zeroed", page);
		other = i.bytes + (page * 7 + 3) % i.nr_pages * i.page_size;
		memcpy(p, other == p ? saved : other, i.page_size);
		bolt_image_put(&i, fd, i.nr_bytes);
		o = read_file(fd, 0);
		if (all_told)
			expect_told(&o, &whole, "another page at", page);
		memcpy(p, saved, i.page_size);
	}
	close(fd);
	bolt_image_destroy(&i);
}

Test(bolt, lost_pages)
{
	lose_pages("snapshots", true);
	lose_pages("mixed", false);
}

static uint32_t next_random(uint64_t *state)
{
	*state = *state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
	return (uint32_t)(*state >> 33);
}

/* Numbers that are small, large, or near to something. */
static uint64_t odd_number(uint64_t *state)
{
	uint32_t r = next_random(state);

	switch (r % 5) {
	case 0:
		return r >> 8 & 0xff;
	case 1:
		return UINT64_MAX - (r >> 8 & 0xf);
	case 2:
		return 1u << (r >> 8) % 32;
	case 3:
		return r >> 8 & 0xffff;
	default:
		return r;
	}
}

static void mutate(struct bolt_image *i, unsigned int rounds, uint64_t seed)
{
	int fd = bolt_image_file(i);
	uint8_t *saved = malloc(i->nr_bytes);
	uint64_t most = i->nr_bytes / 16, state = seed;

	cr_assert_not_null(saved);
	memcpy(saved, i->bytes, i->nr_bytes);
	for (unsigned int round = 0; round < rounds; round++) {
		unsigned int nr = 1 + next_random(&state) % 4;
		struct outcome o;

		for (unsigned int n = 0; n < nr; n++) {
			uint64_t page = next_random(&state) % i->nr_pages;
			size_t bytes = (size_t)1 << next_random(&state) % 4;
			size_t near = next_random(&state) % 2 ? 128 : i->page_size;
			size_t offset = next_random(&state) % (near - bytes + 1);

			bolt_image_set(i, page, offset, bytes, odd_number(&state));
		}
		bolt_image_seal(i, 0);
		if (round % 2)
			bolt_image_seal(i, 1);
		bolt_image_put(i, fd, i->nr_bytes);
		o = read_file(fd, 0);
		cr_expect(!o.walked && (!o.opened || o.opened == -EUCLEAN),
			  "seed %" PRIu64 ", round %u: %d, %d", seed, round, o.opened, o.walked);
		cr_expect_leq(o.nr, most);
		memcpy(i->bytes, saved, i->nr_bytes);
	}
	free(saved);
	close(fd);
	bolt_image_destroy(i);
}

Test(bolt, thousands_of_mutations)
{
	struct bolt_image small = make(1024), large = make(4096),
			  snapshots = bolt_image_load("snapshots");

	mutate(&small, 6000, 1);
	mutate(&large, 1000, 2);
	mutate(&snapshots, 1000, 3);
}
