/* SPDX-License-Identifier: MIT
 * pool_state.h: what a pool's metadata say about each thin device.
 *
 * One pass fills it; whatever is asked of it later (pool_sets.h) needs no more reading, so that an
 * active pool is seen at one moment.  Memory: about 5 bytes for each run of mappings, those that
 * devices share counted once; 4 bytes each time a device refers to shared ones; 120 bytes a device.
 */
#ifndef THINMEND_POOL_POOL_STATE_H
#define THINMEND_POOL_POOL_STATE_H

#include "common/pool/data_runs.h"
#include "common/pool/pool_source.h"

/* Where the data runs of a def or of a device stand: bytes [begin, end). */
struct pool_span {
	size_t begin, end;
};

struct pool_device {
	uint64_t id;
	struct device_details details;
	/*
	 * False where damage kept its mappings from being read: then all below is 0.  What it
	 * shares with other devices nobody knows: their nr_exclusive may be too high.
	 */
	bool complete;
	uint64_t nr_mapped;      /* blocks, counted */
	uint64_t nr_thin_blocks; /* the highest mapped thin block and 1; 0: nothing is mapped */
	uint64_t nr_exclusive;   /* data blocks that no other device maps */
	bool has_first;          /* thin block 0 is mapped, to: */
	uint64_t first_block;    /* data block */
	uint32_t newest_time;    /* of its mappings */
	struct pool_span runs;   /* its own mappings; the shared ones: */
	size_t refs_begin, refs_end;
};

struct pool_def {
	struct pool_span runs;
	uint64_t nr_mapped, nr_thin_blocks;
	uint32_t newest_time;
	bool has_first;
	uint64_t first_block;
};

struct pool_state {
	struct pool_header header;
	struct pool_reading reading;
	bool from_snapshot; /* of the pool's metadata snapshot, not of the pool itself */
	bool incomplete;    /* damage: some devices are not complete; fault tells of it */
	struct pool_fault fault;
	uint64_t nr_mapped;          /* mappings of all devices, shared ones counted for each */
	uint64_t data_blocks_mapped; /* data blocks that some device maps */
	uint64_t data_blocks_used;   /* raw: those with a count in the space map; XML: as mapped */
	uint64_t data_end;           /* the highest mapped data block and 1 */
	uint64_t nr_data_blocks;     /* as the header says; at least data_end */
	struct pool_device *devices; /* owned, by ascending id */
	size_t nr_devices, devices_capacity;
	/* What several devices share, and who does: for pool_sets.c. */
	struct data_runs runs; /* owned */
	struct pool_def *defs; /* owned */
	size_t nr_defs, defs_capacity;
	uint32_t *refs; /* owned: numbers of defs */
	size_t nr_refs, refs_capacity;
};

/*
 * Read everything there is.  0; damage in raw metadata that leaves at least the list of devices is
 * no failure: *ret_state is incomplete then.  Else *ret_fault is filled and the -errno is that of
 * pool_source_run().  progress may be NULL.  All of *ret_state is valid whatever is returned;
 * ret_state->reading tells whether it is torn.
 */
must_check int pool_state_read(struct pool_source *s, struct progress *progress,
			       struct pool_state *ret_state, struct pool_fault *ret_fault);
void pool_state_destroy(struct pool_state *s);

/* The device of this id, or NULL.  O(log n). */
must_check const struct pool_device *pool_state_find(const struct pool_state *s, uint64_t id);

#endif
