/* SPDX-License-Identifier: MIT
 * containers.h: what Docker knows of its containers: ROOT/containers/ID/config.v2.json, and
 * config.json up to 1.9.
 */
#ifndef DOCKER_META_SOURCE_DOCKER_CONTAINERS_H
#define DOCKER_META_SOURCE_DOCKER_CONTAINERS_H

#include <stdbool.h>
#include <stdint.h>

#include "docker_meta/read/safe_dir.h"
#include "docker_meta/source/docker/names.h"
#include "docker_meta/source/problems.h"

struct container {
	char *id;         /* owned: the directory */
	char *name;       /* owned: without the leading slash; the id where it is not told */
	char *driver;     /* owned: "devicemapper" where it is not told */
	char *image_name; /* owned: as it was asked for; NULL: not told */
	char image[HEX_NAME + 1]; /* id of the image; "": not told */
	bool whole;
	bool has_config; /* there is a file that tells of it, be it broken */
	bool old_layout; /* config.json: its device is called as the container */
	bool running, dead, removing;
	uint64_t asked_size; /* bytes of its device, by hostconfig.json; 0: not told */
	uint64_t log_size;   /* bytes of ID-json.log; 0: there is none */
};

struct container_store {
	bool present, complete;
	bool unread;                  /* the directory is there and could not be listed */
	struct container *containers; /* owned, by id */
	size_t nr_containers, containers_capacity;
};

/* What cannot be used becomes a problem.  0 or -errno of our own. */
must_check int container_store_read(const struct safe_dir *root, struct container_store *ret_store,
				    struct problem_list *problems);
void container_store_destroy(struct container_store *s);

const struct container *container_store_find(const struct container_store *s, const char *id);

#endif
