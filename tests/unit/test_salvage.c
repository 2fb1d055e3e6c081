/* SPDX-License-Identifier: MIT
 * test_salvage.c: several things lost at once, and blocks that are not current.
 */
#include <criterion/criterion.h>
#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "common/base/alloc.h"
#include "common/thin/metadata_write.h"
#include "common/thin/salvage_candidates.h"
#include "tests/support/leaks.h"
#include "tests/support/salvaged.h"
#include "tests/support/versions.h"

TestSuite(salvage, .fini = fail_on_leaks);

static uint64_t mapping_root(const struct image *i)
{
	return image_get(i, 0, SUPER_MAPPING_ROOT, 8);
}

static uint64_t details_root(const struct image *i)
{
	return image_get(i, 0, SUPER_DETAILS_ROOT, 8);
}

/* Whatever stood in a block before: nothing of it comes back, and what is seen through is told. */
Test(salvage, earlier_versions_of_blocks_are_seen_through)
{
	const struct salvage_options options = { .aggressive = false };
	struct image clean = image_load("basic"), i = image_load("basic");
	struct content truth = image_content(&clean);
	uint64_t nr_stale = 0, nr = 0;

	for (uint64_t b = 1; b < clean.nr_blocks; b++) {
		for (uint64_t old = 1; old < clean.nr_blocks && version_in_use(&clean, b); old++) {
			struct salvaged r;

			if (version_in_use(&clean, old) || !version_of(&clean, b, old))
				continue;
			version_put(&i, &clean, b, old);
			r = salvage_image(&i, &options, &truth);
			cr_expect_eq(r.error, 0);
			cr_expect_eq(r.difference.wrong, 0, "%llu in %llu", (unsigned long long)old,
				     (unsigned long long)b);
			nr++;
			nr_stale += r.result.nr_stale != 0;
			salvaged_destroy(&r);
			memcpy(i.bytes, clean.bytes, clean.nr_blocks * MD_BLOCK_SIZE);
		}
	}
	cr_expect_gt(nr, 30);
	cr_expect_gt(nr_stale, 10);
	content_destroy(&truth);
	image_destroy(&clean);
	image_destroy(&i);
}

/* What is put back for a node that is said to be in block 0 does not go there. */
Test(salvage, roots_that_lead_to_the_superblock_are_lost_roots)
{
	const struct salvage_options options = { .aggressive = false };
	struct image clean = image_load("basic"), i = image_load("basic");
	struct content truth = image_content(&clean);
	uint64_t leaf = first_leaf(&clean, mapping_root(&clean));

	for (unsigned int e = 0; e < node_nr_entries(&clean, leaf); e++) {
		struct salvaged r;

		image_set_node(&i, leaf, node_value_offset(&i, leaf, e), 8, SUPERBLOCK_LOCATION);
		r = salvage_image(&i, &options, &truth);
		cr_expect_eq(r.error, 0);
		cr_expect_eq(r.difference.wrong, 0);
		cr_expect_eq(r.difference.lost, 0, "%" PRIu64 " lost of entry %u",
			     r.difference.lost, e);
		salvaged_destroy(&r);
		memcpy(i.bytes, clean.bytes, clean.nr_blocks * MD_BLOCK_SIZE);
	}
	content_destroy(&truth);
	image_destroy(&clean);
	image_destroy(&i);
}

/* Two trees of the same size, and one mapping in which they differ. */
/* The superblock and any other block: an older commit that is whole is no better than the last one.
 */
Test(salvage, the_last_commit_is_found_though_it_is_damaged)
{
	const struct salvage_options options = { .data_block_size = 128 };
	struct image clean = image_load("basic"), i = image_load("basic");
	struct content truth = image_content(&clean);

	for (uint64_t b = 1; b < clean.nr_blocks; b++) {
		struct salvaged r;

		if (!version_in_use(&clean, b))
			continue;
		image_lose(&i, 0);
		image_lose(&i, b);
		r = salvage_image(&i, &options, &truth);
		cr_expect_eq(r.difference.wrong, 0, "%" PRIu64 " wrong without block %" PRIu64,
			     r.difference.wrong, b);
		salvaged_destroy(&r);
		memcpy(i.bytes, clean.bytes, clean.nr_blocks * MD_BLOCK_SIZE);
	}
	content_destroy(&truth);
	image_destroy(&clean);
	image_destroy(&i);
}

