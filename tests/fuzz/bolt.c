/* SPDX-License-Identifier: MIT
 * bolt.c: BuildKit's database: any bytes as pages, with the checksums of the meta pages made right.
 *
 * What is given lies in the file, each page is visited once at most, and what has a fault is not
 * called complete.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "docker_meta/source/docker/bolt.h"
#include "docker_meta/source/docker/snapshots.h"
#include "tests/fuzz/support/fuzz.h"
#include "tests/support/bolt_image.h"

enum { MAX_PATCHES = 64, MAX_FILE = 1 << 18 };

#define ITEMS(...)                                 \
	(const struct bolt_item[]){ __VA_ARGS__ }, \
		sizeof((const struct bolt_item[]){ __VA_ARGS__ }) / sizeof(struct bolt_item)

/* Buckets of BuildKit's, as values and as pages of their own. */
static const struct bolt_plan snapshot = { ITEMS({ "committed", "sha256:ab", NULL },
						 { "parent", "sha256:cd", NULL },
						 { "size", "12345678", NULL }),
					   .inlined = true };
static const struct bolt_plan layer = {
	ITEMS({ "chainid", "sha256:ab", NULL }, { "parent", "", NULL }), .per_leaf = 1
};
static const struct bolt_plan empty = { .inlined = true };
static const struct bolt_plan whole = { ITEMS({ "0aaa", NULL, &snapshot }, { "1bbb", NULL, &layer },
					      { "2ccc", NULL, &empty }, { "3ddd", "value", NULL },
					      { "sha256:ab", NULL, &snapshot }),
					.per_leaf = 2, .per_branch = 2 };

static const struct bolt_image *base_of(unsigned int nr)
{
	static struct bolt_image bases[2];
	struct bolt_image *b = &bases[nr];

	if (!b->bytes)
		*b = nr ? bolt_image_load("empty") : bolt_image_make(1024, &whole);
	return b;
}

static void patch(struct bolt_image *i, struct fuzz_bytes *in)
{
	static const uint8_t headers[] = { BOLT_ID, BOLT_KIND, BOLT_COUNT, BOLT_OVERFLOW };
	static const uint8_t sizes[] = { 8, 2, 2, 4 };
	uint64_t page = fuzz_below(in, i->nr_pages), how = fuzz_below(in, 4),
		 at = fuzz_below(in, 256);
	size_t bytes = 4;

	if (!how) {
		at &= 3;
		bytes = sizes[at];
		at = headers[at];
	} else if (how == 1) {
		at = 16 + 4 * (at & 15); /* elements, or a meta page's own numbers */
	} else if (how == 2) {
		bytes = 1;
		at += fuzz_take(in, 1);
	} else {
		bytes = 8;
		at = 16 + 8 * (at & 15);
	}
	bolt_image_set(i, page, at % (i->page_size - 8), bytes, fuzz_number(in));
}

/* Some of the file's pages, changed; or all of it as it comes. */
static struct bolt_image image_of(struct fuzz_bytes *in)
{
	uint64_t first = fuzz_take(in, 1);
	const struct bolt_image *base = base_of(first & 1);
	struct bolt_image i = *base;

	if (first == 0xff && fuzz_left(in) >= 2048 && fuzz_left(in) <= MAX_FILE)
		i = (struct bolt_image){ NULL, fuzz_left(in), 1024, fuzz_left(in) / 1024 };
	i.bytes = malloc(i.nr_bytes);
	fuzz_require(i.bytes, "no memory");
	if (first == 0xff && fuzz_left(in) == i.nr_bytes) {
		memcpy(i.bytes, in->p, i.nr_bytes);
		in->p = in->end;
	} else {
		memcpy(i.bytes, base->bytes, i.nr_bytes);
	}
	for (int n = 0; n < MAX_PATCHES && fuzz_left(in); n++)
		patch(&i, in);
	if (!(first & 0x40)) {
		bolt_image_seal(&i, 0);
		bolt_image_seal(&i, 1);
	}
	if (first & 0x20)
		i.nr_bytes -= fuzz_below(in, i.nr_bytes);
	return i;
}

struct walk {
	uint64_t digest, nr;
};

static int on_entry(void *context, const struct bolt_entry *e)
{
	struct walk *w = context;

	w->nr++;
	w->digest = fuzz_hash(w->digest, e->key.at, e->key.nr);
	w->digest = fuzz_hash(w->digest, e->value.at, e->value.nr);
	fuzz_require(e->depth < BOLT_MAX_LEVELS, "%u levels", e->depth);
	return 0;
}

static void walk(int fd, size_t nr_bytes)
{
	struct walk first = { FUZZ_HASH_SEED, 0 }, second = first;
	struct bolt_fault fault = { .nr = 0 }, again = { .nr = 0 };
	struct bolt *b;
	int r = bolt_open(fd, &b, &fault);

	fuzz_require(!r || r == -EUCLEAN, "%d", r);
	fuzz_require(!r || fault.nr, "no reason");
	if (r)
		return;
	again = fault;
	fuzz_require(!bolt_walk(b, on_entry, &first, &fault), "no memory");
	fuzz_require(!bolt_walk(b, on_entry, &second, &again), "no memory");
	fuzz_require(first.digest == second.digest && fault.nr == again.nr, "two walks differ");
	/* An entry takes 16 bytes at least, and none is given twice. */
	fuzz_require(first.nr <= nr_bytes / 16, "%d entries", (int)first.nr);
	bolt_close(b);
}

static void read_snapshots(int fd)
{
	struct snapshot_table t;
	int r = snapshots_read(fd, &t);

	fuzz_require(!r, "%d", r);
	fuzz_require(t.complete == !t.fault.nr, "complete, and %d faults", (int)t.fault.nr);
	for (size_t i = 0; i < t.nr; i++) {
		fuzz_require(
			!i || strcmp(t.records[i - 1].key, t.records[i].key) < 0 || !t.complete,
			"not in order");
		fuzz_require(snapshots_find(&t, t.records[i].key), "not found");
		fuzz_require(snapshots_refer_to(&t, t.records[i].key), "not referred to");
	}
	snapshots_destroy(&t);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct fuzz_bytes in = { data, data + size };
	struct bolt_image i = image_of(&in);
	struct fuzz_file f = fuzz_file_make(i.bytes, i.nr_bytes);

	walk(f.fd, i.nr_bytes);
	read_snapshots(f.fd);
	fuzz_file_close(&f);
	free(i.bytes);
	return 0;
}
