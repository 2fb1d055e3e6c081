/* SPDX-License-Identifier: MIT */
#include "docker_meta/answers/about.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/alloc.h"
#include "docker_meta/docker_meta.h"

/* ---- what it consists of */

static int add_part(struct about *a, enum subject_kind kind, const char *id)
{
	struct subject *grown =
		alloc_grow(a->parts, &a->parts_capacity, a->nr_parts, sizeof(*grown));

	if (!grown)
		return -ENOMEM;
	a->parts = grown;
	grown[a->nr_parts++] = subject_named(kind, id);
	return 0;
}

/* A device, its file and its mount point have one name. */
static int add_hash(const struct device_table *t, struct about *a, const char *hash)
{
	const struct device_row *row = hash ? device_table_find(t, hash) : NULL;
	int r;

	if (row)
		a->rows[row - t->rows] = true;
	if (!hash)
		return 0;
	r = add_part(a, SUBJECT_FILE, hash);
	return r ? r : add_part(a, SUBJECT_MNT_DIR, hash);
}

static int add_layer(const struct device_table *t, struct about *a, const struct layer *l)
{
	int r = add_part(a, SUBJECT_LAYER, l->directory);

	return r ? r : add_hash(t, a, l->cache_id);
}

static int add_mount(const struct device_table *t, struct about *a, const struct mount *m)
{
	int r = add_part(a, SUBJECT_MOUNT, m->name);

	if (!r)
		r = add_hash(t, a, m->mount_id);
	return r ? r : add_hash(t, a, m->init_id);
}

static int add_image(const struct device_table *t, struct about *a, const struct image *image)
{
	const struct docker_state *d = t->docker;
	int r = add_part(a, SUBJECT_IMAGE, image->id);

	for (size_t i = 0; i < d->images.nr_tags && !r; i++) {
		if (!strcmp(d->images.tags[i].id, image->id))
			r = add_part(a, SUBJECT_TAG, d->images.tags[i].name);
	}
	for (size_t i = 0; i < image->nr_chains && !r; i++) {
		const struct layer *l = layer_store_find(&d->layers, image->chains[i].hex);

		if (l)
			r = add_layer(t, a, l);
	}
	return r;
}

static int add_container(const struct device_table *t, struct about *a, const struct container *c)
{
	const struct mount *m = layer_store_find_mount(&t->docker->layers, c->id);
	int r = add_part(a, SUBJECT_CONTAINER, c->id);

	if (!r && c->old_layout)
		r = add_hash(t, a, c->id);
	return !r && m ? add_mount(t, a, m) : r;
}

static int add_parts(const struct device_table *t, struct about *a, const struct subject *s)
{
	switch ((int)s->kind) {
	case SUBJECT_DEVICE:
		a->rows[s->device - t->rows] = true;
		return add_hash(t, a, s->device->hash);
	case SUBJECT_IMAGE:
		return add_image(t, a, s->image);
	case SUBJECT_CONTAINER:
		return add_container(t, a, s->container);
	case SUBJECT_LAYER:
		return add_layer(t, a, s->layer);
	default:
		return add_mount(t, a, s->mount);
	}
}

/* ---- the findings */

static int by_kind_and_id(const void *a, const void *b)
{
	const struct subject *x = a, *y = b;

	if (x->kind != y->kind)
		return x->kind < y->kind ? -1 : 1;
	return strcmp(x->id, y->id);
}

static bool is_about(const struct device_table *t, const struct about *a,
		     const struct meta_finding *f)
{
	for (size_t i = 0; i < f->nr_devices; i++) {
		if (a->rows[f->devices[i] - t->rows])
			return true;
	}
	return f->subject.id && a->nr_parts &&
	       bsearch(&f->subject, a->parts, a->nr_parts, sizeof(*a->parts), by_kind_and_id);
}

int about_find(const struct meta_view *v, const struct subject *s, struct about *ret_about)
{
	struct about *a = ret_about;
	int r;

	*a = (struct about){ .rows = alloc_array(v->devices->nr + 1, sizeof(bool)) };
	r = a->rows ? add_parts(v->devices, a, s) : -ENOMEM;
	if (!r && a->nr_parts)
		qsort(a->parts, a->nr_parts, sizeof(*a->parts), by_kind_and_id);
	for (size_t i = 0; i < v->findings->nr && !r; i++) {
		const struct meta_finding *f = &v->findings->items[i], **grown;

		if (!is_about(v->devices, a, f))
			continue;
		grown = alloc_grow(a->findings, &a->capacity, a->nr, sizeof(const void *));
		if (!grown)
			return -ENOMEM;
		a->findings = grown;
		grown[a->nr++] = f;
	}
	return r;
}

void about_destroy(struct about *a)
{
	alloc_free(a->findings);
	alloc_free(a->parts);
	alloc_free(a->rows);
	*a = (struct about){ 0 };
}

int about_status(const struct about *a, const struct device_table *t)
{
	enum meta_severity worst = META_INFO;

	for (size_t i = 0; i < a->nr; i++) {
		if (a->findings[i]->severity > worst)
			worst = a->findings[i]->severity;
	}
	return worst >= META_ERROR     ? META_STATUS_ERROR
	       : !t->pool              ? META_STATUS_BLIND
	       : worst == META_WARNING ? META_STATUS_WARNING
				       : META_STATUS_OK;
}
