/* SPDX-License-Identifier: MIT
 * metadata_visitor.h: a pool's metadata as a sequence of calls, whatever it comes from and goes to.
 *
 *	superblock (def map* def_end)* (device (map | ref)* device_end)* superblock_end
 *
 * A def is a run of mappings that several devices share; a ref stands for all of its mappings.
 * Devices come by ascending id, mappings by ascending thin block.
 */
#ifndef THINMEND_THIN_METADATA_VISITOR_H
#define THINMEND_THIN_METADATA_VISITOR_H

#include <stdbool.h>
#include <stdint.h>

#include "common/thin/device_details.h"

struct pool_header {
	uint32_t time;
	uint64_t transaction_id;
	bool needs_check;
	uint32_t version;
	uint32_t data_block_size; /* sectors */
	uint64_t nr_data_blocks;
};

struct mapping_run {
	uint64_t thin_begin; /* thin blocks */
	uint64_t data_begin; /* data blocks */
	uint64_t length;     /* of both, at least 1 */
	uint32_t time;
};

/* Every call returns 0 or -errno, which ends the sequence at once. */
struct metadata_visitor {
	int (*superblock)(struct metadata_visitor *v, const struct pool_header *header);
	int (*superblock_end)(struct metadata_visitor *v);
	int (*def)(struct metadata_visitor *v, uint64_t name);
	int (*def_end)(struct metadata_visitor *v);
	int (*device)(struct metadata_visitor *v, uint64_t id,
		      const struct device_details *details);
	int (*device_end)(struct metadata_visitor *v);
	int (*map)(struct metadata_visitor *v, const struct mapping_run *run);
	int (*ref)(struct metadata_visitor *v, uint64_t name);
};

#endif
