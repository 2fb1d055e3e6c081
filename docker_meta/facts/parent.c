/* SPDX-License-Identifier: MIT */
#include "docker_meta/facts/parent.h"

#include <stdio.h>
#include <string.h>

/* Without a chain it is the base device that all begins with. */
static const char *hash_of_chain(const struct docker_state *d, const char *chain)
{
	const struct layer *layer;

	if (!*chain)
		return "base";
	layer = layer_store_find(&d->layers, chain);
	return layer ? layer->cache_id : NULL;
}

static const char *parent_of_layer(const struct docker_state *d, const struct layer *layer)
{
	return layer->whole || *layer->parent ? hash_of_chain(d, layer->parent) : NULL;
}

static const char *parent_of_mount(const struct docker_state *d, const struct mount *m,
				   const char *hash)
{
	if (m->init_id && m->mount_id && !strcmp(hash, m->mount_id))
		return m->init_id;
	return m->whole || *m->parent ? hash_of_chain(d, m->parent) : NULL;
}

/* Another one, by the name of its device or its own, or a layer. */
static const char *parent_of_snapshot(const struct docker_state *d, const char *hash)
{
	const struct snapshot_record *own =
		d->has_buildkit ? snapshots_find(&d->snapshots, hash) : NULL;
	const struct snapshot_record *parent;

	if (!own || !own->parent)
		return NULL;
	if (!*own->parent)
		return "base";
	if (digest_hex(own->parent))
		return hash_of_chain(d, digest_hex(own->parent));
	parent = snapshots_find(&d->snapshots, own->parent);
	if (parent && parent->committed)
		return parent->committed;
	if (parent && parent->chainid && digest_hex(parent->chainid))
		return hash_of_chain(d, digest_hex(parent->chainid));
	return own->parent;
}

/* Up to 1.9 devices are called as images and containers are. */
static const char *parent_of_old_init(const struct device_row *row)
{
	const struct container *c = row->container;

	return c && c->old_layout && has_suffix(row->hash, "-init") && *c->image ? c->image : NULL;
}

/* A container's own device, also one that nobody has any more, is called as its init device. */
static const struct device_row *init_by_name(const struct device_table *t, const char *hash)
{
	char init[HEX_NAME + sizeof("-init")];

	if (strlen(hash) != HEX_NAME)
		return NULL;
	(void)snprintf(init, sizeof(init), "%s-init", hash);
	return device_table_find(t, init);
}

const struct device_row *device_parent(const struct device_table *t, const struct device_row *row,
				       const char **ret_missing)
{
	const struct docker_state *d = t->docker;
	const struct device_row *parent = NULL;
	const char *hash;

	*ret_missing = NULL;
	if (!row->hash || !strcmp(row->hash, "base"))
		return NULL;
	if (row->layer)
		hash = parent_of_layer(d, row->layer);
	else if (row->mount)
		hash = parent_of_mount(d, row->mount, row->hash);
	else
		hash = parent_of_snapshot(d, row->hash);
	if (!hash)
		hash = parent_of_old_init(row);
	if (hash)
		parent = device_table_find(t, hash);
	else if (!row->layer && !row->mount)
		parent = init_by_name(t, row->hash);
	if (!parent)
		*ret_missing = hash;
	return parent;
}
