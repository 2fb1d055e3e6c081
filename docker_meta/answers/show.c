/* SPDX-License-Identifier: MIT */
#include "docker_meta/answers/show.h"

#include <errno.h>
#include <string.h>

#include "common/base/alloc.h"
#include "common/pool/pool_sets.h"
#include "docker_meta/docker_meta.h"

size_t show_position(const struct image *image, const struct layer *layer)
{
	for (size_t i = 0; i < image->nr_chains; i++) {
		if (!strcmp(image->chains[i].hex, layer->chain))
			return i + 1;
	}
	return 0;
}

const char *show_container_state(const struct container *c)
{
	return c->dead ? "dead" : c->removing ? "removing" : c->running ? "running" : "stopped";
}

const struct snapshot_record *show_snapshot(const struct show *s, const struct device_row *row)
{
	const struct docker_state *d = s->t->docker;
	const struct snapshot_record *record;

	if (!d->has_buildkit || !row->hash)
		return NULL;
	record = snapshots_find(&d->snapshots, row->hash);
	for (size_t i = 0; i < d->snapshots.nr && !record; i++) {
		const char *committed = d->snapshots.records[i].committed;

		if (committed && !strcmp(committed, row->hash))
			record = &d->snapshots.records[i];
	}
	return record;
}

/* ---- gathering */

static void find_things(struct show *s)
{
	const struct docker_state *d = s->t->docker;
	const struct subject *x = &s->subject;

	s->row = subject_device(s->t, x, &s->hash);
	switch ((int)x->kind) {
	case SUBJECT_DEVICE:
		s->layer = x->device->layer;
		s->mount = x->device->mount;
		s->container = x->device->container;
		break;
	case SUBJECT_IMAGE:
		s->image = x->image;
		break;
	case SUBJECT_CONTAINER:
		s->container = x->container;
		s->mount = layer_store_find_mount(&d->layers, x->container->id);
		break;
	case SUBJECT_LAYER:
		s->layer = x->layer;
		break;
	case SUBJECT_MOUNT:
	default:
		s->mount = x->mount;
		break;
	}
	if (s->container && *s->container->image)
		s->image = image_store_find(&d->images, s->container->image);
}

static void mark_layers(const struct show *s, uint32_t *set_of)
{
	const struct pool_state *pool = s->t->pool;

	for (size_t i = 0; i < s->image->nr_chains; i++) {
		const struct layer *l =
			layer_store_find(&s->t->docker->layers, s->image->chains[i].hex);
		const struct device_row *row =
			l && l->cache_id ? device_table_find(s->t, l->cache_id) : NULL;

		if (row && row->pool)
			set_of[row->pool - pool->devices] = 0;
	}
}

static int count_set(struct show *s)
{
	const struct pool_state *pool = s->t->pool;
	struct pool_set_totals totals;
	uint32_t *set_of;
	int r;

	if (s->subject.kind != SUBJECT_IMAGE || !pool)
		return 0;
	set_of = alloc_array(pool->nr_devices + 1, sizeof(*set_of));
	if (!set_of)
		return -ENOMEM;
	for (size_t i = 0; i < pool->nr_devices; i++)
		set_of[i] = NO_SET;
	mark_layers(s, set_of);
	r = pool_sets_count(pool, set_of, 1, &s->set_blocks, &totals);
	alloc_free(set_of);
	return r;
}

static int gather(struct show *s)
{
	int r = about_find(s->v, &s->subject, &s->about);

	if (!r)
		r = count_set(s);
	if (r || !s->row)
		return r;
	r = lineage_make(s->t, s->row, &s->lineage);
	if (!r)
		r = children_find(s->t, s->row, &s->children);
	return r ? r : rescue_make(s->v, s->row, &s->rescue);
}

int show_make(const struct meta_view *v, struct show *ret_show)
{
	struct show *s = ret_show;
	int r, status;

	*s = (struct show){ .v = v, .t = v->devices };
	status = subject_resolve(s->t, v->options->words[0], &s->subject);
	if (status != STATUS_NONE)
		return status;
	find_things(s);
	r = gather(s);
	if (!r)
		return STATUS_NONE;
	tool_error(&docker_meta_tool, "%s", strerror(-r));
	return META_STATUS_BLIND;
}

void show_destroy(struct show *s)
{
	about_destroy(&s->about);
	lineage_destroy(&s->lineage);
	children_destroy(&s->children);
	rescue_destroy(&s->rescue);
	*s = (struct show){ .v = NULL };
}
