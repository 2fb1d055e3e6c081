/* SPDX-License-Identifier: MIT
 * reclaim.h: data blocks that come back when several sets go together, as a command of Docker's
 * makes them go.
 */
#ifndef DOCKER_META_ANSWERS_RECLAIM_H
#define DOCKER_META_ANSWERS_RECLAIM_H

#include "docker_meta/view.h"

enum reclaim_kind {
	RECLAIM_STOPPED,  /* docker container prune: all containers that do not run */
	RECLAIM_DANGLING, /* docker image prune: images without name, child and container */
	RECLAIM_IMAGES,   /* docker image prune -a: images that no container is of */
	RECLAIM_BUILDS,   /* docker builder prune -a, as far as images do not need it */
	RECLAIM_UNUSED,   /* layers that nobody needs, or that are being removed */
	RECLAIM_ORPHANS,  /* plan: devices that nobody refers to */
	NR_RECLAIM_KINDS
};

struct reclaim {
	uint64_t blocks[NR_RECLAIM_KINDS];
	size_t nr[NR_RECLAIM_KINDS]; /* containers, images; devices of the others */
};

/* Each by itself: together they may give back more.  Two passes.  0 or -ENOMEM. */
must_check int reclaim_count(const struct meta_view *v, struct reclaim *ret_reclaim);

#endif
