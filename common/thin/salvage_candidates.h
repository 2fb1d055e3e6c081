/* SPDX-License-Identifier: MIT
 * salvage_candidates.h: the pairs of roots that are left on a device, of the last commit and of
 * earlier ones.
 */
#ifndef THINMEND_THIN_SALVAGE_CANDIDATES_H
#define THINMEND_THIN_SALVAGE_CANDIDATES_H

#include "common/thin/salvage.h"

#define MAX_CANDIDATES 10000u

/*
 * A whole top-level mapping tree, and a whole details tree that says the same of its devices. Those
 * that the superblock leads to are listed whatever they say.
 */
struct candidate {
	uint64_t mapping_root, details_root; /* metadata blocks */
	uint64_t transaction_id;             /* at least: when its newest device was made */
	uint32_t time;                       /* at least: of its latest snapshot */
	uint64_t nr_devices, nr_mappings;
	uint64_t nr_outdated; /* mappings in leaves that the last commit does not count any more */
	uint64_t nr_reused; /* mappings whose data block is another one's now; UINT64_MAX: not known
			     */
	bool current;       /* the superblock leads to it */
	bool damaged;       /* its devices have not as many mappings as their details say */
};

struct candidate_list {
	struct candidate *items; /* owned; the current one first, then the newest */
	size_t nr, capacity;
	uint64_t nr_left_out;   /* beyond MAX_CANDIDATES */
	uint64_t nr_unreadable; /* blocks that the device did not give: pairs may be missing */
};

/* Reads the whole device.  0; -EUCLEAN with ret_fault filled; or -errno.  *ret_list is to be
 * destroyed in any case. */
must_check int salvage_find_candidates(struct block_engine *e, struct candidate_list *ret_list,
				       struct salvage_fault *ret_fault);
void candidate_list_destroy(struct candidate_list *list);

#endif
