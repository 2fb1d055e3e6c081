/* SPDX-License-Identifier: MIT
 * find_driver.c: transactions (T) and the driver's files (J).
 */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/alloc.h"
#include "docker_meta/judge/findings_internal.h"

#define TRANSACTION "transaction-metadata"

enum { LINGERING = 24 * 3600 }; /* seconds */

/* ---- transactions */

/* Somebody needs a device of this id, by whatever name; what the pool has not nothing deletes. */
static const struct device_row *needed_row(const struct device_table *t, uint64_t id)
{
	for (size_t i = 0; i < t->nr; i++) {
		const struct device_row *row = &t->rows[i];

		if (row->id == id && row->pool && row->referenced && row->role != ROLE_DELETING &&
		    !device_is_going(row))
			return row;
	}
	return NULL;
}

static const struct device_row *any_row(const struct device_table *t, uint64_t id)
{
	for (size_t i = 0; i < t->nr; i++) {
		if (t->rows[i].id == id)
			return &t->rows[i];
	}
	return NULL;
}

/* The name of the device that a transaction is of: "" is the base device. */
static const char *transaction_name(const struct driver_state *d)
{
	return *d->transaction_hash ? d->transaction_hash : "base";
}

/* It names a device by an id that is not that device's. */
static bool names_another(const struct finder *f, uint64_t id)
{
	const struct driver_state *d = &f->t->docker->driver;
	const struct device_record *own = driver_state_find(d, transaction_name(d));
	const struct device_row *row = any_row(f->t, id);

	if (own && own->usable && (uint64_t)own->device_id != id)
		return true;
	return row && row->hash && strcmp(row->hash, transaction_name(d)) != 0;
}

/* A layer or a container has a device by the transaction's name, whose file is not there. */
static bool names_a_reference(const struct docker_state *d)
{
	const char *name = transaction_name(&d->driver);

	for (size_t i = 0; i < d->layers.nr_layers; i++) {
		if (d->layers.layers[i].cache_id && !strcmp(d->layers.layers[i].cache_id, name))
			return true;
	}
	for (size_t i = 0; i < d->layers.nr_mounts; i++) {
		const struct mount *m = &d->layers.mounts[i];

		if ((m->mount_id && !strcmp(m->mount_id, name)) ||
		    (m->init_id && !strcmp(m->init_id, name)))
			return true;
	}
	return false;
}

/*
 * Docker was interrupted when it made the base device, before anything else: the next start makes
 * it anew.
 */
static bool is_first_start(const struct device_table *t)
{
	const struct docker_state *s = t->docker;
	const struct device_record *base = driver_state_find(&s->driver, "base");

	return t->pending && !t->pool->header.transaction_id && t->pool->nr_devices <= 1 &&
	       s->driver.open_transaction_id == 1 && !*s->driver.transaction_hash &&
	       s->driver.nr_records == (base != NULL) && (!base || !base->initialized) &&
	       !s->layers.nr_layers && !s->layers.nr_mounts;
}

static enum meta_row_id judge_open(const struct finder *f, uint64_t id)
{
	const struct driver_state *d = &f->t->docker->driver;
	const uint64_t pool = f->t->pool->header.transaction_id;

	if (is_first_start(f->t))
		return ROW_T1;
	if (!pool && f->t->pool->nr_devices)
		return ROW_T8;
	if (names_another(f, id))
		return ROW_T3;
	if (d->open_transaction_id > pool + 1)
		return ROW_T4;
	return needed_row(f->t, id) ? ROW_T2 : ROW_T1;
}

/*
 * Not all that may need the device could be looked at; or it is not what the transaction made, and
 * one that has lost its file may be it.
 */
static bool may_be_needed(const struct finder *f, const struct device_row *row)
{
	const struct device_doubts *d = &f->t->doubts;

	if (!row || !row->pool || (row->record && row->record->deleted) || device_is_going(row))
		return false;
	if (device_predates_open(f->t, row))
		return row->role != ROLE_ORPHAN;
	return !f->t->complete || d->layers_missing || d->builds_unknown || d->ghosts ||
	       names_a_reference(f->t->docker);
}

static int find_open(struct finder *f)
{
	const struct driver_state *d = &f->t->docker->driver;
	const uint64_t id = (uint64_t)d->transaction_device_id;
	const struct device_row *row = needed_row(f->t, id);
	int r = finder_add(f, judge_open(f, id), transaction_name(d), NULL,
			   "%s: open_transaction_id %" PRIu64 " of device %" PRId64
			   " (%s), the pool is at %" PRIu64,
			   TRANSACTION, d->open_transaction_id, d->transaction_device_id,
			   transaction_name(d), f->t->pool->header.transaction_id);

	row = row ? row : any_row(f->t, id);
	if (!r && f->list->items[f->list->nr - 1].row != meta_row(ROW_T2))
		f->list->items[f->list->nr - 1].unproven = may_be_needed(f, row);
	if (!r && f->list->items[f->list->nr - 1].unproven &&
	    f->list->items[f->list->nr - 1].row == meta_row(ROW_T1))
		f->list->items[f->list->nr - 1].severity = META_WARNING;
	if (!r && row)
		r = finder_add_device(f, row);
	return r || !row || row->role != ROLE_IN_FLIGHT ? r : finder_tell_set(f, row);
}

