/* SPDX-License-Identifier: MIT */
#include "docker_meta/state/layers.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/alloc.h"
#include "common/base/number.h"
#include "docker_meta/state/digest.h"

#define DIRECTORY "image/devicemapper/layerdb"

enum { MAX_LINE = 4096 };

struct reading {
	struct layer_store *store;
	struct problem_list *problems;
	const char *below; /* sha256, mounts */
};

static int note(const struct reading *r, const char *row, const char *object, const char *file,
		const char *text)
{
	char *path = alloc_printf(DIRECTORY "/%s/%s/%s", r->below, object, file);
	int e = path ? problem_add(r->problems, row, object, path, "%s", text) : -ENOMEM;

	alloc_free(path);
	return e;
}

/*
 * A file of one line, without white space around it, as Docker takes it; *ret_text is NULL where
 * there is none.  0, -errno of the file, -ENOMEM.
 */
static int read_line(const struct safe_dir *dir, const char *name, char **ret_text)
{
	char *text, *start;
	size_t size;
	int e = safe_dir_read(dir, name, MAX_LINE, &text, &size);

	*ret_text = NULL;
	if (e)
		return e;
	while (size && isspace((unsigned char)text[size - 1]))
		text[--size] = '\0';
	start = text + strspn(text, " \t\r\n");
	*ret_text = alloc_string(start);
	alloc_free(text);
	return *ret_text ? 0 : -ENOMEM;
}

/* ---- layers of images */

/* A digest in a file; "" where it is none. */
static int read_digest(const struct safe_dir *dir, const char *name, char *to)
{
	char *text;
	const char *hex;
	int e = read_line(dir, name, &text);

	*to = '\0';
	if (e)
		return e;
	hex = digest_hex(text);
	if (hex)
		memcpy(to, hex, HEX_NAME + 1);
	alloc_free(text);
	return hex ? 0 : -EBADMSG;
}

static int complain(const struct reading *r, struct layer *l, const char *file, int error)
{
	l->whole = false;
	if (error == -ENOMEM)
		return error;
	return note(r, "L6", l->directory, file,
		    error == -EBADMSG  ? "it is not what stands in such a file"
		    : error == -ENOENT ? "it is missing"
				       : strerror(-error));
}

static int read_cache_id(const struct reading *r, const struct safe_dir *dir, struct layer *l)
{
	int e = read_line(dir, "cache-id", &l->cache_id);

	if (!e && !*l->cache_id) {
		alloc_free(l->cache_id);
		l->cache_id = NULL;
		e = -EBADMSG;
	}
	return e ? complain(r, l, "cache-id", e) : 0;
}

static int read_size(const struct reading *r, const struct safe_dir *dir, struct layer *l)
{
	char *text;
	int e = read_line(dir, "size", &text);

	if (!e && !parse_u64(text, &l->size))
		e = -EBADMSG;
	alloc_free(text);
	return e ? complain(r, l, "size", e) : 0;
}

static int check_layer(const struct reading *r, const struct safe_dir *dir, struct layer *l)
{
	struct digest chain;
	int e = safe_dir_has_file(dir, "tar-split.json.gz");

	if (e)
		e = note(r, "L7", l->directory, "tar-split.json.gz", strerror(-e));
	if (e || !l->whole)
		return e;
	chain = chain_id(*l->parent ? l->parent : NULL, l->diff);
	return strcmp(chain.hex, l->chain)
		       ? note(r, "L5", l->directory, "diff",
			      "this and the parent do not give the chain that the directory names")
		       : 0;
}

static int read_layer_files(const struct reading *r, const struct safe_dir *dir, struct layer *l)
{
	int e = read_cache_id(r, dir, l), d;

	if (e)
		return e;
	d = read_digest(dir, "diff", l->diff);
	e = d ? complain(r, l, "diff", d) : 0;
	if (e)
		return e;
	d = read_digest(dir, "parent", l->parent);
	e = d && d != -ENOENT ? complain(r, l, "parent", d) : 0;
	if (!e)
		e = read_size(r, dir, l);
	return e ? e : check_layer(r, dir, l);
}

static int add_layer(struct layer_store *s, const struct layer *l)
{
	struct layer *grown =
		alloc_grow(s->layers, &s->layers_capacity, s->nr_layers, sizeof(*grown));

	if (!grown)
		return -ENOMEM;
	s->layers = grown;
	grown[s->nr_layers++] = *l;
	return 0;
}

static void destroy_layer(struct layer *l)
{
	alloc_free(l->directory);
	alloc_free(l->cache_id);
}

static int read_layer(const struct reading *r, const struct safe_dir *parent, const char *name)
{
	struct layer l = { .directory = alloc_string(name), .whole = true };
	struct safe_dir dir;
	int e = l.directory ? 0 : -ENOMEM;

	if (strlen(name) > HEX_NAME && has_suffix(name, "-removing"))
		l.removing = true;
	(void)snprintf(l.chain, sizeof(l.chain), "%.*s", HEX_NAME, name);
	if (!e)
		e = safe_dir_enter(parent, name, &dir);
	if (e && e != -ENOMEM) {
		l.whole = false;
		e = note(r, "L6", name, "", strerror(-e));
	} else if (!e) {
		e = read_layer_files(r, &dir, &l);
		safe_dir_close(&dir);
	}
	if (!e)
		e = add_layer(r->store, &l);
	if (e)
		destroy_layer(&l);
	return e;
}

