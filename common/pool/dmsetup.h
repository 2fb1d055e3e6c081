/* SPDX-License-Identifier: MIT
 * dmsetup.h: what `dmsetup status` and `dmsetup table` say of thin pools and thin devices.
 *
 * (Linux: drivers/md/dm-thin.c, pool_status() and thin_status().)  The text may come from another
 * host or from a file, so nothing in it is believed: what does not have its form is refused.
 */
#ifndef THINMEND_POOL_DMSETUP_H
#define THINMEND_POOL_DMSETUP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/base/compiler.h"

#define DMSETUP_MAX_NAME 127u /* bytes of a name, as the kernel takes it */

/* Why a line is not what it should be, in one line of text without its number. */
struct dmsetup_fault {
	char text[200];
};

enum pool_health {
	POOL_IS_WELL,     /* there are figures */
	POOL_IS_FAILED,   /* "Fail": the kernel gave the pool up */
	POOL_IS_IN_ERROR, /* "Error": it could not even say how the pool is */
};

enum pool_mode { POOL_MODE_RW, POOL_MODE_RO, POOL_MODE_OUT_OF_DATA_SPACE };

enum pool_discard { POOL_DISCARD_PASSDOWN, POOL_DISCARD_NO_PASSDOWN, POOL_DISCARD_IGNORE };

struct pool_status {
	char name[DMSETUP_MAX_NAME + 1]; /* "" where the line has none */
	uint64_t begin, length;          /* sectors */
	enum pool_health health;         /* unless POOL_IS_WELL, all below is 0 */
	uint64_t transaction_id;
	/*
	 * Blocks of 4096 bytes.  A tenth of them, at most 4096, which the kernel keeps for itself,
	 * counts as used; the metadata's own space map does not say so.
	 */
	uint64_t used_metadata, total_metadata;
	uint64_t used_data, total_data; /* data blocks */
	uint64_t held_root;             /* metadata block; 0: no metadata snapshot */
	enum pool_mode mode;
	enum pool_discard discard;
	bool error_if_no_space; /* else writes wait */
	bool has_needs_check;   /* kernels before 4.3 do not tell */
	bool needs_check;
	bool has_low_water;          /* kernels before 4.20 do not tell */
	uint64_t metadata_low_water; /* metadata blocks */
};

/*
 * One line of `dmsetup status`, with or without its newline.  0; -ENOENT: it is of another target,
 * or empty; -EINVAL: it is not such a line, and *ret_fault says why.
 */
must_check int pool_status_parse(const char *line, size_t bytes, struct pool_status *ret_status,
				 struct dmsetup_fault *ret_fault);

enum dm_target_kind { DM_THIN_POOL, DM_THIN };

struct dm_thin_pool {
	char *metadata, *data;    /* owned: "MAJOR:MINOR" or a path */
	uint32_t data_block_size; /* sectors */
	uint64_t low_water;       /* data blocks */
	bool skip_block_zeroing, read_only, error_if_no_space;
	enum pool_discard discard;
	unsigned int nr_unknown_features; /* words that this program does not know */
};

struct dm_thin {
	char *pool; /* owned: "MAJOR:MINOR" or a path */
	uint64_t device_id;
	char *external_origin; /* owned; NULL: none */
};

struct dm_target {
	char name[DMSETUP_MAX_NAME + 1]; /* "" where the line has none */
	uint64_t line;                   /* from 1 */
	uint64_t begin, length;          /* sectors */
	enum dm_target_kind kind;
	union {
		struct dm_thin_pool thin_pool;
		struct dm_thin thin;
	};
};

#define POOL_TABLE_MAX_FAULTS 100u /* that are kept; all are counted */

struct pool_table_fault {
	uint64_t line; /* from 1 */
	struct dmsetup_fault fault;
};

struct pool_table {
	struct dm_target *targets; /* owned, in the order of their lines */
	size_t nr_targets, capacity;
	struct pool_table_fault *faults; /* owned */
	size_t nr_faults_kept, faults_capacity;
	uint64_t nr_faults;
	uint64_t nr_others; /* lines of other targets */
};

/*
 * All of `dmsetup table`: one line or many.  Lines of other targets are counted, and not looked at
 * any closer.  0, also where lines are at fault; -ENOMEM.  *ret_table may be destroyed whatever is
 * returned.
 */
must_check int pool_table_parse(const char *text, size_t bytes, struct pool_table *ret_table);
void pool_table_destroy(struct pool_table *t);

#endif
