/* SPDX-License-Identifier: MIT
 * find_leftovers.c: what earlier versions and other storage drivers left (L), and devices of the
 * pool that something else than Docker made (X10).
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "common/base/alloc.h"
#include "docker_meta/facts/foreign.h"
#include "docker_meta/judge/findings_internal.h"

/* ---- the layout up to 1.9 */

static void find_migration(struct finder *f)
{
	const struct graph_state *g = &f->d->graph;
	struct meta_finding *x;

	if (!g->present || g->current || g->has_map || !g->nr)
		return;
	x = finder_add(f, ROW_L18, the_host());
	finder_found(f, x, alloc_string("graph/"), "%zu images", g->nr);
	finder_against(f, x, alloc_string(".migration-v1-images.json"),
		       "is missing: the migration to 1.10 was not completed");
}

/* ---- other storage drivers */

static void find_other_driver(struct finder *f, const struct other_driver *d)
{
	const char *set = f->facts->config->driver;
	const struct subject s = subject_named(SUBJECT_DRIVER, d->name);
	struct meta_finding *x;

	if (d->has_state) {
		x = finder_add(f, ROW_L19, s);
		finder_found(f, x, alloc_printf("%s/", d->name), "is there and not empty");
		if (set) {
			finder_against(f, x, alloc_string("daemon.json"), "storage-driver %s", set);
			x->severity = META_INFO;
		}
	}
	if (d->nr_images)
		finder_found(f, finder_add(f, ROW_L20, s), alloc_printf("image/%s", d->name),
			     "%zu images, %zu of which image/devicemapper has, too", d->nr_images,
			     d->nr_twice);
}

/* ---- devices of others */

static void find_crowd(struct finder *f, const struct device_row *const *rows, size_t nr)
{
	struct meta_finding *x = finder_add(f, ROW_X10, the_pool());

	finder_found(f, x, alloc_string("pool"),
		     "%zu devices were created in transaction %" PRIu64
		     ", and Docker creates one in each",
		     rows[0]->nr_in_transaction, rows[0]->pool->details.transaction_id);
	for (size_t i = 0; i < nr; i++)
		finder_add_device(f, x, rows[i]);
}

/* Those that Docker does not know. */
static void find_crowds(struct finder *f)
{
	const struct device_row **rows = alloc_array(f->t->nr + 1, sizeof(const void *));
	size_t nr = 0;

	f->failed |= !rows;
	for (size_t i = 0; i < f->t->nr && rows; i++) {
		if (f->t->rows[i].role == ROLE_FOREIGN && !device_is_volume(&f->t->rows[i]))
			rows[nr++] = &f->t->rows[i];
	}
	if (nr)
		qsort(rows, nr, sizeof(const void *), compare_pool_transactions);
	for (size_t i = 0, end; i < nr; i = end) {
		for (end = i + 1; end < nr && !compare_pool_transactions(&rows[i], &rows[end]);
		     end++)
			;
		find_crowd(f, rows + i, end - i);
	}
	alloc_free(rows);
}

/* A volume of LVM's is its own device, or it is the one that Docker uses, too. */
static void find_volume(struct finder *f, const struct device_row *row)
{
	const struct lvm_volume *v = row->volume;
	struct meta_finding *x = row->hash ? finder_add(f, ROW_X10, subject_of_device(row))
					   : finder_add_of_device(f, ROW_X10, row);

	if (v)
		finder_found(f, x, alloc_string("lvs"), "%s/%s has thin_id %" PRIu64, v->vg,
			     v->name, row->id);
	else
		finder_found(f, x, alloc_string("table"), "%s is device %" PRIu64,
			     row->active_volume, row->id);
	if (!row->hash)
		return;
	finder_against(f, x, alloc_printf("metadata/%s", row->hash), "the same device");
	x->severity = META_FATAL;
	finder_add_device(f, x, row);
}

static void find_foreign(struct finder *f)
{
	find_crowds(f);
	for (size_t i = 0; i < f->t->nr; i++) {
		if (device_is_volume(&f->t->rows[i]))
			find_volume(f, &f->t->rows[i]);
	}
}

void find_in_leftovers(struct finder *f)
{
	const struct other_drivers *others = &f->d->others;

	find_migration(f);
	for (size_t i = 0; i < others->nr; i++)
		find_other_driver(f, &others->items[i]);
	find_foreign(f);
}
