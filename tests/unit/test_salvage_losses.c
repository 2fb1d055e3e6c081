/* SPDX-License-Identifier: MIT
 * test_salvage_losses.c: what a salvage says is lost, and to whom.
 */
#include <criterion/criterion.h>
#include <string.h>

#include "common/pdata/space_map.h"
#include "tests/support/leaks.h"
#include "tests/support/made_pool.h"
#include "tests/support/salvaged.h"

TestSuite(salvage_losses, .fini = fail_on_leaks);

enum { NR_METADATA = 2000, NOW = 9, CHILDREN = 252, LEVEL = 238, LOST = 600 };

static void begin(struct made_pool *p)
{
	const struct pool_header header = { .version = 2,
					    .time = NOW,
					    .transaction_id = 1,
					    .data_block_size = 128,
					    .nr_data_blocks = 200000 };

	made_pool_begin(p, NR_METADATA, &header);
}

static void def(struct made_pool *p, uint64_t name, uint64_t thin, uint64_t data, uint64_t length)
{
	cr_assert_eq(p->v->def(p->v, name), 0);
	made_pool_map(p, thin, data, length, 1);
	cr_assert_eq(p->v->def_end(p->v), 0);
}

static void device(struct made_pool *p, uint64_t id, uint64_t mapped)
{
	const struct device_details d = { .mapped_blocks = mapped, .snapshotted_time = NOW };

	made_pool_device(p, id, &d);
}

/* With all of two defs; of one, where they are the same. */
static void device_of(struct made_pool *p, uint64_t id, uint64_t first, uint64_t second)
{
	device(p, id, first == second ? 1000 : 2000);
	cr_assert_eq(p->v->ref(p->v, first), 0);
	if (second != first)
		cr_assert_eq(p->v->ref(p->v, second), 0);
	made_pool_device_end(p);
}

/* The leaf of a device that its root has in this entry. */
static uint64_t leaf_of(const struct image *i, uint64_t dev, unsigned int entry)
{
	return node_value(i, device_root(i, dev), entry);
}

static void expect_share(const struct salvage_result *r, size_t n, size_t loss, uint64_t dev)
{
	cr_assert_lt(n, r->nr_shares);
	cr_expect_eq(r->shares[n].loss, loss);
	cr_expect_eq(r->shares[n].device, dev);
}

Test(salvage_losses, of_one_device)
{
	struct made_pool p;
	struct content truth;
	struct salvaged s;
	uint64_t root;

	begin(&p);
	device(&p, 1, 1000);
	made_pool_map(&p, 0, 0, 1000, 1);
	made_pool_device_end(&p);
	device(&p, 2, 1000);
	made_pool_map(&p, 500, 1000, 1000, 1);
	made_pool_device_end(&p);
	cr_assert_eq(made_pool_commit(&p), 0);
	truth = image_content(&p.image);
	root = device_root(&p.image, 2);
	image_lose(&p.image, leaf_of(&p.image, 2, 1));
	s = salvage_image(&p.image, NULL, &truth);
	cr_assert_eq(s.result.nr_losses, 1);
	cr_expect_eq(s.result.losses[0].block, node_value(&p.image, root, 1));
	cr_expect_eq(s.result.losses[0].device, 2);
	cr_expect_eq(s.result.losses[0].begin, node_key(&p.image, root, 1));
	cr_expect_eq(s.result.losses[0].end, node_key(&p.image, root, 2));
	cr_expect_eq(s.result.nr_shares, 0);
	cr_expect_eq(s.difference.wrong, 0);
	cr_expect_eq(s.difference.lost, node_key(&p.image, root, 2) - node_key(&p.image, root, 1));
	cr_expect_eq(salvaged_nr_unnamed(&s, &truth), 0);
	salvaged_destroy(&s);
	content_destroy(&truth);
	made_pool_destroy(&p);
}

/* Of a leaf that is whole but for some mappings, these alone; they are counted. */
Test(salvage_losses, of_single_mappings)
{
	struct made_pool p;
	struct content truth;
	struct salvaged s;
	uint64_t leaf;

	begin(&p);
	device(&p, 1, 1000);
	made_pool_map(&p, 0, 0, 1000, 1);
	made_pool_device_end(&p);
	cr_assert_eq(made_pool_commit(&p), 0);
	truth = image_content(&p.image);
	leaf = leaf_of(&p.image, 1, 1);
	for (unsigned int e = 3; e < 6; e++) /* behind the end of the data device */
		image_set_node(&p.image, leaf, node_value_offset(&p.image, leaf, e), 8,
			       UINT64_C(200000) << 24);
	s = salvage_image(&p.image, NULL, &truth);
	cr_expect_eq(s.result.nr_dropped, 3);
	cr_expect_eq(s.result.nr_losses, 0);
	cr_expect_eq(s.difference.lost, 3);
	cr_expect_eq(s.difference.wrong, 0);
	salvaged_destroy(&s);
	content_destroy(&truth);
	made_pool_destroy(&p);
}

