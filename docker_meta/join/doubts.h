/* SPDX-License-Identifier: MIT
 * doubts.h: what may explain a device that nobody seems to need.
 */
#ifndef DOCKER_META_JOIN_DOUBTS_H
#define DOCKER_META_JOIN_DOUBTS_H

#include "docker_meta/state/docker_state.h"

struct device_doubts {
	bool files_missing;    /* somebody's device has no file: a device without one may be it */
	bool files_unreadable; /* a device's file cannot be used: likewise */
	bool ghosts; /* a container has no writable layer: any device may have been that */
};

/* O(n log n) in layers, mounts and containers. */
struct device_doubts device_doubts_of(const struct docker_state *docker);

#endif
