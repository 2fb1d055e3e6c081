/* SPDX-License-Identifier: MIT */
#include "docker_meta/judge/findings_internal.h"

#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/alloc.h"

const char *meta_finding_remedy(const struct meta_finding *f)
{
	if (!f->unproven)
		return f->row->remedy;
	/* To keep what a transaction would delete asks for no proof. */
	if (f->row == meta_row(ROW_T1))
		return meta_row(ROW_T2)->remedy;
	return row_has(f->row, TRAIT_SAVES) ? f->row->remedy : NULL;
}

void finding_destroy(struct meta_finding *x)
{
	alloc_free(x->devices);
	alloc_free(x->evidence.file);
	alloc_free(x->evidence.found);
	alloc_free(x->evidence.against);
	alloc_free(x->evidence.there);
	alloc_free(x->evidence.line);
	alloc_free(x->busy);
	*x = (struct meta_finding){ 0 };
}

/* ---- adding */

struct meta_finding *finder_add(struct finder *f, enum meta_row_id id, struct subject subject)
{
	struct meta_findings *list = f->list;
	struct meta_finding *grown = alloc_grow(list->items, &list->capacity, list->nr,
						sizeof(*grown)),
			    *x;

	if (grown) {
		list->items = grown;
		x = &grown[list->nr++];
	} else {
		f->failed = true;
		x = &f->spare;
		finding_destroy(x);
	}
	*x = (struct meta_finding){ .row = meta_row(id),
				    .severity = meta_row(id)->severity,
				    .subject = subject };
	return x;
}

void finder_add_device(struct finder *f, struct meta_finding *x, const struct device_row *row)
{
	size_t capacity = x->nr_devices;
	const struct device_row **grown =
		alloc_grow(x->devices, &capacity, x->nr_devices, sizeof(const void *));

	if (!grown) {
		f->failed = true;
		return;
	}
	x->devices = grown;
	grown[x->nr_devices++] = row;
}

struct meta_finding *finder_add_of_device(struct finder *f, enum meta_row_id id,
					  const struct device_row *row)
{
	struct meta_finding *x = finder_add(f, id, subject_of_device(row));

	if (row->pool)
		x->bytes = device_table_bytes(f->t, row->pool->nr_exclusive);
	finder_add_device(f, x, row);
	return x;
}

static void set_text(struct finder *f, char **place, char *text)
{
	f->failed |= !text;
	alloc_free(*place);
	*place = text;
}

void finder_found(struct finder *f, struct meta_finding *x, char *file, const char *format, ...)
{
	va_list args;

	set_text(f, &x->evidence.file, file);
	va_start(args, format);
	set_text(f, &x->evidence.found, alloc_vprintf(format, args));
	va_end(args);
}

void finder_against(struct finder *f, struct meta_finding *x, char *file, const char *format, ...)
{
	va_list args;

	set_text(f, &x->evidence.against, file);
	va_start(args, format);
	set_text(f, &x->evidence.there, alloc_vprintf(format, args));
	va_end(args);
}

void finder_tell_set(struct finder *f, struct meta_finding *x, const struct device_row *row)
{
	const struct device_set *set = device_set_of(f->facts->sets, f->t, row);

	if (f->t->pool && set->nr_rows > 1)
		x->set = set;
}

/* ---- files that could not be used */

/* The end of a removal, or the begin of a creation: there is no writable layer to be lost. */
static bool is_left_of_container(const struct finder *f, const struct problem *p)
{
	const struct container *c =
		p->row != ROW_C8 ? NULL : container_store_find(&f->d->containers, p->object);

	return c && !c->has_config && f->d->layers.mounts_present &&
	       !layer_store_find_mount(&f->d->layers, c->id);
}

void find_problems(struct finder *f)
{
	const struct problem_list *problems = &f->d->problems;

	for (size_t i = 0; i < problems->nr; i++) {
		const struct problem *p = &problems->items[i];
		struct meta_finding *x = finder_add(
			f, p->row, subject_find(f->d, meta_row(p->row)->subject, p->object));

		finder_found(f, x, alloc_string(p->path), "%s", p->text);
		if (p->fatal)
			x->severity = META_FATAL;
		if (is_left_of_container(f, p))
			x->severity = META_WARNING;
		if (p->unread) {
			x->severity = META_WARNING;
			x->unproven = true;
		}
	}
}

/* ---- groups */

static bool belong_together(const struct meta_finding *a, const struct meta_finding *b)
{
	return a->row == b->row && a->severity == b->severity && a->unproven == b->unproven;
}

struct finding_group meta_findings_group(const struct meta_findings *list, size_t from)
{
	struct finding_group g = { .first = &list->items[from] };

