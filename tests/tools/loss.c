/* SPDX-License-Identifier: MIT
 * loss.c: how much a repair loses.  For each block of each fixture: destroy it, salvage, compare
 * with the truth.
 *
 *     loss [-v] [-0] [-sN] FIXTURE...
 *
 *     -v   name each loss
 *     -0   destroy the superblock alone
 *     -sN  N times each, destroy 2, 5 and 10 % of all blocks at once
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/alloc.h"
#include "common/thin/salvage.h"
#include "tests/support/content.h"
#include "tests/support/image.h"

struct totals {
	uint64_t nr_blocks, nr_failed, kept, expected, wrong;
	uint64_t known_wrong; /* of those that are known */
};

static int verbose, superblock_only;

/* What the evidence cannot tell yet: the newest device was deleted by the very last commit. */
static const struct {
	const char *fixture;
	uint64_t block;
} known[] = { { "docker-kill9-3", 0 } };

static int is_known(const char *fixture, uint64_t block)
{
	for (size_t n = 0; n < ARRAY_SIZE(known); n++) {
		if (!strcmp(known[n].fixture, fixture) && known[n].block == block)
			return 1;
	}
	return 0;
}

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

static int is_zero(const struct image *i, uint64_t block)
{
	static const uint8_t zeros[MD_BLOCK_SIZE];

	return !memcmp(i->bytes + block * MD_BLOCK_SIZE, zeros, MD_BLOCK_SIZE);
}

static struct content_difference repair(struct image *i, const struct content *truth,
					const struct salvage_options *options, int *ret_failed)
{
	struct content_difference d = { .lost = truth->nr };
	struct block_engine *e = image_engine(i), *sound = NULL;
	struct salvage_result result;
	struct salvage_fault fault;
	struct content got = { 0 };

	*ret_failed = salvage(e, options, &sound, &result, &fault);
	if (!*ret_failed)
		*ret_failed = content_read(sound, result.nr_blocks, &got);
	if (!*ret_failed)
		d = content_compare(truth, &got);
	if (*ret_failed && verbose)
		printf("  failed: %d %s\n", *ret_failed, fault.text);
	content_destroy(&got);
	block_engine_destroy(sound);
	block_engine_destroy(e);
	salvage_result_destroy(&result);
	return d;
}

static void destroy(struct image *i, uint64_t block, int random)
{
	for (unsigned int n = 0; n < MD_BLOCK_SIZE; n++)
		i->bytes[block * MD_BLOCK_SIZE + n] = random ? (uint8_t)rand() : 0;
}

static void sweep(const char *fixture, int random, struct totals *t)
{
	struct image i = image_load(fixture);
	struct block_engine *e = image_engine(&i);
	struct salvage_options options = {
		.has_transaction_id = true,
		.transaction_id = image_get(&i, 0, SUPER_TRANSACTION, 8),
		.nr_data_blocks = image_get(&i, 0, SUPER_DATA_MAP, 8),
		.data_block_size = (uint32_t)image_get(&i, 0, SUPER_DATA_BLOCK_SIZE, 4),
	};
	uint64_t top = image_get(&i, 0, SUPER_MAPPING_ROOT, 8);
	uint8_t saved[MD_BLOCK_SIZE];
	struct content truth;

	if (content_read(e, 0, &truth))
		abort();
	for (uint64_t b = 0; b < i.nr_blocks; b++) {
		struct content_difference d;
		uint64_t expected;
		int failed;

		if (is_zero(&i, b) || (superblock_only && b))
			continue;
		expected = truth.nr - own_of_devices(&i, top, b);
		memcpy(saved, i.bytes + b * MD_BLOCK_SIZE, MD_BLOCK_SIZE);
		destroy(&i, b, random);
		d = repair(&i, &truth, &options, &failed);
		memcpy(i.bytes + b * MD_BLOCK_SIZE, saved, MD_BLOCK_SIZE);
		t->nr_blocks++;
		t->nr_failed += failed != 0;
		t->expected += expected;
		t->kept += d.kept;
		t->wrong += d.wrong;
		t->known_wrong += is_known(fixture, b) ? d.wrong : 0;
		if ((verbose || is_known(fixture, b)) && (failed || d.wrong || d.kept != expected))
			printf("  %s block %llu: kept %llu of %llu, wrong %llu%s\n", fixture,
			       (unsigned long long)b, (unsigned long long)d.kept,
			       (unsigned long long)expected, (unsigned long long)d.wrong,
			       failed ? ", FAILED" : "");
	}
	content_destroy(&truth);
	block_engine_destroy(e);
	image_destroy(&i);
}

