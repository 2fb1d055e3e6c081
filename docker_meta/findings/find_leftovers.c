/* SPDX-License-Identifier: MIT
 * find_leftovers.c: what earlier versions and other storage drivers left (L), and devices of the
 * pool that something else than Docker made (X10).
 */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>

#include "common/base/alloc.h"
#include "docker_meta/findings/findings_internal.h"

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

static int by_transaction(const void *a, const void *b)
{
	const struct pool_device *da = *(const struct pool_device *const *)a,
				 *db = *(const struct pool_device *const *)b;
	uint64_t ta = da->details.transaction_id, tb = db->details.transaction_id;

	return (ta > tb) - (ta < tb);
}

/* A group of devices of one transaction; those of them that Docker does not know. */
static int find_group(struct finder *f, const struct pool_device *const *group, size_t nr)
{
	bool added = false;
	int r = 0;

	for (size_t i = 0; i < nr && !r; i++) {
		const struct device_row *row = device_table_find_id(f->t, group[i]->id);

		if (!row || row->hash)
			continue;
		if (!added)
			r = finder_add(f, ROW_X10, NULL, NULL,
				       "%zu devices were made in transaction %" PRIu64
				       ", and Docker makes one in each",
				       nr, group[i]->details.transaction_id);
		added = true;
		if (!r)
			r = finder_add_device(f, row);
	}
	return r;
}

static int find_foreign(struct finder *f)
{
	/* Docker itself may leave two, when a creation failed. */
	enum { SUSPICIOUS = 3 };
	const struct pool_state *p = f->t->pool;
	const struct pool_device **devices = NULL;
	size_t nr = p && f->t->docker->driver.present && !f->t->another_pool ? p->nr_devices : 0;
	int r = 0;

	if (nr < SUSPICIOUS)
		return 0;
	devices = alloc_array(nr, sizeof(const void *));
	if (!devices)
		return -ENOMEM;
	for (size_t i = 0; i < nr; i++)
		devices[i] = &p->devices[i];
	qsort(devices, nr, sizeof(const void *), by_transaction);
	for (size_t i = 0, end; i < nr && !r; i = end) {
		for (end = i + 1; end < nr && !by_transaction(&devices[i], &devices[end]); end++)
			;
		if (end - i >= SUSPICIOUS)
			r = find_group(f, devices + i, end - i);
	}
	alloc_free(devices);
	return r;
}

/* What is another's is not to be deleted: nobody knows whether it is. */
static int doubt_foreign(struct finder *f)
{
	uint8_t *foreign = alloc_array(f->t->nr + 1, 1);

	if (!foreign)
		return -ENOMEM;
	for (size_t i = 0; i < f->list->nr; i++) {
		const struct meta_finding *m = &f->list->items[i];

		for (size_t n = 0; m->row == meta_row(ROW_X10) && n < m->nr_devices; n++)
			foreign[m->devices[n] - f->t->rows] = 1;
	}
	for (size_t i = 0; i < f->list->nr; i++) {
		struct meta_finding *m = &f->list->items[i];

		if (m->row == meta_row(ROW_X1) && m->nr_devices)
			m->unproven |= foreign[m->devices[0] - f->t->rows];
	}
	alloc_free(foreign);
	return 0;
}

int find_in_leftovers(struct finder *f)
{
	const struct other_drivers *others = &f->t->docker->others;
	int r = find_migration(f);

	for (size_t i = 0; i < others->nr && !r; i++)
		r = find_other_driver(f, &others->items[i]);
	if (!r)
		r = find_foreign(f);
	return r ? r : doubt_foreign(f);
}