/* A bitmap is known by what it counts where neither the superblock nor its index leads to it. */
Test(salvage, the_last_commit_is_found_without_its_index)
{
	const struct salvage_options options = { .data_block_size = 128 };
	struct image i = image_load("basic");
	struct content truth = image_content(&i);
	const uint64_t index = image_get(&i, 0, SUPER_METADATA_MAP + MAP_BITMAP_ROOT, 8);
	const uint64_t root = mapping_root(&i);
	struct salvaged r;

	image_lose(&i, 0);
	image_lose(&i, index);
	r = salvage_image(&i, &options, &truth);
	cr_expect_eq(r.error, 0);
	cr_expect_eq(r.difference.kept, truth.nr);
	cr_expect_eq(r.difference.wrong, 0);
	salvaged_destroy(&r);

	/* Two of the trees are alike, and nobody can tell whose is which: others are put back. */
	image_lose(&i, root);
	r = salvage_image(&i, &options, &truth);
	cr_expect_eq(r.error, 0);
	cr_expect_eq(r.difference.kept, 349);
	cr_expect_eq(r.difference.wrong, 0);
	salvaged_destroy(&r);
	content_destroy(&truth);
	image_destroy(&i);
}

/* ---- a tree of three levels */

enum { NR_LEAVES = 300, LEAF_ENTRIES = 252, FIRST_FREE = 400 };

/* One device; blocks from FIRST_FREE on are not in use. */
static struct image tall_image(void)
{
	const uint64_t nr = (uint64_t)NR_LEAVES * LEAF_ENTRIES;
	const struct pool_header header = {
		.version = 2, .data_block_size = 128, .nr_data_blocks = 2 * nr, .transaction_id = 3
	};
	const struct device_details details = { .mapped_blocks = nr };
	const struct mapping_run run = { .length = nr };
	struct image i = { .bytes = alloc_aligned(1024 * MD_BLOCK_SIZE),
			   .nr_blocks = 1024,
			   .unreadable = NO_BLOCK };
	struct block_engine *e;
	struct metadata_writer *w;
	struct metadata_visitor *v;
	uint64_t used;

	cr_assert_not_null(i.bytes);
	memset(i.bytes, 0, 1024 * MD_BLOCK_SIZE);
	e = image_engine(&i);
	cr_assert_eq(metadata_writer_create(e, i.nr_blocks, &w), 0);
	v = metadata_writer_visitor(w);
	cr_assert_eq(v->superblock(v, &header) | v->device(v, 1, &details) | v->map(v, &run) |
			     v->device_end(v) | v->superblock_end(v),
		     0);
	cr_assert_eq(metadata_writer_commit(w, &used), 0);
	metadata_writer_destroy(w);
	block_engine_destroy(e);
	cr_assert_lt(used, FIRST_FREE);
	return i;
}

static void set_child(struct image *i, uint64_t node, unsigned int entry, uint64_t child)
{
	image_set_node(i, node, node_value_offset(i, node, entry), 8, child);
}

/* An old node in `to`, which is not in use: as in `from`, with its mappings or children elsewhere.
 */
static void make_old(struct image *i, uint64_t to, uint64_t from)
{
	memcpy(i->bytes + to * MD_BLOCK_SIZE, i->bytes + from * MD_BLOCK_SIZE, MD_BLOCK_SIZE);
	image_set_node(i, to, 8, 8, to);
	for (unsigned int n = 0; n < 100 && node_is_leaf(i, to); n++)
		set_child(i, to, n, (uint64_t)(NR_LEAVES * LEAF_ENTRIES + n) << 24);
}

static void expect_whole(struct image *i, const struct content *truth, uint64_t node)
{
	const struct salvage_options none = { 0 };
	struct salvaged r = salvage_image(i, &none, truth);

	cr_assert_eq(r.error, 0);
	cr_expect_eq(r.result.nr_stale, 1, "%" PRIu64 " for block %" PRIu64, r.result.nr_stale,
		     node);
	cr_expect_eq(r.difference.wrong, 0, "%" PRIu64, r.difference.wrong);
	cr_expect_eq(r.difference.lost, 0, "%" PRIu64, r.difference.lost);
	salvaged_destroy(&r);
}

