/* SPDX-License-Identifier: MIT */
#include "docker_meta/facts/foreign.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/alloc.h"
#include "docker_meta/host/dm_names.h"

/* ---- LVM's */

static bool is_of_pool(const struct lvm_volume *v, const struct lvm_volume *pool)
{
	return v->has_thin_id && v->pool && v->vg && pool->vg && !strcmp(v->pool, pool->name) &&
	       !strcmp(v->vg, pool->vg);
}

/* The rows of a device of the pool: two files may name one. */
static struct device_row *rows_of(struct device_table *t, uint64_t id, size_t *ret_nr)
{
	const struct device_row *first = device_table_find_id(t, id);
	size_t begin = first ? (size_t)(first - t->rows) : t->nr, end = begin;

	while (end < t->nr && t->rows[end].id == id && t->rows[end].pool)
		end++;
	*ret_nr = end - begin;
	return t->rows + begin;
}

static void find_volumes(struct device_table *t, const struct lvm_report *report,
			 const struct lvm_volume *pool)
{
	for (size_t i = 0; i < report->nr; i++) {
		const struct lvm_volume *v = &report->volumes[i];
		size_t nr = 0;
		struct device_row *rows = is_of_pool(v, pool) ? rows_of(t, v->thin_id, &nr) : NULL;

		for (size_t n = 0; n < nr; n++) {
			rows[n].volume = v;
			rows[n].referenced = true;
		}
	}
}

/* "group-volume" of the group of "group-pool-tpool". */
static bool is_of_group(const char *name, const char *pool)
{
	const size_t n = dm_name_group(pool);

	return n && dm_name_group(name) == n && !strncmp(name, pool, n);
}

static void find_active(struct device_table *t, const struct host *h)
{
	if (!h->pool || !h->dm_concerns || !dm_name_is_layered(h->pool->name))
		return;
	for (size_t i = 0; i < h->nr_by_id; i++) {
		const struct host_device *d = h->by_id[i];
		size_t nr = 0;
		struct device_row *rows = d->hash || !is_of_group(d->name, h->pool->name)
						  ? NULL
						  : rows_of(t, d->target->thin.device_id, &nr);

		for (size_t n = 0; n < nr; n++) {
			rows[n].active_volume = d->name;
			rows[n].referenced = true;
		}
	}
}

/* What nobody of Docker's needs may be a volume that nobody told of. */
static void doubt_unregistered(struct device_table *t)
{
	for (size_t i = 0; i < t->nr; i++) {
		if (!t->rows[i].hash && t->rows[i].role == ROLE_ORPHAN)
			t->rows[i].role = ROLE_UNPROVEN;
	}
}

/* Docker's own names have colons. */
static bool may_be_lvms(const char *name)
{
	return dm_name_group(name) && !strchr(name, ':');
}

/* Whether all volumes of LVM's in the pool would have been told. */
static bool volumes_are_known(const struct config *c, const struct lvm_volume *pool)
{
	const char *configured = config_thinpooldev(c), *noted = c->pool_name;

	if (pool)
		return pool->tells_thin;
	if (dm_name_is_layered(noted) || (configured && dm_name_is_layered(configured)))
		return false;
	if (c->lvs.look != CONFIG_READ || config_is_loop(c) || c->dm.texts[DM_DATADEV])
		return true;
	if (*noted || configured)
		return !may_be_lvms(*noted ? noted : configured);
	return !lvm_report_has_pools(&c->lvm);
}

/* ---- many in one transaction */

int compare_pool_transactions(const void *a, const void *b)
{
	const struct device_row *ra = *(const struct device_row *const *)a,
				*rb = *(const struct device_row *const *)b;
	uint64_t ta = ra->pool->details.transaction_id, tb = rb->pool->details.transaction_id;

	return (ta > tb) - (ta < tb);
}

/* Two files that name one device are two rows, and one device. */
static bool repeats_device(const struct device_table *t, size_t i)
{
	return i && t->rows[i - 1].pool == t->rows[i].pool;
}

static int find_crowds(struct device_table *t)
{
	/* Docker itself may leave two, when a creation failed. */
	enum { SUSPICIOUS = 3 };
	struct device_row **rows = alloc_array(t->nr + 1, sizeof(const void *));
	size_t nr = 0;

	if (!rows)
		return -ENOMEM;
	for (size_t i = 0; i < t->nr; i++) {
		if (t->rows[i].pool && !repeats_device(t, i))
			rows[nr++] = &t->rows[i];
	}
	qsort(rows, nr, sizeof(const void *), compare_pool_transactions);
	for (size_t i = 0, end; i < nr; i = end) {
		for (end = i + 1; end < nr && !compare_pool_transactions(&rows[i], &rows[end]);
		     end++)
			;
		for (size_t n = i; n < end && end - i >= SUSPICIOUS; n++)
			rows[n]->nr_in_transaction = end - i;
	}
	alloc_free(rows);
	return 0;
}

static bool is_nobodys(enum device_role role)
{
	return role == ROLE_ORPHAN || role == ROLE_UNPROVEN || role == ROLE_IN_FLIGHT;
}

int device_table_find_foreign(struct device_table *t, const struct config *c, const struct host *h)
{
	const struct lvm_volume *pool = config_pool_volume(c);
	int r;

	if (!t->pool || !t->docker->driver.present || t->another_pool)
		return 0;
	if (pool)
		find_volumes(t, &c->lvm, pool);
	find_active(t, h);
	if (!volumes_are_known(c, pool))
		doubt_unregistered(t);
	r = find_crowds(t);
	for (size_t i = 0; i < t->nr && !r; i++) {
		struct device_row *row = &t->rows[i];

		if (is_nobodys(row->role) &&
		    (device_is_volume(row) ||
		     (!row->hash && !row->in_flight && row->nr_in_transaction)))
			row->role = ROLE_FOREIGN;
	}
	return r;
}
