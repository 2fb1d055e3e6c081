/* SPDX-License-Identifier: MIT
 * images.h: the images of Docker 1.10 and later, and their names: ROOT/image/devicemapper/imagedb
 * and repositories.json.
 */
#ifndef DOCKER_META_SOURCE_DOCKER_IMAGES_H
#define DOCKER_META_SOURCE_DOCKER_IMAGES_H

#include <stdbool.h>

#include "docker_meta/read/digest.h"
#include "docker_meta/read/safe_dir.h"
#include "docker_meta/source/docker/names.h"
#include "docker_meta/source/problems.h"

struct image {
	char id[HEX_NAME + 1];
	bool whole; /* it could be read, and is what its name says; Docker drops others */
	struct digest *chains; /* owned: of its layers, from the bottom */
	size_t nr_chains;
	char parent[HEX_NAME + 1]; /* image that it was built from; "": not told */
};

struct tag {
	char *name;            /* owned: "ubuntu:16.04", "ubuntu@sha256:…" */
	char id[HEX_NAME + 1]; /* of the image */
};

struct image_store {
	bool present, complete;
	bool unread, names_unread; /* they are there, and it was not for us to read them */
	bool names_lost;           /* repositories.json is there and cannot be used */
	bool parents_unread;       /* which images others were built from is not known of all */
	struct image *images;      /* owned, by id */
	size_t nr_images, images_capacity;
	struct tag *tags; /* owned, by image, then by name */
	size_t nr_tags, tags_capacity;
};

/* What cannot be used becomes a problem.  0 or -errno of our own. */
must_check int image_store_read(const struct safe_dir *root, struct image_store *ret_store,
				struct problem_list *problems);
void image_store_destroy(struct image_store *s);

/* Add one, which is the store's then, or a name; sort when all are there.  0 or -ENOMEM. */
must_check int image_store_add(struct image_store *s, const struct image *image);
must_check int image_store_add_name(struct image_store *s, const char *name, const char *id);
void image_store_sort(struct image_store *s);

const struct image *image_store_find(const struct image_store *s, const char *id);

/* The first name of an image, or NULL. */
const char *image_store_name(const struct image_store *s, const char *id);

#endif