/* Each device that had the leaf is named, and no other. */
Test(salvage_losses, of_several_devices)
{
	struct made_pool p;
	struct content truth;
	struct salvaged s;
	uint64_t root, nr;

	begin(&p);
	def(&p, 1, 0, 0, 1000);
	device_of(&p, 1, 1, 1);
	device(&p, 2, 1000);
	made_pool_map(&p, 0, 1000, 1000, 1);
	made_pool_device_end(&p);
	device_of(&p, 3, 1, 1);
	cr_assert_eq(made_pool_commit(&p), 0);
	truth = image_content(&p.image);
	root = device_root(&p.image, 1);
	cr_assert_eq(leaf_of(&p.image, 3, 1), leaf_of(&p.image, 1, 1));
	image_lose(&p.image, leaf_of(&p.image, 1, 1));
	s = salvage_image(&p.image, NULL, &truth);
	nr = node_key(&p.image, root, 2) - node_key(&p.image, root, 1);
	cr_assert_eq(s.result.nr_losses, 1);
	cr_expect_eq(s.result.losses[0].block, node_value(&p.image, root, 1));
	cr_expect_eq(s.result.losses[0].device, NO_DEVICE);
	cr_expect_eq(s.result.losses[0].begin, node_key(&p.image, root, 1));
	cr_expect_eq(s.result.losses[0].end, node_key(&p.image, root, 2));
	cr_expect_eq(s.result.nr_shares, 2);
	expect_share(&s.result, 0, 0, 1);
	expect_share(&s.result, 1, 0, 3);
	cr_expect_eq(s.difference.wrong, 0);
	cr_expect_eq(s.difference.lost, 2 * nr);
	cr_expect_eq(salvaged_nr_unnamed(&s, &truth), 0);
	salvaged_destroy(&s);
	content_destroy(&truth);
	made_pool_destroy(&p);
}

static bool leads_to(const struct image *i, uint64_t dev, uint64_t block)
{
	uint64_t root = device_root(i, dev);
	bool leads = false;

	for (unsigned int n = 0; n < node_nr_entries(i, root); n++)
		leads |= node_value(i, root, n) == block;
	return leads;
}

/* By loss, and of each the devices by number. */
Test(salvage_losses, shares_are_in_order)
{
	struct made_pool p;
	struct content truth;
	struct salvaged s;
	size_t nr = 0;

	begin(&p);
	def(&p, 1, 0, 0, 1000);
	def(&p, 2, 2000, 1000, 1000);
	def(&p, 3, 5000, 2000, 1000);
	device_of(&p, 1, 1, 2);
	device_of(&p, 2, 2, 3);
	device_of(&p, 3, 1, 3);
	cr_assert_eq(made_pool_commit(&p), 0);
	truth = image_content(&p.image);
	image_lose(&p.image, leaf_of(&p.image, 1, 1));
	image_lose(&p.image, leaf_of(&p.image, 1, 5));
	image_lose(&p.image, leaf_of(&p.image, 2, 5));
	s = salvage_image(&p.image, NULL, &truth);
	cr_assert_eq(s.result.nr_losses, 3);
	cr_assert_eq(s.result.nr_shares, 6);
	for (size_t loss = 0; loss < 3; loss++) {
		cr_expect_eq(s.result.losses[loss].device, NO_DEVICE);
		for (uint64_t dev = 1; dev <= 3; dev++) {
			if (leads_to(&p.image, dev, s.result.losses[loss].block))
				expect_share(&s.result, nr++, loss, dev);
		}
	}
	cr_expect_eq(nr, 6);
	cr_expect_eq(s.difference.wrong, 0);
	cr_expect_eq(salvaged_nr_unnamed(&s, &truth), 0);
	salvaged_destroy(&s);
	content_destroy(&truth);
	made_pool_destroy(&p);
}

/* ---- devices that share their root, as a snapshot does at first */

