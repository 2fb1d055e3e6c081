/* SPDX-License-Identifier: MIT
 * loss.c: how much a repair loses.  Harm a copy of each fixture in every way of one kind, salvage,
 * compare with the truth.
 *
 *     loss [-v] [-b BLOCK] [-e N] [-a] [-k DIR] WAY FIXTURE...
 *
 *     -v        name each loss
 *     -b BLOCK  harm this block alone
 *     -e N      each Nth block or round, from the superblock on
 *     -k DIR    keep the images that come out wrong
 *     -a        … all of them
 *
 *     zero      each block in turn becomes zeroes
 *     random    … random bytes
 *     stale     … an older version of itself, with the right checksum: a write that was lost
 *     swap      … changes places with another one
 *     cut       the device ends early
 *     headless  the superblock and each block in use are zeroes
 *     few       two or three blocks in use are zeroes
 *     storm     2, 5 and 10 % of all blocks at once are random bytes
 *
 * Exit status 1 when something wrong comes back; also when more is lost than what stood in the
 * block, but for stale nodes.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/alloc.h"
#include "common/pdata/btree_node.h"
#include "common/pdata/space_map.h"
#include "common/thin/salvage.h"
#include "tests/support/content.h"
#include "tests/support/image.h"
#include "tests/support/versions.h"

enum { ROUNDS = 40, MAX_VERSIONS = 8 };

struct trial {
	const char *fixture, *way;
	struct image clean, image;
	struct content truth;
	struct salvage_options options;
	bool may_lose;     /* more than expected */
	uint64_t may_fail; /* so many times: nobody can tell any more which commit is the last */
	uint64_t nr_trials, nr_failed, kept, expected, wrong, nr_less;
};

/* Where nobody can tell which of two trees is whose, so that only what they agree on is kept. */
static const struct {
	const char *fixture;
	uint64_t block, nr; /* mappings */
} undecidable[] = { { "needs-check", 50, 2 } };

static int verbose, keep_all;
static uint64_t only_block = NO_BLOCK;
static unsigned int every = 1;
static const char *keep_in;

/* ---- what there is to be kept */

/* The mappings that stand in a leaf, counted for each device and path. */
static uint64_t own_below(const struct image *i, uint64_t node, uint64_t wanted, unsigned int depth)
{
	uint64_t nr = 0;

	if (node == wanted)
		return node_is_leaf(i, node) ? node_nr_entries(i, node) : 0;
	if (node_is_leaf(i, node) || depth > 16)
		return 0;
	for (unsigned int e = 0; e < node_nr_entries(i, node); e++)
		nr += own_below(i, node_value(i, node, e), wanted, depth + 1);
	return nr;
}

static uint64_t own_of_devices(const struct image *i, uint64_t top, uint64_t wanted)
{
	uint64_t nr = 0;

	for (unsigned int e = 0; e < node_nr_entries(i, top); e++)
		nr += node_is_leaf(i, top) ? own_below(i, node_value(i, top, e), wanted, 0)
					   : own_of_devices(i, node_value(i, top, e), wanted);
	return nr;
}

/* All mappings but those that stand in this block. */
static uint64_t others(const struct trial *t, uint64_t block)
{
	return t->truth.nr -
	       own_of_devices(&t->clean, image_get(&t->clean, 0, SUPER_MAPPING_ROOT, 8), block);
}

static bool is_zero(const struct image *i, uint64_t block)
{
	static const uint8_t zeros[MD_BLOCK_SIZE];

	return !memcmp(i->bytes + block * MD_BLOCK_SIZE, zeros, MD_BLOCK_SIZE);
}

/* ---- one repair */

static struct content_difference repair(struct trial *t, int *ret_failed)
{
	struct content_difference d = { .lost = t->truth.nr };
	struct block_engine *e = image_engine(&t->image), *sound = NULL;
	struct salvage_result result;
	struct salvage_fault fault;
	struct content got = { 0 };

	*ret_failed = salvage(e, &t->options, &sound, &result, &fault);
	if (!*ret_failed)
		*ret_failed = content_read(sound, result.nr_blocks, &got);
	if (!*ret_failed)
		d = content_compare(&t->truth, &got);
	if (*ret_failed && verbose)
		printf("  failed: %d %s\n", *ret_failed, fault.text);
	content_destroy(&got);
	block_engine_destroy(sound);
	block_engine_destroy(e);
	salvage_result_destroy(&result);
	return d;
}

static void keep_image(const struct trial *t, uint64_t what)
{
	char path[512];

	snprintf(path, sizeof(path), "%s/%s-%s-%llu.raw", keep_in, t->fixture, t->way,
		 (unsigned long long)what);
	image_save_file(&t->image, path);
}

