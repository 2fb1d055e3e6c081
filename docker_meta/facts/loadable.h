/* SPDX-License-Identifier: MIT
 * loadable.h: what of images and containers Docker shows after its start.
 *
 * Docker 1.10 and later drops a layer of which a file cannot be used, or that stands on one that it
 * has dropped; an image with its top layer; a container whose writable layer stands on such a one
 * (moby layer/layer_store.go loadLayer, loadMount; image/store.go restore; daemon/daemon.go
 * restore).
 */
#ifndef DOCKER_META_FACTS_LOADABLE_H
#define DOCKER_META_FACTS_LOADABLE_H

#include "docker_meta/source/docker/docker_state.h"

struct loadable {
	size_t nr_images, nr_images_lost;
	size_t nr_containers, nr_containers_lost; /* of the devicemapper driver; what is left
						     of one that was removed is none */
};

/* O(n log n).  0 or -ENOMEM. */
must_check int loadable_count(const struct docker_state *d, struct loadable *ret_loadable);

#endif
