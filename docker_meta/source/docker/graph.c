/* SPDX-License-Identifier: MIT */
#include "docker_meta/source/docker/graph.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/alloc.h"
#include "common/base/number.h"
#include "docker_meta/read/go_json.h"

#define DIRECTORY "graph"
#define NAMES "repositories-devicemapper"
#define MAP ".migration-v1-images.json"

enum {
	MAX_LINE = 4096,
	/* Docker starts no container on more than 127 layers. */
	MAX_DEPTH = 256,
};

struct reading {
	const struct safe_dir *root, *dir; /* dir: graph/ */
	const struct graph_stores *stores;
	struct graph_state *state;
	struct problem_list *problems;
	json_t *map;        /* owned; NULL: none, or not to be read */
	size_t first;       /* of the layers that were added */
	uint8_t *is_parent; /* owned: of another, by layer that was added */
};

static int note(const struct reading *r, enum meta_row_id row, const char *id, const char *file,
		const char *text)
{
	char *path = alloc_printf(DIRECTORY "/%s%s%s", id, *file ? "/" : "", file);
	int e = path ? problem_add(r->problems, row, id, path, "%s", text) : -ENOMEM;

	alloc_free(path);
	return e;
}

/* ---- one image, which is one layer */

struct below {
	char path[HEX_NAME + 24];
};

static struct below file_below(const char *id, const char *file)
{
	struct below b;

	(void)snprintf(b.path, sizeof(b.path), "%s/%s", id, file);
	return b;
}

static bool take_id(const char *text, char *to)
{
	const char *hex = digest_hex(text) ? digest_hex(text) : text;

	if (!is_hex_name(hex))
		return false;
	memcpy(to, hex, HEX_NAME + 1);
	return true;
}

static int take_parent(json_t *object, struct layer *l, struct go_fault *fault)
{
	const char *parent = "", *parent_id = "";

	if (!go_take_string(object, "parent", &parent, fault) ||
	    !go_take_string(object, "parent_id", &parent_id, fault))
		return -EBADMSG;
	parent = *parent ? parent : parent_id;
	if (!*parent || take_id(parent, l->parent))
		return 0;
	(void)snprintf(fault->text, sizeof(fault->text), "parent: it names no image");
	return -EBADMSG;
}

static int complain(const struct reading *r, struct layer *l, const char *file, const char *text)
{
	l->whole = false;
	return note(r, ROW_L6, l->directory, file, text);
}

static int read_json(const struct reading *r, struct layer *l)
{
	struct go_fault fault;
	json_t *object;
	int e = go_json_read(r->dir, file_below(l->directory, "json").path, &object, &fault);

	if (!e)
		e = take_parent(object, l, &fault);
	json_decref(object);
	return e && e != -ENOMEM ? complain(r, l, "json", fault.text) : e;
}

/* Since 1.9 this file, where there is one, goes before what json says. */
static int read_parent(const struct reading *r, struct layer *l)
{
	size_t size;
	char *text;
	int e = safe_dir_read(r->dir, file_below(l->directory, "parent").path, MAX_LINE, &text,
			      &size);

	if (e == -ENOENT || e == -ENOMEM)
		return e == -ENOENT ? 0 : e;
	if (e)
		return complain(r, l, "parent", safe_dir_fault(e));
	e = !size || take_id(text, l->parent) ? 0 : complain(r, l, "parent", "it names no image");
	alloc_free(text);
	return e;
}

static int read_size(const struct reading *r, struct layer *l)
{
	size_t size;
	char *text;
	int e = safe_dir_read(r->dir, file_below(l->directory, "layersize").path, MAX_LINE, &text,
			      &size);

	if (e == -ENOENT || e == -ENOMEM)
		return e == -ENOENT ? 0 : e;
	/* -1: 1.9 did not know it yet. */
	if (!e && strcmp(text, "-1") != 0 && !parse_u64(text, &l->size))
		e = -EBADMSG;
	alloc_free(text);
	if (!e)
		return 0;
	return complain(r, l, "layersize", e == -EBADMSG ? "it is no number" : safe_dir_fault(e));
}

