/* SPDX-License-Identifier: MIT
 * salvage_superblock.c: what a lost superblock said.
 *
 * Of the commits that are left whole, but for what is gone altogether, the newest is taken: by the
 * transactions, the times and the mappings of its devices, and by where its blocks were allocated.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>

#include "common/base/alloc.h"
#include "common/thin/salvage_commits.h"

#define LIKELY 0.5 /* that one commit follows another */

/*
 * The blocks of `after` that `before` has not: how well do they follow each other from `start` on,
 * round the end?
 */
static double density(const struct commit *before, const struct commit *after, uint64_t start)
{
	const uint64_t nr_blocks = after->blocks.nr_bits;
	uint64_t nr_new = 0, nr_free = 0, nr_free_at_last = 0;

	for (uint64_t i = 0; i < nr_blocks; i++) {
		uint64_t b = (start + i) % nr_blocks;

		if (bitset_test(&before->blocks, b))
			continue;
		nr_free++;
		if (!bitset_test(&after->blocks, b))
			continue;
		nr_new++;
		nr_free_at_last = nr_free;
	}
	return nr_new ? (double)nr_new / (double)nr_free_at_last : 0;
}

/* Do they have a quarter of the smaller one in common? */
static bool alike(const struct commit *a, const struct commit *b)
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

	if (!a || !b)
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

/* How likely is it that `after` is the later one?  0 … 1. */
static double follows(const struct commit_list *l, const struct commit *before,
		      const struct commit *after)
{
	double on, anew = 0;

	if (surely_follows(l, before, after))
		return 1;
	if (surely_follows(l, after, before))
		return 0;
	on = density(before, after, before->index + 1);
	/* After an activation the first thing that happens is rarely that the newest device goes.
	 */
	if (before->details_root &&
	    (!after->details_root ||
	     (after->transaction_id >= before->transaction_id && after->time >= before->time)))
		anew = density(before, after, 0);
	return on > anew ? on : anew;
}

/* What is lost says nothing: only what both have is compared. */
static bool better(const struct commit *a, const struct commit *b)
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

/* Commits that were written one after the other, as the kernel allocates: from one index to the
 * next.
 */
static bool is_next(const struct commit_list *l, const struct commit *c, const struct commit *next)
{
	double likely;

	if (c == next || !alike(c, next) || surely_follows(l, next, c))
		return false;
	likely = density(c, next, c->index + 1);
	return surely_follows(l, c, next) ||
	       (likely >= LIKELY && likely > density(next, c, next->index + 1));
}

/* The last of those that follow each other. */
static bool is_head(const struct commit_list *l, size_t i)
{
	return !is_next(l, &l->whole.items[i], &l->whole.items[(i + 1) % l->whole.nr]);
}

/* Which of them follow each other: those with the same number.  runs: by commit. */
static void find_runs(const struct commit_list *l, uint32_t *runs)
{
	const size_t nr = l->whole.nr;
	uint32_t run = 1;

	for (size_t i = 0; i < nr; i++) {
		runs[i] = run;
		run += is_head(l, i);
	}
	/* Where the last one leads on to the first, those are one run. */
	for (size_t i = 0; i < nr && runs[nr - 1] == run && runs[i] == 1; i++)
		runs[i] = run;
}

/* Does one of another run follow this head? */
static bool has_successor(const struct commit_list *l, const uint32_t *runs, size_t i)
{
	const struct commit *c = &l->whole.items[i];

	for (size_t n = 0; n < l->whole.nr; n++) {
		const struct commit *other = &l->whole.items[n];
		double likely;

		if (runs[n] == runs[i] || !alike(c, other))
			continue;
		likely = follows(l, c, other);
		if (likely >= LIKELY && likely > follows(l, other, c))
			return true;
	}
	return false;
}

/* NULL: there is none. */
static const struct commit *best_broken(const struct commit_list *l)
{
	const struct commit *best = NULL;

	for (size_t i = 0; i < l->broken.nr; i++) {
		if (!best || better(&l->broken.items[i], best))
			best = &l->broken.items[i];
	}
	return best;
}

/*
 * The one that no other follows.  Where commits between are lost there may be several, and some
 * that seem to follow each other in a circle.  NULL: there is none.
 */
static int find_newest(const struct commit_list *l, const struct commit **ret)
{
	uint32_t *runs = alloc_array(l->whole.nr + 1, sizeof(*runs));
	const struct commit *best[2] = { NULL, NULL }; /* with a successor, and without */

	*ret = best_broken(l);
	if (!runs)
		return -ENOMEM;
	find_runs(l, runs);
	for (size_t i = 0; i < l->whole.nr; i++) {
		const struct commit *c = &l->whole.items[i];
		const struct commit **rival;

		if (!is_head(l, i))
			continue;
		rival = &best[!has_successor(l, runs, i)];
		if (!*rival || better(c, *rival))
			*rival = c;
	}
	alloc_free(runs);
	if (best[0] || best[1])
		*ret = best[1] ? best[1] : best[0];
	return 0;
}

