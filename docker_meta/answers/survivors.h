/* SPDX-License-Identifier: MIT
 * survivors.h: what damage, or a repair, has left of each image and each container.
 *
 * A thin device is whole by itself: a container's own device has all that is in the layers below
 * it, whatever becomes of their devices, and so has an image's top layer.  So a container is what
 * its own device is; an image is lost with its top layer, and hit when one below it is: it can be
 * run, but not pushed.
 */
#ifndef DOCKER_META_ANSWERS_SURVIVORS_H
#define DOCKER_META_ANSWERS_SURVIVORS_H

#include <stdio.h>

#include "docker_meta/answers/pool_kind.h"
#include "docker_meta/facts/fate.h"

/* An image's layer from the bottom, or a container's own device. */
struct survivor_part {
	const struct device_row *row; /* NULL: nothing tells its device */
	const char *missing;          /* then what is missing: a constant */
	bool unread;                  /* it may be there: it was not for us to read */
	bool by_elimination;          /* the row's file is missing: plan writes it anew */
	uint32_t position;            /* in the image, from 1; 0: a container's */
};

struct survivor {
	const struct image *image; /* or */
	const struct container *container;
	enum fate fate;
	size_t parts_begin, parts_end; /* those that are not intact */
};

struct survivors {
	bool looked;                 /* at a pool; else there are no items */
	struct device_fate *devices; /* owned, by row of the table of devices */
	struct survivor *items;      /* owned: images, then containers; each by id */
	size_t nr, capacity;
	struct survivor_part *parts; /* owned */
	size_t nr_parts, parts_capacity;
	uint64_t nr_images[NR_FATES], nr_containers[NR_FATES];
	uint64_t nr_others;        /* devices of neither, that are not intact */
	bool transaction_is_wrong; /* the next start of Docker would take back what it must not */
};

/* 0 or -ENOMEM; to be destroyed in any case. */
must_check int survivors_find(const struct meta_view *v, struct survivors *ret_survivors);
void survivors_destroy(struct survivors *s);

/*
 * The command `survivors`: 0, -ENOMEM or -EIO.  *status: 0 all intact, 1 something is partly lost,
 * 2 lost, 3 something is unknown and nothing lost, or there is no pool.
 */
must_check int survivors_text(const struct meta_view *v, FILE *out, int *status);
must_check int survivors_json(const struct meta_view *v, FILE *out, int *status);

#endif
