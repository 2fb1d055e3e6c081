/* SPDX-License-Identifier: MIT
 * recipes_driver.c: the open transaction, and the driver's files.
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "docker_meta/answers/plan_internal.h"

/* ---- transactions */

#define TRANSACTION_FILE DEVICE_FILE "transaction-metadata"

void recipe_transaction(struct planning *p, const struct meta_finding *f)
{
	plan_step(p, PHASE_TRANSACTION, f);
	mend_remark(p->s, "Before Docker is started.  Without the file nothing is pending; Docker "
			  "writes it anew with the next device.  Never set the pool's transaction "
			  "by hand.");
	mend_command(p->s, "move_out " TRANSACTION_FILE);
}

void recipe_kept_transaction(struct planning *p, const struct meta_finding *f)
{
	recipe_transaction(p, f);
	mend_remark(p->s, "Leave it only if the device was to be removed: then the next start of "
			  "Docker finishes that.");
}

void recipe_doubtful_transaction(struct planning *p, const struct meta_finding *f)
{
	if (f->unproven)
		recipe_kept_transaction(p, f);
}

void recipe_lost_transaction(struct planning *p, const struct meta_finding *f)
{
	recipe_transaction(p, f);
	recipe_repair(p, f);
}

/* ---- files that are in the way */

void recipe_stray_file(struct planning *p, const struct meta_finding *f)
{
	const char *name = f->subject.name;

	plan_step(p, PHASE_FILES, f);
	if (name && *name && !strchr(name, '/'))
		mend_command(p->s, "move_out " DEVICE_FILE "%s", name);
	else
		mend_remark(p->s, "%s.", f->row->remedy);
}

/* ---- files that are to be written */

/* What Docker would have written of a device that only the pool knows; 0: no size is known. */
static uint64_t size_by_others(const struct planning *p, const struct device_row *row)
{
	const struct driver_state *d = &p->t->docker->driver;
	const uint64_t block = (uint64_t)p->t->pool->header.data_block_size * 512;
	uint64_t size = 0;

	for (size_t i = 0; i < d->nr_records; i++) {
		const struct device_record *r = &d->records[i];

		if (r->usable && r->size && (!size || r->size < size))
			size = r->size;
	}
	return row->pool->nr_thin_blocks <= size / block ? size : 0;
}

/* The one device without a file is that of the one file that is missing. */
static void write_pair(struct planning *p, const char *hash)
{
	const struct device_row *row = p->pair.row;
	const uint64_t size = size_by_others(p, row);
	const bool base = !strcmp(hash, "base");

	if (!size) {
		mend_remark(p->s,
			    "It is device %" PRIu64 ", which alone has no file; its size is "
			    "to be found out by its file system.",
			    row->id);
		return;
	}
	mend_remark(p->s,
		    "By elimination it is device %" PRIu64 ": no other device is without a "
		    "file, no other file is missing.  Its size is that of the others: another "
		    "one may have been asked for (--storage-opt size).",
		    row->id);
	mend_command(p->s,
		     "same_device %" PRIu64 " %" PRIu64 " %" PRIu64 " %" PRIu64 " %" PRIu64
		     " && write_file " DEVICE_FILE "%s "
		     "'{\"device_id\":%" PRIu64 ",\"size\":%" PRIu64 ",\"transaction_id\":%" PRIu64
		     ",\"initialized\":%s,\"deleted\":false}'",
		     row->id, row->pool->details.mapped_blocks, row->pool->details.transaction_id,
		     (uint64_t)row->pool->details.creation_time,
		     (uint64_t)row->pool->details.snapshotted_time, hash, row->id, size,
		     row->pool->details.transaction_id + 1, base ? "true" : "false");
}

static const char *missing_hash(const struct planning *p, const struct meta_finding *f)
{
	return f->row == meta_row(ROW_J9) ? "base" : p->pair.hash;
}

void recipe_missing_file(struct planning *p, const struct meta_finding *f)
{
	const char *hash = missing_hash(p, f);

	plan_step(p, PHASE_FILES, f);
	if (lonely_pair_has(&p->pair, hash))
		write_pair(p, hash);
	else
		mend_remark(p->s, "Which device it is cannot be told by elimination: look at those "
				  "without a file (X1).  The base device is the oldest: made in "
				  "transaction 0, with creation time 0.");
}

static bool is_needed(const struct planning *p, const char *hash)
{
	const struct docker_state *k = p->t->docker;

	if (!strcmp(hash, "base") || !p->t->complete || p->t->doubts.ghosts ||
	    p->t->doubts.mounts_gone || (p->t->doubts.builds_unknown && is_buildkit_name(hash)))
		return true;
	return layer_names_count(&p->deletion.names, hash) ||
	       (k->has_buildkit && snapshots_refer_to(&k->snapshots, hash)) ||
	       container_store_find(&k->containers, hash);
}

