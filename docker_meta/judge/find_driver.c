/* SPDX-License-Identifier: MIT
 * find_driver.c: transactions (T) and the driver's files (J).
 */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/alloc.h"
#include "docker_meta/judge/findings_internal.h"

#define TRANSACTION "transaction-metadata"
#define DEVICE_SET "deviceset-metadata"

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
	const struct driver_state *d = &f->d->driver;
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
	const struct driver_state *d = &f->d->driver;
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
	       names_a_reference(f->d);
}

static struct subject transaction_file(void)
{
	return subject_named(SUBJECT_FILE, TRANSACTION);
}

static void say_transactions(struct finder *f, struct meta_finding *x)
{
	const struct driver_state *d = &f->d->driver;

	finder_found(f, x, alloc_string(TRANSACTION),
		     "open_transaction_id %" PRIu64 " of device %" PRId64 " (%s)",
		     d->open_transaction_id, d->transaction_device_id, transaction_name(d));
	finder_against(f, x, alloc_string("pool"), "transaction %" PRIu64,
		       f->t->pool->header.transaction_id);
}

static void find_open(struct finder *f)
{
	const uint64_t id = (uint64_t)f->d->driver.transaction_device_id;
	const struct device_row *row = needed_row(f->t, id);
	const enum meta_row_id which = judge_open(f, id);
	struct meta_finding *x = finder_add(f, which, transaction_file());

	say_transactions(f, x);
	row = row ? row : any_row(f->t, id);
	if (which != ROW_T2)
		x->unproven = may_be_needed(f, row);
	if (which == ROW_T1 && x->unproven)
		x->severity = META_WARNING;
	if (!row)
		return;
	finder_add_device(f, x, row);
	if (row->role != ROLE_IN_FLIGHT)
		return;
	x->bytes = row->pool ? device_table_bytes(f->t, row->pool->nr_exclusive) : 0;
	finder_tell_set(f, x, row);
}

/* Files of a later transaction than the pool has seen, but for the open one's. */
static void find_later_records(struct finder *f)
{
	const struct driver_state *d = &f->d->driver;
	const uint64_t now = f->t->pool->header.transaction_id;
	struct meta_finding *x = NULL;

	for (size_t i = 0; i < f->t->nr; i++) {
		const struct device_row *row = &f->t->rows[i];

		if (!row->record || row->record->transaction_id <= now ||
		    (d->transaction_usable &&
		     row->record->transaction_id == d->open_transaction_id &&
		     !strcmp(row->hash, transaction_name(d))))
			continue;
		if (!x) {
			x = finder_add(f, ROW_T9, subject_of_device(row));
			finder_found(f, x, alloc_printf("metadata/%s", row->hash),
				     "transaction_id %" PRIu64, row->record->transaction_id);
			finder_against(f, x, alloc_string("pool"), "transaction %" PRIu64, now);
		}
		finder_add_device(f, x, row);
	}
}

static int by_transaction(const void *a, const void *b)
{
	const struct device_row *ra = *(const struct device_row *const *)a,
				*rb = *(const struct device_row *const *)b;
	uint64_t ta = ra->record->transaction_id, tb = rb->record->transaction_id;

	return (ta > tb) - (ta < tb);
}

/* Two files say the same. */
static void add_pair(struct finder *f, enum meta_row_id id, const struct device_row *a,
		     const struct device_row *b, const char *what, uint64_t value)
{
	struct meta_finding *x = finder_add(f, id, subject_of_device(a));

	finder_found(f, x, alloc_printf("metadata/%s", a->hash), "%s %" PRIu64, what, value);
	finder_against(f, x, alloc_printf("metadata/%s", b->hash), "the same");
	finder_add_device(f, x, a);
	finder_add_device(f, x, b);
}

