/* SPDX-License-Identifier: MIT
 * metadata_fix.h: the two things that are mended in place.
 *
 * Both work as the kernel's own commits do: what changes is written to free blocks, everything is
 * flushed, then one sector, the superblock, makes it so, and is flushed.  Whoever pulls the plug in
 * between has either the old metadata or the new.
 *
 * A pool without free metadata blocks leaves no room for that.  Then bitmaps are written where they
 * stand, then indexes, then the superblock, with a flush after each: whatever is on disk in between
 * counts too few blocks as free, which is what was wrong before, and can be mended again.  Leaks
 * with counts of three and more, which stand in a tree, stay then.  Only a disk that tears a write
 * of 4096 bytes apart could leave a block that then needs thin_repair, which builds space maps
 * anew: mappings are never at risk.
 */
#ifndef THINMEND_THIN_METADATA_FIX_H
#define THINMEND_THIN_METADATA_FIX_H

#include "common/thin/metadata_check.h"

struct fix_result {
	uint64_t nr_freed; /* leaked blocks of both space maps */
	bool in_place;     /* there was no room */
};

/*
 * Free leaked blocks, and count anew what the indexes and the superblock say of free space.  Only
 * for metadata that was just checked and has no fatal finding.  leaks may come in any order, and
 * are sorted.  0, or -errno of the engine.
 */
must_check int metadata_fix_space_maps(struct block_engine *e, struct leak *leaks, size_t nr_leaks,
				       struct fix_result *ret);

/* Clear needs_check and change nothing else in the superblock.  0 or -errno. */
must_check int metadata_clear_needs_check(struct block_engine *e);

#endif
