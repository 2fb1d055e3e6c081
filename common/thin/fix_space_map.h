/* SPDX-License-Identifier: MIT
 * fix_space_map.h: one space map while it is mended.  Included by common/thin/fix_*.c and
 * metadata_fix.c alone.
 */
#ifndef THINMEND_THIN_FIX_SPACE_MAP_H
#define THINMEND_THIN_FIX_SPACE_MAP_H

#include "common/pdata/btree_build.h"
#include "common/thin/fix_blocks.h"
#include "common/thin/metadata_check.h"

struct fix_map {
	struct space_map_root root;
	bool is_metadata;
	uint64_t nr_bitmaps;
	struct fix_blocks blocks; /* its index, then bitmaps: those that change, or all of the
				     metadata's */
	struct index_place {
		size_t holder, offset; /* where a bitmap's index entry stands, in blocks */
	} * places;                    /* owned, by bitmap */
	size_t nr_index_blocks;
	const struct leak *leaks; /* borrowed: those of this map, ascending */
	size_t nr_leaks;
	uint64_t nr_freed;
};

/* Read the index.  root and leaks are filled.  0, -EUCLEAN when it is not as it was checked. */
must_check int fix_map_load(struct fix_map *m, struct block_engine *e);
void fix_map_destroy(struct fix_map *m);

/*
 * Clear what leaked and what lies behind the end in every bitmap, and hold those that changed, or
 * all where keep_all.  Leaks whose counts stand in the tree are only cleared with_overflowed.
 */
must_check int fix_map_mend(struct fix_map *m, bool keep_all, bool with_overflowed);

/* The entry of the index for a held bitmap becomes what the bitmap says. */
void fix_map_count(struct fix_map *m, uint64_t bitmap, const struct disk_bitmap *raw);

/* nr_allocated becomes what the index says. */
void fix_map_total(struct fix_map *m);

/* Did blocks leak whose counts stand in the reference count tree? */
bool fix_map_has_overflowed_leaks(const struct fix_map *m);

/*
 * Build the reference count tree anew without those.  The blocks of the old one are given to
 * release(), which returns 0 or -errno.
 */
typedef int (*release_fn)(void *context, uint64_t block);
must_check int fix_map_rebuild_counts(struct fix_map *m, struct block_sink *sink,
				      release_fn release, void *context);

#endif
