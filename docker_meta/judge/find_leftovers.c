/* SPDX-License-Identifier: MIT
 * find_leftovers.c: what earlier versions and other storage drivers left (L), and devices of the
 * pool that something else than Docker made (X10).
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "common/base/alloc.h"
#include "docker_meta/facts/foreign.h"
#include "docker_meta/judge/findings_internal.h"

/* ---- the layout up to 1.9 */

static int find_migration(struct finder *f)
{
	const struct graph_state *g = &f->t->docker->graph;

	if (!g->present || g->current || g->has_map || !g->nr)
		return 0;
	return finder_add(f, ROW_L18, NULL, NULL,
			  "graph/ has %zu images, and .migration-v1-images.json is not there: the "
			  "migration to 1.10 did not come to its end",
			  g->nr);
}

/* ---- other storage drivers */

static int find_other_driver(struct finder *f, const struct other_driver *d)
{
	const char *set = f->facts->config->driver;
	struct meta_finding *last;
	int r = 0;

	if (d->has_state)
		r = finder_add(f, ROW_L19, d->name, &last, "%s/ is there and not empty%s%s",
			       d->name, set ? "; daemon.json: storage-driver " : "",
			       set ? set : "");
	if (!r && d->has_state && set)
		last->severity = META_INFO;
	if (!r && d->nr_images)
		r = finder_add(f, ROW_L20, d->name, NULL,
			       "image/%s: %zu images, %zu of which image/devicemapper has, too",
			       d->name, d->nr_images, d->nr_twice);
	return r;
}

/* ---- devices of others */

static int find_crowd(struct finder *f, const struct device_row *const *rows, size_t nr)
{
	int r = finder_add(f, ROW_X10, NULL, NULL,
			   "%zu devices were made in transaction %" PRIu64
			   ", and Docker makes one in each",
			   rows[0]->nr_in_transaction, rows[0]->pool->details.transaction_id);

	for (size_t i = 0; i < nr && !r; i++)
		r = finder_add_device(f, rows[i]);
	return r;
}

/* Those that Docker does not know. */
static int find_crowds(struct finder *f)
{
	const struct device_row **rows = alloc_array(f->t->nr + 1, sizeof(const void *));
	size_t nr = 0;
	int r = rows ? 0 : -ENOMEM;

	for (size_t i = 0; i < f->t->nr && !r; i++) {
		if (f->t->rows[i].role == ROLE_FOREIGN && !device_is_volume(&f->t->rows[i]))
			rows[nr++] = &f->t->rows[i];
	}
	if (nr)
		qsort(rows, nr, sizeof(const void *), compare_pool_transactions);
	for (size_t i = 0, end; i < nr && !r; i = end) {
		for (end = i + 1; end < nr && !compare_pool_transactions(&rows[i], &rows[end]);
		     end++)
			;
		r = find_crowd(f, rows + i, end - i);
	}
	alloc_free(rows);
	return r;
}

/* A volume of LVM's is its own device, or it is the one that Docker uses, too. */
static int find_volume(struct finder *f, const struct device_row *row)
{
	const struct lvm_volume *v = row->volume;
	struct meta_finding *last;
	char who[160];
	int r;

	if (v)
		(void)snprintf(who, sizeof(who), "lvs: %.60s/%.60s has thin_id", v->vg, v->name);
	else
		(void)snprintf(who, sizeof(who), "table: %.120s is device", row->active_volume);
	if (!row->hash)
		return finder_add_of_device(f, ROW_X10, row, "%s %" PRIu64, who, row->id);
	r = finder_add(f, ROW_X10, NULL, &last, "%s %" PRIu64 ", and so has metadata/%s", who,
		       row->id, row->hash);
	if (!r)
		last->severity = META_FATAL;
	return r ? r : finder_add_device(f, row);
}

static int find_foreign(struct finder *f)
{
	int r = find_crowds(f);

	for (size_t i = 0; i < f->t->nr && !r; i++) {
		if (device_is_volume(&f->t->rows[i]))
			r = find_volume(f, &f->t->rows[i]);
	}
	return r;
}

int find_in_leftovers(struct finder *f)
{
	const struct other_drivers *others = &f->t->docker->others;
	int r = find_migration(f);

	for (size_t i = 0; i < others->nr && !r; i++)
		r = find_other_driver(f, &others->items[i]);
	return r ? r : find_foreign(f);
}
