/* SPDX-License-Identifier: MIT
 * check_internal.h: what the parts of the check share.  Included by common/thin/check_*.c alone.
 */
#ifndef THINMEND_THIN_CHECK_INTERNAL_H
#define THINMEND_THIN_CHECK_INTERNAL_H

#include "common/pdata/node_table.h"
#include "common/thin/device_details.h"
#include "common/thin/metadata_check.h"

struct check_device {
	uint64_t id;
	struct device_details details;
	uint64_t root; /* metadata block */
	bool has_details, has_root;
	uint64_t details_block, root_block; /* the leaves that hold them */
	int64_t node;                       /* of the root in the node table, or -1 */
};

struct device_set {
	bool snapshot;                /* of the metadata snapshot, not the live ones */
	struct check_device *devices; /* by ascending id, each id once */
	size_t nr, capacity;
	int64_t details_node, top_level_node; /* the roots of the two trees, or -1 */
	bool complete;                        /* both trees could be read completely */
};

struct check {
	const struct check_options *options;
	struct block_engine *engine;
	struct report *report;
	struct progress *progress;
	struct check_result *result;
	struct block_reader *reader;
	struct node_table table;
	struct superblock sb;   /* with roots overridden */
	struct superblock snap; /* of the metadata snapshot */
	bool has_snap;
	bool snap_lost; /* there is one, and it cannot be read */
	struct device_set live, held;
	struct bitset new_roots;  /* of mapping trees that were not read yet */
	uint64_t nr_data_blocks;  /* mappings must lie below it */
	uint64_t max_thin_blocks; /* no device has more */
	uint32_t now;             /* the time of the pool, or of the metadata snapshot */
	struct ref_counts data;
};

/* Reads block 0 and judges it.  *ret_usable: its checksum is right. */
must_check int check_superblock(struct check *c, bool *ret_usable);
/* Reads the metadata snapshot's superblock, where there is one. */
must_check int check_snapshot_superblock(struct check *c);

/* Reads the details tree and the top-level mapping tree of sb into set. */
must_check int check_read_devices(struct check *c, const struct superblock *sb, bool snapshot,
				  struct device_set *set);
/* Compares the two, and the details with the superblock. */
void check_devices(struct check *c, const struct superblock *sb, const struct device_set *set);

/* Reads the mapping trees of the set and counts their data blocks. */
must_check int check_mappings(struct check *c, struct device_set *set, bool live);
/* Compares each device's details with what was counted. */
void check_mapped_blocks(struct check *c, const struct device_set *set);

/* Data blocks that the kernel would overwrite although they are used elsewhere. */
must_check int check_sharing(struct check *c);

/*
 * The space maps in two steps: which blocks they are made of, before the metadata snapshot is
 * followed, whose wrong pointers must not claim these; and what they count, when all is counted.
 * *ret_maps is to be destroyed in any case.
 */
struct space_maps_check;
must_check int check_read_space_maps(struct check *c, struct space_maps_check **ret_maps);
must_check int check_space_maps(struct check *c, struct space_maps_check *maps);
void check_destroy_space_maps(struct space_maps_check *maps);

/* Makes findings of all faults in the node table. */
must_check int check_report_faults(struct check *c);

/* The same finding was made for the live trees: both share this leaf of the details or top level.
 */
bool check_is_shared(const struct check *c, const struct device_set *set,
		     const struct check_device *d);

/* The name of a tree, which tells those of the metadata snapshot from the live ones. */
const char *check_tree_name(const struct device_set *set, enum block_kind kind);

/* A finding about a whole block or about a field of it. */
void check_block_finding(struct check *c, enum block_kind kind, uint64_t block, enum finding_id id,
			 uint64_t expected, uint64_t found, const struct affected *affected);

#endif
