/* SPDX-License-Identifier: MIT */
#include "docker_meta/source/docker/containers.h"

#include <ctype.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/alloc.h"
#include "docker_meta/read/go_json.h"

#define DIRECTORY "containers"

struct reading {
	struct container_store *store;
	struct problem_list *problems;
};

static int note(const struct reading *r, struct container *c, const char *file, const char *text)
{
	char *path = alloc_printf(DIRECTORY "/%s%s%s", c->id, *file ? "/" : "", file);
	int e = path ? problem_add(r->problems, ROW_C8, c->id, path, "%s", text) : -ENOMEM;

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
	const char *id = c->id;
	json_t *inner = go_get(config, "Config");
	int e;

	if (!go_take_string(config, "Name", &name, fault) ||
	    !go_take_string(config, "Driver", &driver, fault) ||
	    !go_take_string(config, "Image", &image, fault) ||
	    !take_state(go_get(config, "State"), c, fault) ||
	    (inner && !go_take_string(inner, "Image", &image_name, fault)) ||
	    !go_take_string(config, "ID", &id, fault))
		return -EBADMSG;
	/* moby daemon/container.go, load() */
	if (strcmp(id, c->id) != 0) {
		(void)snprintf(fault->text, sizeof(fault->text),
			       "ID: %.64s, which is not what the directory is called", id);
		return -EBADMSG;
	}
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

/* A container's file, as it is opened below the directory of all of them. */
struct below {
	char path[2 * NAME_MAX + 16];
};

static struct below file_below(const struct container *c, const char *prefix, const char *file)
{
	struct below b;

	(void)snprintf(b.path, sizeof(b.path), "%s/%s%s", c->id, prefix, file);
	return b;
}

static int read_config(const struct reading *r, const struct safe_dir *dir, struct container *c)
{
	const char *file = "config.v2.json";
	struct go_fault fault;
	json_t *config;
	int e = go_json_read(dir, file_below(c, "", file).path, &config, &fault), error;

	if (e == -ENOENT) {
		e = go_json_read(dir, file_below(c, "", "config.json").path, &config, &fault);
		c->old_layout = e != -ENOENT;
		file = c->old_layout ? "config.json" : file;
	}
	c->has_config = e != -ENOENT;
	if (!e)
		e = take_config(config, c, &fault);
	error = e;
	if (error && error != -ENOMEM)
		e = note(r, c, file, fault.text);
	problem_of_error(r->problems, error);
	json_decref(config);
	return e;
}

/* ---- the size that was asked for */

static uint64_t unit_of(char letter)
{
	static const char letters[] = "kmgtp";
	const char *at = letter ? strchr(letters, tolower((unsigned char)letter)) : NULL;

	return at ? UINT64_C(1) << (10 * (at - letters + 1)) : 1;
}

/*
 * "20G", "20gb", "1.5 GiB" (go-units, RAMInBytes): bytes; 0 where it is none of these.  Docker has
 * taken it, or there would be no container.
 */
static uint64_t parse_size(const char *text)
{
	double number, bytes;
	char *end;
	uint64_t unit;

	if (!isdigit((unsigned char)*text) || strspn(text, "0123456789.") > 15)
		return 0;
	number = strtod(text, &end);
	end += *end == ' ';
	unit = unit_of(*end);
	end += unit > 1;
	end += *end == 'i' || *end == 'I';
	end += *end == 'b' || *end == 'B';
	bytes = number * (double)unit;
	return *end || !(bytes >= 1 && bytes < 0x1p63) ? 0 : (uint64_t)bytes;
}

static uint64_t take_size(json_t *host_config)
{
	json_t *options = go_get(host_config, "StorageOpt");
	const char *size = "";
	struct go_fault ignored;

	return json_is_object(options) && go_take_string(options, "size", &size, &ignored)
		       ? parse_size(size)
		       : 0;
}

/* Docker does without this file, and drops a container whose file cannot be read. */
static int read_host_config(const struct reading *r, const struct safe_dir *dir,
			    struct container *c)
{
	static const char file[] = "hostconfig.json";
	struct go_fault fault;
	json_t *config;
	int e = go_json_read(dir, file_below(c, "", file).path, &config, &fault), error = e;

	if (!e)
		c->asked_size = take_size(config);
	else if (e == -ENOENT)
		e = 0;
	else if (e != -ENOMEM)
		e = note(r, c, file, fault.text);
	if (error != -ENOENT)
		problem_of_error(r->problems, error);
	json_decref(config);
	return e;
}

static void look_at_log(const struct safe_dir *dir, struct container *c)
{
	struct safe_stat log;

	if (!safe_dir_stat(dir, file_below(c, c->id, "-json.log").path, &log))
		c->log_size = log.size;
}

/* ---- all */

static void destroy(struct container *c)
{
	alloc_free(c->id);
	alloc_free(c->name);
	alloc_free(c->driver);
	alloc_free(c->image_name);
}

static int read_files(const struct reading *r, const struct safe_dir *dir, struct container *c)
{
	int e = read_config(r, dir, c);

	if (!e && c->whole)
		e = read_host_config(r, dir, c);
	look_at_log(dir, c);
	return e;
}

static int read_container(const struct reading *r, const struct safe_dir *dir,
			  const struct dir_entry *entry)
{
	struct container_store *s = r->store;
	struct container c = { .id = alloc_string(entry->name),
			       .name = alloc_string(entry->name),
			       .driver = alloc_string("devicemapper"),
			       .whole = true },
			 *grown = alloc_grow(s->containers, &s->containers_capacity,
					     s->nr_containers, sizeof(*grown));
	int e = grown && c.id && c.name && c.driver ? 0 : -ENOMEM;

	if (grown)
		s->containers = grown;
	if (!e)
		e = entry->is_dir ? read_files(r, dir, &c)
				  : note(r, &c, "", "it is no directory, and not followed");
	if (e)
		destroy(&c);
	else
		grown[s->nr_containers++] = c;
	return e;
}

/* Docker's own are called by 64 digits; lost+found, and what else has no configuration, is none. */
static bool is_container(const struct safe_dir *dir, const struct dir_entry *entry)
{
	const struct container c = { .id = entry->name };

	return !entry->is_file &&
	       (is_hex_name(entry->name) ||
		safe_dir_has_file(dir, file_below(&c, "", "config.v2.json").path) != -ENOENT ||
		safe_dir_has_file(dir, file_below(&c, "", "config.json").path) != -ENOENT);
}

int container_store_read(const struct safe_dir *root, struct container_store *ret_store,
			 struct problem_list *problems)
{
	struct reading r = { ret_store, problems };
	struct dir_list list = { 0 };
	struct safe_dir dir = { .fd = -1 };
	int e;

	*ret_store = (struct container_store){ .complete = true };
	e = safe_dir_enter(root, DIRECTORY, &dir);
	if (!e)
		e = safe_dir_list(&dir, &list);
	if (!e)
		ret_store->present = true;
	for (size_t i = 0; i < list.nr && !e; i++) {
		if (is_container(&dir, &list.items[i]))
			e = read_container(&r, &dir, &list.items[i]);
	}
	if (e && e != -ENOENT && e != -ENOMEM) {
		ret_store->complete = false;
		ret_store->unread = true;
		e = problem_unread(problems, ROW_C8, DIRECTORY, DIRECTORY, e);
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
