/* SPDX-License-Identifier: MIT */
#include "docker_meta/facts/doubts.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "docker_meta/facts/layer_names.h"

/* ---- files of devices */

static bool is_missing(const struct docker_state *d, const char *hash)
{
	return hash && !driver_state_find(&d->driver, hash);
}

static bool layers_miss_files(const struct layer_store *s, const struct docker_state *d)
{
	for (size_t i = 0; i < s->nr_layers; i++) {
		if (!s->layers[i].removing && is_missing(d, s->layers[i].cache_id))
			return true;
	}
	for (size_t i = 0; i < s->nr_mounts; i++) {
		const struct mount *m = &s->mounts[i];

		if (is_missing(d, m->mount_id) || is_missing(d, m->init_id))
			return true;
	}
	return false;
}

/* Up to 1.9 devices are called as containers. */
static bool containers_miss_files(const struct docker_state *d)
{
	char init[HEX_NAME + sizeof("-init")];

	for (size_t i = 0; i < d->containers.nr_containers; i++) {
		const struct container *c = &d->containers.containers[i];

		if (!c->old_layout || (d->graph.present && !d->graph.current))
			continue;
		(void)snprintf(init, sizeof(init), "%.64s-init", c->id);
		if (is_missing(d, c->id) || is_missing(d, init))
			return true;
	}
	return false;
}

static bool builds_miss_files(const struct docker_state *d)
{
	for (size_t i = 0; d->has_buildkit && i < d->snapshots.nr; i++) {
		const struct snapshot_record *s = &d->snapshots.records[i];
		const char *device = s->committed ? s->committed : s->key;

		if (device && is_buildkit_name(device) && is_missing(d, device))
			return true;
	}
	return false;
}

static bool any_unreadable(const struct driver_state *d)
{
	for (size_t i = 0; i < d->nr_records; i++) {
		if (!d->records[i].usable)
			return true;
	}
	return false;
}

/* ---- layers */

static bool lacks(const struct docker_state *d, const char *chain)
{
	return *chain && !layer_store_find(&d->layers, chain);
}

/* A container's writable layer stands on the layers of its image. */
static bool lost_parent(const struct docker_state *d, const struct mount *m)
{
	const struct container *c =
		*m->parent ? NULL : container_store_find(&d->containers, m->name);
	const struct image *image = c && *c->image ? image_store_find(&d->images, c->image) : NULL;

	return image && image->nr_chains;
}

static bool stands_on_nothing(const struct docker_state *d)
{
	for (size_t i = 0; i < d->images.nr_images; i++) {
		const struct image *image = &d->images.images[i];

		for (size_t n = 0; n < image->nr_chains; n++) {
			if (lacks(d, image->chains[n].hex))
				return true;
		}
		/* Which layers it has is lost, and one of those may be as well. */
		if (!image->whole)
			return true;
	}
	for (size_t i = 0; i < d->layers.nr_layers; i++) {
		const struct layer *l = &d->layers.layers[i];

		if (!l->removing && (!l->whole || l->odd || lacks(d, l->parent)))
			return true;
	}
	for (size_t i = 0; i < d->layers.nr_mounts; i++) {
		const struct mount *m = &d->layers.mounts[i];

		if (!m->whole || lacks(d, m->parent) || lost_parent(d, m))
			return true;
	}
	return false;
}

/* An image has a name and no file: which layers it has is lost; up to 1.9 it is its own layer. */
static bool names_miss_images(const struct docker_state *d)
{
	for (size_t i = 0; i < d->images.nr_tags; i++) {
		if (!image_store_find(&d->images, d->images.tags[i].id))
			return true;
	}
	return false;
}

static bool containers_miss_images(const struct docker_state *d)
{
	for (size_t i = 0; i < d->containers.nr_containers; i++) {
		const char *image = d->containers.containers[i].image;

		if (*image && !image_store_find(&d->images, image))
			return true;
	}
	return false;
}

