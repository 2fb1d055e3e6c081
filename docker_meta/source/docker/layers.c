/* SPDX-License-Identifier: MIT */
#include "docker_meta/source/docker/layers.h"

#include <ctype.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/alloc.h"
#include "common/base/number.h"
#include "docker_meta/read/digest.h"

#define DIRECTORY "image/devicemapper/layerdb"

enum { MAX_LINE = 4096 };

struct reading {
	struct layer_store *store;
	struct problem_list *problems;
	const char *below; /* sha256, mounts */
};

/* A file of a layer or of a mount, as it is opened below the directory of all of them. */
struct below {
	char path[NAME_MAX + 24];
};

static struct below file_below(const char *name, const char *file)
{
	struct below b;

	(void)snprintf(b.path, sizeof(b.path), "%s/%s", name, file);
	return b;
}

static int note(const struct reading *r, enum meta_row_id row, const char *object, const char *file,
		const char *text)
{
	char *path = alloc_printf(DIRECTORY "/%s/%s%s%s", r->below, object, *file ? "/" : "", file);
	int e = path ? problem_add(r->problems, row, object, path, "%s", text) : -ENOMEM;

	alloc_free(path);
	return e;
}

/*
 * A file of one line, without white space around it, as Docker takes it; *ret_text is NULL where
 * there is none.  0, -errno of the file, -ENOMEM.
 */
static int read_line(const struct safe_dir *dir, const char *name, const char *file,
		     char **ret_text)
{
	size_t size, blank;
	char *text;
	int e = safe_dir_read(dir, file_below(name, file).path, MAX_LINE, &text, &size);

	*ret_text = NULL;
	if (e)
		return e;
	while (size && isspace((unsigned char)text[size - 1]))
		text[--size] = '\0';
	blank = strspn(text, " \t\r\n");
	memmove(text, text + blank, size - blank + 1);
	*ret_text = text;
	return 0;
}

/* ---- layers of images */

/* A digest in a file; "" where it is none. */
static int read_digest(const struct safe_dir *dir, const char *name, const char *file, char *to)
{
	char *text;
	const char *hex;
	int e = read_line(dir, name, file, &text);

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
	int e = error;

	l->whole = false;
	/* Its device goes first, then its files: Docker loads it no more. */
	if (l->removing && error != -ENOMEM)
		return 0;
	if (error != -ENOMEM)
		e = note(r, ROW_L6, l->directory, file,
			 error == -EBADMSG  ? "it is not what stands in such a file"
			 : error == -ENOENT ? "it is missing"
					    : safe_dir_fault(error));
	problem_of_error(r->problems, error);
	return e;
}

static int read_cache_id(const struct reading *r, const struct safe_dir *dir, struct layer *l)
{
	int e = read_line(dir, l->directory, "cache-id", &l->cache_id);

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
	int e = read_line(dir, l->directory, "size", &text);

	if (!e && !parse_u64(text, &l->size))
		e = -EBADMSG;
	alloc_free(text);
	return e ? complain(r, l, "size", e) : 0;
}

static int check_layer(const struct reading *r, const struct safe_dir *dir, struct layer *l)
{
	static const char file[] = "tar-split.json.gz";
	struct safe_stat ignored;
	struct digest chain;
	const int error = safe_dir_stat(dir, file_below(l->directory, file).path, &ignored);
	int e = error == -ENOMEM ? error : 0;

	if (e || l->removing)
		return e;
	if (error) {
		e = note(r, ROW_L7, l->directory, file, safe_dir_fault(error));
		problem_of_error(r->problems, error);
	}
	if (e || !l->whole)
		return e;
	chain = chain_id(*l->parent ? l->parent : NULL, l->diff);
	l->odd = strcmp(chain.hex, l->chain) != 0;
	return l->odd ? note(r, ROW_L5, l->directory, "diff",
			     "this and the parent do not give the chain that the directory names")
		      : 0;
}

