/* SPDX-License-Identifier: MIT */
#include "docker_meta/facts/sets.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "common/base/alloc.h"
#include "docker_meta/facts/layer_use.h"

const char *set_kind_name(enum set_kind kind)
{
	static const char *const names[] = {
		[SET_BASE] = "base",           [SET_IMAGE] = "image",
		[SET_SHARED] = "shared",       [SET_KEPT] = "kept",
		[SET_CONTAINER] = "container", [SET_BUILDS] = "builds",
		[SET_LEFT] = "left",           [SET_UNUSED] = "unused",
		[SET_REMOVING] = "removing",   [SET_DELETING] = "deleting",
		[SET_IN_FLIGHT] = "in flight", [SET_ORPHANS] = "orphans",
		[SET_FOREIGN] = "foreign",     [SET_UNPROVEN] = "unproven",
	};

	return names[kind];
}

/* A set that there may be: it is one when a device is in it, or when it is an image's. */
struct draft {
	enum set_kind kind;
	uint32_t number; /* of the set, where it is one */
	size_t nr_rows;
};

/* Drafts: one for each kind, then for each image, mount, container up to 1.9, and row. */
struct maker {
	const struct device_table *t;
	const struct docker_state *d;
	struct device_sets *s;
	struct layer_use use;
	struct draft *drafts; /* owned */
	size_t image_0, mount_0, container_0, row_0, nr_drafts;
	uint32_t *draft_of; /* owned, by row */
};

static bool comes_in_groups(enum set_kind kind)
{
	return kind == SET_UNUSED || kind == SET_REMOVING || kind == SET_ORPHANS ||
	       kind == SET_UNPROVEN;
}

/* ---- which draft a row is in; a group for each row at first */

static size_t draft_of_layer(const struct maker *m, const struct device_row *row, size_t group,
			     enum set_kind *ret_kind)
{
	const size_t layer = (size_t)(row->layer - m->d->layers.layers);
	const uint32_t image = m->use.image[layer];

	if (image < SEVERAL_IMAGES) {
		*ret_kind = SET_IMAGE;
		return m->image_0 + image;
	}
	if (row->layer->removing)
		*ret_kind = SET_REMOVING;
	else if (image == SEVERAL_IMAGES)
		*ret_kind = SET_SHARED;
	else if (m->use.held[layer])
		*ret_kind = SET_KEPT;
	else
		*ret_kind = m->t->complete && m->d->images.complete ? SET_UNUSED : SET_UNPROVEN;
	return comes_in_groups(*ret_kind) ? group : *ret_kind;
}

static size_t draft_of_mount(const struct maker *m, const struct device_row *row,
			     enum set_kind *ret_kind)
{
	*ret_kind = SET_CONTAINER;
	if (!row->mount && row->container)
		return m->container_0 + (size_t)(row->container - m->d->containers.containers);
	if (!row->mount || is_buildkit_name(row->mount->name)) {
		*ret_kind = SET_BUILDS;
		return SET_BUILDS;
	}
	if (!row->container && m->d->containers.complete)
		*ret_kind = SET_LEFT;
	return m->mount_0 + (size_t)(row->mount - m->d->layers.mounts);
}

static size_t draft_of_row(const struct maker *m, const struct device_row *row,
			   enum set_kind *ret_kind)
{
	static const enum set_kind kinds[NR_ROLES] = {
		[ROLE_BASE] = SET_BASE,           [ROLE_DELETING] = SET_DELETING,
		[ROLE_IN_FLIGHT] = SET_IN_FLIGHT, [ROLE_ORPHAN] = SET_ORPHANS,
		[ROLE_PHANTOM] = SET_ORPHANS,     [ROLE_FOREIGN] = SET_FOREIGN,
		[ROLE_UNPROVEN] = SET_UNPROVEN,
	};
	const size_t group = m->row_0 + (size_t)(row - m->t->rows);

	if (row->role == ROLE_LAYER && row->layer)
		return draft_of_layer(m, row, group, ret_kind);
	if (row->role == ROLE_INIT || row->role == ROLE_RW || row->role == ROLE_BUILD)
		return draft_of_mount(m, row, ret_kind);
	*ret_kind = kinds[row->role];
	return comes_in_groups(*ret_kind) ? group : *ret_kind;
}

