/* SPDX-License-Identifier: MIT */
#include "docker_meta/source/docker/images.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/alloc.h"
#include "docker_meta/read/go_json.h"
#include "docker_meta/source/docker/names.h"

#define DIRECTORY "image/devicemapper"
#define CONTENT DIRECTORY "/imagedb/content/sha256"
#define METADATA DIRECTORY "/imagedb/metadata/sha256"
#define REPOSITORIES DIRECTORY "/repositories.json"

enum { MAX_LAYERS = 4096, MAX_PARENT = 4096 };

struct reading {
	struct image_store *store;
	struct problem_list *problems;
};

static int note(const struct reading *r, const char *id, const char *text)
{
	char *path = alloc_printf(CONTENT "/%s", id);
	int e = path ? problem_add(r->problems, ROW_L12, id, path, "%s", text) : -ENOMEM;

	r->store->complete = false;
	alloc_free(path);
	return e;
}

/* ---- one image */

/* The chain ids of rootfs.diff_ids.  -EBADMSG with fault filled when they cannot be. */
static int take_chains(json_t *config, struct image *image, struct go_fault *fault)
{
	const json_t *ids = go_get(go_get(config, "rootfs"), "diff_ids"), *id;
	size_t i;

	if (ids && (!json_is_array(ids) || json_array_size(ids) > MAX_LAYERS)) {
		(void)snprintf(fault->text, sizeof(fault->text), "diff_ids: a list is expected");
		return -EBADMSG;
	}
	image->chains = alloc_array(json_array_size(ids) + 1, sizeof(*image->chains));
	if (!image->chains)
		return -ENOMEM;
	json_array_foreach(ids, i, id)
	{
		const char *diff = json_is_string(id) ? digest_hex(json_string_value(id)) : NULL;

		if (!diff) {
			(void)snprintf(fault->text, sizeof(fault->text),
				       "diff_ids: digests are expected");
			return -EBADMSG;
		}
		image->chains[i] = chain_id(i ? image->chains[i - 1].hex : NULL, diff);
		image->nr_chains++;
	}
	return 0;
}

static int take_config(char *text, size_t size, struct image *image, struct go_fault *fault)
{
	json_t *config;
	int e;

	if (strcmp(digest_of(text, size).hex, image->id) != 0) {
		(void)snprintf(fault->text, sizeof(fault->text),
			       "its SHA-256 is not its name: Docker drops the image");
		return -EBADMSG;
	}
	e = go_json_parse(text, size, &config, fault);
	if (!e)
		e = take_chains(config, image, fault);
	json_decref(config);
	return e;
}

/* It may be in order, and of Docker nothing depends on it: but who has a child is not known. */
static int note_unread_parent(const struct reading *r, const char *id, int error)
{
	char *path = alloc_printf(METADATA "%s%s", *id ? "/" : "", id);
	int e = path ? problem_unread(r->problems, ROW_L17, *id ? id : "imagedb", path, error)
		     : -ENOMEM;

	r->store->parents_unread = true;
	problem_is_unread(r->problems);
	alloc_free(path);
	return e;
}

/* metadata: of all images; it may be closed.  0 or -ENOMEM. */
static int read_parent(const struct reading *r, const struct safe_dir *metadata,
		       struct image *image)
{
	char path[HEX_NAME + sizeof("/parent")], *text = NULL;
	const char *parent = NULL;
	size_t size;
	int e = -ENOENT;

	(void)snprintf(path, sizeof(path), "%s/parent", image->id);
	if (metadata->fd >= 0)
		e = safe_dir_read(metadata, path, MAX_PARENT, &text, &size);
	if (!e)
		parent = digest_hex(text);
	if (parent)
		memcpy(image->parent, parent, HEX_NAME);
	alloc_free(text);
	if (!e || e == -ENOENT || e == -ENOTDIR || e == -ENOMEM)
		return e == -ENOMEM ? e : 0;
	return note_unread_parent(r, image->id, e);
}

static int read_image(const struct reading *r, const struct safe_dir *dir, const char *name,
		      struct image *image)
{
	struct go_fault fault;
	char *text;
	size_t size;
	int e = safe_dir_read(dir, name, GO_JSON_MAX, &text, &size), error;

	if (e && e != -ENOMEM) {
		error = e;
		e = note(r, name, safe_dir_fault(error));
		problem_of_error(r->problems, error);
		return e;
	}
	if (e)
		return e;
	memcpy(image->id, name, HEX_NAME);
	e = take_config(text, size, image, &fault);
	image->whole = !e;
	if (e && e != -ENOMEM)
		e = note(r, name, fault.text);
	alloc_free(text);
	return e;
}

static int add_image(const struct reading *r, const struct safe_dir *metadata,
		     const struct safe_dir *dir, const char *name)
{
	struct image_store *s = r->store;
	struct image *grown =
		alloc_grow(s->images, &s->images_capacity, s->nr_images, sizeof(*grown));
	struct image *image;
	int e;

	if (!grown)
		return -ENOMEM;
	s->images = grown;
	if (!is_hex_name(name))
		return 0;
	image = &grown[s->nr_images++];
	*image = (struct image){ .whole = false };
	memcpy(image->id, name, HEX_NAME);
	e = read_image(r, dir, name, image);
	return e ? e : read_parent(r, metadata, image);
}

/* Of images that were pulled there is nothing. */
static int open_parents(const struct reading *r, const struct safe_dir *root,
			struct safe_dir *ret_metadata)
{
	const int e = safe_dir_enter(root, METADATA, ret_metadata);

