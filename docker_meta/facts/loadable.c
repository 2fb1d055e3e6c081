/* SPDX-License-Identifier: MIT */
#include "docker_meta/facts/loadable.h"

#include <errno.h>
#include <string.h>

#include "common/base/alloc.h"

enum load { LOAD_OPEN, LOAD_BEGUN, LOAD_GOOD, LOAD_BAD };

/*
 * Of the layer and all below it, from the first of which it is known.  A circle, which files can
 * make, is as good as its name: Docker never gets to the end of it.
 */
static bool load(const struct layer_store *s, uint8_t *loads, const char *chain)
{
	const struct layer *top = layer_store_find(s, chain), *l = top;
	enum load found = LOAD_GOOD;

	for (; l && loads[l - s->layers] == LOAD_OPEN; l = layer_store_find(s, l->parent)) {
		loads[l - s->layers] = LOAD_BEGUN;
		if (!l->whole || !*l->parent) {
			found = l->whole ? LOAD_GOOD : LOAD_BAD;
			break;
		}
	}
	if (l && loads[l - s->layers] != LOAD_BEGUN)
		found = (enum load)loads[l - s->layers];
	else if (!l || (l->whole && *l->parent))
		found = LOAD_BAD;
	for (l = top; l && loads[l - s->layers] == LOAD_BEGUN; l = layer_store_find(s, l->parent)) {
		loads[l - s->layers] = (uint8_t)found;
		if (!*l->parent)
			break;
	}
	return found == LOAD_GOOD;
}

static bool shows_image(const struct docker_state *d, uint8_t *loads, const struct image *image)
{
	return image->whole && (!image->nr_chains ||
				load(&d->layers, loads, image->chains[image->nr_chains - 1].hex));
}

static bool shows_container(const struct docker_state *d, uint8_t *loads, const struct container *c)
{
	const struct mount *m = layer_store_find_mount(&d->layers, c->id);

	return c->whole && m && m->whole && (!*m->parent || load(&d->layers, loads, m->parent));
}

int loadable_count(const struct docker_state *d, struct loadable *ret_loadable)
{
	uint8_t *loads = alloc_array(d->layers.nr_layers + 1, 1);

	*ret_loadable = (struct loadable){ .nr_images = d->images.nr_images };
	if (!loads)
		return -ENOMEM;
	for (size_t i = 0; i < d->images.nr_images; i++)
		ret_loadable->nr_images_lost += !shows_image(d, loads, &d->images.images[i]);
	for (size_t i = 0; i < d->containers.nr_containers; i++) {
		const struct container *c = &d->containers.containers[i];
		const bool going = c->dead || c->removing || !c->has_config;
		const bool shown = shows_container(d, loads, c);

		if ((going && !shown && !layer_store_find_mount(&d->layers, c->id)) ||
		    (c->driver && strcmp(c->driver, "devicemapper") != 0))
			continue;
		ret_loadable->nr_containers++;
		ret_loadable->nr_containers_lost += !shown;
	}
	alloc_free(loads);
	return 0;
}
