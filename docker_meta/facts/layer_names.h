/* SPDX-License-Identifier: MIT
 * layer_names.h: the devices that layers and writable layers name.
 */
#ifndef DOCKER_META_FACTS_LAYER_NAMES_H
#define DOCKER_META_FACTS_LAYER_NAMES_H

#include "docker_meta/source/docker/layers.h"

struct layer_names {
	const char **items; /* owned, the names are the store's: sorted, with repetitions */
	size_t nr;
};

/* O(n log n).  0 or -ENOMEM; to be destroyed in any case. */
must_check int layer_names_collect(const struct layer_store *s, struct layer_names *ret_names);
void layer_names_destroy(struct layer_names *n);

/* How many name it; 2 stands for more.  O(log n). */
unsigned int layer_names_count(const struct layer_names *n, const char *name);

#endif
