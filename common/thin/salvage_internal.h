/* SPDX-License-Identifier: MIT
 * salvage_internal.h: what the parts of the salvage share.  Included by common/thin/salvage*.c
 * alone.
 */
#ifndef THINMEND_THIN_SALVAGE_INTERNAL_H
#define THINMEND_THIN_SALVAGE_INTERNAL_H

#include "common/pdata/btree_build.h"
#include "common/pdata/node_table.h"
#include "common/thin/device_details.h"
#include "common/thin/salvage_candidates.h"

/* What a block is, by itself: whole, and in the place that it says. */
enum shape {
	SHAPE_NONE,
	SHAPE_SUPERBLOCK,
	SHAPE_INDEX,
	SHAPE_BITMAP,
	SHAPE_INTERNAL,
	SHAPE_MAPPING_LEAF,
	SHAPE_TOP_LEVEL_LEAF, /* values that are blocks of this device */
	SHAPE_DETAILS_LEAF,
	SHAPE_OTHER_LEAF,
};

/* How often a metadata block is used, as the last commit counted it. */
#define COUNT_UNKNOWN UINT32_MAX
#define COUNT_MANY (UINT32_MAX - 1) /* three or more */

struct sighting {
	uint32_t claims, location; /* the block that it says it is, and where it stands */
};

struct salvage_device {
	uint64_t id;
	struct device_details details;
	uint64_t root; /* metadata block */
	bool has_details, has_root;
	bool has_entry; /* in the top level, wherever that leads */
	bool rebuilt_details, matched_root;
	enum salvage_evidence evidence; /* of the root that was matched */
	uint32_t undecided;             /* 1 + index of those it is among, 0: none */
	uint64_t nr_mappings;           /* in the end */
};

/* Devices and as many roots, of which nobody can tell whose is which. */
struct undecided {
	uint32_t *roots; /* owned: nodes */
	size_t nr_roots;
	bool built; /* the tree of what they agree on: */
	uint64_t root, nr_mappings;
};

/* A data block that more leaves lead to than the last commit counted. */
struct excess {
	uint64_t stored; /* what it counted */
	uint32_t source; /* metadata block that says so */
};

/* What leaves lead to, and what the last commit counted of it. */
struct data_ledger {
	struct ref_counts claims; /* how many leaves lead to each data block */
	struct u64_map excess_at; /* by data block: 1 + index */
	struct excess *excess;    /* owned; */
	size_t nr_excess, excess_capacity;
	uint64_t nr_missing; /* references that it counted and no leaf makes */
};

/* A node that is lost, or an entry that leads nowhere. */
struct hole {
	uint32_t node;       /* index of the lost node, or of the node that has the entry */
	uint32_t slot;       /* of the entry, or WHOLE_NODE: the node itself is lost */
	uint64_t begin, end; /* keys that belong there */
	int height;          /* of the node that is lost; -1: not known */
	uint64_t nr_foreign; /* mappings below the entry that do not belong there */
	uint32_t owner;      /* index of the only device it belongs to, or MANY_OWNERS, NO_OWNER */
	bool filled;
	uint32_t *children; /* owned: nodes that were adopted, in key order */
	uint32_t nr_children;
};

/* A bitmap of the metadata space map whose index is lost.  bitmap 0: none. */
struct stand_in {
	uint64_t bitmap, number;
};

struct salvage {
	const struct salvage_options *options;
	struct block_engine *inner;   /* borrowed */
	struct block_engine *overlay; /* owned */
	struct block_reader *reader;  /* of the overlay */
	uint64_t nr_blocks;           /* of the damaged device */
	uint8_t *shapes;              /* owned, by block: enum shape */
	uint16_t *nr_entries;         /* owned, by block: of nodes */
	struct bitset mended;         /* blocks whose header was made anew */
	struct sighting *strays;      /* owned: whole blocks that stand in the wrong place */
	size_t nr_strays, strays_capacity;
	struct superblock sb; /* as it is, or as it was found out */
	bool nr_data_blocks_lost, time_lost;
	uint64_t highest_data_block; /* that a mapping leads to */
	uint32_t *counts;            /* owned, by block */
	struct bitset sound_bitmaps; /* of the metadata: as full as the index says */
	bool index_lost;             /* of the metadata space map, or not the last commit's */
	struct stand_in stand_in;
	uint64_t nr_beyond; /* blocks behind the end that were counted */
	struct data_ledger ledger;
	uint32_t *latest_shared; /* owned, by node: see salvage_find_sharing() */
	uint64_t nr_hidden;      /* blocks that are lost without anybody left who leads to them */
	uint64_t nr_held_lost;   /* of the metadata snapshot: what it led to may still be in use */
	struct node_table table;
	size_t nr_live,
		nr_held;   /* nodes of the live trees, and of these and the metadata snapshot */
	uint32_t *deficit; /* owned, by node: references that nobody whom we know makes */
	struct salvage_device *devices; /* owned, by ascending id */
	size_t nr_devices, devices_capacity;
	struct undecided *undecided; /* owned */
	size_t nr_undecided, undecided_capacity;
	bool details_lost, top_level_lost; /* something of these trees */
	struct hole *holes;                /* owned */
	size_t nr_holes, holes_capacity;
	struct u64_map hole_at;    /* by hole_key(): 1 + index */
	struct resolved *resolved; /* owned, by node */
	uint32_t *loss_nodes;      /* owned, by loss: the node where it was noted, or NO_NODE */
	size_t loss_nodes_capacity;
	struct bitset lossy;               /* by node: something below is lost */
	struct candidate_list *candidates; /* borrowed: where to list them */
	struct salvage_fault *fault;
	struct salvage_result *result;
};

