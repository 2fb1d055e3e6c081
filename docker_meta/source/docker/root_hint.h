/* SPDX-License-Identifier: MIT
 * root_hint.h: what a directory is in which there is no state of the devicemapper driver.
 */
#ifndef DOCKER_META_SOURCE_DOCKER_ROOT_HINT_H
#define DOCKER_META_SOURCE_DOCKER_ROOT_HINT_H

#include "docker_meta/read/safe_dir.h"

struct root_hint {
	char text[200]; /* one line */
};

/* It is the driver's own directory, one above (userns-remap), another driver's, or empty. */
struct root_hint root_hint_of(const struct safe_dir *root);

/* It is containers/storage's (podman, CRI-O), which has other files than Docker. */
bool root_is_of_containers_storage(const struct safe_dir *root);

/*
 * How many directories below are roots of Docker's with userns-remap, which are called after user
 * and group, "100000.100000"; the first one's name into name.
 */
size_t root_remapped(const struct safe_dir *root, char *name, size_t size);

#endif
