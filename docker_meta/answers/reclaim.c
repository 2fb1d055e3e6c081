/* SPDX-License-Identifier: MIT */
#include "docker_meta/answers/reclaim.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/alloc.h"
#include "docker_meta/facts/layer_use.h"

/* Sets of the passes: what is counted together. */
enum { CLASS_STOPPED, CLASS_IMAGES, NR_CLASSES };

struct counting {
	const struct device_table *t;
	const struct device_sets *sets;
	struct reclaim *ret;
	struct layer_use use;
	uint8_t *kept; /* owned, by layer: an image that stays has it, or a container */
	uint8_t *goes; /* owned, by image */
	const char *
		*used;    /* owned, sorted: images that others descend from, or containers are of */
	uint32_t *set_of; /* owned, by device of the pool */
	uint64_t blocks[NR_CLASSES];
};

/* Ids of images that prune leaves alone; with names, dangling ones alone go. */
static size_t collect_used(struct counting *c, bool dangling)
{
	const struct docker_state *d = c->t->docker;
	size_t nr = 0;

	for (size_t i = 0; i < d->images.nr_images && dangling; i++) {
		if (*d->images.images[i].parent)
			c->used[nr++] = d->images.images[i].parent;
	}
	for (size_t i = 0; i < d->containers.nr_containers; i++) {
		if (*d->containers.containers[i].image)
			c->used[nr++] = d->containers.containers[i].image;
	}
	if (nr)
		qsort(c->used, nr, sizeof(const char *), compare_names);
	return nr;
}

static void find_images(struct counting *c, bool dangling)
{
	const struct image_store *s = &c->t->docker->images;
	const size_t nr_used = collect_used(c, dangling);
	const enum reclaim_kind kind = dangling ? RECLAIM_DANGLING : RECLAIM_IMAGES;

	for (size_t i = 0; i < s->nr_images; i++) {
		const char *id = s->images[i].id;
		const bool named = s->names_lost || s->parents_unread || image_store_name(s, id);
		const bool used = nr_used && bsearch(&id, c->used, nr_used, sizeof(const char *),
						     compare_names);

		c->goes[i] = s->images[i].whole && !used && !(dangling && named);
		c->ret->nr[kind] += c->goes[i] && !c->use.step[i];
	}
}

/* Layers of images that stay, and those below containers and builds. */
static void find_kept(struct counting *c)
{
	const struct docker_state *d = c->t->docker;

	for (size_t i = 0; i < d->layers.nr_layers; i++)
		c->kept[i] = 0;
	for (size_t i = 0; i < d->images.nr_images; i++) {
		const struct image *image = &d->images.images[i];

		if (image->nr_chains && !c->goes[i] && !c->use.step[i])
			layer_mark_down(
				&c->use,
				layer_number(&d->layers, image->chains[image->nr_chains - 1].hex),
				c->kept);
	}
	for (size_t i = 0; i < d->layers.nr_layers; i++) {
		if (c->use.held[i])
			layer_mark_down(&c->use, (uint32_t)i, c->kept);
	}
}

static uint32_t class_of(const struct counting *c, size_t i)
{
	const struct device_row *row = &c->t->rows[i];
	const struct device_set *set = &c->sets->sets[c->sets->of_row[i]];

	if (set->kind == SET_CONTAINER && set->container && !set->container->running)
		return CLASS_STOPPED;
	if ((set->kind == SET_IMAGE || set->kind == SET_SHARED) && row->layer &&
	    !c->kept[row->layer - c->t->docker->layers.layers])
		return CLASS_IMAGES;
	return NO_SET;
}

static int count_images(struct counting *c, bool dangling)
{
	const struct pool_state *pool = c->t->pool;
	struct pool_set_totals totals;
	int r;

	find_images(c, dangling);
	find_kept(c);
	for (size_t i = 0; i < c->t->nr; i++) {
		const struct pool_device *d = c->t->rows[i].pool;

		if (d)
			c->set_of[d - pool->devices] = class_of(c, i);
	}
	r = pool_sets_count(pool, c->set_of, NR_CLASSES, c->blocks, &totals);
	c->ret->blocks[RECLAIM_STOPPED] = c->blocks[CLASS_STOPPED];
	c->ret->blocks[dangling ? RECLAIM_DANGLING : RECLAIM_IMAGES] = c->blocks[CLASS_IMAGES];
	return r;
}

/* Sets of one kind never have a block in common that is theirs alone: they add up. */
static void add_sets(struct counting *c)
{
	struct reclaim *ret = c->ret;

	for (size_t i = 0; i < c->sets->nr; i++) {
		const struct device_set *set = &c->sets->sets[i];
		enum reclaim_kind kind = NR_RECLAIM_KINDS;

		if (set->kind == SET_CONTAINER && set->container && !set->container->running)
			ret->nr[RECLAIM_STOPPED]++;
		if (set->kind == SET_BUILDS)
			kind = RECLAIM_BUILDS;
		if (set->kind == SET_UNUSED || set->kind == SET_REMOVING)
			kind = RECLAIM_UNUSED;
		if (set->kind == SET_ORPHANS)
			kind = RECLAIM_ORPHANS;
		if (kind == NR_RECLAIM_KINDS)
			continue;
		ret->nr[kind] += set->nr_rows;
		ret->blocks[kind] += set->nr_exclusive;
	}
}

int reclaim_count(const struct meta_view *v, struct reclaim *ret_reclaim)
{
	const struct docker_state *d = v->devices->docker;
	struct counting c = { .t = v->devices, .sets = v->sets, .ret = ret_reclaim };
	int r;

	*ret_reclaim = (struct reclaim){ 0 };
	if (!c.t->pool)
		return 0;
	c.kept = alloc_array(d->layers.nr_layers + 1, 1);
	c.goes = alloc_array(d->images.nr_images + 1, 1);
	c.used = alloc_array(d->images.nr_images + d->containers.nr_containers + 1,
			     sizeof(const char *));
	c.set_of = alloc_array(c.t->pool->nr_devices + 1, sizeof(*c.set_of));
	r = c.kept && c.goes && c.used && c.set_of ? layer_use_find(d, &c.use) : -ENOMEM;
	if (!r)
		r = count_images(&c, true);
	if (!r)
		r = count_images(&c, false);
	add_sets(&c);
	layer_use_destroy(&c.use);
	alloc_free(c.kept);
	alloc_free(c.goes);
	alloc_free(c.used);
	alloc_free(c.set_of);
	return r;
}
