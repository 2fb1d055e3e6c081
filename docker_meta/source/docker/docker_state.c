/* SPDX-License-Identifier: MIT */
#include "docker_meta/source/docker/docker_state.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#define SNAPSHOTS "buildkit/snapshots.db"

enum { MAX_TRIES = 5 };

static int read_snapshots(const struct safe_dir *root, struct docker_state *s)
{
	struct safe_dir dir = { .fd = -1 };
	int fd = -1, r = safe_dir_enter(root, "buildkit", &dir), error;

	if (!r)
		r = safe_dir_open_file(&dir, "snapshots.db", &fd);
	safe_dir_close(&dir);
	if (r == -ENOENT)
		return 0;
	s->has_buildkit = true;
	/* A daemon may be writing to it. */
	if (!r)
		r = -EAGAIN;
	for (unsigned int n = 0; n < MAX_TRIES && r == -EAGAIN; n++)
		r = snapshots_read(fd, &s->snapshots);
	if (fd >= 0)
		close(fd);
	if (r == -ENOMEM)
		return r;
	error = r;
	if (error || !s->snapshots.complete)
		r = problem_add(&s->problems, ROW_B3, "snapshots.db", SNAPSHOTS, "%s",
				error ? strerror(-error) : s->snapshots.fault.text);
	problem_of_error(&s->problems, error);
	return r;
}

/*
 * Docker makes these directories when it starts.  Where one is gone and what refers to it is not,
 * no file tells what is lost.
 */
static int note_absent(struct docker_state *s)
{
	const struct layer_store *l = &s->layers;
	const struct device_record *base = driver_state_find(&s->driver, "base");
	const size_t nr_devices = s->driver.nr_records - (base != NULL);
	size_t nr_containers = 0;
	int r = 0;

	/* What is left of a driver that is not used any more may be in parts. */
	if (other_drivers_have_state(&s->others))
		return 0;
	for (size_t i = 0; i < l->nr_mounts; i++)
		nr_containers += l->mounts[i].init_id != NULL;
	if (!docker_state_has_layers(s) && !l->unread && nr_devices)
		r = problem_add(&s->problems, ROW_L6, "layerdb", "image/devicemapper/layerdb",
				"it is not there, and the driver has %zu devices of layers",
				nr_devices);
	if (!r && !s->images.present && !s->images.unread && l->nr_layers)
		r = problem_add(&s->problems, ROW_L12, "imagedb", "image/devicemapper/imagedb",
				"it is not there, and there are %zu layers", l->nr_layers);
	if (!r && !s->containers.present && !s->containers.unread && nr_containers)
		r = problem_add(&s->problems, ROW_C8, "containers", "containers",
				"it is not there, and %zu have a writable layer", nr_containers);
	return r;
}

#define IMAGES "image/devicemapper"

/* Layers and images are told of with one word where the directory of both is not for us to read. */
static int look_into_images(const struct safe_dir *root, struct docker_state *s, bool *ret_readable)
{
	struct safe_dir dir;
	const int e = safe_dir_enter(root, IMAGES, &dir);

	safe_dir_close(&dir);
	*ret_readable = !e || e == -ENOENT;
	if (*ret_readable || e == -ENOMEM)
		return e == -ENOMEM ? e : 0;
	s->layers = (struct layer_store){ .unread = true, .mounts_unread = true };
	s->images = (struct image_store){ .unread = true, .names_unread = true };
	return problem_unread(&s->problems, ROW_L6, IMAGES, IMAGES, e);
}

int docker_state_read(const struct safe_dir *root, struct docker_state *ret_state)
{
	struct docker_state *s = ret_state;
	const struct graph_stores stores = { &s->layers, &s->images, &s->containers };
	bool images_readable = false;
	int r;

	*s = (struct docker_state){ .has_buildkit = false };
	r = driver_state_read(root, &s->driver, &s->problems);
	if (!r)
		r = setup_config_read(root, &s->setup, &s->problems);
	if (!r)
		r = look_into_images(root, s, &images_readable);
	if (!r && images_readable)
		r = layer_store_read(root, &s->layers, &s->problems);
	if (!r && images_readable)
		r = image_store_read(root, &s->images, &s->problems);
	if (!r)
		r = container_store_read(root, &s->containers, &s->problems);
	if (!r)
		r = graph_read(root, &stores, &s->graph, &s->problems);
	if (!r)
		r = other_drivers_read(root, &s->images, &s->others);
	if (!r)
		r = read_snapshots(root, s);
	return r ? r : note_absent(s);
}

void docker_state_destroy(struct docker_state *s)
{
	driver_state_destroy(&s->driver);
	setup_config_destroy(&s->setup);
	layer_store_destroy(&s->layers);
	image_store_destroy(&s->images);
	container_store_destroy(&s->containers);
	other_drivers_destroy(&s->others);
	snapshots_destroy(&s->snapshots);
	problem_list_destroy(&s->problems);
}

bool docker_state_has_layers(const struct docker_state *s)
{
	return s->layers.present || (s->graph.current && (s->graph.nr || s->graph.is_told));
}

/* Images of 1.10 and later name no device, but nothing is known of layers without them. */
static bool images_complete(const struct docker_state *s)
{
	return (s->images.present || !s->layers.nr_layers) && !s->images.unread &&
	       !s->images.names_unread;
}

bool docker_state_complete(const struct docker_state *s)
{
	return s->driver.present && docker_state_has_layers(s) && s->layers.complete &&
	       images_complete(s) && s->containers.complete && s->graph.complete &&
	       (!s->has_buildkit || s->snapshots.complete);
}
