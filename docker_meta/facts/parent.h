/* SPDX-License-Identifier: MIT
 * parent.h: what Docker made a device from, by its own files.
 *
 * A layer is a snapshot of the layer below it, the bottom one of the base device; an init device of
 * the image's top layer, a container's own of its init device; BuildKit's of what its list says
 * (moby layer/layer_store.go, daemon/graphdriver/devmapper,
 * builder/builder-next/adapters/snapshot).
 */
#ifndef DOCKER_META_FACTS_PARENT_H
#define DOCKER_META_FACTS_PARENT_H

#include "docker_meta/facts/devices.h"

/*
 * The device; NULL: Docker does not say, or, where *ret_missing is not NULL then, it says that
 * hash, borrowed, and there is no such device.  Files can say anything: parents may go in a circle.
 * O(log n).
 */
const struct device_row *device_parent(const struct device_table *t, const struct device_row *row,
				       const char **ret_missing);

#endif
