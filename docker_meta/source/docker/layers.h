/* SPDX-License-Identifier: MIT
 * layers.h: the layer store of Docker 1.10 and later, ROOT/image/devicemapper/layerdb.
 *
 * sha256/CHAIN/ has a layer of an image: cache-id names its device.  mounts/NAME/ has the writable
 * layer of a container or of a build: mount-id and init-id name its devices.
 */
#ifndef DOCKER_META_SOURCE_DOCKER_LAYERS_H
#define DOCKER_META_SOURCE_DOCKER_LAYERS_H

#include <stdbool.h>
#include <stdint.h>

#include "docker_meta/read/safe_dir.h"
#include "docker_meta/source/docker/names.h"
#include "docker_meta/source/problems.h"

struct layer {
	char *directory; /* owned: its name, the chain id but while it is being removed */
	char chain[HEX_NAME + 1];
	char *cache_id;                                /* owned; NULL: not to be read */
	char diff[HEX_NAME + 1], parent[HEX_NAME + 1]; /* "": not to be read; no parent */
	uint64_t size;                                 /* bytes of the files in it */
	bool removing; /* -removing: its device goes with the next shutdown (20.10 and later) */
	bool graph;    /* of the layout up to 1.9 (graph.h): all its names are the image's id */
	bool whole;    /* all of its files could be read */
	bool odd;      /* its name is not that of what they say */
};

struct mount {
	char *name;                /* owned: the container's, or the build's */
	char *mount_id, *init_id;  /* owned; NULL: none */
	char parent[HEX_NAME + 1]; /* chain; "": none */
	bool whole;
};

struct layer_store {
	bool present;               /* there is one, be it without layers */
	bool mounts_present;        /* writable layers could be listed, be it none */
	bool unread, mounts_unread; /* layers, writable ones: they are there and could not be */
	bool complete;              /* all of it could be read */
	struct layer *layers;       /* owned, by directory */
	size_t nr_layers, layers_capacity;
	struct mount *mounts; /* owned, by name */
	size_t nr_mounts, mounts_capacity;
};

/* What cannot be used becomes a problem.  0 or -errno of our own. */
must_check int layer_store_read(const struct safe_dir *root, struct layer_store *ret_store,
				struct problem_list *problems);
void layer_store_destroy(struct layer_store *s);

/* Add one, which is the store's then, after others; sort when all are there.  0 or -ENOMEM. */
must_check int layer_store_add(struct layer_store *s, const struct layer *l);
void layer_store_sort(struct layer_store *s);
void layer_destroy(struct layer *l);

/* The layer of a chain, or NULL; one that is being removed is none. */
const struct layer *layer_store_find(const struct layer_store *s, const char *chain);
const struct mount *layer_store_find_mount(const struct layer_store *s, const char *name);

#endif
