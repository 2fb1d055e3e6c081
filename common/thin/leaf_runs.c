/* SPDX-License-Identifier: MIT */
#include "common/thin/leaf_runs.h"

#include <errno.h>

#include "common/base/alloc.h"

/* What stands for a neighbour besides a block, which is never 0. */
#define UNKNOWN 0u
#define NOBODY UINT32_MAX          /* begins or ends a sequence */
#define DIFFERENT (UINT32_MAX - 1) /* not always the same */

int leaf_runs_init(struct leaf_runs *r, uint64_t nr_blocks)
{
	*r = (struct leaf_runs){ .nr_blocks = nr_blocks };
	r->before = alloc_array(nr_blocks, sizeof(*r->before));
	r->after = alloc_array(nr_blocks, sizeof(*r->after));
	r->seen = alloc_array(nr_blocks, sizeof(*r->seen));
	return r->before && r->after && r->seen ? 0 : -ENOMEM;
}

void leaf_runs_destroy(struct leaf_runs *r)
{
	alloc_free(r->before);
	alloc_free(r->after);
	alloc_free(r->seen);
	*r = (struct leaf_runs){ 0 };
}

static void meet(uint32_t *neighbour, uint32_t other)
{
	if (*neighbour == UNKNOWN)
		*neighbour = other;
	else if (*neighbour != other)
		*neighbour = DIFFERENT;
}

void leaf_runs_add(struct leaf_runs *r, uint64_t leaf)
{
	if (r->seen[leaf] < 2)
		r->seen[leaf]++;
	meet(&r->before[leaf], r->in_sequence ? (uint32_t)r->last : NOBODY);
	if (r->in_sequence)
		meet(&r->after[r->last], (uint32_t)leaf);
	r->last = leaf;
	r->in_sequence = true;
}

void leaf_runs_end(struct leaf_runs *r)
{
	if (r->in_sequence)
		meet(&r->after[r->last], NOBODY);
	r->in_sequence = false;
}

bool leaf_runs_is_shared(const struct leaf_runs *r, uint64_t leaf)
{
	return r->seen[leaf] > 1;
}

/* Two leaves are neighbours in a run when each is the only one that the other meets there. */
bool leaf_runs_is_first(const struct leaf_runs *r, uint64_t leaf)
{
	uint32_t before = r->before[leaf];

	return before == NOBODY || before == DIFFERENT || r->after[before] != leaf;
}

uint64_t leaf_runs_next(const struct leaf_runs *r, uint64_t leaf)
{
	uint32_t after = r->after[leaf];

	if (after == UNKNOWN || after == NOBODY || after == DIFFERENT || r->before[after] != leaf)
		return 0;
	return after;
}
