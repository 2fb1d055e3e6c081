/* SPDX-License-Identifier: MIT
 * test_check_exact.c: what a finding says of the damage, to the number: how many mappings stood
 * there, and whether it is the metadata snapshot's alone.
 */
#include <criterion/criterion.h>
#include <string.h>

#include "common/base/compiler.h"
#include "common/thin/check_internal.h" /* for one part by itself */
#include "tests/support/leaks.h"
#include "tests/support/made_pool.h"
#include "tests/support/mutations.h"

TestSuite(check_exact, .fini = fail_on_leaks);

enum { NR_METADATA = 1024, NOW = 9, LEAF = 252, TALL = 300 * LEAF, GUESS = 168 };

struct checked {
	struct report report;
	struct check_result result;
};

static struct checked check(struct image *i, const struct check_options *options)
{
	struct checked c;

	cr_assert_eq(image_check(i, options, &c.report, &c.result), 0);
	return c;
}

static void checked_destroy(struct checked *c)
{
	check_result_destroy(&c->result);
	report_destroy(&c->report);
}

/* The finding about a block. */
static const struct finding *about(const struct checked *c, uint64_t block)
{
	for (size_t n = 0; n < c->report.nr_findings; n++) {
		if (c->report.findings[n].block == block)
			return &c->report.findings[n];
	}
	cr_assert_fail("nothing is said of block %llu", (unsigned long long)block);
	return NULL;
}

static void spoil(struct image *i, uint64_t block)
{
	image_set(i, block, 4000, 1, image_get(i, block, 4000, 1) ^ 1);
}

/* ---- whose it is: the pool's, or the metadata snapshot's alone */

/* The top level of the metadata snapshot. */
static uint64_t held_top(const struct image *i)
{
	return image_get(i, image_get(i, 0, SUPER_HELD_ROOT, 8), SUPER_MAPPING_ROOT, 8);
}

static void expect_role(uint64_t (*block_of)(const struct image *i), bool asked,
			enum snapshot_role role)
{
	const struct check_options options = { .metadata_snap = asked };
	struct image i = image_load("metadata-snapshot");
	uint64_t block = block_of(&i);
	struct checked c;

	spoil(&i, block);
	c = check(&i, &options);
	cr_expect_eq(about(&c, block)->id, FINDING_BLOCK_CHECKSUM);
	cr_expect_eq(about(&c, block)->snapshot, role, "%d instead of %d",
		     about(&c, block)->snapshot, role);
	checked_destroy(&c);
	image_destroy(&i);
}

static uint64_t live_top(const struct image *i)
{
	return image_get(i, 0, SUPER_MAPPING_ROOT, 8);
}

/* A leaf that both have. */
static uint64_t common_leaf(const struct image *i)
{
	const uint64_t live = live_top(i), held = held_top(i);

	for (unsigned int n = 0; n < node_nr_entries(i, live); n++) {
		uint64_t root = node_value(i, live, n);

		for (unsigned int h = 0; h < node_nr_entries(i, held); h++) {
			if (first_leaf(i, root) == first_leaf(i, node_value(i, held, h)))
				return first_leaf(i, root);
		}
	}
	cr_assert_fail("there is none");
	return 0;
}

Test(check_exact, of_the_metadata_snapshot_or_not)
{
	expect_role(held_top, false, SNAPSHOT_BESIDE);
	expect_role(held_top, true, SNAPSHOT_ASKED);
	expect_role(live_top, false, SNAPSHOT_NONE);
	expect_role(common_leaf, false, SNAPSHOT_NONE);
	expect_role(common_leaf, true, SNAPSHOT_ASKED);
}

/* The metadata snapshot has the trees of the pool, as one that was just taken. */
static void hold_live_trees(struct image *i)
{
	const uint64_t held = image_get(i, 0, SUPER_HELD_ROOT, 8);

	image_set(i, held, SUPER_MAPPING_ROOT, 8, live_top(i));
	image_set(i, held, SUPER_DETAILS_ROOT, 8, image_get(i, 0, SUPER_DETAILS_ROOT, 8));
	image_seal(i, held, SALT_SUPERBLOCK);
}

