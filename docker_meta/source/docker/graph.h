/* SPDX-License-Identifier: MIT
 * graph.h: the images of Docker up to 1.9, ROOT/graph and ROOT/repositories-devicemapper, and what
 * 1.10 has left of them.
 *
 * Image, layer and device have one name there, the image's id; an image is its own top layer, and
 * json (parent, parent_id) or a file of its own leads to the next below.  Docker 1.10 to 18 takes
 * them over at each start, keeps the directory, and notes in ROOT/.migration-v1-images.json which
 * it has (moby migrate/v1/migratev1.go).
 */
#ifndef DOCKER_META_SOURCE_DOCKER_GRAPH_H
#define DOCKER_META_SOURCE_DOCKER_GRAPH_H

#include "docker_meta/source/docker/containers.h"
#include "docker_meta/source/docker/images.h"
#include "docker_meta/source/docker/layers.h"

struct graph_state {
	bool present;
	bool current;       /* nothing newer is there: Docker is 1.9 or older */
	bool complete;      /* all that may name a device could be read */
	bool has_map;       /* the migration came to its end once */
	bool is_told;       /* Docker up to 1.9 has been here: what it has not is not there */
	size_t nr, nr_left; /* images; those that were not taken over */
};

/* Where the images go, and what they are compared with; all there, and read before. */
struct graph_stores {
	struct layer_store *layers;
	struct image_store *images;
	const struct container_store *containers;
};

/*
 * Layers, images and names of an old host are added to the stores; of one that was upgraded only
 * the layers that were left behind.  What cannot be used becomes a problem.  0 or -errno of our
 * own.
 */
must_check int graph_read(const struct safe_dir *root, const struct graph_stores *stores,
			  struct graph_state *ret_state, struct problem_list *problems);

#endif
