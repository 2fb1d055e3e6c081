/* SPDX-License-Identifier: MIT
 * verify.h: what was salvaged must not contradict itself.
 */
#ifndef THINMEND_TOOL_VERIFY_H
#define THINMEND_TOOL_VERIFY_H

#include "common/io/block_io.h"
#include "common/thin/salvage.h"
#include "common/tool/tool.h"

struct contradictions {
	bool any;
	uint64_t *exposing; /* owned, ids: devices that would overwrite what others have too */
	size_t nr_exposing;
};

/*
 * Check all trees behind e, whose space maps are only judged when that is asked for.  0 or -errno,
 * -EIO where a block could not be read; *ret is to be destroyed in any case.
 */
must_check int contradictions_find(struct block_engine *e, bool space_maps,
				   struct contradictions *ret);
/*
 * Are those that expose others all that is wrong, so that only their snapshotted_time is?  Else
 * something else of them may not be current.
 */
bool contradictions_are_times(const struct contradictions *c, const struct salvage_result *result);
void contradictions_destroy(struct contradictions *c);

/*
 * The end of a salvage: r is what contradictions_find() gave.  STATUS_OK, or STATUS_BAD after
 * saying what is wrong with it; name is the file's.
 */
must_check int contradictions_tell(const struct tool *tool, const struct contradictions *c, int r,
				   const char *name, bool quiet);

#endif