/* What is wrong with a snapshot alone is nothing that a pool is refused for, but for what asks. */
static void expect_worst(const char *name, bool asked, enum severity worst)
{
	const struct check_options options = { .metadata_snap = asked };
	const struct mutation *m = mutation_find(name);
	struct image i;
	struct checked c;

	cr_assert_not_null(m);
	i = image_load(m->fixture);
	m->apply(&i);
	c = check(&i, &options);
	cr_expect_eq(report_worst(&c.report), worst, "%s, asked %d: %d", name, asked,
		     (int)report_worst(&c.report));
	cr_expect_eq(c.report.per_id[FINDING_REF_COUNT_LOW], 0, "%s: a wrong pointer counts", name);
	checked_destroy(&c);
	image_destroy(&i);
}

/* Nor do its wrong pointers take the live space maps' blocks for its own. */
Test(check_exact, a_snapshot_in_the_space_maps)
{
	static const size_t roots[] = { SUPER_DATA_MAP + MAP_BITMAP_ROOT,
					SUPER_DATA_MAP + MAP_REF_COUNT_ROOT,
					SUPER_METADATA_MAP + MAP_BITMAP_ROOT,
					SUPER_METADATA_MAP + MAP_REF_COUNT_ROOT };

	for (size_t n = 0; n < ARRAY_SIZE(roots); n++) {
		struct image i = image_load("metadata-snapshot");
		struct checked c;

		image_set_super(&i, SUPER_HELD_ROOT, 8, image_get(&i, 0, roots[n], 8));
		c = check(&i, &(const struct check_options){ 0 });
		cr_expect_eq(c.report.per_id[FINDING_SNAPSHOT_ROOT], 1);
		cr_expect_eq(report_worst(&c.report), SEVERITY_NON_FATAL, "root %zu", n);
		cr_expect_eq(c.report.per_id[FINDING_SPACE_MAP_ROOT], 0);
		checked_destroy(&c);
		image_destroy(&i);
	}
}

Test(check_exact, a_wrong_snapshot_and_the_pool)
{
	static const struct {
		const char *name;
		enum severity beside, asked;
	} cases[] = {
		{ "held_range", SEVERITY_NON_FATAL, SEVERITY_FATAL },
		{ "held_self", SEVERITY_NON_FATAL, SEVERITY_FATAL },
		{ "held_free", SEVERITY_NON_FATAL, SEVERITY_FATAL },
		{ "held_checksum", SEVERITY_NON_FATAL, SEVERITY_FATAL },
		{ "held_unreadable", SEVERITY_NON_FATAL, SEVERITY_FATAL },
		{ "held_root", SEVERITY_NON_FATAL, SEVERITY_FATAL },
		{ "held_root_self", SEVERITY_NON_FATAL, SEVERITY_FATAL },
		{ "held_blocknr", SEVERITY_SUSPECT, SEVERITY_FATAL },
		{ "held_magic", SEVERITY_SUSPECT, SEVERITY_FATAL },
		{ "held_features", SEVERITY_SUSPECT, SEVERITY_FATAL },
		{ "held_newer", SEVERITY_SUSPECT, SEVERITY_SUSPECT },
		{ "held_time", SEVERITY_SUSPECT, SEVERITY_FATAL },
		{ "held_block_size", SEVERITY_SUSPECT, SEVERITY_SUSPECT },
		{ "held_block_size_odd", SEVERITY_SUSPECT, SEVERITY_FATAL },
		{ "held_space_map", SEVERITY_SUSPECT, SEVERITY_SUSPECT },
	};

	for (size_t n = 0; n < ARRAY_SIZE(cases); n++) {
		expect_worst(cases[n].name, false, cases[n].beside);
		expect_worst(cases[n].name, true, cases[n].asked);
	}
}

/* The kernel would follow that pointer when the snapshot is released, and free what is in use. */
Test(check_exact, a_snapshot_that_leads_into_the_pool)
{
	const struct check_options options = { .metadata_snap = false };
	struct image i = image_load("metadata-snapshot");
	struct checked c;

	mutation_find("held_details_live")->apply(&i);
	c = check(&i, &options);
	cr_expect_eq(report_worst(&c.report), SEVERITY_FATAL);
	cr_expect_eq(c.report.per_id[FINDING_REF_COUNT_LOW], 1);
	checked_destroy(&c);
	image_destroy(&i);
}

