/* SPDX-License-Identifier: MIT
 * walls.h: what docker_meta may open while it reads what others wrote.
 */
#ifndef DOCKER_META_WALLS_H
#define DOCKER_META_WALLS_H

#include "docker_meta/options.h"
#include "docker_meta/say/out_place.h"

/* Before anything is read: all can be read, for only daemon.json tells where Docker's root is. */
void walls_raise(const struct docker_meta_options *o, const struct out_places *places);

/* The root is known: nothing else can be read any more. */
void walls_close(const struct docker_meta_options *o, const struct out_places *places,
		 const char *root);

#endif