/* Files of a later transaction than the pool has seen, but for the open one's. */
static int find_later_records(struct finder *f)
{
	const struct driver_state *d = &f->t->docker->driver;
	bool added = false;
	int r = 0;

	for (size_t i = 0; i < f->t->nr && !r; i++) {
		const struct device_row *row = &f->t->rows[i];

		if (!row->record ||
		    row->record->transaction_id <= f->t->pool->header.transaction_id ||
		    (d->transaction_usable &&
		     row->record->transaction_id == d->open_transaction_id &&
		     !strcmp(row->hash, transaction_name(d))))
			continue;
		if (!added)
			r = finder_add(f, ROW_T9, NULL, NULL,
				       "%s: transaction_id %" PRIu64 ", the pool is at %" PRIu64,
				       row->hash, row->record->transaction_id,
				       f->t->pool->header.transaction_id);
		added = true;
		if (!r)
			r = finder_add_device(f, row);
	}
	return r;
}

static int by_transaction(const void *a, const void *b)
{
	const struct device_row *ra = *(const struct device_row *const *)a,
				*rb = *(const struct device_row *const *)b;
	uint64_t ta = ra->record->transaction_id, tb = rb->record->transaction_id;

	return (ta > tb) - (ta < tb);
}

static int find_equal_records(struct finder *f)
{
	const struct device_row **rows = alloc_array(f->t->nr + 1, sizeof(const void *));
	size_t nr = 0;
	int r = rows ? 0 : -ENOMEM;

	for (size_t i = 0; i < f->t->nr && !r; i++) {
		if (f->t->rows[i].record)
			rows[nr++] = &f->t->rows[i];
	}
	if (nr)
		qsort(rows, nr, sizeof(const void *), by_transaction);
	for (size_t i = 1; i < nr && !r; i++) {
		/* Two files for one device are J4. */
		if (rows[i]->record->transaction_id != rows[i - 1]->record->transaction_id ||
		    rows[i]->id == rows[i - 1]->id)
			continue;
		r = finder_add(f, ROW_T10, NULL, NULL, "%s and %s: transaction_id %" PRIu64,
			       rows[i - 1]->hash, rows[i]->hash, rows[i]->record->transaction_id);
		if (!r)
			r = finder_add_device(f, rows[i - 1]);
		if (!r)
			r = finder_add_device(f, rows[i]);
	}
	alloc_free(rows);
	return r;
}

/* LVM opens transactions for its own volumes in the pool, and Docker knows nothing of them. */
static int find_behind(struct finder *f)
{
	const struct lvm_volume *v = config_pool_volume(f->facts->config);
	const uint64_t pool = f->t->pool->header.transaction_id;
	const bool by_lvm = v && v->has_transaction && v->transaction_id == pool;
	struct meta_finding *last;
	int r = finder_add(f, ROW_T5, NULL, &last,
			   "%s: open_transaction_id %" PRIu64 ", the pool is at %" PRIu64 "%s",
			   TRANSACTION, f->t->docker->driver.open_transaction_id, pool,
			   by_lvm ? ", and so is LVM: for volumes of its own in this pool" : "");

	if (!r && by_lvm)
		last->severity = META_WARNING;
	return r;
}

int find_in_transactions(struct finder *f)
{
	const struct driver_state *d = &f->t->docker->driver;
	int r = 0;

	if (!f->t->pool || !d->present)
		return 0;
	if (!d->has_transaction && f->t->pool->header.transaction_id)
		r = finder_add(f, ROW_T6, NULL, NULL, "%s is not there, the pool is at %" PRIu64,
			       TRANSACTION, f->t->pool->header.transaction_id);
	else if (f->t->pending)
		r = find_open(f);
	else if (d->transaction_usable &&
		 d->open_transaction_id < f->t->pool->header.transaction_id)
		r = find_behind(f);
	if (!r && !f->t->another_pool)
		r = find_later_records(f);
	return r ? r : find_equal_records(f);
}

/* ---- files */

static int find_double_ids(struct finder *f)
{
	int r = 0;

	for (size_t i = 1; i < f->t->nr && !r; i++) {
		const struct device_row *a = &f->t->rows[i - 1], *b = &f->t->rows[i];

		if (a->id != b->id || !a->record || !b->record)
			continue;
		r = finder_add(f, ROW_J4, NULL, NULL, "%s and %s: device_id %" PRIu64, a->hash,
			       b->hash, a->id);
		if (!r)
			r = finder_add_device(f, a);
		if (!r)
			r = finder_add_device(f, b);
	}
	return r;
}

