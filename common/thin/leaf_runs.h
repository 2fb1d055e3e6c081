/* SPDX-License-Identifier: MIT
 * leaf_runs.h: which leaves do several devices share?
 *
 * Each device's mapping tree is a sequence of leaves.  A run is a longest piece of such sequences
 * whose leaves always occur together and in this order; it is shared when it occurs more than once.
 * The run's name is the block of its first leaf.  9 bytes a metadata block.
 */
#ifndef THINMEND_THIN_LEAF_RUNS_H
#define THINMEND_THIN_LEAF_RUNS_H

#include <stdbool.h>
#include <stdint.h>

#include "common/base/compiler.h"

struct leaf_runs {
	uint64_t nr_blocks;
	uint32_t *before, *after; /* owned: a leaf's only neighbour, as leaf_runs.c encodes it */
	uint8_t *seen;            /* owned: occurs 0 times, once, or more often (2) */
	uint64_t last;            /* of the sequence that is being added */
	bool in_sequence;
};

/* nr_blocks is below 2^32 - 2.  0 or -ENOMEM. */
must_check int leaf_runs_init(struct leaf_runs *r, uint64_t nr_blocks);
void leaf_runs_destroy(struct leaf_runs *r);

/* One sequence: its leaves in order, all below nr_blocks, then its end. */
void leaf_runs_add(struct leaf_runs *r, uint64_t leaf);
void leaf_runs_end(struct leaf_runs *r);

/* Once all sequences were added: */
bool leaf_runs_is_shared(const struct leaf_runs *r, uint64_t leaf);
bool leaf_runs_is_first(const struct leaf_runs *r, uint64_t leaf);
/* The next leaf of the run, or 0: there is none (block 0 is never a leaf). */
uint64_t leaf_runs_next(const struct leaf_runs *r, uint64_t leaf);

#endif
