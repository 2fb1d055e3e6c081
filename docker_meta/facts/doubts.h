/* SPDX-License-Identifier: MIT
 * doubts.h: what may explain a device that nobody seems to need.
 */
#ifndef DOCKER_META_FACTS_DOUBTS_H
#define DOCKER_META_FACTS_DOUBTS_H

#include "docker_meta/source/docker/docker_state.h"

struct device_doubts {
	bool files_missing;    /* a device that somebody refers to, or the base, has no file */
	bool files_unreadable; /* a device's file cannot be used */
	bool ghosts;           /* a container has no writable layer: which devices it had is lost */
	bool layers_missing;   /* a layer that somebody stands on, or may, is not there, or names
				  another's */
	bool names_missing;    /* repositories.json names an image that is not there */
	bool builds_unknown;   /* there are devices of BuildKit's, and its list is not */
	bool containers_gone;  /* there are writable layers of containers, and no container */
	const char *layers;    /* why it is not known who has which layer, for people: a constant;
				  NULL: it is */
	bool mounts_gone;      /* there are devices of writable layers, and no directory of those */
};

/* O(n log n) in layers, mounts, images and containers.  0 or -ENOMEM. */
must_check int device_doubts_find(const struct docker_state *docker,
				  struct device_doubts *ret_doubts);

#endif
