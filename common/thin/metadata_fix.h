/* SPDX-License-Identifier: MIT
 * metadata_fix.h: the two things that are mended in place.
 *
 * Both work as the kernel's own commits do: what changes is written to free blocks, everything is
 * flushed, then one sector, the superblock, makes it so, and is flushed.  Whoever pulls the plug in
 * between has either the old metadata or the new.
 */
#ifndef THINMEND_THIN_METADATA_FIX_H
#define THINMEND_THIN_METADATA_FIX_H

#include "common/thin/metadata_check.h"

/*
 * Free leaked blocks.  Only for metadata that was just checked and has no fatal finding.  Leaks
 * with a count of three or more stay: their counts stand in a tree.  *ret_nr_freed is the number of
 * blocks. 0, -ENOSPC when there is no free metadata block to write to, or -errno of the engine.
 */
must_check int metadata_fix_leaks(struct block_engine *e, const struct leak *leaks, size_t nr_leaks,
				  uint64_t *ret_nr_freed);

/* Clear needs_check and change nothing else in the superblock.  0 or -errno. */
must_check int metadata_clear_needs_check(struct block_engine *e);

#endif