static const char *doubt_layers(const struct docker_state *d, const struct device_doubts *doubts)
{
	if (doubts->names_missing)
		return "an image that has a name is not there, which may have it";
	if (!d->images.complete || (!d->images.present && d->layers.nr_layers))
		return "some image cannot be read, which may have it";
	if (doubts->builds_unknown)
		return "BuildKit's list is not there, which may have it";
	if (doubts->ghosts || doubts->mounts_gone || d->layers.mounts_unread)
		return "some container has lost its writable layer, which may stand on it";
	for (size_t i = 0; i < d->layers.nr_mounts; i++) {
		const struct mount *m = &d->layers.mounts[i];

		if (!m->whole || lost_parent(d, m))
			return "some writable layer cannot be read, which may stand on it";
	}
	for (size_t i = 0; i < d->layers.nr_layers; i++) {
		const struct layer *l = &d->layers.layers[i];

		if (!l->whole || l->odd)
			return "some layer cannot be read, or is not what it says, which may be "
			       "made upon it";
		if (!l->removing && lacks(d, l->parent))
			return "some layer's parent is not there: who has what is not known";
	}
	return NULL;
}

/* Of two with one device, one has lost its own. */
static bool any_double(const struct layer_names *n)
{
	for (size_t i = 1; i < n->nr; i++) {
		if (!strcmp(n->items[i - 1], n->items[i]))
			return true;
	}
	return false;
}

/* ---- containers and builds */

static bool any_ghost(const struct docker_state *d)
{
	for (size_t i = 0; i < d->containers.nr_containers; i++) {
		const struct container *c = &d->containers.containers[i];

		/* docker rm removes the writable layer first. */
		if (!c->old_layout && !c->dead && !c->removing && c->driver &&
		    !strcmp(c->driver, "devicemapper") &&
		    !layer_store_find_mount(&d->layers, c->id))
			return true;
	}
	return false;
}

/* The directory may be a file system of its own, which is not mounted. */
static bool all_containers_gone(const struct docker_state *d)
{
	size_t nr = 0;

	for (size_t i = 0; i < d->layers.nr_mounts; i++)
		nr += d->layers.mounts[i].init_id != NULL;
	for (size_t i = 0; i < d->containers.nr_containers; i++) {
		const char *driver = d->containers.containers[i].driver;

		if (!driver || !strcmp(driver, "devicemapper"))
			return false;
	}
	return d->containers.present ? nr > 1 : nr > 0;
}

static bool mounts_gone(const struct docker_state *d)
{
	if (d->layers.mounts_present || d->graph.current)
		return false;
	for (size_t i = 0; i < d->driver.nr_records; i++) {
		if (has_suffix(d->driver.records[i].hash, "-init"))
			return true;
	}
	return false;
}

/* An image that BuildKit built has its device in layerdb as well. */
static bool any_unknown_build(const struct docker_state *d, const struct layer_names *n)
{
	for (size_t i = 0; !d->has_buildkit && i < d->driver.nr_records; i++) {
		const char *hash = d->driver.records[i].hash;

		if (is_buildkit_name(hash) && !layer_names_count(n, hash))
			return true;
	}
	return false;
}

int device_doubts_find(const struct docker_state *docker, struct device_doubts *ret_doubts)
{
	const struct docker_state *d = docker;
	struct layer_names names;
	int r = layer_names_collect(&d->layers, &names);

	if (r)
		return r;
	*ret_doubts = (struct device_doubts){
		.files_missing = is_missing(d, "base") || layers_miss_files(&d->layers, d) ||
				 containers_miss_files(d) || builds_miss_files(d),
		.files_unreadable = any_unreadable(&d->driver),
		.ghosts = any_ghost(d),
		.layers_missing =
			stands_on_nothing(d) ||
			(d->graph.current && (names_miss_images(d) || containers_miss_images(d))),
		.names_missing = names_miss_images(d),
		.builds_unknown = any_unknown_build(d, &names),
		.containers_gone = all_containers_gone(d),
		.mounts_gone = mounts_gone(d),
	};
	ret_doubts->layers = doubt_layers(d, ret_doubts);
	ret_doubts->layers_missing |= any_double(&names);
	layer_names_destroy(&names);
	return 0;
}