/* Of several rows of one device, the one of whoever needs it. */
static size_t end_of_id(const struct device_table *t, size_t begin, size_t *ret_needed)
{
	size_t end = begin;

	*ret_needed = begin;
	for (; end < t->nr && t->rows[end].id == t->rows[begin].id; end++) {
		if (t->rows[end].referenced && !t->rows[*ret_needed].referenced)
			*ret_needed = end;
	}
	return end;
}

static void find_drafts(struct maker *m)
{
	size_t end, needed;

	for (size_t begin = 0; begin < m->t->nr; begin = end) {
		enum set_kind kind = SET_BASE;
		size_t draft;

		end = end_of_id(m->t, begin, &needed);
		draft = draft_of_row(m, &m->t->rows[needed], &kind);
		m->drafts[draft].kind = kind;
		for (size_t i = begin; i < end; i++)
			m->draft_of[i] = (uint32_t)draft;
	}
}

/* ---- groups */

static int relate(struct maker *m, const struct pool_state *pool)
{
	uint32_t *class_of = alloc_array(pool->nr_devices + 1, sizeof(*class_of));
	uint32_t *first = alloc_array(pool->nr_devices + 1, sizeof(*first));
	uint32_t *draft = alloc_array(pool->nr_devices + 1, sizeof(*draft));
	size_t nr = 0;
	int r = class_of && first && draft ? 0 : -ENOMEM;

	for (size_t i = 0; i < pool->nr_devices && !r; i++)
		class_of[i] = NO_SET;
	for (size_t i = 0; i < m->t->nr && !r; i++) {
		const struct device_row *row = &m->t->rows[i];
		size_t n = row->pool ? (size_t)(row->pool - pool->devices) : 0;
		const enum set_kind kind = m->drafts[m->draft_of[i]].kind;

		if (!row->pool || !comes_in_groups(kind))
			continue;
		nr += class_of[n] == NO_SET;
		class_of[n] = (uint32_t)kind;
		draft[n] = m->draft_of[i];
	}
	if (!r && nr > 1)
		r = pool_sets_relate(pool, class_of, NR_SET_KINDS, first);
	for (size_t i = 0; i < m->t->nr && !r && nr > 1; i++) {
		const struct device_row *row = &m->t->rows[i];

		if (row->pool && comes_in_groups(m->drafts[m->draft_of[i]].kind))
			m->draft_of[i] = draft[first[row->pool - pool->devices]];
	}
	alloc_free(class_of);
	alloc_free(first);
	alloc_free(draft);
	return r;
}

/* ---- names */

enum { NAMED_DEVICES = 4 };

static char *name_of_devices(const struct device_set *set)
{
	char text[160] = "";
	size_t used = 0, nr = 0;

	for (size_t i = 0; i < set->nr_rows; i++) {
		if (i && set->rows[i]->id == set->rows[i - 1]->id)
			continue;
		if (nr < NAMED_DEVICES)
			used += (size_t)snprintf(text + used, sizeof(text) - used, "%s%" PRIu64,
						 nr ? ", " : "", set->rows[i]->id);
		nr++;
	}
	if (nr > NAMED_DEVICES)
		(void)snprintf(text + used, sizeof(text) - used, " and %zu more",
			       nr - NAMED_DEVICES);
	return alloc_printf("device%s %s", nr > 1 ? "s" : "", text);
}

static char *name_of_object(const struct maker *m, const struct device_set *set)
{
	if (set->image) {
		const char *name = image_store_name(&m->d->images, set->image->id);

		return name ? alloc_string(name) : alloc_printf("image %.12s", set->image->id);
	}
	if (set->container)
		return alloc_string(set->container->name);
	return alloc_printf("mount %.12s", set->mount->name);
}

static char *name_of(const struct maker *m, const struct device_set *set)
{
	static const char *const names[NR_SET_KINDS] = {
		[SET_BASE] = "base device",
		[SET_SHARED] = "layers of several images",
		[SET_KEPT] = "layers without an image",
		[SET_BUILDS] = "build cache",
		[SET_DELETING] = "deferred deletion",
		[SET_IN_FLIGHT] = "open transaction",
		[SET_FOREIGN] = "devices of others",
	};

	if (names[set->kind])
		return alloc_string(names[set->kind]);
	return comes_in_groups(set->kind) ? name_of_devices(set) : name_of_object(m, set);
}

/* ---- sets of drafts */

static bool is_set(const struct draft *draft)
{
	return draft->nr_rows || draft->kind == SET_IMAGE;
}

