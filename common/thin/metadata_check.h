/* SPDX-License-Identifier: MIT
 * metadata_check.h: verify a pool's metadata completely.
 *
 * Every block that the superblock leads to is read once, in disk order, level by level; data blocks
 * and metadata blocks are counted as they are met and compared with both space maps at the end.
 * Damage is reported as findings and the walk goes on with what can be reached.
 */
#ifndef THINMEND_THIN_METADATA_CHECK_H
#define THINMEND_THIN_METADATA_CHECK_H

#include "common/base/progress.h"
#include "common/base/report.h"
#include "common/io/block_io.h"
#include "common/thin/superblock.h"

struct check_options {
	bool superblock_only; /* nothing but block 0 */
	bool skip_mappings;   /* devices, but neither mapping trees nor space maps */
	bool skip_space_maps; /* the trees alone */
	bool metadata_snap;   /* the trees of the metadata snapshot, and no space map */
	bool override_mapping_root, override_details_root;
	uint64_t mapping_root, details_root; /* metadata blocks, where overridden */
	bool collect_leaks;
};

/* Blocks with a count that nobody uses. */
struct leak {
	bool metadata;       /* of the metadata space map; else of the data space map */
	uint64_t begin, end; /* blocks [begin, end) */
	uint64_t found;      /* the count they have */
};

struct check_result {
	bool has_superblock; /* its checksum is right, and sb holds it */
	struct superblock sb;
	bool snapshot_lost; /* there is a metadata snapshot, and its superblock cannot be used */
	bool space_maps_checked;
	uint64_t nr_devices;
	uint64_t nr_mappings;          /* of all devices, shared ones counted for each */
	uint64_t metadata_blocks;      /* in the metadata space map, at most what the device has */
	uint64_t free_metadata_blocks; /* counted, or without space maps what the superblock says */
	uint64_t data_blocks, used_data_blocks;
	struct leak *leaks; /* owned: check_result_destroy(); with collect_leaks only */
	size_t nr_leaks, leaks_capacity;
};

/*
 * Check the metadata behind e.  Findings go to report, figures to *ret_result (all zero at first,
 * also usable when this fails).  progress may be NULL.  Returns 0, however damaged the metadata is;
 * -ENODATA when metadata_snap is asked for and there is none; else -errno of our own (memory, the
 * engine).  Reads only.
 */
must_check int metadata_check(struct block_engine *e, const struct check_options *options,
			      struct report *report, struct progress *progress,
			      struct check_result *ret_result);

void check_result_destroy(struct check_result *result);

#endif