	do {
		const uint64_t bytes = list->items[from + g.nr++].bytes;

		g.bytes = g.bytes > UINT64_MAX - bytes ? UINT64_MAX : g.bytes + bytes;
	} while (from + g.nr < list->nr && belong_together(g.first, &list->items[from + g.nr]));
	return g;
}

/* ---- what devices share */

static int by_set(const void *a, const void *b)
{
	const struct meta_finding *fa = *(const struct meta_finding *const *)a,
				  *fb = *(const struct meta_finding *const *)b;

	if (fa->set != fb->set)
		return (uintptr_t)fa->set < (uintptr_t)fb->set ? -1 : 1;
	return (fa > fb) - (fa < fb);
}

/* Of the findings of one set in the order of the list: what it has, less what each has alone. */
static void give_rest(const struct finder *f, struct meta_finding *const *items, size_t nr)
{
	const struct device_set *set = items[0]->set;
	uint64_t rest = device_table_bytes(f->t, set->nr_exclusive);

	for (size_t i = 0; i < nr; i++)
		rest -= items[i]->bytes < rest ? items[i]->bytes : rest;
	if (nr == set->nr_rows)
		items[nr - 1]->bytes += rest;
}

/* What devices of a set share comes back with the last of them. */
static void share_bytes(struct finder *f)
{
	struct meta_findings *l = f->list;
	struct meta_finding **items = alloc_array(l->nr + 1, sizeof(void *));
	size_t nr = 0;

	f->failed |= !items;
	for (size_t i = 0; i < l->nr && items; i++) {
		if (l->items[i].set)
			items[nr++] = &l->items[i];
	}
	if (nr)
		qsort(items, nr, sizeof(void *), by_set);
	for (size_t i = 0, end; i < nr; i = end) {
		for (end = i + 1; end < nr && items[end]->set == items[i]->set; end++)
			;
		give_rest(f, items + i, end - i);
	}
	alloc_free(items);
}

/* ---- all */

static int worst_first(const void *a, const void *b)
{
	const struct meta_finding *fa = a, *fb = b;

	if (fa->severity != fb->severity)
		return fa->severity > fb->severity ? -1 : 1;
	if (fa->row != fb->row)
		return fa->row < fb->row ? -1 : 1;
	if (fa->unproven != fb->unproven)
		return fa->unproven ? 1 : -1;
	if (fa->nr_devices && fb->nr_devices && fa->devices[0]->id != fb->devices[0]->id)
		return fa->devices[0]->id < fb->devices[0]->id ? -1 : 1;
	return strcmp(fa->evidence.line, fb->evidence.line);
}

/* "file: found; against: there" */
static void write_line(struct finder *f, struct evidence *e)
{
	if (f->failed)
		return;
	e->line = alloc_printf("%s%s%s%s%s%s%s", e->file ? e->file : "", e->file ? ": " : "",
			       e->found, e->there ? "; " : "", e->against ? e->against : "",
			       e->against ? ": " : "", e->there ? e->there : "");
	f->failed |= !e->line;
}

static void finish(struct finder *f)
{
	struct meta_findings *l = f->list;

	for (size_t i = 0; i < l->nr; i++)
		write_line(f, &l->items[i].evidence);
	if (l->nr && !f->failed)
		qsort(l->items, l->nr, sizeof(*l->items), worst_first);
	share_bytes(f);
	for (size_t i = 0; i < l->nr; i++)
		l->nr_of[l->items[i].severity]++;
}

int meta_findings_find(const struct meta_facts *facts, struct meta_findings *ret_list)
{
	static void (*const finders[])(struct finder *) = {
		find_problems,
		find_in_pool,
		find_in_transactions,
		find_in_records,
		find_in_devices,
		find_in_layers,
		find_in_images,
		find_in_containers,
		find_in_leftovers,
		find_in_file_systems,
		find_in_capacity,
		find_in_setup,
		find_in_config,
		find_in_lineage,
		find_in_host_pool,
		find_in_mount_points,
		find_in_running_host,
		/* and the last, of those that there are: */
		judge_busy,
		judge_sources,
		judge_torn,
		judge_stale,
	};
	struct finder f = {
		.facts = facts, .t = facts->devices, .d = facts->devices->docker, .list = ret_list
	};

	*ret_list = (struct meta_findings){ 0 };
	if (facts->devices->another_pool)
		find_another_pool(&f);
	for (size_t i = 0; i < ARRAY_SIZE(finders) && !f.failed && !facts->devices->another_pool;
	     i++)
		finders[i](&f);
	if (facts->devices->another_pool)
		find_in_config(&f);
	finish(&f);
	finding_destroy(&f.spare);
	return f.failed ? -ENOMEM : 0;
}

void meta_findings_destroy(struct meta_findings *list)
{
	for (size_t i = 0; i < list->nr; i++)
		finding_destroy(&list->items[i]);
	alloc_free(list->items);
	*list = (struct meta_findings){ 0 };
}