/*
 * Could what this index is of have been written after c?  What was is where c had nothing, behind
 * c's index or, after an activation, at the start, and no other index stands before it; and it has
 * about as many blocks.
 */
static int might_follow(const struct commit_list *l, const struct commit *c, uint64_t index,
			uint64_t start, bool *ret)
{
	const uint64_t nr_blocks = l->s->nr_blocks;
	uint64_t nr_free = 0, nr, b = start;
	int r = commits_nr_allocated(l, index, &nr);

	*ret = !bitset_test(&c->blocks, index);
	for (uint64_t i = 0; i < nr_blocks && b != index && *ret; i++) {
		nr_free += !bitset_test(&c->blocks, b);
		*ret = bitset_test(&c->blocks, b) || l->s->shapes[b] != SHAPE_INDEX;
		b = (b + 1) % nr_blocks;
	}
	*ret &= nr <= c->blocks.nr_set + nr_free && c->blocks.nr_set <= nr + nr_free;
	return r;
}

/* One whose details are gone, so that nobody can tell whether it is the later one. */
static uint64_t find_uncertain(const struct commit_list *l, const struct commit *c)
{
	for (size_t i = 0; i < l->whole.nr; i++) {
		const struct commit *other = &l->whole.items[i];

		if (other != c && !other->details_root && alike(c, other) &&
		    follows(l, c, other) >= LIKELY)
			return other->index;
	}
	/* One that is not whole, because something of it is an older version. */
	for (size_t i = 0; i < l->broken.nr; i++) {
		const struct commit *other = &l->broken.items[i];
		double likely = density(c, other, c->index + 1);

		if (alike(c, other) && likely >= LIKELY &&
		    likely > density(other, c, other->index + 1))
			return other->index;
	}
	return NO_BLOCK;
}

/*
 * An index that may be the last commit's, although it cannot be told, because its bitmap is gone,
 * or its details; NO_BLOCK: there is none.
 */
static int find_later(const struct commit_list *l, const struct commit *c, uint64_t *ret_index)
{
	int r = 0;

	*ret_index = find_uncertain(l, c);
	for (uint64_t b = bitset_next(&l->unjudged, 0); b < l->s->nr_blocks && !r;
	     b = bitset_next(&l->unjudged, b + 1)) {
		bool on = false, anew = false;

		r = might_follow(l, c, b, (c->index + 1) % l->s->nr_blocks, &on);
		if (!r)
			r = might_follow(l, c, b, 1, &anew);
		if (!r && (on || anew))
			*ret_index = b;
	}
	return r;
}

static void take_snapshot(const struct commit_list *l, const struct commit *c)
{
	struct superblock *sb = &l->s->sb;

	for (size_t i = 0; i < l->nr_held; i++) {
		const struct superblock *held = &l->held[i].sb;

		sb->data_block_size = held->data_block_size;
		if (!bitset_test(&c->blocks, l->held[i].block))
			continue;
		sb->held_root = l->held[i].block;
		sb->time = held->time > sb->time ? held->time : sb->time;
	}
}

static void take(const struct commit_list *l, const struct commit *c)
{
	struct superblock *sb = &l->s->sb;

	*sb = (struct superblock){
		.magic = SUPERBLOCK_MAGIC,
		.version = SUPERBLOCK_VERSION,
		.time = c->time,
		.transaction_id = c->transaction_id + 1,
		.details_root = c->details_root ? c->details_root : c->lost_details_root,
		.mapping_root = c->mapping_root ? c->mapping_root : c->lost_mapping_root
	};
	sb->metadata_space_map.bitmap_root = c->index;
	sb->metadata_space_map.ref_count_root = l->s->nr_blocks;
	l->s->stand_in = c->stand_in;
	take_snapshot(l, c);
}

/* Where the last commit itself cannot be read, an earlier one is taken only when that is wanted. */
static int choose(struct commit_list *l)
{
	struct salvage *s = l->s;
	const struct commit *c;
	uint64_t later = NO_BLOCK;
	int r = find_newest(l, &c);

	if (!r && !c)
		return -EUCLEAN;
	if (!r && l->whole.nr)
		r = find_later(l, c, &later);
	if (r)
		return r;
	if (later != NO_BLOCK && !s->options->allow_older && !s->candidates) {
		(void)snprintf(s->fault->text, sizeof(s->fault->text),
			       "the superblock is lost, and something of what may be the last "
			       "commit, so that it cannot be told (index block %" PRIu64
			       "): thin_repair --candidates lists what else there is, "
			       "--allow-older takes the commit before",
			       later);
		return -ENODATA;
	}
	s->result->older = later != NO_BLOCK && !s->candidates;
	take(l, c);
	return 0;
}

int salvage_find_superblock(struct salvage *s)
{
	const struct commit *newest;
	struct commit_list l;
	int r = commits_find(s, &l);

	if (!r)
		r = find_newest(&l, &newest);
	if (!r)
		r = commits_find_without_index(&l, newest ? newest->index : s->nr_blocks);
	if (!r)
		r = choose(&l);
	commits_destroy(&l);
	return r;
}
