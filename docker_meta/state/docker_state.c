/* SPDX-License-Identifier: MIT */
#include "docker_meta/state/docker_state.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#define SNAPSHOTS "buildkit/snapshots.db"

enum { MAX_TRIES = 5 };

static int read_snapshots(const struct safe_dir *root, struct docker_state *s)
{
	struct safe_dir dir = { -1 };
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
		r = problem_add(&s->problems, "B3", "snapshots.db", SNAPSHOTS, "%s",
				error ? strerror(-error) : s->snapshots.fault.text);
	problem_of_error(&s->problems, error);
	return r;
}

int docker_state_read(const struct safe_dir *root, struct docker_state *ret_state)
{
	struct docker_state *s = ret_state;
	const struct graph_stores stores = { &s->layers, &s->images, &s->containers };
	int r;

	*s = (struct docker_state){ .has_buildkit = false };
	r = driver_state_read(root, &s->driver, &s->problems);
	if (!r)
		r = setup_config_read(root, &s->setup, &s->problems);
	if (!r)
		r = layer_store_read(root, &s->layers, &s->problems);
	if (!r)
		r = image_store_read(root, &s->images, &s->problems);
	if (!r)
		r = container_store_read(root, &s->containers, &s->problems);
	if (!r)
		r = graph_read(root, &stores, &s->graph, &s->problems);
	if (!r)
		r = other_drivers_read(root, &s->images, &s->others);
	return r ? r : read_snapshots(root, s);
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

bool docker_state_complete(const struct docker_state *s)
{
	return s->driver.present && (s->layers.present || s->graph.current) && s->layers.complete &&
	       s->containers.complete && s->graph.complete &&
	       (!s->has_buildkit || s->snapshots.complete);
}
