/* SPDX-License-Identifier: MIT
 * space_map_build.h: space maps from counts.
 */
#ifndef THINMEND_PDATA_SPACE_MAP_BUILD_H
#define THINMEND_PDATA_SPACE_MAP_BUILD_H

#include "common/pdata/btree_build.h"
#include "common/pdata/ref_counts.h"
#include "common/pdata/space_map.h"

/*
 * Write the data space map of nr_blocks blocks, at most counts->nr_blocks, whose roots get their
 * reference.  0 or -errno of the sink, -ENOMEM.
 */
must_check int space_map_write_data(struct block_sink *sink, const struct ref_counts *counts,
				    uint64_t nr_blocks, struct space_map_root *ret_root);

/*
 * Write the metadata space map, the last that takes metadata blocks: counts must have all others by
 * now, and gets those of the space map itself through sink->refer.  The sink has to hand out
 * neighbouring blocks.
 */
must_check int space_map_write_metadata(struct block_sink *sink, const struct ref_counts *counts,
					uint64_t nr_blocks, struct space_map_root *ret_root);

/* How many metadata blocks each of them will take; nr_above_two as ref_counts has it. */
uint64_t space_map_data_size(uint64_t nr_blocks, uint64_t nr_above_two);
uint64_t space_map_metadata_size(uint64_t nr_blocks, uint64_t nr_above_two);

#endif
