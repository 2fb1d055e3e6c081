/* SPDX-License-Identifier: MIT */
#include "docker_meta/answers/deletion.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/alloc.h"
#include "docker_meta/facts/layer_reach.h"

/* ---- what closes all */

static const char *why_closed(const struct device_table *t)
{
	if (!t->pool)
		return "the pool was not read";
	if (t->pool->incomplete)
		return "the pool's metadata is damaged";
	if (t->pool->reading.torn)
		return "the pool changed while it was read";
	if (t->another_pool)
		return "this is not the pool of Docker's files";
	if (t->files_old)
		return "Docker's files are of an earlier time than the pool";
	if (!t->complete)
		return "not every place was read where somebody may refer to it";
	if (!t->docker->driver.present || !t->docker->layers.present ||
	    !t->docker->images.present || !t->docker->containers.present)
		return "Docker's state is not all there";
	return NULL;
}

int deletion_init(const struct device_table *t, struct deletion *ret_deletion)
{
	struct deletion *d = ret_deletion;
	int r;

	*d = (struct deletion){ .t = t };
	d->closed = why_closed(t);
	r = layer_reach_find(t->docker, &d->reached);
	return r ? r : layer_names_collect(&t->docker->layers, &d->names);
}

void deletion_destroy(struct deletion *d)
{
	layer_names_destroy(&d->names);
	alloc_free(d->reached);
	*d = (struct deletion){ 0 };
}

/* ---- one device */

/* Rows are sorted by id. */
static bool id_is_shared(const struct device_table *t, const struct device_row *row)
{
	return (row > t->rows && row[-1].id == row->id) ||
	       (row + 1 < t->rows + t->nr && row[1].id == row->id);
}

static bool of_the_transaction(const struct device_table *t, const struct device_row *row)
{
	const struct driver_state *k = &t->docker->driver;
	const char *hash = k->transaction_hash ? k->transaction_hash : "";

	return row->in_flight || row->role == ROLE_IN_FLIGHT ||
	       (t->pending && row->hash && !strcmp(row->hash, *hash ? hash : "base"));
}

static const char *forbidden_by_layer(const struct deletion *d, const struct device_row *row,
				      const struct layer *layer)
{
	const struct layer_store *s = &d->t->docker->layers;

	if (d->t->doubts.layers)
		return d->t->doubts.layers;
	if (row->layer != layer || layer->removing || row->role != ROLE_LAYER || row->image)
		return "it is needed";
	return d->reached[layer - s->layers] ? "an image, a container or a build has its layer"
					     : NULL;
}

static const char *forbidden_by_mount(const struct deletion *d, const struct device_row *row,
				      const struct mount *mount)
{
	const struct docker_state *k = d->t->docker;

	if (row->mount != mount || row->layer || row->container || !mount->whole ||
	    container_store_find(&k->containers, mount->name))
		return "it is needed";
	if (row->role != ROLE_RW && row->role != ROLE_INIT && row->role != ROLE_BUILD)
		return "it is needed";
	if (d->t->doubts.ghosts)
		return "some container has lost its writable layer: it may be this one";
	return k->has_buildkit && snapshots_refer_to(&k->snapshots, mount->name)
		       ? "BuildKit has its mount"
		       : NULL;
}

static const char *forbidden_by_reference(const struct deletion *d, const struct device_row *row,
					  const struct layer *layer, const struct mount *mount)
{
	const unsigned int nr = row->hash ? layer_names_count(&d->names, row->hash) : 0;

	if (!layer && !mount && row->role == ROLE_UNPROVEN)
		return "somebody may need it all the same";
	if (!layer && !mount)
		return row->referenced || nr || row->role != ROLE_ORPHAN ? "it is needed" : NULL;
	if (nr != 1 || (layer && mount))
		return "others have it, too";
	return layer ? forbidden_by_layer(d, row, layer) : forbidden_by_mount(d, row, mount);
}

const char *deletion_forbidden(const struct deletion *d, const struct device_row *row,
			       const struct layer *layer, const struct mount *mount)
{
	const struct device_doubts *doubts = &d->t->doubts;
	const struct docker_state *k = d->t->docker;

	if (d->closed)
		return d->closed;
	if (!row->pool || !row->pool->complete)
		return "the pool does not have it, or not all of it could be read";
	if (row->hash && !strcmp(row->hash, "base"))
		return "it is the base device";
	if (device_is_volume(row))
		return "it is a volume of LVM's";
	if (id_is_shared(d->t, row))
		return "two files name it";
	if (of_the_transaction(d->t, row))
		return "the open transaction is about it";
	if (!row->record && (doubts->files_missing || doubts->files_unreadable))
		return "some device's file is missing: it may be this one's";
	if (row->record && row->record->deleted)
		return "Docker itself is to delete it";
	if (row->of_other_transaction)
		return "the pool made it in another transaction: it may be another's data";
	if (row->hash && k->has_buildkit && snapshots_refer_to(&k->snapshots, row->hash))
		return "BuildKit has it";
	return forbidden_by_reference(d, row, layer, mount);
}

/* ---- commands */

/* All on one line: nobody uncomments a deletion without its guards. */
#define SAME_DEVICE "same_device %" PRIu64 " %" PRIu64 " %" PRIu64 " %" PRIu64 " %" PRIu64
#define DELETE "dmsetup message \"$POOL\" 0 'delete %" PRIu64 "'"

static void add_look(struct mend_steps *s, const struct device_table *t,
		     const struct device_row *row)
{
	const uint64_t bytes =
		row->record ? row->record->size : device_table_bytes(t, row->pool->nr_thin_blocks);
	const uint64_t sectors = bytes / 512;

	if (!sectors)
		return;
	mend_remark(s, "To look at it first:");
	mend_command(s, "pool_ready && look %" PRIu64 " %" PRIu64, row->id, sectors);
	mend_command(s, "look_no_more %" PRIu64, row->id);
}

bool deletion_add(const struct deletion *d, struct mend_steps *s, const struct device_row *row,
		  const struct layer *layer, const struct mount *mount)
{
	const char *why = deletion_forbidden(d, row, layer, mount);
	const char *going = mount ? mount->name : layer ? layer->directory : "";
	const struct device_details *details;

	if (why) {
		mend_remark(s, "Device %" PRIu64 " stays: %s.", row->id, why);
		return false;
	}
	details = &row->pool->details;
	if (!row->record)
		add_look(s, d->t, row);
	if (row->record)
		mend_command(s,
			     "nobody_has %s %s && same_file devicemapper/metadata/%s %" PRIu64
			     " %" PRIu64 " && " SAME_DEVICE " && " DELETE
			     " && move_out devicemapper/metadata/%s || stop 'nothing more is done'",
			     row->hash, going, row->hash, row->id, row->record->transaction_id,
			     row->id, details->mapped_blocks, details->transaction_id,
			     (uint64_t)details->creation_time, (uint64_t)details->snapshotted_time,
			     row->id, row->hash);
	else
		mend_command(s,
			     "no_file_has %" PRIu64 " && " SAME_DEVICE " && " DELETE
			     " || stop 'nothing more is done'",
			     row->id, row->id, details->mapped_blocks, details->transaction_id,
			     (uint64_t)details->creation_time, (uint64_t)details->snapshotted_time,
			     row->id);
	s->items[s->nr - 1].messages = s->items[s->nr - 1].deletes = true;
	return true;
}
