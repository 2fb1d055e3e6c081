/* SPDX-License-Identifier: MIT
 * test_salvage_adopt.c: what stood below lost nodes is put back where one way alone fits, and left
 * out where several do.
 */
#include <criterion/criterion.h>

#include "tests/support/leaks.h"
#include "tests/support/made_pool.h"
#include "tests/support/salvaged.h"

TestSuite(salvage_adopt, .fini = fail_on_leaks);

/* TALL: mappings of a tree of three levels, in full leaves. */
enum { NR_METADATA = 1024, NOW = 9, LEAF = 252, TALL = 300 * LEAF };

static void begin(struct made_pool *p)
{
	const struct pool_header header = { .version = 2,
					    .time = NOW,
					    .transaction_id = 1,
					    .data_block_size = 128,
					    .nr_data_blocks = 200000 };

	made_pool_begin(p, NR_METADATA, &header);
}

/* A device with one run; its data blocks begin at 80000 times its number. */
static void device(struct made_pool *p, uint64_t id, uint64_t thin, uint64_t length)
{
	const struct device_details d = { .mapped_blocks = length, .snapshotted_time = NOW };

	made_pool_device(p, id, &d);
	made_pool_map(p, thin, 80000 * (id - 1), length, 1);
	made_pool_device_end(p);
}

static struct content commit(struct made_pool *p)
{
	cr_assert_eq(made_pool_commit(p), 0);
	cr_assert_eq(image_worst(&p->image), SEVERITY_NONE);
	return image_content(&p->image);
}

static void end(struct made_pool *p, struct content *truth, struct salvaged *s)
{
	salvaged_destroy(s);
	content_destroy(truth);
	made_pool_destroy(p);
}

/* How a lost block was made good for; EVIDENCE_NONE: it was not. */
static enum salvage_evidence evidence_of(const struct salvaged *s, uint64_t block)
{
	for (size_t n = 0; n < s->result.nr_adoptions; n++) {
		if (s->result.adoptions[n].block == block)
			return s->result.adoptions[n].evidence;
	}
	return EVIDENCE_NONE;
}

/* Nobody else has lost anything. */
Test(salvage_adopt, a_lost_root)
{
	struct made_pool p;
	struct content truth;
	struct salvaged s;
	uint64_t root;

	begin(&p);
	device(&p, 1, 0, 1000);
	device(&p, 2, 0, 1000);
	truth = commit(&p);
	root = device_root(&p.image, 1);
	image_lose(&p.image, root);
	s = salvage_image(&p.image, NULL, &truth);
	cr_expect_eq(s.difference.kept, truth.nr);
	cr_expect_eq(s.difference.wrong, 0);
	cr_assert_eq(s.result.nr_adoptions, 1);
	cr_expect_eq(s.result.adoptions[0].device, 1);
	cr_expect_eq(s.result.adoptions[0].nr_children, s.result.nr_adopted);
	cr_expect_eq(evidence_of(&s, root), EVIDENCE_NUMBERS);
	cr_expect_eq(s.result.nr_losses, 0);
	end(&p, &truth, &s);
}

/*
 * The root of a small device and a node of a large one.  What hung below that node fits the small
 * device too, but only its own leaves have as many mappings as it had; nobody else wants these.
 */
static void small_and_large(uint64_t nr_small, uint64_t harm, struct content *truth,
			    struct salvaged *ret)
{
	struct made_pool p;
	uint64_t small, large;

	begin(&p);
	device(&p, 1, 0, nr_small);
	device(&p, 2, 0, TALL);
	*truth = commit(&p);
	small = device_root(&p.image, 1);
	large = node_value(&p.image, device_root(&p.image, 2), 1);
	cr_assert_gt(node_key(&p.image, large, 0), nr_small);
	if (harm) /* a leaf that is below none of both */
		image_lose(&p.image, first_leaf(&p.image, device_root(&p.image, 2)));
	image_lose(&p.image, small);
	image_lose(&p.image, large);
	*ret = salvage_image(&p.image, NULL, truth);
	cr_expect_eq(ret->error, 0);
	cr_expect_eq(ret->difference.wrong, 0);
	cr_expect_neq(evidence_of(ret, small), EVIDENCE_NONE);
	cr_expect_neq(evidence_of(ret, large), EVIDENCE_NONE);
	made_pool_destroy(&p);
}

