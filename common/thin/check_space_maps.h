/* SPDX-License-Identifier: MIT
 * check_space_maps.h: one space map under judgement.  Included by common/thin/check_*.c alone.
 */
#ifndef THINMEND_THIN_CHECK_SPACE_MAPS_H
#define THINMEND_THIN_CHECK_SPACE_MAPS_H

#include "common/thin/check_internal.h"

struct space_map_kinds {
	enum block_kind index, bitmap, ref_counts;
	enum range_unit unit;
};

/* What a bitmap holds, counted. */
struct bitmap_tally {
	bool counted;
	uint32_t nr_free, first_free;
	uint32_t nr_unseen; /* free entries before the index says that one is */
	uint64_t nr_tail;   /* entries behind the end that are not 0 */
	uint64_t nr_leaked;
};

struct space_map_check {
	struct check *c;
	const struct space_map_kinds *kinds;
	const struct space_map_root *root;
	const struct ref_counts *expected;
	uint64_t nr_blocks; /* of root, or as many as there can be */
	uint64_t nr_bitmaps;
	struct index_entry *index;    /* blocknr 0: missing, or not to be used */
	uint64_t *holders;            /* by bitmap: the metadata block its index entry stands in */
	struct bitmap_tally *tallies; /* one for each bitmap */
	uint32_t *bitmap_of;     /* by metadata block: 1 + bitmap number.  Shared by both maps. */
	struct u64_map overflow; /* block to count, from the reference count tree */
	uint64_t nr_allocated;   /* counted in the bitmaps */
	uint64_t nr_leaked;
	bool complete;        /* all bitmaps could be read */
	bool counts_complete; /* the trees could be read: what was not met is not used */
};

bool space_map_is_metadata(const struct space_map_check *s);

/* A finding; block may be NO_BLOCK, where may be NULL. */
void space_map_finding(const struct space_map_check *s, enum block_kind kind, uint64_t block,
		       enum finding_id id, uint64_t expected, uint64_t found,
		       const struct affected *where);

/* The blocks that bitmap number i tells of. */
struct affected space_map_bitmap_range(const struct space_map_check *s, uint64_t i);

/*
 * Compare a good bitmap, read from block, with the counts that are expected, and fill its tally.
 * 0 or -ENOMEM.
 */
must_check int space_map_judge_bitmap(struct space_map_check *s, uint64_t block, const void *raw);

#endif
