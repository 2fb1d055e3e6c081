/* SPDX-License-Identifier: MIT */
#include "docker_meta/state/containers.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/alloc.h"
#include "docker_meta/state/go_json.h"

#define DIRECTORY "containers"

struct reading {
	struct container_store *store;
	struct problem_list *problems;
};

static int note(const struct reading *r, struct container *c, const char *file, const char *text)
{
	char *path = alloc_printf(DIRECTORY "/%s/%s", c->id, file);
	int e = path ? problem_add(r->problems, "C8", c->id, path, "%s", text) : -ENOMEM;

	c->whole = false;
	alloc_free(path);
	return e;
}

static int keep(char **to, const char *text)
{
	alloc_free(*to);
	*to = alloc_string(text);
	return *to ? 0 : -ENOMEM;
}

static bool take_state(json_t *state, struct container *c, struct go_fault *fault)
{
	return !state || (go_take_bool(state, "Running", &c->running, fault) &&
			  go_take_bool(state, "Dead", &c->dead, fault) &&
			  go_take_bool(state, "RemovalInProgress", &c->removing, fault));
}

static int take_config(json_t *config, struct container *c, struct go_fault *fault)
{
	const char *name = "", *driver = "devicemapper", *image = "", *image_name = NULL;
	json_t *inner = go_get(config, "Config");
	int e;

	if (!go_take_string(config, "Name", &name, fault) ||
	    !go_take_string(config, "Driver", &driver, fault) ||
	    !go_take_string(config, "Image", &image, fault) ||
	    !take_state(go_get(config, "State"), c, fault) ||
	    (inner && !go_take_string(inner, "Image", &image_name, fault)))
		return -EBADMSG;
	name += *name == '/';
	e = keep(&c->name, *name ? name : c->id);
	if (!e)
		e = keep(&c->driver, *driver ? driver : "devicemapper");
	if (!e && image_name)
		e = keep(&c->image_name, image_name);
	if (digest_hex(image))
		memcpy(c->image, digest_hex(image), HEX_NAME);
	else if (is_hex_name(image))
		memcpy(c->image, image, HEX_NAME);
	return e;
}

static int read_config(const struct reading *r, const struct safe_dir *dir, struct container *c)
{
	const char *file = "config.v2.json";
	struct go_fault fault;
	json_t *config;
	int e = go_json_read(dir, file, &config, &fault);

	if (e == -ENOENT) {
		c->old_layout = true;
		e = go_json_read(dir, "config.json", &config, &fault);
		c->old_layout = !e;
	}
	if (!e)
		e = take_config(config, c, &fault);
	if (e && e != -ENOMEM)
		e = note(r, c, file, fault.text);
	json_decref(config);
	return e;
}

static void destroy(struct container *c)
{
	alloc_free(c->id);
	alloc_free(c->name);
	alloc_free(c->driver);
	alloc_free(c->image_name);
}

static int read_container(const struct reading *r, const struct safe_dir *parent, const char *name)
{
	struct container_store *s = r->store;
	struct container c = { .id = alloc_string(name),
			       .name = alloc_string(name),
			       .driver = alloc_string("devicemapper"),
			       .whole = true },
			 *grown = alloc_grow(s->containers, &s->containers_capacity,
					     s->nr_containers, sizeof(*grown));
	struct safe_dir dir;
	int e = grown && c.id && c.name && c.driver ? 0 : -ENOMEM;

	if (grown)
		s->containers = grown;
	if (!e)
		e = safe_dir_enter(parent, name, &dir);
	if (e && e != -ENOMEM) {
		e = note(r, &c, "", strerror(-e));
	} else if (!e) {
		e = read_config(r, &dir, &c);
		safe_dir_close(&dir);
	}
	if (e)
		destroy(&c);
	else
		grown[s->nr_containers++] = c;
	return e;
}

int container_store_read(const struct safe_dir *root, struct container_store *ret_store,
			 struct problem_list *problems)
{
	struct reading r = { ret_store, problems };
	struct dir_list list = { 0 };
	struct safe_dir dir = { -1 };
	int e;

	*ret_store = (struct container_store){ .complete = true };
	e = safe_dir_enter(root, DIRECTORY, &dir);
	if (!e)
		e = safe_dir_list(&dir, &list);
	if (!e)
		ret_store->present = true;
	for (size_t i = 0; i < list.nr && !e; i++) {
		if (list.items[i].is_dir)
			e = read_container(&r, &dir, list.items[i].name);
	}
	if (e && e != -ENOENT && e != -ENOMEM) {
		ret_store->complete = false;
		e = problem_add(problems, "C8", DIRECTORY, DIRECTORY, "it cannot be read: %s",
				strerror(-e));
	}
	safe_dir_close(&dir);
	dir_list_destroy(&list);
	return e == -ENOENT ? 0 : e;
}

void container_store_destroy(struct container_store *s)
{
	for (size_t i = 0; i < s->nr_containers; i++)
		destroy(&s->containers[i]);
	alloc_free(s->containers);
	*s = (struct container_store){ 0 };
}

static int has_id(const void *id, const void *container)
{
	return strcmp(id, ((const struct container *)container)->id);
}

const struct container *container_store_find(const struct container_store *s, const char *id)
{
	return s->nr_containers ? bsearch(id, s->containers, s->nr_containers,
					  sizeof(*s->containers), has_id)
				: NULL;
}