/* Some percent of all blocks in use at once; the superblock stays. */
static void storm(const char *fixture, unsigned int percent, unsigned int rounds, struct totals *t)
{
	struct image clean = image_load(fixture), i = image_load(fixture);
	struct block_engine *e = image_engine(&clean);
	struct salvage_options options = { .has_transaction_id = false };
	struct content truth;

	if (content_read(e, 0, &truth))
		abort();
	srand(percent);
	for (unsigned int round = 0; round < rounds; round++) {
		struct content_difference d;
		int failed;

		memcpy(i.bytes, clean.bytes, clean.nr_blocks * MD_BLOCK_SIZE);
		for (uint64_t b = 1; b < i.nr_blocks; b++) {
			if (!is_zero(&i, b) && (unsigned int)rand() % 100 < percent)
				destroy(&i, b, 1);
		}
		d = repair(&i, &truth, &options, &failed);
		t->nr_blocks++;
		t->nr_failed += failed != 0;
		t->expected += truth.nr;
		t->kept += d.kept;
		t->wrong += d.wrong;
		if (verbose && (failed || d.wrong))
			printf("  %s round %u: kept %llu, wrong %llu%s\n", fixture, round,
			       (unsigned long long)d.kept, (unsigned long long)d.wrong,
			       failed ? ", FAILED" : "");
	}
	content_destroy(&truth);
	block_engine_destroy(e);
	image_destroy(&clean);
	image_destroy(&i);
}

/* Figures only: several blocks at once can leave evidence that misleads. */
static void print_storms(const char *fixture, unsigned int rounds)
{
	static const unsigned int percents[] = { 2, 5, 10 };

	for (size_t p = 0; p < ARRAY_SIZE(percents); p++) {
		struct totals t = { 0 };

		storm(fixture, percents[p], rounds, &t);
		printf("%-18s %2u %% of the blocks destroyed, %llu times: kept %.2f %%, wrong "
		       "%llu, "
		       "failed %llu\n",
		       fixture, percents[p], (unsigned long long)t.nr_blocks,
		       100.0 * (double)t.kept / (double)t.expected, (unsigned long long)t.wrong,
		       (unsigned long long)t.nr_failed);
		fflush(stdout);
	}
}

int main(int argc, char **argv)
{
	unsigned int rounds = 0;
	int bad = 0;

	for (int n = 1; n < argc; n++) {
		struct totals t = { 0 };

		if (!strcmp(argv[n], "-v")) {
			verbose = 1;
			continue;
		}
		if (!strcmp(argv[n], "-0")) {
			superblock_only = 1;
			continue;
		}
		if (!strncmp(argv[n], "-s", 2)) {
			rounds = (unsigned int)strtoul(argv[n] + 2, NULL, 10);
			continue;
		}
		if (rounds) {
			print_storms(argv[n], rounds);
			continue;
		}
		sweep(argv[n], 0, &t);
		printf("%-18s %5llu blocks destroyed, one at a time: kept %.4f %%, wrong %llu, "
		       "failed "
		       "%llu\n",
		       argv[n], (unsigned long long)t.nr_blocks,
		       t.expected ? 100.0 * (double)t.kept / (double)t.expected : 100.0,
		       (unsigned long long)t.wrong, (unsigned long long)t.nr_failed);
		fflush(stdout);
		bad |= t.kept != t.expected || t.wrong != t.known_wrong || t.nr_failed;
	}
	return bad;
}
