/* SPDX-License-Identifier: MIT
 * layer_use.h: who needs each layer of the layer store.
 */
#ifndef DOCKER_META_FACTS_LAYER_USE_H
#define DOCKER_META_FACTS_LAYER_USE_H

#include "docker_meta/source/docker/docker_state.h"

#define NO_LAYER UINT32_MAX
#define NO_IMAGE UINT32_MAX
#define SEVERAL_IMAGES (UINT32_MAX - 1)

struct layer_use {
	uint32_t *parent; /* owned, by layer: NO_LAYER at the bottom, or where it is not there */
	uint32_t *image;  /* owned, by layer: the only image that has it */
	uint8_t *held;    /* owned, by layer: a container, a writable layer, a build stands on it */
	/*
	 * Owned, by image: it has no name, and another was built on it.  Such a step of a build is
	 * counted as a part of that other, which has all its layers and takes it along when it
	 * goes.
	 */
	uint8_t *step;
};

/*
 * Every array has an element for each layer of d->layers.  A layer that is being removed is none:
 * nobody needs it.  0 or -ENOMEM; to be destroyed in any case.
 */
must_check int layer_use_find(const struct docker_state *d, struct layer_use *ret_use);
void layer_use_destroy(struct layer_use *u);

/* The layer of a chain, or NO_LAYER. */
must_check uint32_t layer_number(const struct layer_store *s, const char *chain);

/* The layer and all below it: up to the first that is marked already. */
void layer_mark_down(const struct layer_use *u, uint32_t layer, uint8_t *marks);

#endif
