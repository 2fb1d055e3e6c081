/* SPDX-License-Identifier: MIT */
#include "docker_meta/join/doubts.h"

#include <string.h>

static bool is_missing(const struct docker_state *d, const char *hash)
{
	return hash && !driver_state_find(&d->driver, hash);
}

static bool any_missing(const struct docker_state *d)
{
	for (size_t i = 0; i < d->layers.nr_layers; i++) {
		if (is_missing(d, d->layers.layers[i].cache_id))
			return true;
	}
	for (size_t i = 0; i < d->layers.nr_mounts; i++) {
		const struct mount *m = &d->layers.mounts[i];

		if (is_missing(d, m->mount_id) || is_missing(d, m->init_id))
			return true;
	}
	return d->driver.nr_records && is_missing(d, "base");
}

static bool any_unreadable(const struct driver_state *d)
{
	for (size_t i = 0; i < d->nr_records; i++) {
		if (!d->records[i].usable)
			return true;
	}
	return false;
}

static bool any_ghost(const struct docker_state *d)
{
	for (size_t i = 0; i < d->containers.nr_containers; i++) {
		const struct container *c = &d->containers.containers[i];

		if (!c->old_layout && c->driver && !strcmp(c->driver, "devicemapper") &&
		    !layer_store_find_mount(&d->layers, c->id))
			return true;
	}
	return false;
}

struct device_doubts device_doubts_of(const struct docker_state *docker)
{
	return (struct device_doubts){ .files_missing = any_missing(docker),
				       .files_unreadable = any_unreadable(&docker->driver),
				       .ghosts = any_ghost(docker) };
}
