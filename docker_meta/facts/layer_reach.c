/* SPDX-License-Identifier: MIT */
#include "docker_meta/facts/layer_reach.h"

#include <errno.h>

#include "common/base/alloc.h"
#include "docker_meta/read/digest.h"

/* The layer of a chain and all below it, up to the first that is reached already. */
static void reach(const struct layer_store *s, uint8_t *reached, const char *chain)
{
	for (const struct layer *l = layer_store_find(s, chain); l;
	     l = *l->parent ? layer_store_find(s, l->parent) : NULL) {
		size_t i = (size_t)(l - s->layers);

		if (reached[i])
			return;
		reached[i] = 1;
	}
}

static void reach_of_builds(const struct docker_state *d, uint8_t *reached)
{
	for (size_t i = 0; i < d->snapshots.nr; i++) {
		const struct snapshot_record *s = &d->snapshots.records[i];
		const char *const names[] = { s->key, s->chainid, s->parent, s->committed };

		for (size_t n = 0; n < ARRAY_SIZE(names); n++) {
			const char *chain = names[n] ? digest_hex(names[n]) : NULL;

			if (chain)
				reach(&d->layers, reached, chain);
		}
	}
}

int layer_reach_find(const struct docker_state *d, uint8_t **ret_reached)
{
	uint8_t *reached = alloc_array(d->layers.nr_layers + 1, 1);

	*ret_reached = reached;
	if (!reached)
		return -ENOMEM;
	for (size_t i = 0; i < d->images.nr_images; i++) {
		for (size_t n = 0; n < d->images.images[i].nr_chains; n++)
			reach(&d->layers, reached, d->images.images[i].chains[n].hex);
	}
	for (size_t i = 0; i < d->layers.nr_mounts; i++)
		reach(&d->layers, reached, d->layers.mounts[i].parent);
	reach_of_builds(d, reached);
	return 0;
}
