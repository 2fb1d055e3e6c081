/* SPDX-License-Identifier: MIT */
#include "docker_meta/facts/layer_names.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/alloc.h"

int layer_names_collect(const struct layer_store *s, struct layer_names *ret_names)
{
	struct layer_names *n = ret_names;

	n->nr = 0;
	n->items = alloc_array(s->nr_layers + 2 * s->nr_mounts + 1, sizeof(*n->items));
	if (!n->items)
		return -ENOMEM;
	for (size_t i = 0; i < s->nr_layers; i++) {
		if (s->layers[i].cache_id)
			n->items[n->nr++] = s->layers[i].cache_id;
	}
	for (size_t i = 0; i < s->nr_mounts; i++) {
		if (s->mounts[i].mount_id)
			n->items[n->nr++] = s->mounts[i].mount_id;
		if (s->mounts[i].init_id)
			n->items[n->nr++] = s->mounts[i].init_id;
	}
	qsort(n->items, n->nr, sizeof(*n->items), compare_names);
	return 0;
}

void layer_names_destroy(struct layer_names *n)
{
	alloc_free(n->items);
	*n = (struct layer_names){ 0 };
}

unsigned int layer_names_count(const struct layer_names *n, const char *name)
{
	const char **found =
		n->nr ? bsearch(&name, n->items, n->nr, sizeof(*n->items), compare_names) : NULL;

	if (!found)
		return 0;
	if (found > n->items && !strcmp(found[-1], name))
		return 2;
	return found + 1 < n->items + n->nr && !strcmp(found[1], name) ? 2 : 1;
}
