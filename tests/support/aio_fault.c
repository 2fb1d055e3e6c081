/* SPDX-License-Identifier: MIT */
#include "tests/support/aio_fault.h"

#include <libaio.h>

#define NO_FAULTS                                                                     \
	{                                                                             \
		.submit_at = AIO_NEVER, .event_at = AIO_NEVER, .result_at = AIO_NEVER \
	}

struct aio_faults aio_faults = NO_FAULTS;

static uint64_t nr_submits, nr_events;

void aio_faults_reset(void)
{
	aio_faults = (struct aio_faults)NO_FAULTS;
	nr_submits = nr_events = 0;
}

/* As in alloc_fault.c. */
#define WRAPPER(symbol) __asm__("__wrap_" #symbol)
#define REAL(symbol) __asm__("__real_" #symbol) __attribute__((weak))

int real_setup(int depth, io_context_t *context) REAL(io_setup);
int real_submit(io_context_t context, long nr, struct iocb **iocbs) REAL(io_submit);
int real_getevents(io_context_t context, long min, long nr, struct io_event *events,
		   struct timespec *timeout) REAL(io_getevents);

int wrapped_setup(int depth, io_context_t *context) WRAPPER(io_setup);
int wrapped_submit(io_context_t context, long nr, struct iocb **iocbs) WRAPPER(io_submit);
int wrapped_getevents(io_context_t context, long min, long nr, struct io_event *events,
		      struct timespec *timeout) WRAPPER(io_getevents);

int wrapped_setup(int depth, io_context_t *context)
{
	return aio_faults.setup ? aio_faults.setup : real_setup(depth, context);
}

int wrapped_submit(io_context_t context, long nr, struct iocb **iocbs)
{
	if (nr_submits++ == aio_faults.submit_at)
		return aio_faults.submit_error;
	return real_submit(context, nr, iocbs);
}

int wrapped_getevents(io_context_t context, long min, long nr, struct io_event *events,
		      struct timespec *timeout)
{
	const uint64_t n = nr_events++;
	int r;

	if (n == aio_faults.event_at)
		return aio_faults.event_error;
	r = real_getevents(context, min, nr, events, timeout);
	if (r == 1 && n == aio_faults.result_at)
		events[0].res = (unsigned long)aio_faults.result;
	return r;
}
