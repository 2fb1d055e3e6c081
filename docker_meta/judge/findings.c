/* SPDX-License-Identifier: MIT */
#include "docker_meta/judge/findings_internal.h"

#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/alloc.h"
#include "docker_meta/text/human.h"

const char *meta_finding_remedy(const struct meta_finding *f)
{
	if (!f->unproven)
		return f->row->remedy;
	/* To keep what a transaction would delete asks for no proof. */
	if (f->row == meta_row(ROW_T1))
		return meta_row(ROW_T2)->remedy;
	return row_has(f->row, TRAIT_SAVES) ? f->row->remedy : NULL;
}

/* ---- adding */

static int add(struct finder *f, enum meta_row_id id, const char *object, char *evidence)
{
	struct meta_findings *list = f->list;
	struct meta_finding *grown =
		alloc_grow(list->items, &list->capacity, list->nr, sizeof(*grown));
	struct meta_finding finding = { .row = meta_row(id),
					.severity = meta_row(id)->severity,
					.object = object ? alloc_string(object) : NULL,
					.evidence = evidence };

	if (grown)
		list->items = grown;
	if (!grown || !evidence || (object && !finding.object)) {
		alloc_free(finding.object);
		alloc_free(evidence);
		return -ENOMEM;
	}
	grown[list->nr++] = finding;
	return 0;
}

int finder_add(struct finder *f, enum meta_row_id id, const char *object,
	       struct meta_finding **ret_finding, const char *format, ...)
{
	va_list args;
	char *evidence;
	int r;

	va_start(args, format);
	evidence = alloc_vprintf(format, args);
	va_end(args);
	r = add(f, id, object, evidence);
	if (!r && ret_finding)
		*ret_finding = &f->list->items[f->list->nr - 1];
	return r;
}

int finder_add_device(struct finder *f, const struct device_row *row)
{
	struct meta_finding *last = &f->list->items[f->list->nr - 1];
	size_t capacity = last->nr_devices;
	const struct device_row **grown =
		alloc_grow(last->devices, &capacity, last->nr_devices, sizeof(const void *));

	if (!grown)
		return -ENOMEM;
	last->devices = grown;
	grown[last->nr_devices++] = row;
	return 0;
}

int finder_add_of_device(struct finder *f, enum meta_row_id id, const struct device_row *row,
			 const char *format, ...)
{
	va_list args;
	char *evidence;
	int r;

	va_start(args, format);
	evidence = alloc_vprintf(format, args);
	va_end(args);
	r = add(f, id, NULL, evidence);
	if (r)
		return r;
	if (row->pool)
		f->list->items[f->list->nr - 1].bytes =
			device_table_bytes(f->t, row->pool->nr_exclusive);
	return finder_add_device(f, row);
}

int finder_tell_set(struct finder *f, const struct device_row *row)
{
	const struct device_set *set = device_set_of(f->facts->sets, f->t, row);
	struct meta_finding *last = &f->list->items[f->list->nr - 1];
	char *evidence;

	last->bytes = device_table_bytes(f->t, set->nr_exclusive);
	if (set->nr_rows < 2 || !f->t->pool)
		return 0;
	evidence = alloc_printf("%s; %s together: %s", last->evidence, set->name,
				human_bytes(last->bytes).text);
	if (!evidence)
		return -ENOMEM;
	alloc_free(last->evidence);
	last->evidence = evidence;
	return 0;
}

/* ---- files that could not be used */

/* The end of a removal, or the begin of a creation: there is no writable layer to be lost. */
static bool is_left_of_container(const struct finder *f, const struct problem *p)
{
	const struct docker_state *d = f->t->docker;
	const struct container *c =
		p->row != ROW_C8 ? NULL : container_store_find(&d->containers, p->object);

	return c && !c->has_config && d->layers.mounts_present &&
	       !layer_store_find_mount(&d->layers, c->id);
}

int find_problems(struct finder *f)
{
	const struct problem_list *problems = &f->t->docker->problems;
	int r = 0;

	for (size_t i = 0; i < problems->nr && !r; i++) {
		const struct problem *p = &problems->items[i];
		struct meta_finding *finding;

		r = finder_add(f, p->row, p->object, &finding, "%s: %s", p->path, p->text);
		if (!r && p->fatal)
			finding->severity = META_FATAL;
		if (!r && is_left_of_container(f, p))
			finding->severity = META_WARNING;
		if (!r && p->unread) {
			finding->severity = META_WARNING;
			finding->unproven = true;
		}
	}
	return r;
}

/* ---- all */

static int worst_first(const void *a, const void *b)
{
	const struct meta_finding *fa = a, *fb = b;

	if (fa->severity != fb->severity)
		return fa->severity > fb->severity ? -1 : 1;
	if (fa->row != fb->row)
		return fa->row < fb->row ? -1 : 1;
	if (fa->nr_devices && fb->nr_devices && fa->devices[0]->id != fb->devices[0]->id)
		return fa->devices[0]->id < fb->devices[0]->id ? -1 : 1;
	return strcmp(fa->evidence, fb->evidence);
}

int meta_findings_find(const struct meta_facts *facts, struct meta_findings *ret_list)
{
	static int (*const finders[])(struct finder *) = {
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
	};
	struct finder f = { .facts = facts, .t = facts->devices, .list = ret_list };
	int r = 0;

	*ret_list = (struct meta_findings){ 0 };
	for (size_t i = 0; i < ARRAY_SIZE(finders) && !r; i++)
		r = finders[i](&f);
	judge_sources(&f);
	judge_torn(&f);
	if (ret_list->nr)
		qsort(ret_list->items, ret_list->nr, sizeof(*ret_list->items), worst_first);
	for (size_t i = 0; i < ret_list->nr; i++)
		ret_list->nr_of[ret_list->items[i].severity]++;
	return r;
}

void meta_findings_destroy(struct meta_findings *list)
{
	for (size_t i = 0; i < list->nr; i++) {
		alloc_free(list->items[i].devices);
		alloc_free(list->items[i].object);
		alloc_free(list->items[i].evidence);
		alloc_free(list->items[i].busy);
	}
	alloc_free(list->items);
	*list = (struct meta_findings){ 0 };
}