static int add_layer(const struct reading *r, const char *id)
{
	struct layer l = { .directory = alloc_string(id),
			   .cache_id = alloc_string(id),
			   .whole = true,
			   .graph = true };
	int e = l.directory && l.cache_id ? 0 : -ENOMEM;

	memcpy(l.chain, id, HEX_NAME);
	if (!e)
		e = read_json(r, &l);
	if (!e)
		e = read_parent(r, &l);
	if (!e)
		e = read_size(r, &l);
	if (!e)
		e = layer_store_add(r->stores->layers, &l);
	if (e)
		layer_destroy(&l);
	return e;
}

/* ---- what 1.10 took over */

static int read_map(struct reading *r)
{
	static const char *const places[] = { MAP, "image/devicemapper/" MAP };
	struct go_fault fault;
	int e = -ENOENT;

	for (size_t i = 0; i < ARRAY_SIZE(places) && e == -ENOENT; i++) {
		e = go_json_read(r->root, places[i], &r->map, &fault);
		if (e && e != -ENOENT && e != -ENOMEM)
			return problem_add(r->problems, ROW_L18, MAP, places[i], "%s", fault.text);
	}
	r->state->has_map = !e;
	return e == -ENOENT ? 0 : e;
}

/* Devices that the newer layout has as layers, sorted; to be freed. */
static const char **collect_cache_ids(const struct layer_store *s, size_t *ret_nr)
{
	const char **ids = alloc_array(s->nr_layers + 1, sizeof(*ids));

	*ret_nr = 0;
	for (size_t i = 0; ids && i < s->nr_layers; i++) {
		if (s->layers[i].cache_id)
			ids[(*ret_nr)++] = s->layers[i].cache_id;
	}
	if (ids)
		qsort(ids, *ret_nr, sizeof(*ids), compare_names);
	return ids;
}

static bool is_left(const struct reading *r, const char *id, const char *const *cache_ids,
		    size_t nr)
{
	return r->state->current ||
	       (!(r->map && json_object_get(r->map, id)) &&
		!bsearch(&id, cache_ids, nr, sizeof(*cache_ids), compare_names));
}

static int add_layers(const struct reading *r, const struct dir_list *list)
{
	size_t nr_ids;
	const char **cache_ids = collect_cache_ids(r->stores->layers, &nr_ids);
	int e = cache_ids ? 0 : -ENOMEM;

	for (size_t i = 0; i < list->nr && !e; i++) {
		const struct dir_entry *entry = &list->items[i];

		if (!is_hex_name(entry->name) || entry->is_file)
			continue;
		r->state->nr++;
		if (!is_left(r, entry->name, cache_ids, nr_ids))
			continue;
		r->state->nr_left++;
		e = add_layer(r, entry->name);
	}
	alloc_free(cache_ids);
	return e;
}

/* ---- images: whatever has a name, a container or no child */