Test(salvage_adopt, the_only_way_to_the_right_number)
{
	struct content truth;
	struct salvaged s;

	small_and_large(400, 0, &truth, &s);
	cr_expect_eq(s.difference.kept, truth.nr);
	cr_expect_eq(s.result.nr_losses, 0);
	salvaged_destroy(&s);
	content_destroy(&truth);
}

/* Full leaves of the large one could be the small one's: they are settled first. */
Test(salvage_adopt, what_one_takes_is_gone_for_the_other)
{
	struct content truth;
	struct salvaged s;

	small_and_large(1000, 0, &truth, &s);
	cr_expect_eq(s.difference.kept, truth.nr);
	cr_expect_eq(s.result.nr_losses, 0);
	salvaged_destroy(&s);
	content_destroy(&truth);
}

/* The large device has lost a leaf besides: its own number proves nothing any more. */
Test(salvage_adopt, nobody_else_wants_them)
{
	struct content truth;
	struct salvaged s;

	small_and_large(400, 1, &truth, &s);
	cr_expect_eq(s.difference.lost, LEAF);
	cr_expect_eq(salvaged_nr_unnamed(&s, &truth), 0);
	salvaged_destroy(&s);
	content_destroy(&truth);
}

/* Two lost roots, over the same thin blocks. */
static struct salvaged lose_two(uint64_t nr_first, uint64_t nr_second, uint64_t second_begin,
				const struct salvage_options *options)
{
	struct made_pool p;
	struct content truth;
	struct salvaged s;

	begin(&p);
	device(&p, 1, 0, nr_first);
	device(&p, 2, second_begin, nr_second);
	device(&p, 3, 0, 1000);
	truth = commit(&p);
	image_lose(&p.image, device_root(&p.image, 1));
	image_lose(&p.image, device_root(&p.image, 2));
	s = salvage_image(&p.image, options, &truth);
	cr_expect_eq(s.error, 0);
	cr_expect_eq(s.difference.kept + s.difference.lost, truth.nr);
	cr_expect_eq(s.difference.wrong, 0);
	cr_expect_eq(salvaged_nr_unnamed(&s, &truth), 0);
	content_destroy(&truth);
	made_pool_destroy(&p);
	return s;
}

/* As many mappings, of the same thin blocks: nobody can tell whose is which. */
Test(salvage_adopt, twins)
{
	struct salvaged s = lose_two(400, 400, 0, NULL);

	cr_expect_eq(s.difference.lost, 800);
	cr_expect_eq(s.result.nr_adopted, 0);
	cr_expect_eq(s.result.nr_losses, 2);
	salvaged_destroy(&s);
}

/* Leaves that overlap, of devices that differ: none is given to the wrong one. */
Test(salvage_adopt, none_is_mistaken)
{
	static const struct {
		uint64_t first, second, begin;
	} cases[] = {
		{ 400, 500, 0 },   { 400, 500, 100 }, { 1000, 700, 100 },
		{ 1000, 300, 50 }, { 300, 1000, 50 }, { 2000, 900, 1000 },
	};

	for (size_t n = 0; n < ARRAY_SIZE(cases); n++) {
		struct salvaged s = lose_two(cases[n].first, cases[n].second, cases[n].begin, NULL);

		salvaged_destroy(&s);
	}
}

/* A pointer that is wrong leads to a child that stands elsewhere: what belongs there is put back.
 */
Test(salvage_adopt, the_first_child_is_another_one)
{
	struct made_pool p;
	struct content truth;
	struct salvaged s;
	uint64_t node;

	begin(&p);
	device(&p, 1, 0, TALL);
	truth = commit(&p);
	node = node_value(&p.image, device_root(&p.image, 1), 0);
	image_set_node(&p.image, node, node_value_offset(&p.image, node, 0), 8,
		       node_value(&p.image, node, 5));
	s = salvage_image(&p.image, NULL, &truth);
	cr_expect_eq(s.error, 0);
	cr_expect_eq(s.difference.kept, truth.nr, "%d", (int)s.difference.kept);
	cr_expect_eq(s.difference.wrong, 0, "%d", (int)s.difference.wrong);
	end(&p, &truth, &s);
}