static void number_drafts(struct maker *m)
{
	size_t at[NR_SET_KINDS + 1] = { 0 };

	for (size_t i = 0; i < m->t->nr; i++)
		m->drafts[m->draft_of[i]].nr_rows++;
	for (size_t i = m->image_0; i < m->mount_0; i++)
		m->drafts[i].kind = SET_IMAGE;
	for (size_t i = 0; i < m->nr_drafts; i++)
		at[m->drafts[i].kind + 1] += is_set(&m->drafts[i]);
	for (size_t kind = 0; kind < NR_SET_KINDS; kind++)
		at[kind + 1] += at[kind];
	m->s->nr = at[NR_SET_KINDS];
	m->s->image_0 = at[SET_IMAGE];
	for (size_t i = 0; i < m->nr_drafts; i++) {
		if (is_set(&m->drafts[i]))
			m->drafts[i].number = (uint32_t)at[m->drafts[i].kind]++;
	}
}

static void fill_sets(struct maker *m)
{
	const struct docker_state *d = m->d;

	for (size_t i = 0; i < m->nr_drafts; i++) {
		const struct draft *draft = &m->drafts[i];
		struct device_set *set = &m->s->sets[draft->number];

		if (!is_set(draft))
			continue;
		set->kind = draft->kind;
		set->nr_rows = draft->nr_rows;
		if (draft->kind == SET_IMAGE) {
			set->image = &d->images.images[i - m->image_0];
			set->step = m->use.step[i - m->image_0];
		}
		if (i >= m->mount_0 && i < m->container_0)
			set->mount = &d->layers.mounts[i - m->mount_0];
		else if (i >= m->container_0 && i < m->row_0)
			set->container = &d->containers.containers[i - m->container_0];
		if (set->mount)
			set->container = container_store_find(&d->containers, set->mount->name);
	}
}

static void add_rows(struct maker *m)
{
	struct device_sets *s = m->s;
	size_t at = 0;

	for (size_t i = 0; i < s->nr; i++) {
		s->sets[i].rows = s->members + at;
		at += s->sets[i].nr_rows;
		s->sets[i].nr_rows = 0;
	}
	for (size_t i = 0; i < m->t->nr; i++) {
		const struct device_row *row = &m->t->rows[i];
		struct device_set *set;

		s->of_row[i] = m->drafts[m->draft_of[i]].number;
		set = &s->sets[s->of_row[i]];
		s->members[set->rows - s->members + (ptrdiff_t)set->nr_rows++] = row;
		/* The second file of a device adds nothing. */
		if (!row->pool || (i && row[-1].pool == row->pool))
			continue;
		set->nr_mapped += row->pool->nr_mapped;
		if (row->pool->nr_mapped > set->nr_largest)
			set->nr_largest = row->pool->nr_mapped;
	}
}

static int make_sets(struct maker *m)
{
	struct device_sets *s = m->s;
	int r = 0;

	number_drafts(m);
	s->sets = alloc_array(s->nr + 1, sizeof(*s->sets));
	s->members = alloc_array(m->t->nr + 1, sizeof(const void *));
	s->of_row = alloc_array(m->t->nr + 1, sizeof(*s->of_row));
	if (!s->sets || !s->members || !s->of_row)
		return -ENOMEM;
	fill_sets(m);
	add_rows(m);
	for (size_t i = 0; i < s->nr && !r; i++) {
		s->sets[i].name = name_of(m, &s->sets[i]);
		r = s->sets[i].name ? 0 : -ENOMEM;
	}
	return r;
}

/* ---- bytes */

static bool is_held(const struct maker *m, const struct device_row *row)
{
	return row->layer && m->use.held[row->layer - m->d->layers.layers];
}

/* Sets of which docker rmi takes only a part get a second one, of what it leaves. */
static uint32_t split(const struct maker *m, uint32_t *other, bool *ret_any)
{
	const struct device_sets *s = m->s;
	uint32_t nr = (uint32_t)s->nr;

	*ret_any = false;
	for (size_t i = 0; i < s->nr; i++) {
		const struct device_set *set = &s->sets[i];
		size_t nr_held = 0;

		other[i] = NO_SET;
		for (size_t k = 0; k < set->nr_rows && set->kind == SET_IMAGE; k++)
			nr_held += is_held(m, set->rows[k]);
		if (!nr_held)
			continue;
		other[i] = nr++;
		*ret_any |= nr_held < set->nr_rows;
	}
	return nr;
}

