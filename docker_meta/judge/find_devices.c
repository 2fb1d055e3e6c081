/* SPDX-License-Identifier: MIT
 * find_devices.c: the pool (P), and each device of it against its file (X).
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "common/base/alloc.h"
#include "docker_meta/facts/fate.h"
#include "docker_meta/judge/findings_internal.h"

/* ---- the pool */

static void find_shortage(struct finder *f)
{
	const struct pool_state *p = f->t->pool;

	if (p->header.nr_data_blocks && p->data_blocks_used >= p->header.nr_data_blocks)
		finder_found(f, finder_add(f, ROW_P1, the_pool()), alloc_string("pool"),
			     "%" PRIu64 " of %" PRIu64 " data blocks are in use",
			     p->data_blocks_used, p->header.nr_data_blocks);
	if (p->reading.raw && !p->from_snapshot && p->reading.metadata_blocks &&
	    pool_metadata_used(&p->reading) == p->reading.metadata_blocks)
		finder_found(f, finder_add(f, ROW_P3, the_pool()), alloc_string("pool"),
			     "%" PRIu64 " of %" PRIu64
			     " metadata blocks are free, all of them the kernel's reserve",
			     p->reading.metadata_blocks_free, p->reading.metadata_blocks);
}

/* What a complete check of the metadata says: "2 block-checksum, 1 mapping-shared". */
static void find_damage(struct finder *f)
{
	const struct pool_check *c = f->facts->check;
	const struct pool_state *p = f->t->pool;
	enum severity worst = p->incomplete ? SEVERITY_FATAL : SEVERITY_NONE;
	struct meta_finding *x;
	char ids[300] = "";
	size_t n = 0;

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
		return;
	x = finder_add(f, ROW_P7, the_pool());
	finder_found(f, x, alloc_string("pool"), "%s%s%s%s", p->incomplete ? p->fault.text : "",
		     p->incomplete && n ? "; " : "", n ? "thin_check finds " : "", ids);
	if (worst != SEVERITY_FATAL)
		x->severity = worst == SEVERITY_NON_FATAL ? META_WARNING : META_INFO;
}

static void find_leaks(struct finder *f)
{
	const struct pool_check *c = f->facts->check;
	struct meta_finding *x;

	if (!c || (!c->nr_leaked_data_blocks && !c->nr_leaked_metadata_blocks))
		return;
	x = finder_add(f, ROW_P16, the_pool());
	finder_found(f, x, alloc_string("pool"),
		     "%" PRIu64 " leaked data blocks, %" PRIu64 " leaked metadata blocks",
		     c->nr_leaked_data_blocks, c->nr_leaked_metadata_blocks);
	x->bytes = device_table_bytes(f->t, c->nr_leaked_data_blocks);
}

void find_in_pool(struct finder *f)
{
	const struct pool_state *p = f->t->pool;

	if (!p) {
		if (f->facts->damage)
			finder_found(f, finder_add(f, ROW_P7, the_pool()), alloc_string("pool"),
				     "%s", f->facts->damage);
		return;
	}
	find_shortage(f);
	if (p->header.needs_check)
		finder_found(f, finder_add(f, ROW_P5, the_pool()), alloc_string("superblock"),
			     "needs_check");
	find_damage(f);
	find_leaks(f);
	if (p->reading.held_root && !p->from_snapshot)
		finder_found(f, finder_add(f, ROW_P10, the_pool()), alloc_string("superblock"),
			     "held root %" PRIu64, p->reading.held_root);
}

/* ---- devices against files */

static char *file_of(const struct device_row *row)
{
	return alloc_printf("metadata/%s", row->hash);
}

/* docker rm discards a device's blocks before it deletes the device. */
static void find_empty(struct finder *f, const struct device_row *row)
{
	struct meta_finding *x = finder_add_of_device(f, ROW_X6, row);

	finder_found(f, x, alloc_string("pool"), "device %" PRIu64 " has no mappings", row->id);
	if (row->container && (row->container->dead || row->container->removing))
		x->severity = META_INFO;
}

static void find_phantom(struct finder *f, const struct device_row *row)
{
	struct meta_finding *x = finder_add_of_device(f, ROW_X2, row);

	finder_found(f, x, file_of(row), "device_id %" PRIu64, row->id);
	finder_against(f, x, alloc_string("pool"), "no such device");
	if (row->role == ROLE_BASE)
		x->severity = META_FATAL;
}

/* A later one than the pool's own is T9. */
static void find_other_transaction(struct finder *f, const struct device_row *row)
{
	const uint64_t id = row->record->transaction_id;
	struct meta_finding *x;

	if (!row->of_other_transaction || id > f->t->pool->header.transaction_id)
		return;
	/* Of rebuilt ones X12 tells, all together. */
	if (device_has_new_details(f->t, row))
		return;
	x = finder_add_of_device(f, ROW_X3, row);
	finder_found(f, x, file_of(row), "transaction_id %" PRIu64, id);
	finder_against(f, x, alloc_string("pool"),
		       "device %" PRIu64 " was created in transaction %" PRIu64, row->id,
		       row->pool->details.transaction_id);
}

static void find_beyond(struct finder *f, const struct device_row *row)
{
	const uint64_t end = device_table_bytes(f->t, row->pool->nr_thin_blocks),
		       size = row->record->size;
	struct meta_finding *x;

	if (end <= size || end - size <= device_table_bytes(f->t, 1))
		return;
	x = finder_add_of_device(f, ROW_X7, row);
	finder_found(f, x, file_of(row), "size %" PRIu64, size);
	finder_against(f, x, alloc_string("pool"),
		       "device %" PRIu64 " has data up to thin block %" PRIu64, row->id,
		       row->pool->nr_thin_blocks - 1);
}

