/* SPDX-License-Identifier: MIT */
#include "docker_meta/answers/subject.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/alloc.h"
#include "common/base/number.h"

/* How well a name fits: a better one makes all others go. */
enum fit { FIT_NOT, FIT_PREFIX, FIT_EXACT };

struct search {
	const struct device_table *t;
	const char *name; /* without its kind */
	const char *hex;  /* the same without "sha256:" */
	size_t length;    /* of hex */
	bool by_digest;   /* it had "sha256:" */
	bool has_id;
	uint64_t id;
	unsigned int wanted; /* bit of a kind */
	bool only_id;
	enum fit best;
	struct subjects *found;
};

/* ---- what was found */

static int take(struct search *s, enum fit fit, enum subject_kind kind, const void *thing)
{
	struct subjects *f = s->found;
	struct subject *grown;

	if (fit == FIT_NOT || fit < s->best)
		return 0;
	if (fit > s->best)
		f->nr = 0;
	s->best = fit;
	grown = alloc_grow(f->items, &f->capacity, f->nr, sizeof(*grown));
	if (!grown)
		return -ENOMEM;
	f->items = grown;
	grown[f->nr++] = (struct subject){ .kind = kind, .thing = thing };
	return 0;
}

static int compare(const void *a, const void *b)
{
	const struct subject *x = a, *y = b;

	if (x->kind != y->kind)
		return x->kind < y->kind ? -1 : 1;
	return ((uintptr_t)x->thing > (uintptr_t)y->thing) -
	       ((uintptr_t)x->thing < (uintptr_t)y->thing);
}

static bool has(const struct subjects *f, enum subject_kind kind, const void *thing)
{
	const struct subject key = { .kind = kind, .thing = thing };

	return bsearch(&key, f->items, f->nr, sizeof(key), compare) != NULL;
}

/* Up to 1.9 a container's device is called as the container: who gives that name means the whole.
 */
static bool is_minor(const struct search *s, const struct subject *x)
{
	const struct container *c = x->kind == SUBJECT_DEVICE ? x->device->container : NULL;

	return c && c->old_layout && has(s->found, SUBJECT_CONTAINER, c);
}

/* Sorted, and each once; minor ones go. */
static int settle(struct search *s)
{
	struct subjects *f = s->found;
	bool *minor = alloc_array(f->nr + 1, sizeof(*minor));
	size_t nr = 0;

	if (!minor)
		return -ENOMEM;
	if (f->nr)
		qsort(f->items, f->nr, sizeof(*f->items), compare);
	for (size_t i = 0; i < f->nr; i++)
		minor[i] = (i && !compare(&f->items[i - 1], &f->items[i])) ||
			   is_minor(s, &f->items[i]);
	for (size_t i = 0; i < f->nr; i++) {
		if (!minor[i])
			f->items[nr++] = f->items[i];
	}
	f->nr = nr;
	alloc_free(minor);
	return 0;
}

/* ---- how well it fits */

static enum fit fit_text(const char *text, const char *name, size_t length)
{
	if (!length || strncmp(text, name, length) != 0)
		return FIT_NOT;
	return text[length] ? FIT_PREFIX : FIT_EXACT;
}

/* An init device has its container's hash: it is meant only by who says so. */
static enum fit fit_hash(const struct search *s, const char *hash)
{
	const size_t n = strlen(s->name);

	if (!hash || (has_suffix(hash, "-init") && !strchr(s->name, '-')))
		return FIT_NOT;
	if (has_suffix(hash, "-init") && has_suffix(s->name, "-init") && strcmp(hash, s->name) != 0)
		return fit_text(hash, s->name, n - strlen("-init"));
	return fit_text(hash, s->name, n);
}

static enum fit fit_hex(const struct search *s, const char *hex)
{
	return fit_text(hex, s->hex, s->length);
}

static enum fit fit_tag(const struct search *s, const char *tag)
{
	const char *name = s->name, *digest;
	enum fit fit;

	if (!strncmp(name, "docker.io/library/", 18))
		name += 18;
	else if (!strncmp(name, "docker.io/", 10))
		name += 10;
	fit = fit_text(tag, name, strlen(name));
	if (fit == FIT_PREFIX && !strcmp(tag + strlen(name), ":latest"))
		return FIT_EXACT;
	/* A part of a tag is none, but its repository, and part of a digest, may do. */
	if (fit == FIT_PREFIX && !strchr(":@", tag[strlen(name)]) && !strchr(name, '@'))
		fit = FIT_NOT;
	digest = strstr(tag, "@sha256:");
	return fit == FIT_NOT && s->by_digest && digest ? fit_hex(s, digest + 8) : fit;
}

/* ---- where it is looked for */

static int search_devices(struct search *s)
{
	int r = 0;

	for (size_t i = 0; i < s->t->nr && !r; i++) {
		const struct device_row *row = &s->t->rows[i];
		enum fit fit = s->has_id && row->id == s->id ? FIT_EXACT
			       : s->only_id                  ? FIT_NOT
							     : fit_hash(s, row->hash);

		r = take(s, fit, SUBJECT_DEVICE, row);
	}
	return r;
}

