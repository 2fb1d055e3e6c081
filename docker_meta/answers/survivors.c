/* SPDX-License-Identifier: MIT */
#include "docker_meta/answers/survivors.h"

#include <errno.h>
#include <string.h>

#include "common/base/alloc.h"
#include "docker_meta/answers/pair.h"

struct judging {
	const struct device_table *t;
	struct lonely_pair pair;
	struct survivors *s;
};

/* ---- images and containers */

static int add_part(struct survivors *s, const struct survivor_part *part)
{
	struct survivor_part *grown =
		alloc_grow(s->parts, &s->parts_capacity, s->nr_parts, sizeof(*grown));

	if (!grown)
		return -ENOMEM;
	s->parts = grown;
	grown[s->nr_parts++] = *part;
	return 0;
}

static int begin(struct survivors *s, const struct survivor *item)
{
	struct survivor *grown = alloc_grow(s->items, &s->capacity, s->nr, sizeof(*grown));

	if (!grown)
		return -ENOMEM;
	s->items = grown;
	grown[s->nr++] = *item;
	grown[s->nr - 1].parts_begin = grown[s->nr - 1].parts_end = s->nr_parts;
	return 0;
}

/* A part of the last item; decides: it is lost when this is.  */
static int judge_part(const struct judging *j, const struct survivor_part *part, bool decides)
{
	struct survivors *s = j->s;
	struct survivor *item = &s->items[s->nr - 1];
	enum fate fate = part->unread ? FATE_UNKNOWN : FATE_LOST;
	int r;

	if (part->row)
		fate = s->devices[part->row - j->t->rows].fate;
	if (part->by_elimination && fate == FATE_INTACT)
		fate = FATE_PARTLY;
	if (fate == FATE_INTACT)
		return 0;
	if (!decides && fate == FATE_LOST)
		fate = FATE_PARTLY;
	if (fate > item->fate)
		item->fate = fate;
	r = add_part(s, part);
	item->parts_end = s->nr_parts;
	return r;
}

/* Of the device that is called so. */
static void find_part(const struct judging *j, const char *hash, struct survivor_part *part)
{
	part->row = device_table_find(j->t, hash);
	part->by_elimination = !part->row && lonely_pair_has(&j->pair, hash);
	if (part->by_elimination)
		part->row = j->pair.row;
	part->unread = !part->row && j->t->docker->driver.unread;
	part->missing = part->row      ? NULL
			: part->unread ? "devicemapper/metadata could not be read here"
				       : "its file in devicemapper/metadata is missing";
}

static int judge_image(const struct judging *j, const struct image *image)
{
	const struct docker_state *k = j->t->docker;
	const struct survivor item = { .image = image };
	int r = begin(j->s, &item);

	for (size_t i = 0; i < image->nr_chains && !r; i++) {
		const struct layer *l = layer_store_find(&k->layers, image->chains[i].hex);
		struct survivor_part part = { .position = (uint32_t)i + 1,
					      .unread = !l && k->layers.unread };

		part.missing = l             ? "its cache-id cannot be read"
			       : part.unread ? "layerdb/sha256 could not be read here"
					     : "the layer is not in layerdb";

		if (l && l->cache_id)
			find_part(j, l->cache_id, &part);
		r = judge_part(j, &part, i + 1 == image->nr_chains);
	}
	if (!r && !image->whole) {
		struct survivor_part part = { .missing = "the image's own file cannot be read" };

		r = judge_part(j, &part, true);
	}
	j->s->nr_images[j->s->nr ? j->s->items[j->s->nr - 1].fate : FATE_INTACT] += !r;
	return r;
}

static int judge_container(const struct judging *j, const struct container *c)
{
	const struct docker_state *k = j->t->docker;
	const struct mount *m = layer_store_find_mount(&k->layers, c->id);
	const struct survivor item = { .container = c };
	struct survivor_part part = { .unread = !m && k->layers.mounts_unread };
	int r;

	part.missing =
		part.unread ? "layerdb/mounts could not be read here" : "it has no layerdb/mounts";

	if (c->whole && strcmp(c->driver, "devicemapper") != 0)
		return 0;
	r = begin(j->s, &item);
	if (c->old_layout)
		find_part(j, c->id, &part);
	else if (m && m->mount_id)
		find_part(j, m->mount_id, &part);
	if (!r)
		r = judge_part(j, &part, true);
	if (!r)
		j->s->nr_containers[j->s->items[j->s->nr - 1].fate]++;
	return r;
}

static bool is_of_others(const struct device_row *row)
{
	return !row->image && !row->container && row->role != ROLE_DELETING &&
	       row->role != ROLE_IN_FLIGHT;
}

static bool transaction_is_wrong(const struct meta_view *v)
{
	for (size_t i = 0; i < v->findings->nr; i++) {
		const struct meta_row *row = v->findings->items[i].row;

		if (row == meta_row(ROW_T4) || row == meta_row(ROW_T8) || row == meta_row(ROW_T9))
			return true;
	}
	return false;
}

static int find_pair(const struct device_table *t, struct lonely_pair *ret_pair)
{
	struct deletion d;
	int r = deletion_init(t, &d);

	if (!r)
		lonely_pair_find(&d, ret_pair);
	deletion_destroy(&d);
	return r;
}

int survivors_find(const struct meta_view *v, struct survivors *ret_survivors)
{
	const struct device_table *t = v->devices;
	const struct docker_state *k = t->docker;
	struct judging j = { .t = t, .s = ret_survivors };
	int r;

	*ret_survivors = (struct survivors){ .looked = t->pool != NULL };
	if (!t->pool)
		return 0;
	ret_survivors->transaction_is_wrong = transaction_is_wrong(v);
	ret_survivors->devices = alloc_array(t->nr + 1, sizeof(*ret_survivors->devices));
	if (!ret_survivors->devices)
		return -ENOMEM;
	r = find_pair(t, &j.pair);
	for (size_t i = 0; i < t->nr; i++) {
		struct device_fate *d = &ret_survivors->devices[i];

		if (t->rows[i].role == ROLE_DELETING && !t->rows[i].referenced)
			continue;
		*d = device_fate_of(t, v->stale != NULL, &t->rows[i]);
		ret_survivors->nr_others += d->fate != FATE_INTACT && is_of_others(&t->rows[i]);
	}
	for (size_t i = 0; i < k->images.nr_images && !r; i++)
		r = judge_image(&j, &k->images.images[i]);
	for (size_t i = 0; i < k->containers.nr_containers && !r; i++)
		r = judge_container(&j, &k->containers.containers[i]);
	return r;
}

void survivors_destroy(struct survivors *s)
{
	alloc_free(s->devices);
	alloc_free(s->items);
	alloc_free(s->parts);
	*s = (struct survivors){ 0 };
}