/* Of what was lost; a device that the pool has not is X2, one that has nothing X6. */
static void find_lost(struct finder *f, const struct device_row *row)
{
	const struct device_fate d = device_fate_of(f->t, false, row);
	struct meta_finding *x;

	if (!d.nr_lost || !row->pool || !row->pool->nr_mapped || !row->pool->complete)
		return;
	x = finder_add_of_device(f, ROW_X11, row);
	if (d.nr_lost == LOSS_OPEN)
		finder_found(f, x, alloc_string(f->t->loss ? "report of thin_repair" : "pool"),
			     "mappings are lost, how many is not known");
	else
		finder_found(f, x, alloc_string(f->t->loss ? "report of thin_repair" : "pool"),
			     "%" PRIu64 " mappings are lost", d.nr_lost);
	if (!row->referenced)
		x->severity = META_INFO;
}

static void find_in_registered(struct finder *f, const struct device_row *row)
{
	if (!row->pool) {
		find_phantom(f, row);
		return;
	}
	find_other_transaction(f, row);
	if (row->pool->complete && !row->pool->nr_mapped && row->referenced)
		find_empty(f, row);
	find_lost(f, row);
	find_beyond(f, row);
}

/* One line for all of them. */
static void find_rebuilt(struct finder *f)
{
	struct meta_finding *x = NULL;
	size_t nr = 0;

	for (size_t i = 0; i < f->t->nr && f->t->pool; i++) {
		if (!device_has_new_details(f->t, &f->t->rows[i]))
			continue;
		if (!x)
			x = finder_add(f, ROW_X12, the_pool());
		finder_add_device(f, x, &f->t->rows[i]);
		nr++;
	}
	if (x)
		finder_found(f, x, alloc_string("pool"),
			     "the details of %zu devices are of a repair%s", nr,
			     f->t->loss ? ", as its report says" : "");
}

/* What other findings explain is none of its own. */
static void doubt(const struct finder *f, struct meta_finding *x, bool unproven, bool explained)
{
	x->unproven = unproven || explained;
	if (x->unproven && (!f->t->complete || explained))
		x->severity = META_INFO;
}

static void find_leak(struct finder *f, const struct device_row *row)
{
	const bool build = row->hash && is_buildkit_name(row->hash);
	struct meta_finding *x = finder_add_of_device(f, build ? ROW_B1 : ROW_X8, row);

	finder_found(f, x, file_of(row),
		     "device_id %" PRIu64 ", referenced by no layer, container or build", row->id);
	doubt(f, x, row->role == ROLE_UNPROVEN, f->t->doubts.ghosts);
	finder_tell_set(f, x, row);
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

static void find_unregistered(struct finder *f, const struct device_row *row)
{
	struct meta_finding *x = finder_add_of_device(f, ROW_X1, row);

	finder_found(f, x, alloc_string("pool"),
		     "device %" PRIu64 ", created in transaction %" PRIu64, row->id,
		     row->pool->details.transaction_id);
	finder_against(f, x, alloc_string("metadata/"), "no file has this id%s",
		       is_of_others(f->t, row)
			       ? "; perhaps not Docker's, which ends the transaction of each device"
			       : "");
	doubt(f, x, row->role == ROLE_UNPROVEN || row->role == ROLE_FOREIGN,
	      f->t->doubts.files_unreadable);
	finder_tell_set(f, x, row);
}

/* Its deletion was begun, and the pool has done it: whoever needs the device has lost it. */
static bool is_lost_in_flight(const struct device_row *row)
{
	return row->in_flight && row->record && !row->record->deleted && !row->pool &&
	       row->referenced && !device_is_going(row);
}

static void find_in_row(struct finder *f, const struct device_row *row)
{
	if (!row->record) {
		if (row->role != ROLE_IN_FLIGHT && !device_is_volume(row))
			find_unregistered(f, row);
		return;
	}
	if (!row->id)
		finder_found(f, finder_add_of_device(f, ROW_X9, row), file_of(row), "device_id 0");
	if (f->t->pool && (device_is_settled(row) || is_lost_in_flight(row)))
		find_in_registered(f, row);
	if (device_is_settled(row) && !row->referenced && !device_is_shared(f->t, row))
		find_leak(f, row);
}

/* The base device of these files has this file system, wherever it is. */
static bool is_of_these_files(const struct finder *f)
{
	const struct device_row *base = device_table_find(f->t, "base");
	const struct file_system *fs =
		base && f->facts->data->looked_at ? pool_data_find(f->facts->data, base) : NULL;

	return fs && f->d->driver.base_uuid && !strcasecmp(fs->uuid, f->d->driver.base_uuid);
}

void find_another_pool(struct finder *f)
{
	struct meta_finding *x = finder_add(f, ROW_X4, the_pool());
	const struct driver_state *d = &f->d->driver;

	finder_found(f, x, alloc_string("metadata/"),
		     "%" PRIu64 " of %" PRIu64
		     " devices are not in the pool, or were created in other transactions%s",
		     f->t->nr_odd, f->t->nr_settled,
		     f->t->another_is_certain ? "" : "; the pool may also be an older copy");
	if (d->has_transaction && d->transaction_usable)
		finder_against(f, x, alloc_string("pool"),
			       "transaction %" PRIu64 ", transaction-metadata is at %" PRIu64,
			       f->t->pool->header.transaction_id, d->open_transaction_id);
	x->unproven = !f->t->another_is_certain || is_of_these_files(f);
}

void find_in_devices(struct finder *f)
{
	if (!f->d->driver.present)
		return;
	for (size_t i = 0; i < f->t->nr; i++)
		find_in_row(f, &f->t->rows[i]);
	find_rebuilt(f);
}
