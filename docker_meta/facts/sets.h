/* SPDX-License-Identifier: MIT
 * sets.h: devices that belong together, and what comes back when all of a set goes.
 *
 * Each device is in exactly one set.  A data block is exclusive to a set when only its devices map
 * it; so the sets' exclusive blocks and those between sets add up to all that are mapped.  Note
 * what that means for images: whatever a container, or an image that was built on it, inherits is
 * mapped by those as well, and so lies between sets; it comes back when the last of them goes.
 */
#ifndef DOCKER_META_FACTS_SETS_H
#define DOCKER_META_FACTS_SETS_H

#include "common/pool/pool_sets.h"
#include "docker_meta/facts/devices.h"

/* In the order in which the sets stand. */
enum set_kind {
	SET_BASE,      /* the base device */
	SET_IMAGE,     /* layers that one image alone has, each image a set, be it empty */
	SET_SHARED,    /* layers that several images have */
	SET_KEPT,      /* layers of no image, which a container or a build still needs */
	SET_CONTAINER, /* a container's own and init device */
	SET_BUILDS,    /* BuildKit's snapshots */
	SET_LEFT,      /* a writable layer whose container or build is gone, each a set */
	SET_UNUSED,    /* layers of no image, which nobody needs: related ones are one set */
	SET_REMOVING,  /* layers that are being removed: likewise */
	SET_DELETING,  /* deferred deletion */
	SET_IN_FLIGHT, /* of the open transaction */
	SET_ORPHANS,   /* nobody refers to them: likewise */
	SET_FOREIGN,   /* something else than Docker made them */
	SET_UNPROVEN,  /* nobody whom we could read refers to them: related ones are one set */
	NR_SET_KINDS
};

/* "base", "image", … */
const char *set_kind_name(enum set_kind kind);

/* Blocks are data blocks; all of them are 0 without a pool. */
struct device_set {
	enum set_kind kind;
	char *name; /* owned: "ubuntu:16.04", "web", "devices 19, 21", … as a human would say it */
	const struct image *image;         /* SET_IMAGE */
	bool step;                         /* SET_IMAGE: of a build, part of another image */
	const struct mount *mount;         /* SET_CONTAINER, SET_LEFT; NULL: up to 1.9 */
	const struct container *container; /* SET_CONTAINER */
	const struct device_row **rows;    /* of members below, by id */
	size_t nr_rows;
	uint64_t nr_mapped;    /* mappings of its devices, added up: what they share counts twice */
	uint64_t nr_largest;   /* of the device with most: about what a file system in it has */
	uint64_t nr_exclusive; /* come back when all of the set goes */
	/*
	 * Of an image, what comes back when docker rmi removes it and no other: exclusive to those
	 * of its layers that no other image has and that no container and no build stands on.  (An
	 * image without a name on which another was built is a part of that one: rmi takes it
	 * along.)  Of the others: nr_exclusive.
	 */
	uint64_t nr_returned;
};

struct device_sets {
	struct device_set
		*sets; /* owned, by kind, then in the order of Docker's files, or of ids */
	size_t nr;
	uint32_t *of_row;                  /* owned: the set of rows[i] of the table */
	const struct device_row **members; /* owned */
	size_t image_0;                    /* the set of images[0]; the others follow */
	bool counted;                      /* there is a pool */
	struct pool_set_totals totals;     /* nr_no_set is 0 */
};

/*
 * Sets of a table, which must outlive them.  Linear but for looking names up: two passes over what
 * is mapped, a third where part of an image's layers is kept by a container alone.  Where two
 * files name one device, it is in the set of whoever needs it, and so are both rows.  0 or -ENOMEM;
 * to be destroyed in any case.
 */
must_check int device_sets_make(const struct device_table *t, struct device_sets *ret_sets);
void device_sets_destroy(struct device_sets *s);

/* The set of a row of the table. */
const struct device_set *device_set_of(const struct device_sets *s, const struct device_table *t,
				       const struct device_row *row);

/* The set of an image, of the table's store. */
const struct device_set *device_set_of_image(const struct device_sets *s,
					     const struct device_table *t,
					     const struct image *image);

#endif