/* It leads to many nodes that are not in use, and these to others: one old node, not as many. */
Test(salvage, an_old_node_above_old_nodes)
{
	struct image i = tall_image();
	struct content truth = image_content(&i);
	uint64_t node = node_value(&i, device_root(&i, 1), 0), free = FIRST_FREE;

	for (unsigned int n = 0; n < 20; n++, free++) {
		make_old(&i, free, node_value(&i, node, n));
		set_child(&i, node, n, free);
	}
	for (unsigned int n = 20; n < 25; n++) {
		uint64_t old = free++;

		make_old(&i, old, node);
		for (unsigned int child = 0; child < 3; child++, free++) {
			make_old(&i, free, node_value(&i, node, 30 + child));
			set_child(&i, old, child, free);
		}
		set_child(&i, node, n, old);
	}
	expect_whole(&i, &truth, node);
	content_destroy(&truth);
	image_destroy(&i);
}

/* It is of another height, and what it leads to leads to what belongs there. */
Test(salvage, an_old_node_of_another_height)
{
	struct image i = tall_image();
	struct content truth = image_content(&i);
	uint64_t node = node_value(&i, device_root(&i, 1), 1);
	const unsigned int nr = node_nr_entries(&i, node);

	make_old(&i, FIRST_FREE, node);
	make_old(&i, FIRST_FREE + 1, node);
	image_set_node(&i, FIRST_FREE, 16, 4, nr / 2);
	for (unsigned int n = 0; n < nr - nr / 2; n++) {
		node_set_key(&i, FIRST_FREE + 1, n, node_key(&i, node, nr / 2 + n));
		set_child(&i, FIRST_FREE + 1, n, node_value(&i, node, nr / 2 + n));
	}
	image_set_node(&i, FIRST_FREE + 1, 16, 4, nr - nr / 2);
	node_set_key(&i, node, 1, node_key(&i, FIRST_FREE + 1, 0));
	set_child(&i, node, 0, FIRST_FREE);
	set_child(&i, node, 1, FIRST_FREE + 1);
	image_set_node(&i, node, 16, 4, 2);
	expect_whole(&i, &truth, node);
	content_destroy(&truth);
	image_destroy(&i);
}

Test(salvage, what_cannot_be_told_apart_is_left_out)
{
	struct salvage_options options = { .aggressive = false };
	struct image i = image_load("needs-check");
	struct content truth = image_content(&i);
	struct salvaged r;

	image_lose(&i, mapping_root(&i));
	r = salvage_image(&i, &options, &truth);
	cr_expect_eq(r.error, 0);
	cr_expect_eq(r.difference.wrong, 0);
	cr_expect_eq(r.difference.kept, truth.nr - 2);
	cr_expect(r.result.devices[0].undecided && r.result.devices[2].undecided);
	cr_expect_not(r.result.devices[1].undecided);
	salvaged_destroy(&r);

	options.aggressive = true;
	r = salvage_image(&i, &options, &truth);
	cr_expect_eq(r.error, 0);
	cr_expect_eq(r.result.nr_guessed, 2);
	cr_expect_not(r.result.devices[0].undecided);
	cr_expect_geq(r.difference.kept, truth.nr - 2);
	salvaged_destroy(&r);
	content_destroy(&truth);
	image_destroy(&i);
}

/* Without its index, the bitmap of the metadata space map is told by what it counts. */
Test(salvage, counts_are_found_without_their_index)
{
	const struct salvage_options options = { .aggressive = false };
	struct image i = image_load("many-snaps");
	struct content truth = image_content(&i);
	struct salvaged r;

	image_lose(&i, image_get(&i, 0, SUPER_METADATA_MAP + MAP_BITMAP_ROOT, 8));
	image_lose(&i, mapping_root(&i));
	r = salvage_image(&i, &options, &truth);
	cr_expect_eq(r.error, 0);
	cr_expect_eq(r.difference.kept, truth.nr);
	cr_expect_eq(r.difference.wrong, 0);
	salvaged_destroy(&r);
	content_destroy(&truth);
	image_destroy(&i);
}

