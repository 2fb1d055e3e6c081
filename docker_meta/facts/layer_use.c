/* SPDX-License-Identifier: MIT */
#include "docker_meta/facts/layer_use.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/alloc.h"

uint32_t layer_number(const struct layer_store *s, const char *chain)
{
	const struct layer *l = chain && *chain ? layer_store_find(s, chain) : NULL;

	return l ? (uint32_t)(l - s->layers) : NO_LAYER;
}

void layer_mark_down(const struct layer_use *u, uint32_t layer, uint8_t *marks)
{
	for (; layer != NO_LAYER && !marks[layer]; layer = u->parent[layer])
		marks[layer] = 1;
}

static void find_parents(const struct layer_store *s, struct layer_use *u)
{
	for (size_t i = 0; i < s->nr_layers; i++)
		u->parent[i] = layer_number(s, s->layers[i].parent);
}

static int find_steps(const struct image_store *s, struct layer_use *u)
{
	const char **parents = alloc_array(s->nr_images + 1, sizeof(const char *));
	size_t nr = 0;

	if (!parents)
		return -ENOMEM;
	for (size_t i = 0; i < s->nr_images; i++) {
		if (*s->images[i].parent)
			parents[nr++] = s->images[i].parent;
	}
	if (nr)
		qsort(parents, nr, sizeof(const char *), compare_names);
	for (size_t i = 0; i < s->nr_images && nr; i++) {
		const char *id = s->images[i].id;

		u->step[i] = !image_store_name(s, id) &&
			     bsearch(&id, parents, nr, sizeof(const char *), compare_names);
	}
	alloc_free(parents);
	return 0;
}

static void find_images(const struct docker_state *d, struct layer_use *u)
{
	for (size_t i = 0; i < d->layers.nr_layers; i++)
		u->image[i] = NO_IMAGE;
	for (size_t i = 0; i < d->images.nr_images; i++) {
		const struct image *image = &d->images.images[i];

		for (size_t k = 0; k < image->nr_chains && !u->step[i]; k++) {
			uint32_t layer = layer_number(&d->layers, image->chains[k].hex);

			if (layer == NO_LAYER || u->image[layer] == i)
				continue;
			u->image[layer] =
				u->image[layer] == NO_IMAGE ? (uint32_t)i : SEVERAL_IMAGES;
		}
	}
}

static void hold(const struct docker_state *d, const struct layer_use *u, const char *chain)
{
	layer_mark_down(u, layer_number(&d->layers, chain), u->held);
}

static void find_held(const struct docker_state *d, struct layer_use *u)
{
	for (size_t i = 0; i < d->layers.nr_mounts; i++)
		hold(d, u, d->layers.mounts[i].parent);
	for (size_t i = 0; i < d->snapshots.nr; i++) {
		const struct snapshot_record *s = &d->snapshots.records[i];

		hold(d, u, s->key ? digest_hex(s->key) : NULL);
		hold(d, u, s->chainid ? digest_hex(s->chainid) : NULL);
		hold(d, u, s->parent ? digest_hex(s->parent) : NULL);
	}
}

int layer_use_find(const struct docker_state *d, struct layer_use *ret_use)
{
	const size_t nr = d->layers.nr_layers + 1;
	struct layer_use *u = ret_use;

	*u = (struct layer_use){ .parent = alloc_array(nr, sizeof(*u->parent)),
				 .image = alloc_array(nr, sizeof(*u->image)),
				 .held = alloc_array(nr, sizeof(*u->held)),
				 .step = alloc_array(d->images.nr_images + 1, sizeof(*u->step)) };
	int r;

	if (!u->parent || !u->image || !u->held || !u->step || nr > SEVERAL_IMAGES ||
	    d->images.nr_images >= SEVERAL_IMAGES)
		return -ENOMEM;
	r = find_steps(&d->images, u);
	if (r)
		return r;
	find_parents(&d->layers, u);
	find_images(d, u);
	find_held(d, u);
	return 0;
}

void layer_use_destroy(struct layer_use *u)
{
	alloc_free(u->parent);
	alloc_free(u->image);
	alloc_free(u->held);
	alloc_free(u->step);
	*u = (struct layer_use){ 0 };
}
