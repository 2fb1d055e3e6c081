/* SPDX-License-Identifier: MIT
 * pool_lineage.h: with which device of a lineage each data block came in.
 *
 * A snapshot maps all that its origin had.  So a data block is put down to the nearest device from
 * which all that map it descend, itself included: where nothing was taken away from the devices in
 * between, to the one that wrote it.  Every block is put down to one device, or to none where those
 * that map it have no ancestor in common.  What is put down to a device and all its descendants is
 * what comes back when all of them go.
 */
#ifndef THINMEND_POOL_POOL_LINEAGE_H
#define THINMEND_POOL_POOL_LINEAGE_H

#include "common/pool/pool_state.h"

#define NO_PARENT UINT32_MAX

struct pool_lineage_totals {
	uint64_t nr_mapped; /* the sum of all, and of: */
	uint64_t nr_apart;  /* what devices without a common ancestor map */
};

/*
 * parent_of[i] is the number in s->devices of the parent of device i, or NO_PARENT; nobody is their
 * own ancestor.  ret_blocks and ret_with have room for s->nr_devices counts: of what came with
 * each, and of that and what came with its descendants.  Cost and memory as pool_sets_count(), and
 * a logarithm of the depth where a block came to several branches on different ways.  0, -EINVAL
 * (the parents are no forest) or -ENOMEM.
 */
must_check int pool_lineage_count(const struct pool_state *s, const uint32_t *parent_of,
				  uint64_t *ret_blocks, uint64_t *ret_with,
				  struct pool_lineage_totals *ret_totals);

#endif
