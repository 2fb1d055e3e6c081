/* SPDX-License-Identifier: MIT
 * salvage_superblock.c: what a lost superblock said.
 *
 * Of the commits that are left whole, but for what is gone altogether, the newest is taken: by the
 * transactions, the times and the mappings of its devices, and by where its blocks were allocated.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>

#include "common/thin/salvage_commits.h"

/* Does one of another run follow this head? */
static bool has_successor(const struct commit_list *l, const struct commit *c)
{
	for (size_t n = 0; n < l->nr_whole; n++) {
		const struct commit *other = &l->whole[n];
		double likely;

		if (other->run == c->run || !commits_alike(c, other))
			continue;
		likely = commit_follows(l, c, other);
		if (likely >= COMMIT_LIKELY && likely > commit_follows(l, other, c))
			return true;
	}
	return false;
}

/*
 * The one that no other follows.  Where commits between are lost there may be several, and some
 * that seem to follow each other in a circle.  NULL: there is none.
 */
static const struct commit *find_newest(const struct commit_list *l)
{
	const struct commit *best[2] = { NULL, NULL }; /* with a successor, and without */

	for (size_t i = 0; i < l->nr_whole; i++) {
		const struct commit *c = &l->whole[i], **rival;

		if (!c->head)
			continue;
		rival = &best[!has_successor(l, c)];
		if (!*rival || commit_is_better(c, *rival))
			*rival = c;
	}
	if (best[0] || best[1])
		return best[1] ? best[1] : best[0];
	return l->best_broken.index ? &l->best_broken : NULL;
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
		b = b + 1 < nr_blocks ? b + 1 : 0;
	}
	*ret &= nr <= c->blocks.nr_set + nr_free && c->blocks.nr_set <= nr + nr_free;
	return r;
}

/* One whose details are gone, so that nobody can tell whether it is the later one. */
static uint64_t find_uncertain(const struct commit_list *l, const struct commit *c)
{
	for (size_t i = 0; i < l->nr_whole; i++) {
		const struct commit *other = &l->whole[i];

		if (other != c && !other->details_root && commits_alike(c, other) &&
		    commit_follows(l, c, other) >= COMMIT_LIKELY)
			return other->index;
	}
	return NO_BLOCK;
}

/* One that is not whole, because something of it is an older version. */
static int find_broken(struct commit_list *l, const struct commit *c, uint64_t *ret_index)
{
	int r = 0;

	for (uint64_t b = bitset_next(&l->broken, 0);
	     b < l->s->nr_blocks && !r && *ret_index == NO_BLOCK;
	     b = bitset_next(&l->broken, b + 1)) {
		struct commit other;
		double likely;

		r = commits_blocks_of(l, b, &other);
		if (r)
			break;
		likely = commit_density(c, &other, c->index + 1);
		if (commits_alike(c, &other) && likely >= COMMIT_LIKELY &&
		    likely > commit_density(&other, c, other.index + 1))
			*ret_index = b;
		bitset_destroy(&other.blocks);
	}
	return r;
}

/*
 * An index that may be the last commit's, although it cannot be told, because its bitmap is gone,
 * or its details; NO_BLOCK: there is none.
 */
static int find_later(struct commit_list *l, const struct commit *c, uint64_t *ret_index)
{
	int r = 0;

	*ret_index = find_uncertain(l, c);
	if (*ret_index == NO_BLOCK)
		r = find_broken(l, c, ret_index);
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
	const struct commit *c = find_newest(l);
	uint64_t later = NO_BLOCK;
	int r = 0;

	if (!c)
		return -EUCLEAN;
	if (l->exhausted)
		later = c->index;
	else if (l->nr_whole)
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

	if (!r) {
		newest = find_newest(&l);
		r = commits_find_without_index(&l, newest ? newest->index : s->nr_blocks);
	}
	if (!r)
		r = choose(&l);
	commits_destroy(&l);
	return r;
}
