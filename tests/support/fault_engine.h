/* SPDX-License-Identifier: MIT
 * fault_engine.h: an engine that fails when a test says so.
 *
 * It keeps what is submitted, carries it out as late as a device may, when it is reaped, and gives
 * the latest back first: buffers that are freed too early, and code that counts on an order, are
 * noticed.
 */
#ifndef THINMEND_TESTS_FAULT_ENGINE_H
#define THINMEND_TESTS_FAULT_ENGINE_H

#include "common/io/block_io.h"

#define FAULT_NEVER UINT64_MAX

/* The test's, and may be changed at any time.  Calls are counted from 0. */
struct faults {
	uint64_t submit_at; /* from this call on submit() fails */
	uint64_t result_at; /* the request of this submission has a result that is not 0 */
	uint64_t bad_block; /* and so has each with this block */
	bool flush;         /* flush() fails */
	int error;          /* which -errno all of these give */

	uint64_t nr_submits, nr_flushes;
	unsigned int nr_under_way, most_under_way;
};

/* None. */
struct faults faults_none(int error);

/* inner and faults stay the test's.  Aborts it where there is no memory. */
struct block_engine *fault_engine_create(struct block_engine *inner, struct faults *faults);

#endif
