/* SPDX-License-Identifier: MIT
 * tree.h: what the forms of tree share.  Included by docker_meta/answers/ and docker_meta/say/
 * alone.
 */
#ifndef DOCKER_META_ANSWERS_TREE_H
#define DOCKER_META_ANSWERS_TREE_H

#include "docker_meta/facts/descent.h"
#include "docker_meta/view.h"

/* "device 23, rw web (running)"; control characters are as they are in the names. */
void tree_label(const struct device_table *t, uint32_t number, char *text, size_t size);

/*
 * Images but steps of builds, those of few layers first, so that what an image is built on stands
 * before it; the array is the caller's.  0 or -ENOMEM.
 */
must_check int tree_images(const struct meta_view *v, const struct device_set ***ret_images,
			   size_t *ret_nr);

/* The row of a layer of an image, from 0; NO_ROW: its device is not known. */
uint32_t tree_layer(const struct device_table *t, const struct descent *l,
		    const struct image *image, size_t layer);

#endif
