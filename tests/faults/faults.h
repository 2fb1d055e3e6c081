/* SPDX-License-Identifier: MIT
 * faults.h: what the injector (inject.c) and those who use it agree on.
 *
 * The injector is preloaded into a tool and told by its environment what is to fail:
 *
 *     FAULT=CALL      one of the names below
 *     FAULT_NTH=N     the Nth of these calls, from 1 on, that the tool makes between the first and
 *                     the last instruction of main
 *     FAULT_HOW=HOW   fail:ERRNO  it fails with this, such as ENOSPC
 *                     from:ERRNO  it fails, and so does each one after it
 *                     short       it does half of what it was asked for
 *                     torn:K      of a write K times 512 bytes get through, and it fails with EIO
 *                     kill:K      … and the process is killed
 *     FAULT_LOSE=L    with kill: what was written since the last fsync is lost: all of it, or each
 *                     other write (odd, even), as a disk's cache loses it
 *     FAULT_STATE=F   struct fault_state, mapped
 *     FAULT_TRACE=1   print a backtrace where it fails
 */
#ifndef THINMEND_TESTS_FAULTS_H
#define THINMEND_TESTS_FAULTS_H

#include <stdint.h>

enum fault_call {
	FAULT_MALLOC, /* with calloc, realloc, posix_memalign, strdup and all that libc calls */
	FAULT_OPEN,   /* openat, fopen, opendir */
	FAULT_READ,
	FAULT_WRITE,
	FAULT_PREAD,
	FAULT_PWRITE,
	FAULT_FSYNC,
	FAULT_SUBMIT,    /* io_submit */
	FAULT_COMPLETE,  /* what io_getevents gives back */
	FAULT_GETEVENTS, /* io_getevents */
	FAULT_DISK,      /* a write of any kind to a file: write, pwrite, io_submit */
	NR_FAULT_CALLS
};

#define FAULT_NAMES                                                                      \
	{                                                                                \
		"malloc", "open", "read", "write", "pread", "pwrite", "fsync", "submit", \
			"complete", "getevents", "disk"                                  \
	}

#define FAULT_MAX_PLACES 65536

struct fault_state {
	uint32_t calls[NR_FAULT_CALLS]; /* made so far */
	uint32_t fired;                 /* how often something failed */
	/* Of call n of FAULT_MALLOC: from where it was made, all calls above it included.  Filled
	 * in where nothing is to fail. */
	uint64_t places[FAULT_MAX_PLACES];
};

#endif
