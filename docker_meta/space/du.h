/* SPDX-License-Identifier: MIT
 * du.h: what uses the pool.  Included by docker_meta/space/ alone.
 */
#ifndef DOCKER_META_SPACE_DU_H
#define DOCKER_META_SPACE_DU_H

#include "docker_meta/view.h"

enum { DU_NAME = 42 }; /* columns */

/* In data blocks.  used is mapped and unmapped; mapped is exclusive (of all sets) and between. */
struct du_totals {
	uint64_t total, used, mapped, unmapped, free;
	uint64_t exclusive, between;
	bool space_map; /* unmapped is known */
};

/* There must be a pool. */
struct du_totals du_totals(const struct meta_view *v);

/* Sets by bytes, most first, but for steps of builds; the array is the caller's.  0 or -ENOMEM. */
must_check int du_sort(const struct device_sets *s, const struct device_set ***ret_sets,
		       size_t *ret_nr);

/* It can be removed, and is no more than that. */
bool du_goes_alone(const struct device_set *set);

#endif
