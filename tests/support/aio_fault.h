/* SPDX-License-Identifier: MIT
 * aio_fault.h: libaio that fails when a test says so.  Unit tests are linked so that the calls of
 * aio_engine.c go through here (Makefile: WRAPPED).
 */
#ifndef THINMEND_TESTS_AIO_FAULT_H
#define THINMEND_TESTS_AIO_FAULT_H

#include <stdint.h>

#define AIO_NEVER UINT64_MAX

/* Calls are counted from 0, by each of these apart; all of it is 0 or AIO_NEVER: no faults. */
struct aio_faults {
	int setup;          /* io_setup() returns this -errno, unless 0 */
	uint64_t submit_at; /* this call of io_submit() returns submit_error */
	int submit_error;
	uint64_t event_at; /* this call of io_getevents() returns event_error, and no event */
	int event_error;
	uint64_t result_at; /* the event of this call has `result` instead of what happened: bytes,
			     */
	long result;        /* or -errno */
};

extern struct aio_faults aio_faults; /* a test's process begins with none */

/* No faults, and calls are counted from 0 again. */
void aio_faults_reset(void);

#endif
