/* SPDX-License-Identifier: MIT
 * find_devices.c: the pool (P), and each device of it against its file (X).
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "docker_meta/judge/findings_internal.h"

/* ---- the pool */

static int find_shortage(struct finder *f)
{
	const struct pool_state *p = f->t->pool;
	int r = 0;

	if (p->header.nr_data_blocks && p->data_blocks_used >= p->header.nr_data_blocks)
		r = finder_add(f, ROW_P1, NULL, NULL,
			       "%" PRIu64 " of %" PRIu64 " data blocks are in use",
			       p->data_blocks_used, p->header.nr_data_blocks);
	if (!r && p->reading.raw && !p->from_snapshot && p->reading.metadata_blocks &&
	    pool_metadata_used(&p->reading) == p->reading.metadata_blocks)
		r = finder_add(f, ROW_P3, NULL, NULL,
			       "%" PRIu64 " of %" PRIu64
			       " metadata blocks are free, and those the kernel keeps for itself",
			       p->reading.metadata_blocks_free, p->reading.metadata_blocks);
	return r;
}

/* What a complete check of the metadata says: "2 block-checksum, 1 mapping-shared". */
static int find_damage(struct finder *f)
{
	const struct pool_check *c = f->facts->check;
	const struct pool_state *p = f->t->pool;
	enum severity worst = p->incomplete ? SEVERITY_FATAL : SEVERITY_NONE;
	struct meta_finding *last;
	char ids[300] = "";
	size_t n = 0;
	int r;

	for (int i = 0; c && i < NR_FINDINGS; i++) {
		const struct finding_type *type = finding_type((enum finding_id)i);

		if (!c->nr_by_id[i] || i == FINDING_BLOCK_LEAKED)
			continue;
		worst = type->severity > worst ? type->severity : worst;
		if (n < sizeof(ids))
			n += (size_t)snprintf(ids + n, sizeof(ids) - n, "%s%" PRIu64 " %s",
					      n ? ", " : "", c->nr_by_id[i], type->id);
	}
	if (worst == SEVERITY_NONE)
		return 0;
	r = finder_add(f, ROW_P7, NULL, &last, "%s%s%s%s", p->incomplete ? p->fault.text : "",
		       p->incomplete && n ? "; " : "", n ? "thin_check finds " : "", ids);
	if (!r && worst != SEVERITY_FATAL)
		last->severity = worst == SEVERITY_NON_FATAL ? META_WARNING : META_INFO;
	return r;
}

static int find_leaks(struct finder *f)
{
	const struct pool_check *c = f->facts->check;
	struct meta_finding *last;
	int r;

	if (!c || (!c->nr_leaked_data_blocks && !c->nr_leaked_metadata_blocks))
		return 0;
	r = finder_add(f, ROW_P16, NULL, &last,
		       "%" PRIu64 " data blocks, %" PRIu64 " metadata blocks",
		       c->nr_leaked_data_blocks, c->nr_leaked_metadata_blocks);
	if (!r)
		last->bytes = device_table_bytes(f->t, c->nr_leaked_data_blocks);
	return r;
}

int find_in_pool(struct finder *f)
{
	const struct pool_state *p = f->t->pool;
	int r;

	if (!p)
		return f->facts->damage ? finder_add(f, ROW_P7, NULL, NULL, "%s", f->facts->damage)
					: 0;
	r = find_shortage(f);
	if (!r && p->header.needs_check)
		r = finder_add(f, ROW_P5, NULL, NULL, "superblock: needs_check");
	if (!r)
		r = find_damage(f);
	if (!r)
		r = find_leaks(f);
	if (!r && p->reading.held_root && !p->from_snapshot)
		r = finder_add(f, ROW_P10, NULL, NULL, "superblock: held root %" PRIu64,
			       p->reading.held_root);
	return r;
}

/* ---- devices against files */

/* docker rm discards a device's blocks before it deletes the device. */
static int find_empty(struct finder *f, const struct device_row *row)
{
	int r = finder_add_of_device(f, ROW_X6, row, "device %" PRIu64 ": no data blocks", row->id);

	if (!r && row->container && (row->container->dead || row->container->removing))
		f->list->items[f->list->nr - 1].severity = META_INFO;
	return r;
}