static int count_returned(struct maker *m, const struct pool_state *pool, uint32_t *set_of)
{
	struct device_sets *s = m->s;
	uint32_t *other = alloc_array(s->nr + 1, sizeof(*other));
	uint64_t *blocks = alloc_array(2 * s->nr + 1, sizeof(*blocks));
	struct pool_set_totals totals;
	bool any = false;
	uint32_t nr = 0;
	int r = other && blocks ? 0 : -ENOMEM;

	if (!r)
		nr = split(m, other, &any);
	for (size_t i = 0; i < m->t->nr && !r && any; i++) {
		const struct device_row *row = &m->t->rows[i];
		uint32_t set = s->of_row[i];

		if (row->pool && other[set] != NO_SET && is_held(m, row))
			set_of[row->pool - pool->devices] = other[set];
	}
	if (!r && any)
		r = pool_sets_count(pool, set_of, nr, blocks, &totals);
	for (size_t i = 0; i < s->nr && !r; i++) {
		struct device_set *set = &s->sets[i];

		set->nr_returned = other[i] == NO_SET ? set->nr_exclusive : any ? blocks[i] : 0;
	}
	alloc_free(other);
	alloc_free(blocks);
	return r;
}

static int count(struct maker *m, const struct pool_state *pool)
{
	struct device_sets *s = m->s;
	uint32_t *set_of = alloc_array(pool->nr_devices + 1, sizeof(*set_of));
	uint64_t *blocks = alloc_array(s->nr + 1, sizeof(*blocks));
	int r = set_of && blocks ? 0 : -ENOMEM;

	for (size_t i = 0; i < m->t->nr && !r; i++) {
		const struct pool_device *d = m->t->rows[i].pool;

		if (d)
			set_of[d - pool->devices] = s->of_row[i];
	}
	if (!r)
		r = pool_sets_count(pool, set_of, (uint32_t)s->nr, blocks, &s->totals);
	for (size_t i = 0; i < s->nr && !r; i++)
		s->sets[i].nr_exclusive = blocks[i];
	if (!r)
		r = count_returned(m, pool, set_of);
	s->counted = !r;
	alloc_free(set_of);
	alloc_free(blocks);
	return r;
}

/* ---- all */

static int begin(struct maker *m)
{
	const struct docker_state *d = m->d;

	m->image_0 = NR_SET_KINDS;
	m->mount_0 = m->image_0 + d->images.nr_images;
	m->container_0 = m->mount_0 + d->layers.nr_mounts;
	m->row_0 = m->container_0 + d->containers.nr_containers;
	m->nr_drafts = m->row_0 + m->t->nr;
	if (m->nr_drafts > POOL_MAX_SETS / 2)
		return -ENOMEM;
	m->drafts = alloc_array(m->nr_drafts, sizeof(*m->drafts));
	m->draft_of = alloc_array(m->t->nr + 1, sizeof(*m->draft_of));
	return m->drafts && m->draft_of ? layer_use_find(d, &m->use) : -ENOMEM;
}

int device_sets_make(const struct device_table *t, struct device_sets *ret_sets)
{
	struct maker m = { .t = t, .d = t->docker, .s = ret_sets };
	int r;

	*ret_sets = (struct device_sets){ 0 };
	r = begin(&m);
	if (!r)
		find_drafts(&m);
	if (!r && t->pool)
		r = relate(&m, t->pool);
	if (!r)
		r = make_sets(&m);
	if (!r && t->pool)
		r = count(&m, t->pool);
	layer_use_destroy(&m.use);
	alloc_free(m.drafts);
	alloc_free(m.draft_of);
	return r;
}

void device_sets_destroy(struct device_sets *s)
{
	for (size_t i = 0; s->sets && i < s->nr; i++)
		alloc_free(s->sets[i].name);
	alloc_free(s->sets);
	alloc_free(s->of_row);
	alloc_free(s->members);
	*s = (struct device_sets){ 0 };
}

const struct device_set *device_set_of(const struct device_sets *s, const struct device_table *t,
				       const struct device_row *row)
{
	return &s->sets[s->of_row[row - t->rows]];
}

const struct device_set *device_set_of_image(const struct device_sets *s,
					     const struct device_table *t,
					     const struct image *image)
{
	return &s->sets[s->image_0 + (size_t)(image - t->docker->images.images)];
}