static int read_layer_files(const struct reading *r, const struct safe_dir *dir, struct layer *l)
{
	int e = read_cache_id(r, dir, l), d;

	if (e)
		return e;
	d = read_digest(dir, l->directory, "diff", l->diff);
	e = d ? complain(r, l, "diff", d) : 0;
	if (e)
		return e;
	d = read_digest(dir, l->directory, "parent", l->parent);
	e = d && d != -ENOENT ? complain(r, l, "parent", d) : 0;
	if (!e)
		e = read_size(r, dir, l);
	return e ? e : check_layer(r, dir, l);
}

int layer_store_add(struct layer_store *s, const struct layer *l)
{
	struct layer *grown =
		alloc_grow(s->layers, &s->layers_capacity, s->nr_layers, sizeof(*grown));

	if (!grown)
		return -ENOMEM;
	s->layers = grown;
	grown[s->nr_layers++] = *l;
	return 0;
}

void layer_destroy(struct layer *l)
{
	alloc_free(l->directory);
	alloc_free(l->cache_id);
}

static int read_layer(const struct reading *r, const struct safe_dir *parent,
		      const struct dir_entry *entry)
{
	struct layer l = { .directory = alloc_string(entry->name), .whole = true };
	int e = l.directory ? 0 : -ENOMEM;

	l.removing = strlen(entry->name) > HEX_NAME && has_suffix(entry->name, "-removing");
	(void)snprintf(l.chain, sizeof(l.chain), "%.*s", HEX_NAME, entry->name);
	if (!e && entry->is_dir) {
		e = read_layer_files(r, parent, &l);
	} else if (!e) {
		l.whole = false;
		e = note(r, ROW_L6, entry->name, "", "it is no directory: Docker passes over it");
	}
	if (!e)
		e = layer_store_add(r->store, &l);
	if (e)
		layer_destroy(&l);
	return e;
}

/* ---- writable layers */

/* text: what is wrong with a file that could be read. */
static int complain_mount(const struct reading *r, struct mount *m, const char *file, int error,
			  const char *text)
{
	int e = error == -ENOMEM ? error
				 : note(r, ROW_C5, m->name, file,
					error == -EBADMSG ? text : safe_dir_fault(error));

	m->whole = false;
	problem_of_error(r->problems, error);
	return e;
}

/* The id of a device.  Docker takes no other names (layer/filestore.go). */
static int read_id(const struct reading *r, const struct safe_dir *dir, const char *file,
		   struct mount *m, char **ret_id)
{
	static const char none[] = "it names no device";
	int e = read_line(dir, m->name, file, ret_id);

	if (e)
		return e == -ENOENT ? 0 : complain_mount(r, m, file, e, none);
	if (is_device_name(*ret_id) && strlen(*ret_id) >= HEX_NAME)
		return 0;
	alloc_free(*ret_id);
	*ret_id = NULL;
	return complain_mount(r, m, file, -EBADMSG, none);
}

static int read_mount_files(const struct reading *r, const struct safe_dir *dir, struct mount *m)
{
	int e = read_id(r, dir, "mount-id", m, &m->mount_id), d;

	if (!e && !m->mount_id && m->whole)
		e = complain_mount(r, m, "mount-id", -EBADMSG, "it is missing");
	if (!e)
		e = read_id(r, dir, "init-id", m, &m->init_id);
	d = e ? 0 : read_digest(dir, m->name, "parent", m->parent);
	if (d && d != -ENOENT)
		e = complain_mount(r, m, "parent", d, "it names no layer");
	return e;
}

static void destroy_mount(struct mount *m)
{
	alloc_free(m->name);
	alloc_free(m->mount_id);
	alloc_free(m->init_id);
}