/* ---- writable layers */

static int complain_mount(const struct reading *r, struct mount *m, const char *file,
			  const char *text)
{
	m->whole = false;
	return note(r, "C5", m->name, file, text);
}

/* The id of a device.  Docker takes no other names (layer/filestore.go). */
static int read_id(const struct reading *r, const struct safe_dir *dir, const char *file,
		   struct mount *m, char **ret_id)
{
	int e = read_line(dir, file, ret_id);

	if (e == -ENOENT || e == -ENOMEM)
		return e == -ENOENT ? 0 : e;
	if (e)
		return complain_mount(r, m, file, strerror(-e));
	if (is_device_name(*ret_id) && strlen(*ret_id) >= HEX_NAME)
		return 0;
	alloc_free(*ret_id);
	*ret_id = NULL;
	return complain_mount(r, m, file, "it names no device");
}

static int read_mount_files(const struct reading *r, const struct safe_dir *dir, struct mount *m)
{
	int e = read_id(r, dir, "mount-id", m, &m->mount_id), d;

	if (!e && !m->mount_id && m->whole)
		e = complain_mount(r, m, "mount-id", "it is missing");
	if (!e)
		e = read_id(r, dir, "init-id", m, &m->init_id);
	d = e ? 0 : read_digest(dir, "parent", m->parent);
	if (d && d != -ENOENT)
		e = d == -ENOMEM ? d : complain_mount(r, m, "parent", "it names no layer");
	return e;
}

static void destroy_mount(struct mount *m)
{
	alloc_free(m->name);
	alloc_free(m->mount_id);
	alloc_free(m->init_id);
}

static int read_mount(const struct reading *r, const struct safe_dir *parent, const char *name)
{
	struct layer_store *s = r->store;
	struct mount m = { .name = alloc_string(name), .whole = true }, *grown;
	struct safe_dir dir;
	int e = m.name ? 0 : -ENOMEM;

	if (!e)
		e = safe_dir_enter(parent, name, &dir);
	if (e && e != -ENOMEM) {
		e = complain_mount(r, &m, "", strerror(-e));
	} else if (!e) {
		e = read_mount_files(r, &dir, &m);
		safe_dir_close(&dir);
	}
	grown = alloc_grow(s->mounts, &s->mounts_capacity, s->nr_mounts, sizeof(*grown));
	if (grown)
		s->mounts = grown;
	if (e || !grown) {
		destroy_mount(&m);
		return e ? e : -ENOMEM;
	}
	grown[s->nr_mounts++] = m;
	return 0;
}

/* ---- the directories */

typedef int (*read_fn)(const struct reading *r, const struct safe_dir *parent, const char *name);

static int read_below(struct reading *r, const struct safe_dir *root, const char *below, read_fn fn)
{
	char *path = alloc_printf(DIRECTORY "/%s", below);
	struct dir_list list = { 0 };
	struct safe_dir dir = { -1 };
	int e = path ? safe_dir_enter(root, path, &dir) : -ENOMEM;

	r->below = below;
	if (!e)
		e = safe_dir_list(&dir, &list);
	if (e && e != -ENOENT && e != -ENOMEM) {
		r->store->complete = false;
		e = problem_add(r->problems, "L6", below, path, "it cannot be read: %s",
				strerror(-e));
	} else if (!e) {
		r->store->present = true;
	}
	for (size_t i = 0; i < list.nr && !e; i++)
		e = fn(r, &dir, list.items[i].name);
	safe_dir_close(&dir);
	dir_list_destroy(&list);
	alloc_free(path);
	return e == -ENOENT ? 0 : e;
}

int layer_store_read(const struct safe_dir *root, struct layer_store *ret_store,
		     struct problem_list *problems)
{
	struct reading r = { .store = ret_store, .problems = problems };
	int e;

	*ret_store = (struct layer_store){ .complete = true };
	e = read_below(&r, root, "sha256", read_layer);
	if (!e)
		e = read_below(&r, root, "mounts", read_mount);
	for (size_t i = 0; i < ret_store->nr_layers; i++)
		ret_store->complete &= ret_store->layers[i].cache_id != NULL;
	for (size_t i = 0; i < ret_store->nr_mounts; i++)
		ret_store->complete &= ret_store->mounts[i].whole;
	return e;
}

void layer_store_destroy(struct layer_store *s)
{
	for (size_t i = 0; i < s->nr_layers; i++)
		destroy_layer(&s->layers[i]);
	for (size_t i = 0; i < s->nr_mounts; i++)
		destroy_mount(&s->mounts[i]);
	alloc_free(s->layers);
	alloc_free(s->mounts);
	*s = (struct layer_store){ 0 };
}

static int has_directory(const void *name, const void *layer)
{
	return strcmp(name, ((const struct layer *)layer)->directory);
}

const struct layer *layer_store_find(const struct layer_store *s, const char *chain)
{
	return s->nr_layers
		       ? bsearch(chain, s->layers, s->nr_layers, sizeof(*s->layers), has_directory)
		       : NULL;
}

static int has_name(const void *name, const void *mount)
{
	return strcmp(name, ((const struct mount *)mount)->name);
}

const struct mount *layer_store_find_mount(const struct layer_store *s, const char *name)
{
	return s->nr_mounts ? bsearch(name, s->mounts, s->nr_mounts, sizeof(*s->mounts), has_name)
			    : NULL;
}