/* mapped_blocks of a device is wrong: so many findings. */
static void expect_wrong_details(uint64_t device, bool same_trees, uint64_t nr)
{
	struct image i = image_load("metadata-snapshot");
	struct checked c;
	uint64_t block;
	size_t offset = device_details_offset(&i, device, &block);

	if (same_trees)
		hold_live_trees(&i);
	image_set_node(&i, block, offset, 8, image_get(&i, block, offset, 8) + 1);
	c = check(&i, NULL);
	cr_expect_eq(c.report.per_id[FINDING_DEVICE_MAPPED_BLOCKS], nr, "%llu of device %llu",
		     (unsigned long long)c.report.per_id[FINDING_DEVICE_MAPPED_BLOCKS],
		     (unsigned long long)device);
	checked_destroy(&c);
	image_destroy(&i);
}

/* What both have is told once, of whichever device. */
Test(check_exact, details_of_both)
{
	static const uint64_t devices[] = { 0, 2, 3, 4, 7 };

	for (size_t n = 0; n < ARRAY_SIZE(devices); n++) {
		expect_wrong_details(devices[n], false, 1);
		expect_wrong_details(devices[n], true, 1);
	}
}

/* ---- what is lost is one finding: nothing that stood there is missed too */

static uint64_t details_root(const struct image *i)
{
	return image_get(i, 0, SUPER_DETAILS_ROOT, 8);
}

static uint64_t data_index(const struct image *i)
{
	return image_get(i, 0, SUPER_DATA_MAP + MAP_BITMAP_ROOT, 8);
}

static uint64_t metadata_index(const struct image *i)
{
	return image_get(i, 0, SUPER_METADATA_MAP + MAP_BITMAP_ROOT, 8);
}

static uint64_t data_counts(const struct image *i)
{
	return image_get(i, 0, SUPER_DATA_MAP + MAP_REF_COUNT_ROOT, 8);
}

Test(check_exact, what_is_lost_is_told_once)
{
	static uint64_t (*const blocks[])(const struct image *i) = {
		live_top,   details_root,   image_data_bitmap, image_metadata_bitmap,
		data_index, metadata_index, data_counts,
	};

	for (size_t n = 0; n < ARRAY_SIZE(blocks); n++) {
		struct image i = image_load("many-snaps");
		uint64_t block = blocks[n](&i);
		struct checked c;

		spoil(&i, block);
		c = check(&i, NULL);
		cr_expect_eq(c.report.nr_findings, 1, "%zu: %zu, such as %s", n,
			     c.report.nr_findings, c.report.findings[0].message);
		cr_expect_eq(about(&c, block)->id, FINDING_BLOCK_CHECKSUM);
		checked_destroy(&c);
		image_destroy(&i);
	}
}

/* The first block that the device has not: that of the top level which leads there is named. */
Test(check_exact, a_device_whose_root_is_behind_the_end)
{
	struct image i = image_load("basic");
	uint64_t leaf = device_set_root(&i, 1, i.nr_blocks);
	struct checked c = check(&i, NULL);
	const struct finding *f = about(&c, leaf);

	cr_expect_eq(f->id, FINDING_CHILD_RANGE);
	cr_assert_eq(f->nr_affected, 1);
	cr_expect_eq(f->affected[0].device, 1);
	cr_expect_eq(f->affected[0].mappings, 7);
	checked_destroy(&c);
	image_destroy(&i);
}

/* Asked for by itself: what the caller had there before says nothing. */
Test(check_exact, a_superblock_that_cannot_be_read)
{
	const struct check_options options = { .superblock_only = true };
	struct image i = image_load("basic");
	struct checked c = { .result = { 0 } };
	struct check parts = { .options = &options, .report = &c.report, .result = &c.result };
	bool usable = true;

	i.unreadable = SUPERBLOCK_LOCATION;
	report_init(&c.report);
	parts.engine = image_engine(&i);
	cr_assert_eq(node_table_init(&parts.table, parts.engine, NULL, NULL, i.nr_blocks), 0);
	cr_assert_eq(check_superblock(&parts, &usable), 0);
	cr_expect(!usable && !c.result.has_superblock);
	cr_expect_eq(c.report.nr_findings, 1);
	cr_expect_eq(about(&c, SUPERBLOCK_LOCATION)->id, FINDING_SUPERBLOCK_UNREADABLE);
	checked_destroy(&c);
	node_table_destroy(&parts.table);
	block_engine_destroy(parts.engine);
	image_destroy(&i);
}

