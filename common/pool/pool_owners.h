/* SPDX-License-Identifier: MIT
 * pool_owners.h: whose each data block is, by sets of devices.  Included by common/pool/
 * alone.
 */
#ifndef THINMEND_POOL_POOL_OWNERS_H
#define THINMEND_POOL_POOL_OWNERS_H

#include "common/pool/block_owners.h"
#include "common/pool/pool_sets.h"

/* As an owner: devices without a set are one of their own, which comes first. */
#define OWNER_NO_SET OWNER_FIRST
#define OWNER_SET_0 (OWNER_FIRST + 1)

static inline uint32_t owner_of_set(uint32_t set)
{
	return set == NO_SET ? OWNER_NO_SET : OWNER_SET_0 + set;
}

/* What device i maps is owner_by[i]'s, too, for all of them.  0 or -ENOMEM. */
must_check int pool_owners_mark(const struct pool_state *s, const uint32_t *owner_by,
				struct block_owners *owners);

/* As pool_sets_count().  *owners may be destroyed whatever is returned. */
must_check int pool_owners_make(const struct pool_state *s, const uint32_t *set_of,
				uint32_t nr_sets, struct block_owners *owners);

#endif
