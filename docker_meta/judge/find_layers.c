/* SPDX-License-Identifier: MIT
 * find_layers.c: layers and images (L).
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/alloc.h"
#include "docker_meta/facts/layer_reach.h"
#include "docker_meta/judge/findings_internal.h"

static bool has_record(const struct finder *f, const char *hash)
{
	return driver_state_find(&f->t->docker->driver, hash) != NULL;
}

/* ---- layers nobody has */

static int add_of_layer(struct finder *f, enum meta_row_id id, const struct layer *l,
			const char *text)
{
	const struct device_row *row = l->cache_id ? device_table_find(f->t, l->cache_id) : NULL;
	struct meta_finding *last;
	int r = finder_add(f, id, l->directory, &last, "%s/%s: %s", layer_place(l), l->directory,
			   text);

	if (!r && row && row->pool)
		last->bytes = device_table_bytes(f->t, row->pool->nr_exclusive);
	if (!r && row)
		r = finder_add_device(f, row);
	return r || !row || (id != ROW_L8 && id != ROW_L11) ? r : finder_tell_set(f, row);
}

static int find_unreached(struct finder *f)
{
	const struct docker_state *d = f->t->docker;
	uint8_t *reached;
	int r = layer_reach_find(d, &reached);

	for (size_t i = 0; i < d->layers.nr_layers && !r; i++) {
		const struct layer *l = &d->layers.layers[i];

		if (reached[i] || l->removing || !l->whole || l->graph)
			continue;
		r = add_of_layer(f, ROW_L11, l, "no image, container or build has it");
		if (!r)
			f->list->items[f->list->nr - 1].unproven =
				!f->t->complete || f->t->files_old || f->t->doubts.layers;
	}
	alloc_free(reached);
	return r;
}

/* ---- layers by themselves */

static int find_in_layer(struct finder *f, const struct layer *l)
{
	bool there = l->cache_id && has_record(f, l->cache_id);

	if (l->removing)
		return there ? add_of_layer(f, ROW_L8, l, "its device is still there")
			     : add_of_layer(f, ROW_L9, l, "its device is gone");
	if (l->graph && !f->t->docker->graph.current)
		return there ? add_of_layer(f, ROW_L18, l, "no layer of layerdb has its device")
			     : 0;
	if (l->cache_id && !there)
		return finder_add(f, ROW_L1, l->directory, NULL,
				  "%s/%s%s: %s, which metadata/ has not", layer_place(l),
				  l->directory, l->graph ? "" : "/cache-id", l->cache_id);
	if (*l->parent && !layer_store_find(&f->t->docker->layers, l->parent))
		return add_of_layer(f, ROW_L4, l, "its parent is not there");
	return 0;
}

static int by_cache_id(const void *a, const void *b)
{
	return strcmp((*(const struct layer *const *)a)->cache_id,
		      (*(const struct layer *const *)b)->cache_id);
}

static int find_double_devices(struct finder *f)
{
	const struct layer_store *s = &f->t->docker->layers;
	const struct layer **layers = alloc_array(s->nr_layers + 1, sizeof(const void *));
	size_t nr = 0;
	int r = layers ? 0 : -ENOMEM;

	for (size_t i = 0; i < s->nr_layers && !r; i++) {
		if (s->layers[i].cache_id && !s->layers[i].removing)
			layers[nr++] = &s->layers[i];
	}
	if (nr)
		qsort(layers, nr, sizeof(const void *), by_cache_id);
	for (size_t i = 1; i < nr && !r; i++) {
		if (!strcmp(layers[i]->cache_id, layers[i - 1]->cache_id))
			r = add_of_layer(f, ROW_L3, layers[i], layers[i - 1]->directory);
	}
	alloc_free(layers);
	return r;
}

int find_in_layers(struct finder *f)
{
	const struct layer_store *s = &f->t->docker->layers;
	int r = find_double_devices(f);

	for (size_t i = 0; i < s->nr_layers && !r; i++)
		r = find_in_layer(f, &s->layers[i]);
	return r ? r : find_unreached(f);
}

/* ---- images */

/* Ids of images that others descend from or containers were made of, sorted. */
static int collect_used(const struct docker_state *d, const char ***ret_ids, size_t *ret_nr)
{
	const char **ids = alloc_array(d->images.nr_images + d->containers.nr_containers + 1,
				       sizeof(const char *));
	size_t nr = 0;

	*ret_ids = ids;
	*ret_nr = 0;
	if (!ids)
		return -ENOMEM;
	for (size_t i = 0; i < d->images.nr_images; i++) {
		if (*d->images.images[i].parent)
			ids[nr++] = d->images.images[i].parent;
	}
	for (size_t i = 0; i < d->containers.nr_containers; i++) {
		if (*d->containers.containers[i].image)
			ids[nr++] = d->containers.containers[i].image;
	}
	if (nr)
		qsort(ids, nr, sizeof(const char *), compare_names);
	*ret_nr = nr;
	return 0;
}

static int find_unnamed(struct finder *f, const struct image *image)
{
	struct meta_finding *last;
	int r = finder_add(f, ROW_L16, image->id, &last, "image %s", image->id);

	if (!r)
		last->bytes = device_table_bytes(
			f->t, device_set_of_image(f->facts->sets, f->t, image)->nr_returned);
	return r;
}

static int find_parent(struct finder *f, const struct image *image)
{
	const struct layer *own = layer_store_find(&f->t->docker->layers, image->id);

	/* Up to 1.9 that is L4. */
	if ((own && own->graph) || !*image->parent ||
	    image_store_find(&f->t->docker->images, image->parent))
		return 0;
	return finder_add(f, ROW_L17, image->id, NULL, "image %s: parent %s", image->id,
			  image->parent);
}

static int find_in_image(struct finder *f, const struct image *image, const char *const *used,
			 size_t nr_used)
{
	const struct docker_state *d = f->t->docker;
	const char *id = image->id, *name = image_store_name(&d->images, id);

	for (size_t i = 0; i < image->nr_chains; i++) {
		if (!layer_store_find(&d->layers, image->chains[i].hex))
			return finder_add(f, ROW_L13, name ? name : id, NULL,
					  "image %s: layer %zu of %zu, %s, is not in layerdb", id,
					  i + 1, image->nr_chains, image->chains[i].hex);
	}
	if (image->whole && !name && !d->images.names_lost &&
	    !bsearch(&id, used, nr_used, sizeof(const char *), compare_names))
		return find_unnamed(f, image);
	return 0;
}

int find_in_images(struct finder *f)
{
	const struct image_store *s = &f->t->docker->images;
	const char **used = NULL;
	size_t nr_used = 0;
	int r = collect_used(f->t->docker, &used, &nr_used);

	for (size_t i = 0; i < s->nr_images && !r; i++) {
		r = find_parent(f, &s->images[i]);
		if (!r)
			r = find_in_image(f, &s->images[i], used, nr_used);
	}
	for (size_t i = 0; i < s->nr_tags && !r; i++) {
		if (!image_store_find(s, s->tags[i].id))
			r = finder_add(f, ROW_L14, s->tags[i].name, NULL,
				       "repositories.json: %s is image %s", s->tags[i].name,
				       s->tags[i].id);
	}
	alloc_free(used);
	return r;
}