/* ---- whoever looks is told what is read */

struct phases {
	struct progress base;
	char text[400];
};

static void add_phase(struct progress *base, const char *phase, uint64_t done, uint64_t total)
{
	struct phases *p = (struct phases *)base;

	(void)total;
	if (done)
		return;
	cr_assert_lt(strlen(p->text) + strlen(phase) + 3, sizeof(p->text));
	strcat(strcat(p->text, phase), "; ");
}

Test(check_exact, phases)
{
	const struct check_options options = { .metadata_snap = false };
	struct phases p = { .base.show = add_phase };
	struct image i = image_load("metadata-snapshot");
	struct block_engine *e = image_engine(&i);
	struct checked c;

	report_init(&c.report);
	cr_assert_eq(metadata_check(e, &options, &c.report, &p.base, &c.result), 0);
	cr_expect_str_eq(p.text, "devices; mappings; sharing; space maps; "
				 "devices of the metadata snapshot; "
				 "mappings of the metadata snapshot; space maps; ");
	checked_destroy(&c);
	block_engine_destroy(e);
	image_destroy(&i);
}

/* ---- how many mappings are lost */

/* One device with a tree of three levels. */
static void tall_pool(struct made_pool *p, uint64_t mapped_blocks)
{
	const struct pool_header header = { .version = 2,
					    .time = NOW,
					    .transaction_id = 1,
					    .data_block_size = 128,
					    .nr_data_blocks = 2 * TALL };
	const struct device_details d = { .mapped_blocks = mapped_blocks };

	made_pool_begin(p, NR_METADATA, &header);
	made_pool_device(p, 1, &d);
	made_pool_map(p, 0, 0, TALL, 0);
	made_pool_device_end(p);
	cr_assert_eq(made_pool_commit(p), 0);
}

/* The node above leaves in an entry of the root, and a leaf below it. */
static uint64_t node_of(const struct image *i, unsigned int entry)
{
	return node_value(i, device_root(i, 1), entry);
}

static uint64_t leaf_of(const struct image *i, unsigned int entry, unsigned int leaf)
{
	return node_value(i, node_of(i, entry), leaf);
}

static void expect_mappings(struct made_pool *p, uint64_t block, uint64_t mappings)
{
	struct checked c = check(&p->image, NULL);
	const struct finding *f = about(&c, block);

	cr_expect_eq(f->id, FINDING_BLOCK_CHECKSUM);
	cr_assert_eq(f->nr_affected, 1);
	cr_expect_eq(f->affected[0].device, 1);
	cr_expect_eq(f->affected[0].mappings, mappings, "%llu instead of %llu",
		     (unsigned long long)f->affected[0].mappings, (unsigned long long)mappings);
	checked_destroy(&c);
	made_pool_destroy(p);
}

/* What the details count and no leaf has. */
Test(check_exact, one_lost_leaf_has_what_is_missing)
{
	struct made_pool p;

	tall_pool(&p, TALL);
	spoil(&p.image, leaf_of(&p.image, 0, 5));
	expect_mappings(&p, leaf_of(&p.image, 0, 5), LEAF);
}

/* Of several it cannot be told which had how many. */
Test(check_exact, several_lost_leaves_are_estimated)
{
	struct made_pool p;

	tall_pool(&p, TALL);
	spoil(&p.image, leaf_of(&p.image, 0, 5));
	spoil(&p.image, leaf_of(&p.image, 1, 5));
	expect_mappings(&p, leaf_of(&p.image, 0, 5), GUESS);
}

/* Nor where the details count fewer than are left. */
Test(check_exact, details_that_are_wrong_prove_nothing)
{
	struct made_pool p;

	tall_pool(&p, TALL - LEAF);
	spoil(&p.image, leaf_of(&p.image, 0, 5));
	expect_mappings(&p, leaf_of(&p.image, 0, 5), GUESS);
}

/* A key that is wrong in another node cuts nothing off. */
Test(check_exact, a_fault_beside_a_lost_leaf)
{
	struct made_pool p;
	uint64_t node;

	tall_pool(&p, TALL);
	node = node_of(&p.image, 1);
	node_set_key(&p.image, node, 5, node_key(&p.image, node, 5) + 1);
	spoil(&p.image, leaf_of(&p.image, 0, 5));
	expect_mappings(&p, leaf_of(&p.image, 0, 5), LEAF);
}
