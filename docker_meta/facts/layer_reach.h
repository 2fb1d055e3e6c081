/* SPDX-License-Identifier: MIT
 * layer_reach.h: which layers of the layer store somebody has: an image, a writable layer or a
 * build, with all that is below.
 */
#ifndef DOCKER_META_FACTS_LAYER_REACH_H
#define DOCKER_META_FACTS_LAYER_REACH_H

#include "docker_meta/source/docker/docker_state.h"

/*
 * An array by layer of the store, 1 where somebody has it.  An image has all that its file names,
 * also below one that is not there.  O(n log n).  0 or -ENOMEM; to be freed by alloc_free().
 */
must_check int layer_reach_find(const struct docker_state *d, uint8_t **ret_reached);

#endif