static int search_images(struct search *s)
{
	const struct image_store *store = &s->t->docker->images;
	int r = 0;

	for (size_t i = 0; i < store->nr_images && !r; i++)
		r = take(s, fit_hex(s, store->images[i].id), SUBJECT_IMAGE, &store->images[i]);
	for (size_t i = 0; i < store->nr_tags && !r; i++) {
		const struct tag *tag = &store->tags[i];
		enum fit fit = fit_tag(s, tag->name);
		const struct image *image =
			fit == FIT_NOT ? NULL : image_store_find(store, tag->id);

		if (image)
			r = take(s, fit, SUBJECT_IMAGE, image);
	}
	return r;
}

static int search_containers(struct search *s)
{
	const struct container_store *store = &s->t->docker->containers;
	const char *name = s->name + (*s->name == '/');
	int r = 0;

	for (size_t i = 0; i < store->nr_containers && !r; i++) {
		const struct container *c = &store->containers[i];
		enum fit fit =
			!strcmp(c->name, name) ? FIT_EXACT : fit_text(c->id, name, strlen(name));

		r = take(s, fit, SUBJECT_CONTAINER, c);
	}
	return r;
}

/* A hash that some device has is that device's, unless the kind was given. */
static enum fit fit_reference(const struct search *s, enum subject_kind kind, const char *hash)
{
	if (!hash || (s->wanted != 1u << kind && device_table_find(s->t, hash)))
		return FIT_NOT;
	return fit_hash(s, hash);
}

static enum fit better(enum fit a, enum fit b)
{
	return a > b ? a : b;
}

static int search_layers(struct search *s)
{
	const struct layer_store *store = &s->t->docker->layers;
	int r = 0;

	for (size_t i = 0; i < store->nr_layers && !r; i++) {
		const struct layer *l = &store->layers[i];
		enum fit fit =
			better(fit_hex(s, l->chain), fit_reference(s, SUBJECT_LAYER, l->cache_id));

		r = take(s, fit, SUBJECT_LAYER, l);
	}
	return r;
}

static int search_mounts(struct search *s)
{
	const struct docker_state *d = s->t->docker;
	int r = 0;

	for (size_t i = 0; i < d->layers.nr_mounts && !r; i++) {
		const struct mount *m = &d->layers.mounts[i];
		const struct container *c = container_store_find(&d->containers, m->name);
		enum fit fit = better(fit_reference(s, SUBJECT_MOUNT, m->mount_id),
				      fit_reference(s, SUBJECT_MOUNT, m->init_id));

		if (c)
			r = take(s, fit, SUBJECT_CONTAINER, c);
		else
			r = take(s, better(fit, fit_text(m->name, s->name, strlen(s->name))),
				 SUBJECT_MOUNT, m);
	}
	return r;
}

static bool is_called(const char *name, size_t length, enum subject_kind kind)
{
	const char *called = subject_kind_name(kind);

	return strlen(called) == length && !strncmp(name, called, length);
}

static bool take_kind(struct search *s)
{
	const size_t n = strcspn(s->name, ":");
	int kind = 0;

	if (!s->name[n])
		return false;
	s->only_id = n == 2 && !strncmp(s->name, "id", n);
	while (kind < NR_ASKED_KINDS && !is_called(s->name, n, (enum subject_kind)kind))
		kind++;
	if (s->only_id)
		kind = SUBJECT_DEVICE;
	if (kind == NR_ASKED_KINDS)
		return false;
	s->wanted = 1u << kind;
	s->name += n + 1;
	return true;
}

static bool is_id(const char *name, uint64_t *ret_id)
{
	return (*name != '0' || !name[1]) && strspn(name, "0123456789") == strlen(name) &&
	       parse_u64(name, ret_id);
}

int subjects_find(const struct device_table *t, const char *name, struct subjects *ret_subjects)
{
	static int (*const searches[NR_ASKED_KINDS])(struct search *) = {
		[SUBJECT_DEVICE] = search_devices,       [SUBJECT_IMAGE] = search_images,
		[SUBJECT_CONTAINER] = search_containers, [SUBJECT_LAYER] = search_layers,
		[SUBJECT_MOUNT] = search_mounts,
	};
	struct search s = { .t = t, .name = name, .wanted = ~0u, .found = ret_subjects };
	int r = 0;

	*ret_subjects = (struct subjects){ 0 };
	(void)take_kind(&s);
	s.has_id = is_id(s.name, &s.id);
	s.by_digest = !strncmp(s.name, "sha256:", 7);
	s.hex = s.name + (s.by_digest ? 7 : 0);
	s.length = strlen(s.hex);
	for (int kind = 0; kind < NR_ASKED_KINDS && !r; kind++) {
		if (s.wanted >> kind & 1)
			r = searches[kind](&s);
	}
	return r ? r : settle(&s);
}

void subjects_destroy(struct subjects *s)
{
	alloc_free(s->items);
	*s = (struct subjects){ 0 };
}
