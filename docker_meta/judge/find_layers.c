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
	return driver_state_find(&f->d->driver, hash) != NULL;
}

/* ---- layers nobody has */

static char *place_of(const struct layer *l)
{
	return alloc_printf("%s/%s", layer_place(l), l->directory);
}

static struct meta_finding *add_of_layer(struct finder *f, enum meta_row_id id,
					 const struct layer *l, const char *text)
{
	const struct device_row *row = l->cache_id ? device_table_find(f->t, l->cache_id) : NULL;
	struct meta_finding *x = finder_add(f, id, subject_of_layer(l));

	finder_found(f, x, place_of(l), "%s", text);
	if (!row)
		return x;
	if (row->pool)
		x->bytes = device_table_bytes(f->t, row->pool->nr_exclusive);
	finder_add_device(f, x, row);
	if (id == ROW_L8 || id == ROW_L11)
		finder_tell_set(f, x, row);
	return x;
}

static void find_unreached(struct finder *f)
{
	uint8_t *reached;
	const int r = layer_reach_find(f->d, &reached);

	f->failed |= r != 0;
	for (size_t i = 0; i < f->d->layers.nr_layers && !r; i++) {
		const struct layer *l = &f->d->layers.layers[i];

		if (reached[i] || l->removing || !l->whole || l->graph)
			continue;
		add_of_layer(f, ROW_L11, l, "referenced by no image, container or build")
			->unproven = !f->t->complete || f->t->files_old || f->t->doubts.layers;
	}
	alloc_free(reached);
}

/* ---- layers by themselves */

static void find_in_layer(struct finder *f, const struct layer *l)
{
	const bool there = l->cache_id && has_record(f, l->cache_id);
	struct meta_finding *x;

	if (l->removing) {
		(void)add_of_layer(f, there ? ROW_L8 : ROW_L9, l,
				   there ? "its device is still there" : "its device is deleted");
	} else if (l->graph && !f->d->graph.current) {
		if (there)
			(void)add_of_layer(f, ROW_L18, l, "no layer of layerdb has its device");
	} else if (l->cache_id && !there) {
		x = finder_add(f, ROW_L1, subject_of_layer(l));
		finder_found(f, x,
			     alloc_printf("%s/%s%s", layer_place(l), l->directory,
					  l->graph ? "" : "/cache-id"),
			     "%s", l->cache_id);
		finder_against(f, x, alloc_string("metadata/"), "no such device");
	} else if (*l->parent && !layer_store_find(&f->d->layers, l->parent)) {
		(void)add_of_layer(f, ROW_L4, l, "its parent is missing");
	}
}

static int by_cache_id(const void *a, const void *b)
{
	return strcmp((*(const struct layer *const *)a)->cache_id,
		      (*(const struct layer *const *)b)->cache_id);
}

static void find_double_devices(struct finder *f)
{
	const struct layer_store *s = &f->d->layers;
	const struct layer **layers = alloc_array(s->nr_layers + 1, sizeof(const void *));
	size_t nr = 0;

	f->failed |= !layers;
	for (size_t i = 0; i < s->nr_layers && layers; i++) {
		if (s->layers[i].cache_id && !s->layers[i].removing)
			layers[nr++] = &s->layers[i];
	}
	if (nr)
		qsort(layers, nr, sizeof(const void *), by_cache_id);
	for (size_t i = 1; i < nr; i++) {
		if (!strcmp(layers[i]->cache_id, layers[i - 1]->cache_id))
			finder_against(f, add_of_layer(f, ROW_L3, layers[i], layers[i]->cache_id),
				       place_of(layers[i - 1]), "the same device");
	}
	alloc_free(layers);
}

void find_in_layers(struct finder *f)
{
	find_double_devices(f);
	for (size_t i = 0; i < f->d->layers.nr_layers; i++)
		find_in_layer(f, &f->d->layers.layers[i]);
	find_unreached(f);
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

static char *file_of(const struct image *image)
{
	return alloc_printf("imagedb/%s", image->id);
}

static void find_unnamed(struct finder *f, const struct image *image)
{
	struct meta_finding *x = finder_add(f, ROW_L16, subject_of_image(f->d, image));

	finder_found(f, x, file_of(image), "no name, no child, no container");
	x->unproven = f->d->images.parents_unread;
	x->bytes = device_table_bytes(
		f->t, device_set_of_image(f->facts->sets, f->t, image)->nr_returned);
}

static void find_parent(struct finder *f, const struct image *image)
{
	const struct layer *own = layer_store_find(&f->d->layers, image->id);
	struct meta_finding *x;

	/* Up to 1.9 that is L4. */
	if ((own && own->graph) || !*image->parent ||
	    image_store_find(&f->d->images, image->parent))
		return;
	x = finder_add(f, ROW_L17, subject_of_image(f->d, image));
	finder_found(f, x, file_of(image), "parent %s", image->parent);
}

static void find_in_image(struct finder *f, const struct image *image, const char *const *used,
			  size_t nr_used)
{
	const char *id = image->id, *name = image_store_name(&f->d->images, id);

	for (size_t i = 0; i < image->nr_chains; i++) {
		struct meta_finding *x;

		if (layer_store_find(&f->d->layers, image->chains[i].hex))
			continue;
		x = finder_add(f, ROW_L13, subject_of_image(f->d, image));
		finder_found(f, x, file_of(image), "layer %zu of %zu, %s", i + 1, image->nr_chains,
			     image->chains[i].hex);
		finder_against(f, x, alloc_string("layerdb"), "no such layer");
		return;
	}
	if (image->whole && !name && !f->d->images.names_lost &&
	    !bsearch(&id, used, nr_used, sizeof(const char *), compare_names))
		find_unnamed(f, image);
}

static void find_in_tag(struct finder *f, const struct tag *tag)
{
	struct meta_finding *x;

	if (image_store_find(&f->d->images, tag->id))
		return;
	x = finder_add(f, ROW_L14, subject_named(SUBJECT_TAG, tag->name));
	finder_found(f, x, alloc_string("repositories.json"), "%s is image %s", tag->name, tag->id);
	finder_against(f, x, alloc_string("imagedb"), "no such image");
}

void find_in_images(struct finder *f)
{
	const struct image_store *s = &f->d->images;
	const char **used = NULL;
	size_t nr_used = 0;

	f->failed |= collect_used(f->d, &used, &nr_used) != 0;
	for (size_t i = 0; i < s->nr_images && used; i++) {
		find_parent(f, &s->images[i]);
		find_in_image(f, &s->images[i], used, nr_used);
	}
	for (size_t i = 0; i < s->nr_tags; i++)
		find_in_tag(f, &s->tags[i]);
	alloc_free(used);
}