/* A pool that Docker has not used yet has no device, and is at transaction 0. */
static int find_no_base(struct finder *f)
{
	const struct docker_state *s = f->t->docker;
	const struct pool_state *pool = f->t->pool;

	if (s->driver.unread || (pool && is_first_start(f->t)))
		return 0;
	if (s->driver.nr_records)
		return finder_add(f, ROW_J9, "base", NULL,
				  "metadata/base is not there, %zu others are",
				  s->driver.nr_records);
	if (other_drivers_have_state(&s->others))
		return 0;
	if (pool && (pool->nr_devices || pool->header.transaction_id))
		return finder_add(f, ROW_J9, "base", NULL,
				  "no device has a file in devicemapper/metadata, and the pool has "
				  "%zu devices and is at transaction %" PRIu64,
				  pool->nr_devices, pool->header.transaction_id);
	if (s->layers.nr_layers || s->layers.nr_mounts)
		return finder_add(f, ROW_J9, "base", NULL,
				  "no device has a file in devicemapper/metadata, and there are "
				  "%zu layers",
				  s->layers.nr_layers + s->layers.nr_mounts);
	return 0;
}

static int find_in_base(struct finder *f)
{
	const struct driver_state *d = &f->t->docker->driver;
	const struct device_row *base = device_table_find(f->t, "base");

	if (!driver_state_find(d, "base"))
		return find_no_base(f);
	if (!base)
		return 0;
	if (base->record->deleted)
		return finder_add_of_device(f, ROW_J12, base, "metadata/base: deleted true");
	if (!base->record->initialized && d->nr_records > 1)
		return finder_add_of_device(f, ROW_J11, base, "metadata/base: initialized false");
	return 0;
}

/*
 * The driver tries every 30 seconds.  That it was at work is told by other devices that it made or
 * deleted since: no clock is asked.
 */
static int find_lingering(struct finder *f, const struct device_row *row)
{
	const time_t marked = row->record->marked;
	const time_t worked = f->t->docker->driver.transaction_written;

	if (!row->pool || !marked || worked - marked < LINGERING)
		return 0;
	return finder_add_of_device(f, ROW_J18, row,
				    "metadata/%s: deleted true, written %" PRId64
				    " hours before transaction-metadata",
				    row->hash, (int64_t)(worked - marked) / 3600);
}

static int find_in_record(struct finder *f, const struct device_row *row)
{
	int r = 0;

	if (row->record->initialized && strcmp(row->hash, "base") != 0)
		r = finder_add_of_device(f, ROW_J13, row, "metadata/%s: initialized true",
					 row->hash);
	if (r || !row->record->deleted || !strcmp(row->hash, "base"))
		return r;
	if (row->layer)
		return row->layer->removing
			       ? 0
			       : finder_add_of_device(f, ROW_L2, row,
						      "metadata/%s: deleted true, and %s/%s has "
						      "it",
						      row->hash, layer_place(row->layer),
						      row->layer->directory);
	if (row->referenced)
		return finder_add_of_device(f, ROW_J20, row, "metadata/%s: deleted true",
					    row->hash);
	if (f->t->pool && !row->pool && !row->in_flight && !f->t->another_pool)
		return finder_add_of_device(f, ROW_J19, row,
					    "metadata/%s: deleted true, device %" PRIu64
					    " is not in the pool",
					    row->hash, row->id);
	return find_lingering(f, row);
}

/* Docker before 1.4 had none; later it is written when the base device is done. */
static int find_missing_set(struct finder *f)
{
	const struct driver_state *d = &f->t->docker->driver;
	const struct device_record *base = driver_state_find(d, "base");
	const bool is_first = d->nr_records == 1 && base && !base->initialized;
	int r = finder_add(f, ROW_J14, NULL, NULL, "deviceset-metadata is not there");

	if (!r && ((!d->since_1_9 && !d->has_transaction) || is_first))
		f->list->items[f->list->nr - 1].severity = META_INFO;
	return r;
}

int find_in_records(struct finder *f)
{
	const struct driver_state *d = &f->t->docker->driver;
	int r = find_double_ids(f);

	if (!r)
		r = find_in_base(f);
	for (size_t i = 0; i < f->t->nr && !r; i++) {
		if (f->t->rows[i].record)
			r = find_in_record(f, &f->t->rows[i]);
	}
	if (!r && d->present && d->nr_records && !d->has_set && !d->set_broken)
		r = find_missing_set(f);
	if (!r && d->has_set && d->next_device_id > MAX_DEVICE_ID)
		r = finder_add(f, ROW_J21, NULL, NULL,
			       "deviceset-metadata: next_device_id %" PRIu64, d->next_device_id);
	return r;
}
