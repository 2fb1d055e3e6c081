/* SPDX-License-Identifier: MIT
 * sets.h: devices that belong together, and the bytes that come back when all of a set goes.
 */
#ifndef DOCKER_META_JOIN_SETS_H
#define DOCKER_META_JOIN_SETS_H

#include "docker_meta/join/devices.h"

struct device_sets {
	size_t nr;
};

/* 0 or -ENOMEM; to be destroyed in any case. */
must_check int device_sets_make(const struct device_table *t, struct device_sets *ret_sets);
void device_sets_destroy(struct device_sets *s);

#endif