/* The last commit counted a metadata block so often. */
static void set_count(struct image *i, uint64_t block, unsigned int count)
{
	const uint64_t index = image_get(i, 0, SUPER_METADATA_MAP + MAP_BITMAP_ROOT, 8);
	const uint64_t bitmap = image_metadata_bitmap(i);
	const struct disk_bitmap *b = (const void *)(i->bytes + bitmap * MD_BLOCK_SIZE);
	const size_t allocated = SUPER_METADATA_MAP + MAP_NR_ALLOCATED, nr_free = 16 + 8;
	const unsigned int old = bitmap_entry(bitmap_word(b, (unsigned int)block / 32), block % 32);
	const uint64_t more = (count != 0) - (uint64_t)(old != 0);

	image_set_count(i, bitmap, block, count);
	image_set(i, index, nr_free, 4, image_get(i, index, nr_free, 4) - more);
	image_set(i, index, nr_free + 4, 4, 0); /* nothing is said of where free ones begin */
	image_seal(i, index, SALT_INDEX);
	image_set_super(i, allocated, 8, image_get(i, 0, allocated, 8) + more);
}

static void set_root(struct image *i, unsigned int entry, uint64_t root)
{
	uint64_t top = image_get(i, 0, SUPER_MAPPING_ROOT, 8);

	image_set_node(i, top, node_value_offset(i, top, entry), 8, root);
}

/* Devices 1 and 2 have the same tree, of one level or of three. */
static void snapshot_pool(struct made_pool *p, uint64_t nr_mappings)
{
	uint64_t empty;

	begin(p);
	device(p, 1, nr_mappings);
	made_pool_map(p, 0, 0, nr_mappings, 1);
	made_pool_device_end(p);
	device(p, 2, nr_mappings);
	made_pool_device_end(p);
	cr_assert_eq(made_pool_commit(p), 0);
	empty = device_root(&p->image, 2);
	set_root(&p->image, 1, device_root(&p->image, 1));
	set_count(&p->image, device_root(&p->image, 1), 2);
	set_count(&p->image, empty, 0);
	cr_assert_eq(image_worst(&p->image), SEVERITY_NONE);
}

/* They had nothing else. */
Test(salvage_losses, of_a_root_that_is_shared)
{
	struct made_pool p;
	struct content truth;
	struct salvaged s;

	snapshot_pool(&p, 100);
	truth = image_content(&p.image);
	image_lose(&p.image, device_root(&p.image, 1));
	s = salvage_image(&p.image, NULL, &truth);
	cr_expect_eq(s.error, 0);
	cr_expect_eq(s.result.nr_devices, 2);
	cr_expect_eq(s.difference.lost, 200);
	cr_assert_eq(s.result.nr_losses, 1);
	cr_expect_eq(s.result.losses[0].device, NO_DEVICE);
	cr_expect_eq(s.result.nr_shares, 2);
	expect_share(&s.result, 0, 0, 1);
	expect_share(&s.result, 1, 0, 2);
	cr_expect_eq(salvaged_nr_unnamed(&s, &truth), 0);
	salvaged_destroy(&s);
	content_destroy(&truth);
	made_pool_destroy(&p);
}

Test(salvage_losses, below_a_root_that_is_shared)
{
	struct made_pool p;
	struct content truth;
	struct salvaged s;

	snapshot_pool(&p, 75600);
	truth = image_content(&p.image);
	image_lose(&p.image, leaf_of(&p.image, 1, 1)); /* a node above leaves */
	image_lose(&p.image, node_value(&p.image, leaf_of(&p.image, 1, 0), 7));
	s = salvage_image(&p.image, NULL, &truth);
	cr_expect_eq(s.difference.wrong, 0);
	cr_expect_eq(s.difference.lost, 2 * 252, "%zu", (size_t)s.difference.lost);
	cr_assert_eq(s.result.nr_losses, 1);
	cr_expect_eq(s.result.nr_shares, 2);
	expect_share(&s.result, 0, 0, 1);
	expect_share(&s.result, 1, 0, 2);
	cr_expect_eq(salvaged_nr_unnamed(&s, &truth), 0);
	salvaged_destroy(&s);
	content_destroy(&truth);
	made_pool_destroy(&p);
}

