/* SPDX-License-Identifier: MIT
 * docker_state.h: all that Docker wrote below its root.
 */
#ifndef DOCKER_META_SOURCE_DOCKER_DOCKER_STATE_H
#define DOCKER_META_SOURCE_DOCKER_DOCKER_STATE_H

#include "docker_meta/source/docker/containers.h"
#include "docker_meta/source/docker/driver_state.h"
#include "docker_meta/source/docker/graph.h"
#include "docker_meta/source/docker/other_drivers.h"
#include "docker_meta/source/docker/setup_config.h"
#include "docker_meta/source/docker/snapshots.h"

struct docker_state {
	struct driver_state driver;
	struct setup_config setup;
	struct layer_store layers;
	struct image_store images;
	struct container_store containers;
	struct graph_state graph; /* up to 1.9; what it has is in layers and images */
	struct other_drivers others;
	struct snapshot_table snapshots; /* BuildKit's */
	bool has_buildkit;               /* there is a database */
	struct problem_list problems;
};

/* What cannot be read is a problem in the list.  0 or -errno of our own; to be destroyed always. */
must_check int docker_state_read(const struct safe_dir *root, struct docker_state *ret_state);
void docker_state_destroy(struct docker_state *s);

/* Whether it is known which layers there are, be it none. */
bool docker_state_has_layers(const struct docker_state *s);

/* Whether every place was read where Docker may refer to a device: else nobody is an orphan. */
bool docker_state_complete(const struct docker_state *s);

#endif