#define NO_NODE UINT32_MAX

static inline uint64_t hole_key(size_t node, uint32_t slot)
{
	return (uint64_t)node << 32 | slot;
}

/* The hole that a lost node, or an entry, is; NULL: none. */
static inline struct hole *hole_at(const struct salvage *s, size_t node, uint32_t slot)
{
	const uint64_t *index = u64_map_find(&s->hole_at, hole_key(node, slot));

	return index && *index ? &s->holes[*index - 1] : NULL;
}

/* Reads all blocks, and puts strays into their places. */
must_check int salvage_sweep(struct salvage *s);

/*
 * Make the header of a node in raw, which has the right checksum, one that can be.  False when it
 * cannot be told what it should say.
 */
bool salvage_mend_header(const struct salvage *s, void *raw);

/* The node in block is a leaf of the top level, whatever it says. */
must_check int salvage_set_leaf_flag(struct salvage *s, uint64_t block);

/*
 * The counts of one bitmap alone; they are unknown where it cannot be read.  raw: a block to read
 * into.
 */
must_check int salvage_load_bitmap(struct salvage *s, uint64_t number, const struct index_entry *e,
				   void *raw);

/*
 * The counts of the metadata space map with this index, as far as it is whole, and with
 * s->stand_in.
 */
must_check int salvage_load_counts(struct salvage *s, uint64_t index, uint64_t ref_count_root);

/*
 * Compare what leaves lead to with the data space map.  A bitmap that is not as full as its index
 * says has no say, nor has one that knows nothing of many blocks.
 */
must_check int salvage_compare_data_counts(struct salvage *s);

/*
 * Where the index of the metadata space map is lost, find its bitmaps by what they count: to be
 * called when the live trees were read.
 */
must_check int salvage_search_counts(struct salvage *s);

/* Forget what bitmaps count that are not those of the last commit: as above. */
must_check int salvage_distrust_counts(struct salvage *s);

/*
 * How many blocks are lost that may have been nodes nobody whom we can read leads to: there may be
 * something below them, and then not all claimants are known.
 */
must_check int salvage_count_hidden(struct salvage *s);

/*
 * The kind of tree that a node belongs to: that of the first whole leaf below, or KIND_UNUSED.
 * raws: BTREE_MAX_DEPTH blocks to read into.
 */
enum block_kind salvage_kind_of(struct salvage *s, uint64_t block, void *raws);

/*
 * What the leaves below the node in block come to, whichever commit it is of.  sums, by block: 1 +
 * what is known already, as of the leaves; 0: not yet.  raws: BTREE_MAX_DEPTH blocks to read into.
 */
uint64_t salvage_sum_below(struct salvage *s, uint64_t *sums, uint8_t *raws, uint64_t block,
			   unsigned int depth);

/* The leaves' numbers of entries, as such sums. */
void salvage_sum_entries(const struct salvage *s, uint64_t *sums);

/* All pairs of roots that belong together; the live trees were scanned, or there are none. */
must_check int salvage_list_candidates(struct salvage *s, struct candidate_list *list);

/*
 * Finds out what a lost superblock said: fills s->sb, but for what nobody can know.  0, -EUCLEAN
 * when there are no trees, or -errno.
 */
must_check int salvage_find_superblock(struct salvage *s);

/* Where the superblock was found out: where its space maps are, by the counts that were loaded. */
must_check int salvage_find_space_maps(struct salvage *s);

/* Reads all trees, and everything else that the last commit counted. */
must_check int salvage_scan(struct salvage *s);

/*
 * Whole blocks that are not of the last commit, because a write of it was lost: they lead to what
 * it does not count.  They are taken out of the overlay; *ret_found says whether there were any.
 */
must_check int salvage_discard_stale(struct salvage *s, bool *ret_found);

/* Forget what was scanned, to scan again. */
must_check int salvage_reset_scan(struct salvage *s);

/* Sort devices by id, and join what is known of each. */
void salvage_join_devices(struct salvage *s);

/*
 * Finds what is shared: of each node the latest mapping below that others have too.  Internal nodes
 * get their max_time.
 */
must_check int salvage_find_sharing(struct salvage *s);

/* 1 + the time of the latest mapping below that others have too, 0: none.  shared: all of it is. */
uint32_t salvage_latest_shared(const struct salvage *s, size_t node, bool shared);

/* Finds holes in the mapping trees, and what belongs there. */
must_check int salvage_adopt(struct salvage *s);

/* Gives devices their roots and their details. */
must_check int salvage_match_devices(struct salvage *s);

/* Note what is lost below a node, or NO_NODE. */
must_check int salvage_note_loss(struct salvage *s, uint32_t node, const struct salvage_loss *loss);

/* Find out who shares what is lost of several devices, when all nodes were resolved. */
must_check int salvage_share_losses(struct salvage *s);

/* The tree of what undecided roots agree on, which were resolved.  0 or -errno of our own. */
must_check int salvage_agree(struct salvage *s, struct undecided *u, struct block_sink *sink);

/* Makes what was found whole, in the overlay. */
must_check int salvage_patch(struct salvage *s);

#endif