/* The root is lost as well: what is below what was put back for it is still lost to both. */
Test(salvage_losses, below_a_root_that_was_put_back)
{
	struct made_pool p;
	struct content truth;
	struct salvaged s;
	uint64_t root;

	snapshot_pool(&p, 75600);
	truth = image_content(&p.image);
	root = device_root(&p.image, 1);
	image_lose(&p.image, node_value(&p.image, leaf_of(&p.image, 1, 0), 7));
	image_lose(&p.image, root);
	s = salvage_image(&p.image, NULL, &truth);
	cr_expect_eq(s.difference.wrong, 0);
	cr_expect_eq(s.difference.lost, 2 * 252, "%zu", (size_t)s.difference.lost);
	cr_assert_eq(s.result.nr_adoptions, 1);
	cr_expect_eq(s.result.adoptions[0].block, root);
	cr_expect_eq(s.result.adoptions[0].device, NO_DEVICE);
	cr_assert_eq(s.result.nr_losses, 1);
	cr_expect_eq(s.result.nr_shares, 2);
	cr_expect_eq(salvaged_nr_unnamed(&s, &truth), 0);
	salvaged_destroy(&s);
	content_destroy(&truth);
	made_pool_destroy(&p);
}

/* ---- more than can be listed */

/*
 * What entry e of node n leads to: of the first two to a lost leaf, without which the node would be
 * taken for something else, of the others behind the end.
 */
static uint64_t lost_child(const struct image *i, uint64_t n, unsigned int e)
{
	return e < 2 ? n + LOST * (e + 1) : i->nr_blocks + n * CHILDREN + e;
}

/*
 * A tree of three levels in blocks from `to` on, without a leaf: LEVEL nodes with CHILDREN entries
 * each.  Returns its root.
 */
static uint64_t lost_tree(struct image *i, uint64_t to, uint64_t model)
{
	const uint64_t root = to + LEVEL;

	for (uint64_t n = to; n <= root; n++) {
		const unsigned int nr = n == root ? LEVEL : CHILDREN;
		const uint64_t step = n == root ? CHILDREN : 1;
		const uint64_t first = n == root ? 0 : (n - to) * CHILDREN;

		memcpy(i->bytes + n * MD_BLOCK_SIZE, i->bytes + model * MD_BLOCK_SIZE,
		       MD_BLOCK_SIZE);
		image_set_node(i, n, NODE_BLOCKNR, 8, n);
		image_set_node(i, n, NODE_NR_ENTRIES, 4, nr);
		for (unsigned int e = 0; e < nr; e++) {
			uint64_t child = n == root ? to + e : lost_child(i, n, e);

			node_set_key(i, n, e, first + e * step);
			image_set_node(i, n, node_value_offset(i, n, e), 8, child);
		}
		set_count(i, n, 1);
	}
	return root;
}

/* Device 1 has a tree without leaves; device 2 an empty one, or another like that, or the same. */
static struct salvaged salvage_lost(bool second, bool shared)
{
	const struct content nothing = { 0 };
	struct made_pool p;
	struct salvaged s;
	uint64_t model, root;

	begin(&p);
	device(&p, 1, 1000);
	made_pool_map(&p, 0, 0, 1000, 1);
	made_pool_device_end(&p);
	device(&p, 2, 0);
	made_pool_device_end(&p);
	cr_assert_eq(made_pool_commit(&p), 0);
	model = device_root(&p.image, 1);
	root = lost_tree(&p.image, 100, model);
	set_root(&p.image, 0, root);
	if (shared) {
		set_root(&p.image, 1, root);
		set_count(&p.image, root, 2);
	} else if (second) {
		set_root(&p.image, 1, lost_tree(&p.image, 400, model));
	}
	s = salvage_image(&p.image, NULL, &nothing);
	cr_assert_eq(s.error, 0);
	made_pool_destroy(&p);
	return s;
}

/* What is not listed is counted. */
Test(salvage_losses, more_than_are_listed)
{
	struct salvaged one = salvage_lost(false, false), two = salvage_lost(true, false);
	struct salvaged both = salvage_lost(false, true);
	const uint64_t nr = one.result.nr_losses;

	cr_expect_geq(nr, LEVEL * CHILDREN);
	cr_expect_eq(one.result.nr_losses_left_out, 0);
	cr_expect_eq(one.result.nr_shares, 0);
	cr_expect_eq(two.result.nr_losses, SALVAGE_MAX_LOSSES);
	cr_expect_eq(two.result.nr_losses_left_out, 2 * nr - SALVAGE_MAX_LOSSES);
	cr_expect_eq(two.result.nr_shares, 0);
	cr_expect_eq(both.result.nr_losses, nr);
	cr_expect_eq(both.result.nr_losses_left_out, 0);
	cr_expect_eq(both.result.nr_shares, SALVAGE_MAX_LOSSES);
	cr_expect_eq(both.result.nr_shares_left_out, 2 * nr - SALVAGE_MAX_LOSSES);
	salvaged_destroy(&one);
	salvaged_destroy(&two);
	salvaged_destroy(&both);
}