/* Repair the image as it was harmed, and make it whole again.  what: to tell one from another. */
static void try(struct trial *t, uint64_t what, uint64_t expected)
{
	int failed;
	struct content_difference d = repair(t, &failed);
	const bool less = d.kept < expected;

	t->nr_trials++;
	t->nr_failed += failed != 0;
	t->expected += expected;
	t->kept += d.kept;
	t->wrong += d.wrong;
	t->nr_less += less && !t->may_lose;
	if (verbose && (failed || d.wrong || less))
		printf("  %s %s %llu: kept %llu of %llu, wrong %llu%s\n", t->fixture, t->way,
		       (unsigned long long)what, (unsigned long long)d.kept,
		       (unsigned long long)expected, (unsigned long long)d.wrong,
		       failed ? ", FAILED" : "");
	if (keep_in && (d.wrong || keep_all))
		keep_image(t, what);
	t->image.nr_blocks = t->clean.nr_blocks;
	memcpy(t->image.bytes, t->clean.bytes, t->clean.nr_blocks * MD_BLOCK_SIZE);
}

/* What is to be left when a block alone is lost. */
static uint64_t expected_without(const struct trial *t, uint64_t block)
{
	for (size_t n = 0; n < ARRAY_SIZE(undecidable); n++) {
		if (strcmp(undecidable[n].fixture, t->fixture) || undecidable[n].block != block)
			continue;
		printf("  %s block %llu: %llu mappings cannot be told apart\n", t->fixture,
		       (unsigned long long)block, (unsigned long long)undecidable[n].nr);
		return others(t, block) - undecidable[n].nr;
	}
	return others(t, block);
}

static uint8_t *block_of(const struct image *i, uint64_t block)
{
	return i->bytes + block * MD_BLOCK_SIZE;
}

static void randomise(struct image *i, uint64_t block)
{
	for (unsigned int n = 0; n < MD_BLOCK_SIZE; n++)
		block_of(i, block)[n] = (uint8_t)rand();
}

static bool to_be_harmed(const struct trial *t, uint64_t block)
{
	if (only_block != NO_BLOCK)
		return block == only_block;
	return block % every == 0 && !is_zero(&t->clean, block);
}

/* ---- the ways */

static void zero(struct trial *t)
{
	for (uint64_t b = 0; b < t->clean.nr_blocks; b++) {
		if (!to_be_harmed(t, b))
			continue;
		memset(block_of(&t->image, b), 0, MD_BLOCK_SIZE);
		try(t, b, expected_without(t, b));
	}
}

static void random_bytes(struct trial *t)
{
	for (uint64_t b = 0; b < t->clean.nr_blocks; b++) {
		if (!to_be_harmed(t, b))
			continue;
		randomise(&t->image, b);
		try(t, b, expected_without(t, b));
	}
}

static size_t find_versions(const struct image *i, uint64_t block, uint64_t *versions)
{
	size_t nr = 0;

	for (uint64_t old = 1; old < i->nr_blocks; old++) {
		if (!version_in_use(i, old) && version_of(i, block, old))
			versions[nr++] = old;
	}
	return nr;
}

static bool of_space_map(const struct image *i, uint64_t block)
{
	const void *raw = i->bytes + block * MD_BLOCK_SIZE;
	uint64_t value_size = image_get(i, block, offsetof(struct node_header, value_size), 4);

	return block_checksum_ok(raw, SALT_BITMAP) || block_checksum_ok(raw, SALT_INDEX) ||
	       (block_checksum_ok(raw, SALT_BTREE_NODE) &&
		(value_size == INDEX_ENTRY_SIZE || value_size == REF_COUNT_SIZE));
}

/*
 * Of many versions some, from the oldest to the newest.  That of a space map costs nothing; that of
 * a node may cost what only the other one leads to.
 */
static void stale(struct trial *t)
{
	uint64_t *versions = alloc_array(t->clean.nr_blocks, sizeof(*versions));

	if (!versions)
		abort();
	for (uint64_t b = 1; b < t->clean.nr_blocks; b++) {
		size_t nr, step;

		if (!to_be_harmed(t, b) || !version_in_use(&t->clean, b))
			continue;
		nr = find_versions(&t->clean, b, versions);
		step = nr / MAX_VERSIONS + 1;
		t->may_lose = !of_space_map(&t->clean, b);
		for (size_t v = 0; v < nr; v += step) {
			version_put(&t->image, &t->clean, b, versions[v]);
			try(t, b * 100000 + versions[v], others(t, b));
		}
	}
	alloc_free(versions);
}

static void swap(struct trial *t)
{
	srand(1);
	for (uint64_t b = 1; b < t->clean.nr_blocks; b++) {
		uint64_t o = 1 + (uint64_t)rand() % (t->clean.nr_blocks - 1);

		if (!to_be_harmed(t, b))
			continue;
		memcpy(block_of(&t->image, b), block_of(&t->clean, o), MD_BLOCK_SIZE);
		memcpy(block_of(&t->image, o), block_of(&t->clean, b), MD_BLOCK_SIZE);
		try(t, b, t->truth.nr);
	}
}

/* Alone it is found.  Where the last commit's space map is lost as well, it cannot be told any
 * more. */
