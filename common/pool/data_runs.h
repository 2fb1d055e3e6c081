/* SPDX-License-Identifier: MIT
 * data_runs.h: which data blocks a sequence of mappings leads to, kept small.
 *
 * Runs are stored as differences, 2 to 14 bytes each: of a pool that is scattered over 10 million
 * data blocks about 5.  Thin blocks and times are not kept.
 */
#ifndef THINMEND_POOL_DATA_RUNS_H
#define THINMEND_POOL_DATA_RUNS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/base/compiler.h"

/* All zero bytes is an empty one. */
struct data_runs {
	uint8_t *bytes; /* owned */
	size_t used, capacity;
	uint64_t last_end; /* data block behind the last run of the sequence */
};

void data_runs_destroy(struct data_runs *r);

/* What follows is another sequence: its bytes begin at `used`. */
void data_runs_begin(struct data_runs *r);

/* Data blocks [begin, begin + length), below 2^60, length at least 1.  0 or -ENOMEM. */
must_check int data_runs_add(struct data_runs *r, uint64_t begin, uint64_t length);

/* The runs of one sequence, in the order they were added. */
struct data_runs_cursor {
	const uint8_t *at, *end;
	uint64_t last_end;
};

/* Bytes [begin, end) of r, which must hold one whole sequence. */
struct data_runs_cursor data_runs_read(const struct data_runs *r, size_t begin, size_t end);
must_check bool data_runs_next(struct data_runs_cursor *c, uint64_t *ret_begin,
			       uint64_t *ret_length);

#endif