static void find_equal_records(struct finder *f)
{
	const struct device_row **rows = alloc_array(f->t->nr + 1, sizeof(const void *));
	size_t nr = 0;

	f->failed |= !rows;
	for (size_t i = 0; i < f->t->nr && rows; i++) {
		if (f->t->rows[i].record)
			rows[nr++] = &f->t->rows[i];
	}
	if (nr)
		qsort(rows, nr, sizeof(const void *), by_transaction);
	for (size_t i = 1; i < nr; i++) {
		const uint64_t id = rows[i]->record->transaction_id;

		/* Two files for one device are J4. */
		if (id == rows[i - 1]->record->transaction_id && rows[i]->id != rows[i - 1]->id)
			add_pair(f, ROW_T10, rows[i - 1], rows[i], "transaction_id", id);
	}
	alloc_free(rows);
}

/* LVM opens transactions for its own volumes in the pool, and Docker knows nothing of them. */
static void find_behind(struct finder *f)
{
	const struct lvm_volume *v = config_pool_volume(f->facts->config);
	const uint64_t pool = f->t->pool->header.transaction_id;
	const bool by_lvm = v && v->has_transaction && v->transaction_id == pool;
	struct meta_finding *x = finder_add(f, ROW_T5, transaction_file());

	finder_found(f, x, alloc_string(TRANSACTION), "open_transaction_id %" PRIu64,
		     f->d->driver.open_transaction_id);
	finder_against(f, x, alloc_string("pool"), "transaction %" PRIu64 "%s", pool,
		       by_lvm ? ", as LVM has it, which has volumes of its own in this pool" : "");
	if (by_lvm)
		x->severity = META_WARNING;
}

static void find_no_transaction(struct finder *f)
{
	struct meta_finding *x = finder_add(f, ROW_T6, transaction_file());

	finder_found(f, x, alloc_string(TRANSACTION), "is missing");
	finder_against(f, x, alloc_string("pool"), "transaction %" PRIu64,
		       f->t->pool->header.transaction_id);
}

void find_in_transactions(struct finder *f)
{
	const struct driver_state *d = &f->d->driver;

	if (!f->t->pool || !d->present)
		return;
	if (!d->has_transaction && f->t->pool->header.transaction_id)
		find_no_transaction(f);
	else if (f->t->pending)
		find_open(f);
	else if (d->transaction_usable &&
		 d->open_transaction_id < f->t->pool->header.transaction_id)
		find_behind(f);
	find_later_records(f);
	find_equal_records(f);
}

/* ---- files */

static void find_double_ids(struct finder *f)
{
	for (size_t i = 1; i < f->t->nr; i++) {
		const struct device_row *a = &f->t->rows[i - 1], *b = &f->t->rows[i];

		if (a->id == b->id && a->record && b->record)
			add_pair(f, ROW_J4, a, b, "device_id", a->id);
	}
}

/* A pool that Docker has not used yet has no device, and is at transaction 0. */
static void find_no_base(struct finder *f)
{
	const struct docker_state *s = f->d;
	const struct pool_state *pool = f->t->pool;
	const size_t nr_layers = s->layers.nr_layers + s->layers.nr_mounts;
	const bool used = pool && (pool->nr_devices || pool->header.transaction_id);
	struct meta_finding *x;

	if (s->driver.unread || (pool && is_first_start(f->t)))
		return;
	if (!s->driver.nr_records &&
	    (other_drivers_have_state(&s->others) || (!used && !nr_layers)))
		return;
	x = finder_add(f, ROW_J9, subject_named(SUBJECT_FILE, "base"));
	if (s->driver.nr_records) {
		finder_found(f, x, alloc_string("metadata/base"), "is missing");
		finder_against(f, x, alloc_string("metadata/"), "%zu other devices",
			       s->driver.nr_records);
		return;
	}
	finder_found(f, x, alloc_string("devicemapper/metadata"), "no device has a file");
	if (used)
		finder_against(f, x, alloc_string("pool"), "%zu devices, transaction %" PRIu64,
			       pool->nr_devices, pool->header.transaction_id);
	else
		finder_against(f, x, alloc_string("layerdb"), "%zu layers", nr_layers);
}

