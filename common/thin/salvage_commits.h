/* SPDX-License-Identifier: MIT
 * salvage_commits.h: the commits that are left on a device, as far as they are there.  Included by
 * common/thin/salvage*.c alone.
 */
#ifndef THINMEND_THIN_SALVAGE_COMMITS_H
#define THINMEND_THIN_SALVAGE_COMMITS_H

#include "common/thin/salvage_internal.h"

struct details_entry {
	uint64_t id, transaction_id;
	uint32_t creation_time;
};

/* What the details in one leaf come to. */
struct details_sum {
	size_t first_entry;
	uint32_t nr_entries;
	uint64_t transaction_id, nr_mappings;
	uint32_t creation_time; /* the latest one */
	uint32_t time;          /* the latest snapshotted_time, and of which device: */
	uint64_t snapshotted;
};

/* What nodes lead to that are neither leaves of mappings nor of space maps, of all commits. */
struct node_graph {
	uint64_t *first;       /* owned, by block: its first child, or what a details leaf says */
	uint16_t *nr_children; /* owned, by block */
	uint32_t *children;    /* owned: blocks of the device */
	size_t nr, capacity;
	struct details_sum *sums; /* owned; of these: */
	size_t nr_sums, sums_capacity;
	struct details_entry *entries; /* owned */
	size_t nr_entries, entries_capacity;
	uint8_t *kinds;   /* owned, by block: enum block_kind of nodes */
	uint64_t *values; /* owned, by block: 1 + mappings below */
};

/* Reads them once.  0, or -errno of our own; to be destroyed in any case. */
must_check int node_graph_read(struct salvage *s, struct node_graph *ret_graph);
void node_graph_destroy(struct node_graph *g);

static inline uint64_t node_graph_child(const struct node_graph *g, uint64_t block, uint32_t i)
{
	return g->children[g->first[block] + i];
}

/* One commit, as far as it is there. */
struct commit {
	uint64_t index;
	struct stand_in stand_in; /* where the index is lost, or not this commit's */
	uint64_t details_root,
		mapping_root; /* 0: lost, and then, where it is known all the same: */
	uint64_t lost_details_root, lost_mapping_root;
	uint64_t nr_wrong;         /* blocks that are used more often than it counts */
	uint64_t nr_lost, nr_less; /* blocks that are gone, or used less often: because of these */
	uint64_t transaction_id;
	uint32_t time; /* the latest snapshotted_time, and of which device: */
	uint64_t snapshotted;
	uint32_t creation_time; /* the latest one */
	uint64_t nr_mappings;   /* by the details; likewise, by the trees: */
	uint64_t nr_values;
	bool details_hurt, mappings_hurt; /* something of these trees is lost */
	uint32_t run;         /* those that were written one after the other have the same, */
	bool head;            /* and this is the last one of them */
	struct bitset blocks; /* that it counts */
};

/* The superblock of a metadata snapshot, current or not. */
struct held {
	uint64_t block;
	struct superblock sb;
};

#define COMMIT_LIKELY 0.5 /* that one commit follows another */

struct commit_list {
	struct salvage *s;
	struct node_graph graph;
	struct bitset leading; /* nodes that lead to others */
	uint32_t *refs;        /* owned, by block: references from nodes that a commit counts */
	uint32_t *referred;    /* owned: blocks that have any */
	size_t nr_referred;
	uint64_t *loaded;  /* owned, by number: bitmap whose counts are in s->counts; 0: none */
	uint32_t *nr_free; /* owned, by number: that its index says */
	uint64_t *nr_lost; /* owned, by number: blocks that it counts and that are gone */
	struct bitset now; /* blocks that are counted now */
	struct held *held; /* owned */
	size_t nr_held, held_capacity;
	/*
	 * Owned: those that are whole, but for what is gone altogether.  Of a run only the first
	 * one, the last one, and those without details stay, by index.
	 */
	struct commit *whole;
	size_t nr_whole, whole_capacity;
	struct commit last; /* the one that was found last: not in whole yet; index 0: none */
	uint32_t nr_runs;
	struct bitset
		broken; /* indexes of others: overwritten since, or something of them is old */
	struct commit best_broken; /* of these; without its blocks; index 0: none */
	struct bitset unjudged;    /* indexes of which a bitmap is gone */
	uint64_t budget;           /* of bitmaps that are tried in the place of others */
	bool exhausted;            /* there was more than can be looked at */
};

/* All that have an index, or the only bitmap there is to one.  To be destroyed in any case. */
must_check int commits_find(struct salvage *s, struct commit_list *ret_list);
void commits_destroy(struct commit_list *l);

/* Those that a bitmap tells of whose index is lost: all others are base's.  Adds to the list. */
must_check int commits_find_without_index(struct commit_list *l, uint64_t base);

/* The blocks of a commit that is not whole, to compare it; to be destroyed.  0 or -errno. */
must_check int commits_blocks_of(struct commit_list *l, uint64_t index, struct commit *ret_commit);

/* Have they a quarter of the smaller one in common? */
bool commits_alike(const struct commit *a, const struct commit *b);

/* How well the blocks of `after` follow those of `before`, from block `start` on.  0 … 1. */
double commit_density(const struct commit *before, const struct commit *after, uint64_t start);

/* How likely is it that `after` is the later one?  0 … 1. */
double commit_follows(const struct commit_list *l, const struct commit *before,
		      const struct commit *after);

/* Is it the one that was written next, or soon after? */
bool commit_is_next(const struct commit_list *l, const struct commit *c, const struct commit *next);

/* Of two that nothing else tells apart. */
bool commit_is_better(const struct commit *a, const struct commit *b);

/* How many blocks there are in use, by an index. */
must_check int commits_nr_allocated(const struct commit_list *l, uint64_t index, uint64_t *ret_nr);

#endif