static int find_in_registered(struct finder *f, const struct device_row *row)
{
	const struct device_record *d = row->record;
	uint64_t end;
	int r = 0;

	if (!row->pool) {
		struct meta_finding *last;

		r = finder_add(f, ROW_X2, NULL, &last,
			       "metadata/%s: device_id %" PRIu64 ", which the pool has not",
			       row->hash, row->id);
		if (!r && row->role == ROLE_BASE)
			last->severity = META_FATAL;
		return r ? r : finder_add_device(f, row);
	}
	/* A later one than the pool's own is T9. */
	if (row->of_other_transaction && d->transaction_id <= f->t->pool->header.transaction_id)
		r = finder_add_of_device(
			f, ROW_X3, row,
			"metadata/%s: transaction_id %" PRIu64 ", the pool made it in %" PRIu64,
			row->hash, d->transaction_id, row->pool->details.transaction_id);
	if (!r && device_has_new_details(row) &&
	    f->list->items[f->list->nr - 1].row == meta_row(ROW_X3)) {
		f->list->items[f->list->nr - 1].unproven = true;
		f->list->items[f->list->nr - 1].severity = META_WARNING;
	}
	if (!r && row->pool->complete && !row->pool->nr_mapped && row->referenced)
		r = find_empty(f, row);
	end = device_table_bytes(f->t, row->pool->nr_thin_blocks);
	if (!r && end > d->size && end - d->size > device_table_bytes(f->t, 1))
		r = finder_add_of_device(f, ROW_X7, row,
					 "metadata/%s: size %" PRIu64
					 ", data up to thin block %" PRIu64,
					 row->hash, d->size, row->pool->nr_thin_blocks - 1);
	return r;
}

/* What other findings explain is none of its own. */
static void doubt(struct finder *f, bool unproven, bool explained)
{
	struct meta_finding *last = &f->list->items[f->list->nr - 1];

	last->unproven = unproven || explained;
	if (last->unproven && (!f->t->complete || explained))
		last->severity = META_INFO;
}

static int find_leak(struct finder *f, const struct device_row *row)
{
	const bool build = row->hash && is_buildkit_name(row->hash);
	int r = finder_add_of_device(f, build ? ROW_B1 : ROW_X8, row,
				     "metadata/%s: device_id %" PRIu64 ", no layer, container or "
				     "build has it",
				     row->hash, row->id);

	if (!r)
		doubt(f, row->role == ROLE_UNPROVEN, f->t->doubts.ghosts);
	return r ? r : finder_tell_set(f, row);
}

/*
 * Docker makes a device in a transaction of its own and then ends it.  Others, containerd for one,
 * leave the pool at the transaction that they found.
 */
static bool is_of_others(const struct device_table *t, const struct device_row *row)
{
	return t->docker->driver.transaction_usable && !t->pending &&
	       row->pool->details.transaction_id == t->pool->header.transaction_id;
}

static int find_unregistered(struct finder *f, const struct device_row *row)
{
	int r = finder_add_of_device(f, ROW_X1, row,
				     "device %" PRIu64 ", made in transaction %" PRIu64
				     ": no file in metadata/ has this id%s",
				     row->id, row->pool->details.transaction_id,
				     is_of_others(f->t, row)
					     ? "; perhaps it is not Docker's, which ends the "
					       "transaction of each device"
					     : "");

	if (!r)
		doubt(f, row->role == ROLE_UNPROVEN || row->role == ROLE_FOREIGN,
		      f->t->doubts.files_unreadable);
	return r ? r : finder_tell_set(f, row);
}

/* Its deletion was begun, and the pool has done it: whoever needs the device has lost it. */
static bool is_lost_in_flight(const struct device_row *row)
{
	return row->in_flight && row->record && !row->record->deleted && !row->pool &&
	       row->referenced && !device_is_going(row);
}

static int find_in_row(struct finder *f, const struct device_row *row)
{
	int r = 0;

	if (!row->record)
		return row->role == ROLE_IN_FLIGHT || device_is_volume(row) || f->t->another_pool
			       ? 0
			       : find_unregistered(f, row);
	if (!row->id)
		r = finder_add_of_device(f, ROW_X9, row, "metadata/%s: device_id 0", row->hash);
	if (!r && f->t->pool && !f->t->another_pool &&
	    (device_is_settled(row) || is_lost_in_flight(row)))
		r = find_in_registered(f, row);
	if (!r && device_is_settled(row) && !row->referenced && !device_is_shared(f->t, row))
		r = find_leak(f, row);
	return r;
}

int find_in_devices(struct finder *f)
{
	int r = 0;

	if (!f->t->docker->driver.present)
		return 0;
	if (f->t->another_pool)
		r = finder_add(f, ROW_X4, NULL, NULL,
			       "%" PRIu64 " of %" PRIu64
			       " devices are not in the pool, or were made in other transactions",
			       f->t->nr_odd, f->t->nr_settled);
	for (size_t i = 0; i < f->t->nr && !r; i++)
		r = find_in_row(f, &f->t->rows[i]);
	return r;
}
