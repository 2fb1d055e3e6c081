/* SPDX-License-Identifier: MIT */
#include "docker_meta/facts/subject.h"

#include <stdlib.h>
#include <string.h>

struct subject subject_of_device(const struct device_row *row)
{
	return (struct subject){ .kind = SUBJECT_DEVICE, .device = row, .id = row->hash };
}

struct subject subject_of_layer(const struct layer *l)
{
	return (struct subject){
		.kind = SUBJECT_LAYER, .layer = l, .id = l->directory, .name = l->directory
	};
}

struct subject subject_of_container(const struct container *c)
{
	return (struct subject){
		.kind = SUBJECT_CONTAINER, .container = c, .id = c->id, .name = c->name
	};
}

struct subject subject_of_image(const struct docker_state *d, const struct image *image)
{
	const char *name = image_store_name(&d->images, image->id);

	return (struct subject){ .kind = SUBJECT_IMAGE,
				 .image = image,
				 .id = image->id,
				 .name = name ? name : image->id };
}

struct subject subject_of_mount(const struct docker_state *d, const struct mount *m)
{
	const struct container *c = container_store_find(&d->containers, m->name);

	return (struct subject){
		.kind = SUBJECT_MOUNT, .mount = m, .id = m->name, .name = c ? c->name : m->name
	};
}

struct subject subject_named(enum subject_kind kind, const char *name)
{
	return (struct subject){ .kind = kind, .thing = NULL, .id = name, .name = name };
}

static int compare_directory(const void *name, const void *layer)
{
	return strcmp(name, ((const struct layer *)layer)->directory);
}

/* Also one that is being removed, which layer_store_find() does not know. */
static const struct layer *layer_in(const struct layer_store *s, const char *directory)
{
	return s->nr_layers ? bsearch(directory, s->layers, s->nr_layers, sizeof(*s->layers),
				      compare_directory)
			    : NULL;
}

struct subject subject_find(const struct docker_state *d, enum subject_kind kind, const char *id)
{
	const struct container *c = NULL;
	const struct layer *l = NULL;
	const struct image *image = NULL;
	const struct mount *m = NULL;

	if (kind == SUBJECT_CONTAINER)
		c = container_store_find(&d->containers, id);
	else if (kind == SUBJECT_LAYER)
		l = layer_in(&d->layers, id);
	else if (kind == SUBJECT_IMAGE)
		image = image_store_find(&d->images, id);
	else if (kind == SUBJECT_MOUNT)
		m = layer_store_find_mount(&d->layers, id);
	return c       ? subject_of_container(c)
	       : l     ? subject_of_layer(l)
	       : image ? subject_of_image(d, image)
	       : m     ? subject_of_mount(d, m)
		       : subject_named(kind, id);
}