	if (!e || e == -ENOENT || e == -ENOMEM)
		return e == -ENOMEM ? e : 0;
	return note_unread_parent(r, "", e);
}

static int read_images(const struct reading *r, const struct safe_dir *root)
{
	struct dir_list list = { 0 };
	struct safe_dir dir = { .fd = -1 }, metadata = { .fd = -1 };
	int e = safe_dir_enter(root, CONTENT, &dir);

	if (!e)
		e = open_parents(r, root, &metadata);
	if (!e)
		e = safe_dir_list(&dir, &list);
	if (!e)
		r->store->present = true;
	for (size_t i = 0; i < list.nr && !e; i++)
		e = add_image(r, &metadata, &dir, list.items[i].name);
	if (e && e != -ENOENT && e != -ENOMEM) {
		r->store->complete = false;
		r->store->unread = true;
		e = problem_unread(r->problems, ROW_L12, "imagedb", CONTENT, e);
	}
	safe_dir_close(&dir);
	safe_dir_close(&metadata);
	dir_list_destroy(&list);
	return e == -ENOENT ? 0 : e;
}

/* ---- names */

int image_store_add_name(struct image_store *s, const char *name, const char *id)
{
	struct tag *grown = alloc_grow(s->tags, &s->tags_capacity, s->nr_tags, sizeof(*grown));
	struct tag tag = { .name = alloc_string(name) };

	if (grown)
		s->tags = grown;
	if (!grown || !tag.name) {
		alloc_free(tag.name);
		return -ENOMEM;
	}
	memcpy(tag.id, id, HEX_NAME);
	grown[s->nr_tags++] = tag;
	return 0;
}

/* {"ubuntu":{"ubuntu:16.04":"sha256:…", …}, …} */
static int take_repositories(struct image_store *s, json_t *repositories, struct go_fault *fault)
{
	json_t *tags, *id;
	const char *repository, *name;

	json_object_foreach(repositories, repository, tags)
	{
		json_object_foreach(tags, name, id)
		{
			const char *hex =
				json_is_string(id) ? digest_hex(json_string_value(id)) : NULL;
			int e = hex ? image_store_add_name(s, name, hex) : -EBADMSG;

			if (e == -EBADMSG)
				(void)snprintf(fault->text, sizeof(fault->text),
					       "%.100s: a digest is expected", name);
			if (e)
				return e;
		}
	}
	return 0;
}

static int read_repositories(const struct reading *r, const struct safe_dir *root)
{
	struct safe_dir dir = { .fd = -1 };
	struct go_fault fault;
	json_t *object = NULL;
	int e = safe_dir_enter(root, DIRECTORY, &dir), error;

	if (!e)
		e = go_json_read(&dir, "repositories.json", &object, &fault);
	if (!e)
		e = take_repositories(r->store, go_get(object, "Repositories"), &fault);
	else if (e == -ENOENT)
		e = 0;
	if (e && e != -ENOMEM) {
		r->store->complete = false;
		r->store->names_lost = true;
		r->store->names_unread = e != -EBADMSG;
		error = e;
		e = problem_add(r->problems, ROW_L15, "repositories.json", REPOSITORIES, "%s",
				object || dir.fd >= 0 ? fault.text : safe_dir_fault(error));
		problem_of_error(r->problems, error);
	}
	json_decref(object);
	safe_dir_close(&dir);
	return e;
}

/* ---- all */

static int by_id(const void *a, const void *b)
{
	return strcmp(((const struct image *)a)->id, ((const struct image *)b)->id);
}

static int by_image(const void *a, const void *b)
{
	const struct tag *ta = a, *tb = b;
	int order = strcmp(ta->id, tb->id);

	return order ? order : strcmp(ta->name, tb->name);
}

int image_store_read(const struct safe_dir *root, struct image_store *ret_store,
		     struct problem_list *problems)
{
	struct reading r = { ret_store, problems };
	int e;

	*ret_store = (struct image_store){ .complete = true };
	e = read_images(&r, root);
	if (!e)
		e = read_repositories(&r, root);
	if (e != -ENOMEM)
		image_store_sort(ret_store);
	return e;
}

int image_store_add(struct image_store *s, const struct image *image)
{
	struct image *grown =
		alloc_grow(s->images, &s->images_capacity, s->nr_images, sizeof(*grown));

	if (!grown)
		return -ENOMEM;
	s->images = grown;
	grown[s->nr_images++] = *image;
	return 0;
}

void image_store_sort(struct image_store *s)
{
	if (s->nr_images)
		qsort(s->images, s->nr_images, sizeof(*s->images), by_id);
	if (s->nr_tags)
		qsort(s->tags, s->nr_tags, sizeof(*s->tags), by_image);
}

void image_store_destroy(struct image_store *s)
{
	for (size_t i = 0; i < s->nr_images; i++)
		alloc_free(s->images[i].chains);
	for (size_t i = 0; i < s->nr_tags; i++)
		alloc_free(s->tags[i].name);
	alloc_free(s->images);
	alloc_free(s->tags);
	*s = (struct image_store){ 0 };
}

static int has_id(const void *id, const void *image)
{
	return strcmp(id, ((const struct image *)image)->id);
}

const struct image *image_store_find(const struct image_store *s, const char *id)
{
	return s->nr_images ? bsearch(id, s->images, s->nr_images, sizeof(*s->images), has_id)
			    : NULL;
}

const char *image_store_name(const struct image_store *s, const char *id)
{
	size_t low = 0, high = s->nr_tags;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (strcmp(s->tags[middle].id, id) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return low < s->nr_tags && !strcmp(s->tags[low].id, id) ? s->tags[low].name : NULL;
}