/* A lost node, and a node lost that nobody knows of: the number of mappings proves nothing. */
Test(salvage, nothing_is_put_back_where_something_hidden_is_lost)
{
	struct salvage_options options = { .aggressive = false };
	struct image i = image_load("docker-kill9-1");
	struct content truth = image_content(&i);
	struct salvaged r;

	/* The root of a device, and, with the mapping root, that of another. */
	image_lose(&i, device_root(&i, 33));
	image_lose(&i, device_root(&i, 32));
	image_lose(&i, mapping_root(&i));
	r = salvage_image(&i, &options, &truth);
	cr_expect_eq(r.error, 0);
	cr_expect_eq(r.difference.wrong, 0);
	cr_expect_eq(r.result.nr_adopted, 0);
	salvaged_destroy(&r);
	content_destroy(&truth);
	image_destroy(&i);
}

static struct candidate_list candidates_of(struct image *i)
{
	struct block_engine *e = image_engine(i);
	struct candidate_list list;
	struct salvage_fault fault;

	cr_assert_eq(salvage_find_candidates(e, &list, &fault), 0);
	block_engine_destroy(e);
	return list;
}

Test(salvage, candidates)
{
	struct image i = image_load("basic");
	struct candidate_list list = candidates_of(&i);

	cr_assert_gt(list.nr, 10);
	cr_expect(list.items[0].current);
	cr_expect_eq(list.items[0].mapping_root, mapping_root(&i));
	cr_expect_eq(list.items[0].nr_mappings, 639);
	cr_expect_eq(list.items[0].nr_devices, 8);
	cr_expect_eq(list.items[0].nr_reused, 0);
	for (size_t n = 1; n < list.nr; n++) {
		cr_expect_not(list.items[n].current);
		cr_expect_leq(list.items[n].time, list.items[n - 1].time);
	}
	candidate_list_destroy(&list);

	/* The current one is listed, though a leaf of it is lost. */
	image_lose(&i, first_leaf(&i, device_root(&i, 0)));
	list = candidates_of(&i);
	cr_expect(list.items[0].current && list.items[0].damaged);
	candidate_list_destroy(&list);
	image_destroy(&i);
}

/* Where no mapping is left of the last commit, nobody knows what was given to others since. */
Test(salvage, candidates_without_a_leaf_that_is_current)
{
	struct image i = image_load("basic");
	const uint64_t leaf = first_leaf(&i, mapping_root(&i));
	struct candidate_list list;

	for (unsigned int e = 0; e < node_nr_entries(&i, leaf); e++)
		image_lose(&i, node_value(&i, leaf, e));
	list = candidates_of(&i);
	cr_assert_gt(list.nr, 1);
	for (size_t n = 0; n < list.nr; n++)
		cr_expect_eq(list.items[n].nr_reused, UINT64_MAX);
	candidate_list_destroy(&list);
	image_destroy(&i);
}

Test(salvage, chosen_roots)
{
	struct salvage_options options = { .has_roots = true };
	struct image i = image_load("basic");
	struct candidate_list list = candidates_of(&i);
	struct content truth = image_content(&i);

	for (size_t n = 0; n < list.nr; n++) {
		struct salvaged r;

		options.mapping_root = list.items[n].mapping_root;
		options.details_root = list.items[n].details_root;
		r = salvage_image(&i, &options, &truth);
		cr_expect_eq(r.error, 0);
		cr_expect_eq(r.result.older, n != 0);
		cr_expect_eq(r.difference.kept + r.difference.wrong, list.items[n].nr_mappings);
		cr_expect_eq(r.result.nr_devices, list.items[n].nr_devices);
		salvaged_destroy(&r);
	}
	candidate_list_destroy(&list);
	content_destroy(&truth);
	image_destroy(&i);
}

Test(salvage, earlier_commits_only_on_request)
{
	struct salvage_options options = { .allow_older = true };
	struct image i = image_load("basic");
	struct content truth = image_content(&i);
	struct salvaged r = salvage_image(&i, &options, &truth);

	cr_expect_eq(r.difference.kept, truth.nr);
	cr_expect_not(r.result.older, "there is a current one");
	salvaged_destroy(&r);

	image_lose(&i, mapping_root(&i));
	image_lose(&i, details_root(&i));
	r = salvage_image(&i, &options, &truth);
	cr_expect_eq(r.error, 0);
	cr_expect(r.result.older);
	cr_expect_eq(r.difference.kept, 494, "those of the commit before");
	salvaged_destroy(&r);

	options.allow_older = false;
	r = salvage_image(&i, &options, &truth);
	cr_expect_eq(r.error, -EUCLEAN);
	salvaged_destroy(&r);
	content_destroy(&truth);
	image_destroy(&i);
}

