/* SPDX-License-Identifier: MIT */
#include "docker_meta/join/foreign.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/alloc.h"

/* ---- LVM's */

static bool is_of_pool(const struct lvm_volume *v, const struct lvm_volume *pool)
{
	return v->has_thin_id && v->pool && v->vg && pool->vg && !strcmp(v->pool, pool->name) &&
	       !strcmp(v->vg, pool->vg);
}

static void find_volumes(struct device_table *t, const struct lvm_report *report,
			 const struct lvm_volume *pool)
{
	for (size_t i = 0; i < report->nr; i++) {
		const struct lvm_volume *v = &report->volumes[i];
		const struct device_row *first =
			is_of_pool(v, pool) ? device_table_find_id(t, v->thin_id) : NULL;

		for (size_t n = first ? (size_t)(first - t->rows) : t->nr;
		     n < t->nr && t->rows[n].id == v->thin_id; n++) {
			if (t->rows[n].pool)
				t->rows[n].volume = v;
		}
	}
}

/* ---- many in one transaction */

static int by_transaction(const void *a, const void *b)
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
	qsort(rows, nr, sizeof(const void *), by_transaction);
	for (size_t i = 0, end; i < nr; i = end) {
		for (end = i + 1; end < nr && !by_transaction(&rows[i], &rows[end]); end++)
			;
		for (size_t n = i; n < end && end - i >= SUSPICIOUS; n++)
			rows[n]->nr_in_transaction = end - i;
	}
	alloc_free(rows);
	return 0;
}

int device_table_find_foreign(struct device_table *t, const struct lvm_report *report,
			      const struct lvm_volume *pool)
{
	int r;

	if (!t->pool || !t->docker->driver.present || t->another_pool)
		return 0;
	if (pool)
		find_volumes(t, report, pool);
	r = find_crowds(t);
	for (size_t i = 0; i < t->nr && !r; i++) {
		struct device_row *row = &t->rows[i];

		if (!row->hash && !row->in_flight && (row->volume || row->nr_in_transaction))
			row->role = ROLE_FOREIGN;
	}
	return r;
}
