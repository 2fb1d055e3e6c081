/* SPDX-License-Identifier: MIT
 * snap.h: a metadata snapshot of an active pool, held for as long as it is read.
 *
 * A process of its own holds it and lets go of it when this one is done, dies or is killed: a
 * snapshot that is left keeps blocks from being freed.
 */
#ifndef DOCKER_META_HOST_SNAP_H
#define DOCKER_META_HOST_SNAP_H

#include <stdbool.h>
#include <sys/types.h>

#include "docker_meta/host/host.h"

struct snap_guard {
	bool held;
	int fd;       /* owned: while it is open the snapshot is held */
	pid_t keeper; /* owned */
};

/*
 * Whether the pool could make one: 0, or with *ret_fault filled -ENODEV (no pool is known, or only
 * from files), -EBUSY (it holds one), -ENOTSUP (the kernel is older than 4.4, which loses metadata
 * by it), -EROFS (the pool is not writable).
 */
must_check int snap_possible(const struct host *h, struct host_fault *ret_fault);

/* 0, or -errno with *ret_fault filled: nothing is held then. */
must_check int snap_guard_begin(const struct host *h, struct snap_guard *ret_guard,
				struct host_fault *ret_fault);

/* Let go of it.  0, or -errno with *ret_fault filled: it may still be held. */
must_check int snap_guard_end(struct snap_guard *g, struct host_fault *ret_fault);

/* "4.4.0-…" or newer. */
must_check bool snap_kernel_is_good(const char *release);

#endif
