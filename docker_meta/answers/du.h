/* SPDX-License-Identifier: MIT
 * du.h: what uses the pool.  Included by docker_meta/answers/ and docker_meta/say/
 * alone.
 */
#ifndef DOCKER_META_ANSWERS_DU_H
#define DOCKER_META_ANSWERS_DU_H

#include "docker_meta/view.h"

enum { DU_NAME = 35 }; /* columns */

/* In data blocks.  used is mapped and unmapped; mapped is exclusive (of all sets) and between. */
struct du_totals {
	uint64_t total, used, mapped, unmapped, free;
	uint64_t exclusive, between;
	bool space_map; /* unmapped is known */
};

/* There must be a pool. */
struct du_totals du_totals(const struct meta_view *v);

/* A set, and the data blocks that came in with its devices (descent.h). */
struct du_set {
	const struct device_set *set;
	uint64_t nr_added;
};

struct du {
	struct du_set *sets; /* owned: as device_sets has them */
	size_t nr;
	uint64_t nr_apart; /* came in with none: with sets[…].nr_added these are all that is mapped
			    */
};

/* 0 or -ENOMEM; to be destroyed in any case. */
must_check int du_make(const struct meta_view *v, struct du *ret_du);
void du_destroy(struct du *d);

/* It can be removed, and is no more than that. */
bool du_goes_alone(const struct device_set *set);

#endif