static int read_mount(const struct reading *r, const struct safe_dir *parent,
		      const struct dir_entry *entry)
{
	struct layer_store *s = r->store;
	struct mount m = { .name = alloc_string(entry->name), .whole = true }, *grown;
	int e = m.name ? 0 : -ENOMEM;

	if (!e)
		e = entry->is_dir ? read_mount_files(r, parent, &m)
				  : complain_mount(r, &m, "", -EBADMSG, "it is no directory");
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

typedef int (*read_fn)(const struct reading *r, const struct safe_dir *parent,
		       const struct dir_entry *entry);

static int read_leftover(const struct reading *r, const struct safe_dir *parent,
			 const struct dir_entry *entry)
{
	(void)parent;
	return strncmp(entry->name, "write-set-", 10)
		       ? 0
		       : note(r, ROW_L10, entry->name, "",
			      "what was to become a layer when Docker was interrupted");
}

/*
 * Docker makes the directory when it starts, and what is below with the first layer: without one
 * there is none.
 */
static bool has_store(const struct safe_dir *root)
{
	struct safe_dir dir = { .fd = -1 };
	const bool has = !safe_dir_enter(root, DIRECTORY, &dir);

	safe_dir_close(&dir);
	return has;
}

/* *ret_present, *ret_unread: whether it could be listed, and whether it is there and could not. */
static int read_below(struct reading *r, const struct safe_dir *root, const char *below, read_fn fn,
		      bool *ret_present, bool *ret_unread)
{
	char *path = alloc_printf(DIRECTORY "/%s", below);
	struct dir_list list = { 0 };
	struct safe_dir dir = { .fd = -1 };
	int e = path ? safe_dir_enter(root, path, &dir) : -ENOMEM;

	r->below = below;
	if (!e)
		e = safe_dir_list(&dir, &list);
	*ret_present = !e;
	*ret_unread = e && e != -ENOENT;
	if (e && e != -ENOENT && e != -ENOMEM) {
		r->store->complete = false;
		e = problem_unread(r->problems, ROW_L6, below, path, e);
	}
	for (size_t i = 0; i < list.nr && !e; i++)
		e = fn(r, &dir, &list.items[i]);
	safe_dir_close(&dir);
	dir_list_destroy(&list);
	alloc_free(path);
	return e == -ENOENT ? 0 : e;
}

int layer_store_read(const struct safe_dir *root, struct layer_store *ret_store,
		     struct problem_list *problems)
{
	struct reading r = { .store = ret_store, .problems = problems };
	struct layer_store *s = ret_store;
	bool ignored;
	int e;

	*s = (struct layer_store){ .complete = true };
	e = read_below(&r, root, "sha256", read_layer, &s->present, &s->unread);
	s->present |= !s->unread && has_store(root);
	if (!e)
		e = read_below(&r, root, "mounts", read_mount, &s->mounts_present,
			       &s->mounts_unread);
	if (!e)
		e = read_below(&r, root, "tmp", read_leftover, &ignored, &ignored);
	for (size_t i = 0; i < ret_store->nr_layers; i++)
		ret_store->complete &=
			ret_store->layers[i].cache_id != NULL || ret_store->layers[i].removing;
	for (size_t i = 0; i < ret_store->nr_mounts; i++)
		ret_store->complete &= ret_store->mounts[i].whole;
	return e;
}

void layer_store_destroy(struct layer_store *s)
{
	for (size_t i = 0; i < s->nr_layers; i++)
		layer_destroy(&s->layers[i]);
	for (size_t i = 0; i < s->nr_mounts; i++)
		destroy_mount(&s->mounts[i]);
	alloc_free(s->layers);
	alloc_free(s->mounts);
	*s = (struct layer_store){ 0 };
}

static int by_directory(const void *a, const void *b)
{
	return strcmp(((const struct layer *)a)->directory, ((const struct layer *)b)->directory);
}

void layer_store_sort(struct layer_store *s)
{
	if (s->nr_layers)
		qsort(s->layers, s->nr_layers, sizeof(*s->layers), by_directory);
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