/* The last commit is listed, though the top level has none but a device without mappings. */
Test(salvage, an_earlier_commit_where_the_last_one_has_no_mappings)
{
	const struct salvage_options options = { .allow_older = true };
	struct image i = image_load("basic");
	struct content truth = image_content(&i);
	const uint64_t leaf = first_leaf(&i, mapping_root(&i)), empty = device_root(&i, 5);
	struct candidate_list list;
	struct salvaged r;

	for (unsigned int e = 0; e < node_nr_entries(&i, leaf); e++) {
		if (node_value(&i, leaf, e) != empty)
			image_lose(&i, node_value(&i, leaf, e));
	}
	node_set_key(&i, leaf, 0, 5);
	set_child(&i, leaf, 0, empty);
	image_set_node(&i, leaf, NODE_NR_ENTRIES, 4, 1);
	list = candidates_of(&i);
	cr_assert(list.nr > 1 && list.items[0].current);
	r = salvage_image(&i, &options, &truth);
	cr_expect_eq(r.error, 0);
	cr_expect(r.result.older);
	salvaged_destroy(&r);
	candidate_list_destroy(&list);
	content_destroy(&truth);
	image_destroy(&i);
}

/* ---- blocks that stand elsewhere */

/* A leaf that was written to another place is known by the block that it says it is. */
Test(salvage, a_block_in_another_place_is_put_back)
{
	struct image clean = image_load("basic"), i = image_load("basic");
	struct content truth = image_content(&clean);
	const uint64_t leaf = first_leaf(&clean, device_root(&clean, 0));

	for (uint64_t copies = 1; copies < 3; copies++) {
		struct salvaged r;

		for (uint64_t n = 1; n <= copies; n++)
			memcpy(i.bytes + (i.nr_blocks - n) * MD_BLOCK_SIZE,
			       i.bytes + leaf * MD_BLOCK_SIZE, MD_BLOCK_SIZE);
		image_lose(&i, leaf);
		r = salvage_image(&i, NULL, &truth);
		cr_expect_eq(r.error, 0);
		cr_expect_eq(r.result.nr_strays, copies == 1, "one of two that claim it is old");
		cr_expect_eq(r.difference.lost == 0, copies == 1);
		cr_expect_eq(r.difference.wrong, 0);
		salvaged_destroy(&r);
		memcpy(i.bytes, clean.bytes, clean.nr_blocks * MD_BLOCK_SIZE);
	}
	content_destroy(&truth);
	image_destroy(&clean);
	image_destroy(&i);
}

/* ---- details that are lost */

Test(salvage, details_of_every_device_are_made_anew)
{
	struct image i = image_load("many-snaps");
	struct content truth = image_content(&i);
	struct salvaged r;
	const uint64_t leaf = node_value(&i, details_root(&i), 1);
	const uint64_t nr_lost = node_nr_entries(&i, leaf);
	uint64_t nr = 0;

	image_lose(&i, leaf);
	r = salvage_image(&i, NULL, &truth);
	cr_expect_eq(r.error, 0);
	for (size_t n = 0; n < r.result.nr_devices; n++)
		nr += r.result.devices[n].rebuilt_details;
	cr_expect_eq(nr, nr_lost, "%" PRIu64 " of %" PRIu64, nr, nr_lost);
	cr_expect_eq(r.difference.lost, 0);
	cr_expect_eq(r.difference.wrong, 0);
	salvaged_destroy(&r);
	content_destroy(&truth);
	image_destroy(&i);
}

/* ---- the metadata snapshot */

Test(salvage, what_the_metadata_snapshot_has_is_no_orphan)
{
	struct image i = image_load("metadata-snapshot");
	struct content truth = image_content(&i);
	struct salvaged r;

	image_lose(&i, mapping_root(&i));
	r = salvage_image(&i, NULL, &truth);
	cr_expect_eq(r.error, 0);
	cr_expect_eq(r.result.nr_homeless, 0);
	cr_expect_eq(r.difference.kept, truth.nr);
	cr_expect_eq(r.difference.wrong, 0);
	salvaged_destroy(&r);
	content_destroy(&truth);
	image_destroy(&i);
}