/* The layer of an id among those that were added, or NULL: they are by name, as the list was. */
static const struct layer *find_added(const struct reading *r, const char *id)
{
	const struct layer_store *s = r->stores->layers;
	size_t low = r->first, high = s->nr_layers;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (strcmp(s->layers[middle].directory, id) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return low < s->nr_layers && !strcmp(s->layers[low].directory, id) ? &s->layers[low] : NULL;
}

static int find_parents(struct reading *r)
{
	const struct layer_store *s = r->stores->layers;

	r->is_parent = alloc_array(s->nr_layers - r->first + 1, 1);
	if (!r->is_parent)
		return -ENOMEM;
	for (size_t i = r->first; i < s->nr_layers; i++) {
		const struct layer *parent =
			*s->layers[i].parent ? find_added(r, s->layers[i].parent) : NULL;

		if (parent)
			r->is_parent[parent - &s->layers[r->first]] = 1;
	}
	return 0;
}

/* A chain that never ends goes in circles. */
static size_t depth_of(const struct reading *r, const struct layer *top)
{
	size_t depth = 0;

	for (const struct layer *l = top; l && depth <= MAX_DEPTH; depth++)
		l = *l->parent ? find_added(r, l->parent) : NULL;
	return depth;
}

static int fill_chains(const struct reading *r, const struct layer *top, struct image *image)
{
	const size_t depth = depth_of(r, top);
	const struct layer *l = top;

	if (depth > MAX_DEPTH)
		return note(r, ROW_L6, top->directory, "",
			    "more than 256 images lie below it, or it lies below itself");
	image->chains = alloc_array(depth, sizeof(*image->chains));
	if (!image->chains)
		return -ENOMEM;
	image->nr_chains = depth;
	image->whole = top->whole;
	for (size_t i = depth; i; i--) {
		memcpy(image->chains[i - 1].hex, l->chain, sizeof(l->chain));
		l = *l->parent ? find_added(r, l->parent) : NULL;
	}
	return 0;
}

static int add_image(const struct reading *r, const struct layer *top)
{
	struct image image = { .whole = false };
	int e;

	memcpy(image.id, top->chain, sizeof(image.id));
	memcpy(image.parent, top->parent, sizeof(image.parent));
	e = fill_chains(r, top, &image);
	if (!e)
		e = image_store_add(r->stores->images, &image);
	if (e)
		alloc_free(image.chains);
	return e;
}

/* Ids that containers were made of, sorted; to be freed. */
static const char **collect_used(const struct container_store *s, size_t *ret_nr)
{
	const char **ids = alloc_array(s->nr_containers + 1, sizeof(*ids));

	*ret_nr = 0;
	for (size_t i = 0; ids && i < s->nr_containers; i++) {
		if (*s->containers[i].image)
			ids[(*ret_nr)++] = s->containers[i].image;
	}
	if (ids)
		qsort(ids, *ret_nr, sizeof(*ids), compare_names);
	return ids;
}

static int add_images(struct reading *r)
{
	const struct layer_store *s = r->stores->layers;
	size_t nr_used;
	const char **used = collect_used(r->stores->containers, &nr_used);
	int e = used ? find_parents(r) : -ENOMEM;

	for (size_t i = r->first; i < s->nr_layers && !e; i++) {
		const char *id = s->layers[i].chain;

		if (!r->is_parent[i - r->first] || image_store_name(r->stores->images, id) ||
		    bsearch(&id, used, nr_used, sizeof(*used), compare_names))
			e = add_image(r, &s->layers[i]);
	}
	alloc_free(used);
	return e;
}

/* ---- names */

/* {"ubuntu":{"14.04":"ID", "sha256:…":"ID"}, …} */
static int take_names(const struct reading *r, json_t *repositories, struct go_fault *fault)
{
	json_t *tags, *id;
	const char *repository, *tag;
	int e = 0;

	json_object_foreach(repositories, repository, tags)
	{
		json_object_foreach(tags, tag, id)
		{
			const char *hex = json_string_value(id);
			char *name = alloc_printf("%s%c%s", repository,
						  strchr(tag, ':') ? '@' : ':', tag);

			if (!hex || !is_hex_name(hex)) {
				(void)snprintf(fault->text, sizeof(fault->text),
					       "%.100s: an image's id is expected", tag);
				e = -EBADMSG;
			}
			if (!e)
				e = name ? image_store_add_name(r->stores->images, name, hex)
					 : -ENOMEM;
			alloc_free(name);
			if (e)
				return e;
		}
	}
	return 0;
}

static int read_names(const struct reading *r)
{
	struct image_store *s = r->stores->images;
	struct go_fault fault;
	json_t *object;
	int e = go_json_read(r->root, NAMES, &object, &fault), error;

	if (!e)
		e = take_names(r, go_get(object, "Repositories"), &fault);
	json_decref(object);
	if (e != -ENOMEM)
		image_store_sort(s);
	if (!e || e == -ENOENT || e == -ENOMEM)
		return e == -ENOENT ? 0 : e;
	s->complete = false;
	s->names_lost = true;
	error = e;
	e = problem_add(r->problems, ROW_L15, NAMES, NAMES, "%s", fault.text);
	problem_of_error(r->problems, error);
	return e;
}

/* ---- what an interruption left */

static int read_leftovers(const struct reading *r)
{
	struct dir_list list = { 0 };
	struct safe_dir dir;
	int e = safe_dir_enter(r->dir, "_tmp", &dir);

	if (!e)
		e = safe_dir_list(&dir, &list);
	safe_dir_close(&dir);
	if (e)
		e = e == -ENOMEM ? e : 0;
	for (size_t i = 0; i < list.nr && !e; i++)
		e = note(r, ROW_L10, "_tmp", list.items[i].name,
			 "what was to become an image when Docker was interrupted");
	dir_list_destroy(&list);
	return e;
}

/* ---- all */

static int read_all(struct reading *r)
{
	struct layer_store *layers = r->stores->layers;
	struct dir_list list = { 0 };
	int e = safe_dir_list(r->dir, &list);

	if (!e)
		e = read_map(r);
	r->state->current &= !r->state->has_map;
	if (!e)
		e = add_layers(r, &list);
	if (!e)
		e = read_leftovers(r);
	if (!e && r->state->current)
		e = read_names(r);
	if (!e && r->state->current) {
		layers->present = r->state->nr || r->state->is_told;
		r->stores->images->present = layers->present;
		e = add_images(r);
		if (e != -ENOMEM)
			image_store_sort(r->stores->images);
	}
	if (e != -ENOMEM)
		layer_store_sort(layers);
	dir_list_destroy(&list);
	return e;
}

/* Whether Docker 1.10 or later has been here. */
static bool is_of_newer(const struct graph_stores *stores)
{
	const struct layer_store *l = stores->layers;

	if (l->present || l->unread || l->mounts_present || l->mounts_unread ||
	    stores->images->present || stores->images->unread)
		return true;
	for (size_t i = 0; i < stores->containers->nr_containers; i++) {
		const struct container *c = &stores->containers->containers[i];

		if (c->whole && !c->old_layout && !strcmp(c->driver, "devicemapper"))
			return true;
	}
	return false;
}

static bool is_of_older(const struct safe_dir *root, const struct graph_stores *stores)
{
	for (size_t i = 0; i < stores->containers->nr_containers; i++) {
		if (stores->containers->containers[i].old_layout)
			return true;
	}
	return !safe_dir_has_file(root, NAMES) || !safe_dir_has_file(root, "linkgraph.db");
}

int graph_read(const struct safe_dir *root, const struct graph_stores *stores,
	       struct graph_state *ret_state, struct problem_list *problems)
{
	struct safe_dir dir;
	struct reading r = { .root = root,
			     .dir = &dir,
			     .stores = stores,
			     .state = ret_state,
			     .problems = problems,
			     .first = stores->layers->nr_layers };
	int e = safe_dir_enter(root, DIRECTORY, &dir);

	*ret_state = (struct graph_state){ .complete = true };
	if (e == -ENOENT)
		return 0;
	ret_state->present = true;
	ret_state->current = !is_of_newer(stores);
	ret_state->is_told = is_of_older(root, stores);
	if (!e)
		e = read_all(&r);
	if (e && e != -ENOMEM) {
		ret_state->complete = false;
		e = problem_unread(problems, ROW_L6, DIRECTORY, DIRECTORY, e);
	}
	json_decref(r.map);
	alloc_free(r.is_parent);
	safe_dir_close(&dir);
	return e;
}