static void find_in_base(struct finder *f)
{
	const struct driver_state *d = &f->d->driver;
	const struct device_row *base = device_table_find(f->t, "base");
	const char *what = NULL;

	if (!driver_state_find(d, "base")) {
		find_no_base(f);
		return;
	}
	if (!base)
		return;
	if (base->record->deleted)
		what = "deleted true";
	else if (!base->record->initialized && d->nr_records > 1)
		what = "initialized false";
	if (what)
		finder_found(
			f, finder_add_of_device(f, base->record->deleted ? ROW_J12 : ROW_J11, base),
			alloc_string("metadata/base"), "%s", what);
}

static struct meta_finding *add_of_file(struct finder *f, enum meta_row_id id,
					const struct device_row *row, const char *what)
{
	struct meta_finding *x = finder_add_of_device(f, id, row);

	finder_found(f, x, alloc_printf("metadata/%s", row->hash), "%s", what);
	return x;
}

/*
 * The driver tries every 30 seconds.  That it was at work is told by other devices that it made or
 * deleted since: no clock is asked.
 */
static void find_lingering(struct finder *f, const struct device_row *row)
{
	const time_t marked = row->record->marked;
	const time_t worked = f->d->driver.transaction_written;

	if (!row->pool || !marked || worked - marked < LINGERING)
		return;
	finder_against(f, add_of_file(f, ROW_J18, row, "deleted true"), alloc_string(TRANSACTION),
		       "written %" PRId64 " hours later", (int64_t)(worked - marked) / 3600);
}

static void find_marked(struct finder *f, const struct device_row *row)
{
	if (row->layer) {
		if (!row->layer->removing)
			finder_against(f, add_of_file(f, ROW_L2, row, "deleted true"),
				       alloc_printf("%s/%s", layer_place(row->layer),
						    row->layer->directory),
				       "has it");
	} else if (row->referenced) {
		(void)add_of_file(f, ROW_J20, row, "deleted true");
	} else if (f->t->pool && !row->pool && !row->in_flight) {
		finder_against(f, add_of_file(f, ROW_J19, row, "deleted true"),
			       alloc_string("pool"), "device %" PRIu64 " is not there", row->id);
	} else {
		find_lingering(f, row);
	}
}

static void find_in_record(struct finder *f, const struct device_row *row)
{
	const bool is_base = !strcmp(row->hash, "base");

	if (row->record->initialized && !is_base)
		(void)add_of_file(f, ROW_J13, row, "initialized true");
	if (row->record->deleted && !is_base)
		find_marked(f, row);
}

/* Docker before 1.4 had none; later it is written when the base device is done. */
static void find_missing_set(struct finder *f)
{
	const struct driver_state *d = &f->d->driver;
	const struct device_record *base = driver_state_find(d, "base");
	const bool is_first = d->nr_records == 1 && base && !base->initialized;
	struct meta_finding *x = finder_add(f, ROW_J14, subject_named(SUBJECT_FILE, DEVICE_SET));

	finder_found(f, x, alloc_string(DEVICE_SET), "is missing");
	if ((!d->since_1_9 && !d->has_transaction) || is_first)
		x->severity = META_INFO;
}

void find_in_records(struct finder *f)
{
	const struct driver_state *d = &f->d->driver;

	find_double_ids(f);
	find_in_base(f);
	for (size_t i = 0; i < f->t->nr; i++) {
		if (f->t->rows[i].record)
			find_in_record(f, &f->t->rows[i]);
	}
	if (d->present && d->nr_records && !d->has_set && !d->set_broken)
		find_missing_set(f);
	if (d->has_set && d->next_device_id > MAX_DEVICE_ID)
		finder_found(f, finder_add(f, ROW_J21, subject_named(SUBJECT_FILE, DEVICE_SET)),
			     alloc_string(DEVICE_SET), "next_device_id %" PRIu64,
			     d->next_device_id);
}
