/* SPDX-License-Identifier: MIT
 * salvage_order.c: which of two commits is the later one.
 *
 * The kernel takes metadata blocks round and round the device, and from the start again after an
 * activation.  So the blocks that a commit has and the one before had not follow each other behind
 * that one's index.
 */
#include "common/thin/salvage_commits.h"

/* The highest block below end that `after` has and `before` has not, or NO_BLOCK. */
static uint64_t last_new(const struct commit *before, const struct commit *after, uint64_t begin,
			 uint64_t end)
{
	for (uint64_t w = (end + 63) / 64; w-- > begin / 64;) {
		uint64_t word = after->blocks.words[w] & ~before->blocks.words[w];

		if ((w + 1) * 64 > end)
			word &= (UINT64_C(1) << (end % 64)) - 1;
		if (w == begin / 64)
			word &= ~UINT64_C(0) << (begin % 64);
		if (word)
			return w * 64 + 63 - (uint64_t)__builtin_clzll(word);
	}
	return NO_BLOCK;
}

static uint64_t nr_free(const struct commit *c, uint64_t begin, uint64_t end)
{
	return end - begin - bitset_count(&c->blocks, begin, end);
}

/*
 * The blocks of `after` that `before` has not: how well do they follow each other from `start` on,
 * round the end?
 */
double commit_density(const struct commit *before, const struct commit *after, uint64_t start)
{
	const uint64_t nr_blocks = after->blocks.nr_bits;
	const uint64_t nr_new =
		after->blocks.nr_set - bitset_nr_common(&before->blocks, &after->blocks);
	uint64_t last, nr;

	if (!nr_new)
		return 0;
	start %= nr_blocks;
	last = last_new(before, after, 0, start);
	if (last != NO_BLOCK)
		nr = nr_free(before, start, nr_blocks) + nr_free(before, 0, last + 1);
	else
		nr = nr_free(before, start, last_new(before, after, start, nr_blocks) + 1);
	return (double)nr_new / (double)nr;
}

bool commits_alike(const struct commit *a, const struct commit *b)
{
	uint64_t smaller =
		a->blocks.nr_set < b->blocks.nr_set ? a->blocks.nr_set : b->blocks.nr_set;

	return bitset_nr_common(&a->blocks, &b->blocks) * 4 >= smaller;
}

/* The leaf of details that block is, or NULL. */
static const struct details_sum *leaf_at(const struct commit_list *l, uint64_t block)
{
	return l->s->shapes[block] == SHAPE_DETAILS_LEAF && l->graph.nr_sums
		       ? &l->graph.sums[l->graph.first[block]]
		       : NULL;
}

/* The first device below a node of the details, or NO_DEVICE. */
static uint64_t first_device(const struct commit_list *l, uint64_t block)
{
	for (unsigned int depth = 0; depth < BTREE_MAX_DEPTH; depth++) {
		const struct details_sum *leaf = leaf_at(l, block);

		if (leaf && leaf->nr_entries)
			return l->graph.entries[leaf->first_entry].id;
		if (!l->graph.nr_children[block])
			return NO_DEVICE;
		block = node_graph_child(&l->graph, block, 0);
	}
	return NO_DEVICE;
}

static bool has_device(const struct commit_list *l, uint64_t block, uint64_t id)
{
	const struct details_sum *leaf = NULL;

	for (unsigned int depth = 0; depth < BTREE_MAX_DEPTH && !leaf; depth++) {
		uint32_t i = l->graph.nr_children[block];

		leaf = leaf_at(l, block);
		while (i > 1 && first_device(l, node_graph_child(&l->graph, block, i - 1)) > id)
			i--;
		if (i)
			block = node_graph_child(&l->graph, block, i - 1);
	}
	for (uint32_t i = 0; leaf && i < leaf->nr_entries; i++) {
		if (l->graph.entries[leaf->first_entry + i].id == id)
			return true;
	}
	return false;
}

/*
 * A device that `after` lacks, although it is older than the newest one there: it was deleted. Only
 * commits whose devices all stand in one leaf are compared.
 */
static bool deleted_between(const struct commit_list *l, const struct commit *before,
			    const struct commit *after)
{
	const struct details_sum *b = leaf_at(l, before->details_root),
				 *a = leaf_at(l, after->details_root);
	const struct details_entry *be, *ae;
	uint32_t j = 0;

	if (!a || !b || !b->nr_entries)
		return false;
	be = &l->graph.entries[b->first_entry];
	ae = &l->graph.entries[a->first_entry];
	for (uint32_t i = 0; i < b->nr_entries; i++) {
		while (j < a->nr_entries && ae[j].id < be[i].id)
			j++;
		if ((j == a->nr_entries || ae[j].id != be[i].id) &&
		    (be[i].creation_time < after->creation_time ||
		     be[i].transaction_id < after->transaction_id))
			return true;
	}
	return false;
}

/*
 * Do the devices say that `after` is the later one?  The snapshotted_time of a device only grows,
 * every snapshot has a creation_time of its own (where it is not there and somebody was snapshotted
 * at its time, it was deleted), and what is made after a device was made knows it, or it was
 * deleted.
 */
static bool surely_follows(const struct commit_list *l, const struct commit *before,
			   const struct commit *after)
{
	if (before->time == after->time && before->creation_time == before->time &&
	    after->creation_time < after->time)
		return true;
	if (before->time < after->time && has_device(l, before->details_root, after->snapshotted))
		return true;
	return deleted_between(l, before, after) && !deleted_between(l, after, before);
}

double commit_follows(const struct commit_list *l, const struct commit *before,
		      const struct commit *after)
{
	double on, anew = 0;

	if (surely_follows(l, before, after))
		return 1;
	if (surely_follows(l, after, before))
		return 0;
	on = commit_density(before, after, before->index + 1);
	/* After an activation the first thing that happens is rarely that the newest device goes.
	 */
	if (before->details_root &&
	    (!after->details_root ||
	     (after->transaction_id >= before->transaction_id && after->time >= before->time)))
		anew = commit_density(before, after, 0);
	return on > anew ? on : anew;
}

/* Commits that were written one after the other, as the kernel allocates: from one index to the
 * next.
 */
bool commit_is_next(const struct commit_list *l, const struct commit *c, const struct commit *next)
{
	double likely;

	if (c == next || !commits_alike(c, next) || surely_follows(l, next, c))
		return false;
	likely = commit_density(c, next, c->index + 1);
	return surely_follows(l, c, next) ||
	       (likely >= COMMIT_LIKELY && likely > commit_density(next, c, next->index + 1));
}

/* What is lost says nothing: only what both have is compared. */
bool commit_is_better(const struct commit *a, const struct commit *b)
{
	const bool both = a->details_root && b->details_root;

	if (a->nr_wrong != b->nr_wrong)
		return a->nr_wrong < b->nr_wrong;
	if (both && a->transaction_id != b->transaction_id)
		return a->transaction_id > b->transaction_id;
	if (both && a->time != b->time)
		return a->time > b->time;
	if (both && a->nr_mappings != b->nr_mappings)
		return a->nr_mappings > b->nr_mappings;
	return !both && a->nr_values != b->nr_values ? a->nr_values > b->nr_values
						     : a->index > b->index;
}
