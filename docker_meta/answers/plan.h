/* SPDX-License-Identifier: MIT
 * plan.h: what mends each finding, as a shell script of which every line is a comment.
 *
 * The commands are for a human to uncomment: "# " in front of one is to be taken away, "## " is
 * prose.  Each that changes something goes through the functions at the head of the script, which
 * check that Docker is stopped, that the pool is at the same transaction and that a device is the
 * same: without them it does nothing.
 */
#ifndef DOCKER_META_ANSWERS_PLAN_H
#define DOCKER_META_ANSWERS_PLAN_H

#include <stdio.h>

#include "docker_meta/answers/pool_kind.h"
#include "docker_meta/answers/steps.h"

struct mend_plan {
	struct mend_steps steps; /* by phase, and within it worst first */
	struct mend_pool pool;
	struct repair_hints hints;
	const char *no_deletions; /* why nothing is deleted at all: a constant; NULL: it may be */
};

/* 0 or -ENOMEM; to be destroyed in any case.  Cost: as the findings, and sorting them. */
must_check int mend_plan_make(const struct meta_view *v, struct mend_plan *ret_plan);
void mend_plan_destroy(struct mend_plan *p);

/* The command `plan`: 0, -ENOMEM or -EIO; *status is that of the findings. */
must_check int mend_plan_text(const struct meta_view *v, FILE *out, int *status);
must_check int mend_plan_json(const struct meta_view *v, FILE *out, int *status);

#endif