void recipe_broken_file(struct planning *p, const struct meta_finding *f)
{
	const char *hash = f->subject.name;

	if (!hash || strchr(hash, '/')) {
		plan_step(p, PHASE_HAND, f);
		mend_remark(p->s, "%s.", f->row->remedy);
		return;
	}
	plan_step(p, PHASE_FILES, f);
	if (!is_device_name(hash) || !is_needed(p, hash)) {
		mend_remark(p->s, "Nobody needs a device of this name.");
		mend_command(p->s, "move_out " DEVICE_FILE "%s", hash);
		return;
	}
	if (lonely_pair_has(&p->pair, hash)) {
		mend_command(p->s, "move_out " DEVICE_FILE "%s", hash);
		write_pair(p, hash);
		return;
	}
	mend_remark(p->s,
		    "It is needed.  Which device it is cannot be told by elimination: look at "
		    "those without a file (X1) and write the file by hand, with the "
		    "transaction that the pool has, and one.  To start Docker without it, at "
		    "the cost of what needs it:");
	mend_command(p->s, "move_out " DEVICE_FILE "%s", hash);
}

/* ---- two files for one device */

void recipe_double_file(struct planning *p, const struct meta_finding *f)
{
	size_t nr_needed = 0;

	for (size_t i = 0; i < f->nr_devices; i++)
		nr_needed += f->devices[i]->referenced || f->devices[i]->role == ROLE_BASE;
	plan_step(p, PHASE_FILES, f);
	if (nr_needed != 1 || f->nr_devices != 2 || !p->t->complete) {
		mend_remark(p->s,
			    "Which of the two files is the right one cannot be told: the pool "
			    "made the device in one transaction before that of its file.");
		return;
	}
	for (size_t i = 0; i < f->nr_devices; i++) {
		const struct device_row *row = f->devices[i];

		if (row->referenced || row->role == ROLE_BASE)
			continue;
		mend_remark(p->s,
			    "The other file is needed, this one is not.  The device itself is "
			    "not touched.");
		mend_command(p->s,
			     "same_file " DEVICE_FILE "%s %" PRIu64 " %" PRIu64
			     " && move_out " DEVICE_FILE "%s",
			     row->hash, row->id, row->record->transaction_id, row->hash);
	}
}

/* ---- a field of a file */

/* Both are written as in the file: the key with its value. */
static void edit(struct planning *p, const struct device_row *row, const char *from, const char *to)
{
	mend_command(p->s,
		     "same_file " DEVICE_FILE "%s %" PRIu64 " %" PRIu64 " && edit_file " DEVICE_FILE
		     "%s %s %s",
		     row->hash, row->id, row->record->transaction_id, row->hash, from, to);
}

static void look_first(struct planning *p, const struct device_row *row, uint64_t bytes)
{
	if (!row->pool || p->deletion.closed)
		return;
	mend_remark(p->s, "To look whether its file system is whole:");
	mend_command(p->s, "pool_ready && look %" PRIu64 " %" PRIu64, row->id, bytes / 512);
	mend_command(p->s, "look_no_more %" PRIu64, row->id);
	p->s->items[p->s->nr - 1].messages = true;
}

void recipe_base_flag(struct planning *p, const struct meta_finding *f)
{
	const struct device_row *row = f->nr_devices ? f->devices[0] : NULL;

	plan_step(p, PHASE_FILES, f);
	if (!row || !row->record || !row->pool)
		return;
	look_first(p, row, row->record->size);
	edit(p, row, "\"initialized\":false", "\"initialized\":true");
}

void recipe_undelete(struct planning *p, const struct meta_finding *f)
{
	plan_step(p, PHASE_FILES, f);
	for (size_t i = 0; i < f->nr_devices; i++) {
		const struct device_row *row = f->devices[i];

		if (!row->record || !row->pool || p->deletion.closed) {
			mend_remark(p->s, "%s.", f->row->remedy);
			continue;
		}
		look_first(p, row, row->record->size);
		edit(p, row, "\"deleted\":true", "\"deleted\":false");
	}
}

void recipe_size(struct planning *p, const struct meta_finding *f)
{
	const struct device_row *row = f->nr_devices ? f->devices[0] : NULL;
	char from[40], to[40];
	uint64_t bytes;

	plan_step(p, PHASE_FILES, f);
	if (!row || !row->record || !row->pool || p->deletion.closed)
		return;
	bytes = device_table_bytes(p->t, row->pool->nr_thin_blocks);
	(void)snprintf(from, sizeof(from), "\"size\":%" PRIu64, row->record->size);
	(void)snprintf(to, sizeof(to), "\"size\":%" PRIu64, bytes);
	mend_remark(p->s,
		    "Its data ends at byte %" PRIu64 "; its file system may be larger, and says "
		    "how large.",
		    bytes);
	look_first(p, row, bytes);
	edit(p, row, from, to);
}

void recipe_deleted_phantom(struct planning *p, const struct meta_finding *f)
{
	const struct device_row *row = f->nr_devices ? f->devices[0] : NULL;

	plan_step(p, PHASE_FILES, f);
	if (!row || !row->record || row->referenced || row->pool || p->deletion.closed) {
		mend_remark(p->s, "%s.", f->row->remedy);
		return;
	}
	mend_command(p->s,
		     "pool_lacks %" PRIu64 " && same_file " DEVICE_FILE "%s %" PRIu64 " %" PRIu64
		     " && move_out " DEVICE_FILE "%s",
		     row->id, row->hash, row->id, row->record->transaction_id, row->hash);
}