static void headless(struct trial *t)
{
	t->may_fail = 2;
	memset(block_of(&t->image, SUPERBLOCK_LOCATION), 0, MD_BLOCK_SIZE);
	try(t, SUPERBLOCK_LOCATION, t->truth.nr);
	t->expected = 0;
	for (uint64_t b = 1; b < t->clean.nr_blocks; b++) {
		if (!to_be_harmed(t, b) || !version_in_use(&t->clean, b))
			continue;
		memset(block_of(&t->image, SUPERBLOCK_LOCATION), 0, MD_BLOCK_SIZE);
		memset(block_of(&t->image, b), 0, MD_BLOCK_SIZE);
		try(t, b, 0);
	}
}

static uint64_t any_in_use(const struct trial *t)
{
	uint64_t block;

	do
		block = 1 + (uint64_t)rand() % (t->clean.nr_blocks - 1);
	while (!version_in_use(&t->clean, block));
	return block;
}

static void few(struct trial *t)
{
	for (unsigned int n = 0; n < 5 * ROUNDS; n += every) {
		srand(n);
		for (unsigned int i = 0; i < 2 + n % 2; i++)
			memset(block_of(&t->image, any_in_use(t)), 0, MD_BLOCK_SIZE);
		try(t, n, 0);
	}
}

/* Nobody can say how much is to be left: only that nothing is wrong. */
static void cut(struct trial *t)
{
	uint64_t last = t->clean.nr_blocks - 1;

	t->may_fail = UINT64_MAX;
	while (last && is_zero(&t->clean, last))
		last--;
	for (unsigned int percent = 2; percent < 100; percent += 2) {
		t->image.nr_blocks = last * percent / 100 + 1;
		try(t, percent, 0);
	}
}

/* The superblock stays. */
static void storm(struct trial *t)
{
	t->may_fail = UINT64_MAX;
	static const unsigned int percents[] = { 2, 5, 10 };

	for (unsigned int n = 0; n < ROUNDS * ARRAY_SIZE(percents); n += every) {
		srand(n);
		for (uint64_t b = 1; b < t->image.nr_blocks; b++) {
			if (!is_zero(&t->clean, b) &&
			    (unsigned int)rand() % 100 < percents[n / ROUNDS])
				randomise(&t->image, b);
		}
		try(t, percents[n / ROUNDS] * 1000 + n % ROUNDS, 0);
	}
}

static const struct way {
	const char *name;
	void (*run)(struct trial *t);
} ways[] = {
	{ "zero", zero }, { "random", random_bytes }, { "stale", stale }, { "swap", swap },
	{ "cut", cut },   { "headless", headless },   { "few", few },     { "storm", storm },
};

static int run(const struct way *way, const char *fixture)
{
	struct trial t = { .fixture = fixture,
			   .way = way->name,
			   .clean = image_load(fixture),
			   .image = image_load(fixture) };
	struct block_engine *e = image_engine(&t.clean);

	if (content_read(e, 0, &t.truth))
		abort();
	t.options = (struct salvage_options){
		.has_transaction_id = true,
		.transaction_id = image_get(&t.clean, 0, SUPER_TRANSACTION, 8),
		.nr_data_blocks = image_get(&t.clean, 0, SUPER_DATA_MAP, 8),
		.data_block_size = (uint32_t)image_get(&t.clean, 0, SUPER_DATA_BLOCK_SIZE, 4),
	};
	way->run(&t);
	printf("%-18s %-8s %5llu times: kept %8.4f %%, wrong %llu, failed %llu\n", fixture,
	       way->name, (unsigned long long)t.nr_trials,
	       t.expected    ? 100.0 * (double)t.kept / (double)t.expected
	       : t.nr_trials ? 100.0 * (double)t.kept / (double)(t.truth.nr * t.nr_trials)
			     : 100.0,
	       (unsigned long long)t.wrong, (unsigned long long)t.nr_failed);
	fflush(stdout);
	content_destroy(&t.truth);
	block_engine_destroy(e);
	image_destroy(&t.clean);
	image_destroy(&t.image);
	return t.nr_less || t.wrong || t.nr_failed > t.may_fail;
}

static const struct way *way_named(const char *name)
{
	for (size_t n = 0; n < ARRAY_SIZE(ways); n++) {
		if (!strcmp(ways[n].name, name))
			return &ways[n];
	}
	return NULL;
}

int main(int argc, char **argv)
{
	const struct way *way = NULL;
	int bad = 0;

	for (int n = 1; n < argc; n++) {
		if (!strcmp(argv[n], "-v"))
			verbose = 1;
		else if (!strcmp(argv[n], "-a"))
			keep_all = 1;
		else if (!strcmp(argv[n], "-b") && n + 1 < argc)
			only_block = strtoull(argv[++n], NULL, 0);
		else if (!strcmp(argv[n], "-e") && n + 1 < argc)
			every = (unsigned int)strtoul(argv[++n], NULL, 0);
		else if (!strcmp(argv[n], "-k") && n + 1 < argc)
			keep_in = argv[++n];
		else if (way_named(argv[n]))
			way = way_named(argv[n]);
		else if (way)
			bad |= run(way, argv[n]);
		else
			return 64;
	}
	return bad;
}
