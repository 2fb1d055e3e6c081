/* SPDX-License-Identifier: MIT
 * other_drivers.h: other storage drivers that Docker was run with below the same root.
 */
#ifndef DOCKER_META_SOURCE_DOCKER_OTHER_DRIVERS_H
#define DOCKER_META_SOURCE_DOCKER_OTHER_DRIVERS_H

#include "docker_meta/source/docker/images.h"

struct other_driver {
	const char *name; /* a constant */
	bool has_state;   /* ROOT/NAME is there and not empty: Docker takes it for one in use */
	size_t nr_images; /* of its own, in ROOT/image/NAME */
	size_t nr_twice;  /* of these the devicemapper driver has, too */
};

struct other_drivers {
	struct other_driver *items; /* owned; only those that left something */
	size_t nr, capacity;
};

/* What cannot be looked at is not told.  0 or -ENOMEM; to be destroyed in any case. */
must_check int other_drivers_read(const struct safe_dir *root, const struct image_store *images,
				  struct other_drivers *ret_drivers);

/* Another one than devicemapper is, or was, in use. */
bool other_drivers_have_state(const struct other_drivers *d);
void other_drivers_destroy(struct other_drivers *d);

#endif
