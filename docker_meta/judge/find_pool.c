/* SPDX-License-Identifier: MIT
 * find_pool.c: the active pool (P): its table, its status, and the devices below it.
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "common/base/alloc.h"
#include "docker_meta/facts/fullness.h"
#include "docker_meta/judge/findings_internal.h"

static bool has(const struct finder *f, enum meta_row_id id)
{
	for (size_t i = 0; i < f->list->nr; i++) {
		if (f->list->items[i].row == meta_row(id))
			return true;
	}
	return false;
}

/* ---- status */

static struct meta_finding *add_of_status(struct finder *f, enum meta_row_id id,
					  const struct pool_status *s)
{
	return finder_add(f, id, subject_named(SUBJECT_POOL, s->name));
}

static char *status(void)
{
	return alloc_string("status");
}

static void find_full(struct finder *f, const struct pool_status *s)
{
	if (!has(f, ROW_P1) && (s->mode == POOL_MODE_OUT_OF_DATA_SPACE ||
				(s->total_data && s->used_data == s->total_data)))
		finder_found(f, add_of_status(f, ROW_P1, s), status(),
			     "%" PRIu64 " of %" PRIu64 " data blocks are in use%s", s->used_data,
			     s->total_data,
			     s->mode == POOL_MODE_OUT_OF_DATA_SPACE ? ", out_of_data_space" : "");
	if (!has(f, ROW_P3) && s->total_metadata && s->used_metadata == s->total_metadata)
		finder_found(f, add_of_status(f, ROW_P3, s), status(),
			     "all of %" PRIu64 " metadata blocks are in use", s->total_metadata);
}

static void find_mode(struct finder *f, const struct pool_status *s)
{
	const struct host_device *pool = f->facts->host->pool;

	if (s->mode == POOL_MODE_RO) {
		struct meta_finding *x = add_of_status(f, ROW_P4, s);

		finder_found(f, x, status(), "ro");
		if (pool && pool->target->thin_pool.read_only) {
			finder_against(f, x, alloc_string("table"), "read_only");
			x->severity = META_WARNING;
		}
	}
	if (s->needs_check && !has(f, ROW_P5))
		finder_found(f, add_of_status(f, ROW_P5, s), status(), "needs_check");
}

static bool is_low(uint64_t used, uint64_t total, uint64_t mark)
{
	return used < total && mark < total && total - used <= mark;
}

static struct meta_finding *add_low(struct finder *f, const struct pool_status *s, uint64_t nr_free,
				    const char *what, uint64_t mark)
{
	struct meta_finding *x = add_of_status(f, ROW_P8, s);

	finder_found(f, x, status(), "%" PRIu64 " %s blocks are free, the mark is at %" PRIu64,
		     nr_free, what, mark);
	return x;
}

static void find_low_water(struct finder *f, const struct pool_status *s)
{
	const struct host_device *pool = f->facts->host->pool;
	const uint64_t mark = pool ? pool->target->thin_pool.low_water : 0;

	/* A pool that is smaller than its mark has always passed it. */
	if (mark && is_low(s->used_data, s->total_data, mark)) {
		struct meta_finding *x = add_low(f, s, s->total_data - s->used_data, "data", mark);

		/* Docker's own mark is 2 GiB, whatever the pool's size: of a small one that says
		 * nothing. */
		if (!is_nearly_full(s->used_data, s->total_data))
			x->severity = META_INFO;
	}
	if (s->has_low_water && is_low(s->used_metadata, s->total_metadata, s->metadata_low_water))
		(void)add_low(f, s, s->total_metadata - s->used_metadata, "metadata",
			      s->metadata_low_water);
}

/* Where the superblock was not read, or said nothing of it yet; the one that is read is ours. */
static void find_held(struct finder *f, const struct pool_status *s)
{
	const struct pool_state *p = f->t->pool;

	if (s->held_root && !(p && (p->reading.held_root || p->from_snapshot)))
		finder_found(f, add_of_status(f, ROW_P10, s), status(), "held root %" PRIu64,
			     s->held_root);
}

static void find_in_status(struct finder *f, const struct pool_status *s)
{
	if (s->health != POOL_IS_WELL) {
		finder_found(f, add_of_status(f, ROW_P6, s), status(), "%s",
			     s->health == POOL_IS_FAILED ? "Fail" : "Error");
		return;
	}
	find_full(f, s);
	find_mode(f, s);
	find_held(f, s);
	find_low_water(f, s);
}

/* ---- sizes */

struct size_of_data {
	uint64_t sectors;
	const char *what;
};

/* The loop file is the pool's data: a pool that is active on it, or the metadata beside it. */
static bool is_loop(const struct finder *f)
{
	const struct docker_meta_options *o = f->facts->options;
	const struct host *h = f->facts->host;

	if (!h->data_file.present)
		return false;
	if (h->pool)
		return !strncmp(h->pool->target->thin_pool.data, "7:", 2) ||
		       !strncmp(h->pool->target->thin_pool.data, "/dev/loop", 9);
	return !o->metadata && !o->xml && !o->pool;
}

static void compare_size(struct finder *f, const struct size_of_data *size)
{
	const struct pool_state *p = f->t->pool;
	const uint64_t blocks = size->sectors / p->header.data_block_size;
	struct meta_finding *x;

	if (!size->sectors || blocks == p->header.nr_data_blocks)
		return;
	x = finder_add(f, blocks < p->header.nr_data_blocks ? ROW_P13 : ROW_P14, the_pool());
	finder_found(f, x, alloc_string(size->what), "%" PRIu64 " data blocks", blocks);
	finder_against(f, x, alloc_string("pool"), "%" PRIu64, p->header.nr_data_blocks);
}

static void find_sizes(struct finder *f)
{
	const struct host *h = f->facts->host;
	const struct size_of_data sizes[] = {
		{ is_loop(f) ? h->data_file.bytes / 512 : 0, "devicemapper/data" },
		{ is_loop(f) ? 0 : h->data_sectors, "the pool's data device" },
		{ h->pool ? h->pool->target->length : 0, "the pool's table" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(sizes); i++)
		compare_size(f, &sizes[i]);
}

enum meta_severity severity_of_room(uint64_t fs_bytes, uint64_t fs_free)
{
	if (fs_free < fs_bytes / 50 || fs_free < (64u << 20))
		return META_ERROR;
	return fs_free < fs_bytes / 10 || fs_free < (1u << 30) ? META_WARNING : META_INFO;
}

/* What the file does not have yet it takes from the file system when the pool writes there. */
static void find_room(struct finder *f)
{
	const struct host_file *file = &f->facts->host->data_file;
	const uint64_t growth = file->bytes > file->allocated ? file->bytes - file->allocated : 0;
	struct meta_finding *x;

	if (!is_loop(f) || !f->facts->host->is_home || growth <= file->fs_free)
		return;
	x = finder_add(f, ROW_P17, the_pool());
	finder_found(f, x, alloc_string("devicemapper/data"), "may grow by %" PRIu64 " bytes",
		     growth);
	finder_against(f, x, alloc_string("its file system"), "%" PRIu64 " bytes are free",
		       file->fs_free);
	x->severity = severity_of_room(file->fs_bytes, file->fs_free);
}

/* ---- the table */

static const char *file_of(const struct host *h, const char *device)
{
	char number[32];

	for (size_t i = 0; i < h->nr_loops; i++) {
		(void)snprintf(number, sizeof(number), "%u:%u", h->loops[i].major,
			       h->loops[i].minor);
		if (!strcmp(number, device))
			return h->loops[i].file;
	}
	return NULL;
}

/* The same device, or two loop devices of one file. */
static bool is_same(const struct host *h, const char *a, const char *b)
{
	const char *fa, *fb;

	if (!strcmp(a, b))
		return true;
	fa = file_of(h, a);
	fb = file_of(h, b);
	return fa && fb && !strcmp(fa, fb);
}

static void find_double(struct finder *f)
{
	const struct host *h = f->facts->host;

	for (size_t i = 0; i < h->nr_devices; i++) {
		const struct host_device *other = &h->devices[i];
		const char *metadata = h->pool->target->thin_pool.metadata;
		struct meta_finding *x;

		if (!other->is_pool || other == h->pool ||
		    !is_same(h, metadata, other->target->thin_pool.metadata))
			continue;
		x = finder_add(f, ROW_P15, subject_named(SUBJECT_POOL, other->name));
		finder_found(f, x, alloc_printf("table of %s", h->pool->name), "metadata on %s",
			     metadata);
		finder_against(f, x, alloc_printf("table of %s", other->name), "the same");
	}
}

static void find_in_table(struct finder *f)
{
	const struct host *h = f->facts->host;
	const struct pool_state *p = f->t->pool;
	struct meta_finding *x;

	find_double(f);
	if (!p || h->pool->target->thin_pool.data_block_size == p->header.data_block_size)
		return;
	x = finder_add(f, ROW_P12, subject_named(SUBJECT_POOL, h->pool->name));
	finder_found(f, x, alloc_string("table"), "data blocks of %" PRIu32 " sectors",
		     h->pool->target->thin_pool.data_block_size);
	finder_against(f, x, alloc_string("superblock"), "%" PRIu32, p->header.data_block_size);
}

static void add_no_pool(struct finder *f, enum meta_row_id id, const char *name)
{
	finder_found(f, finder_add(f, id, subject_named(SUBJECT_ACTIVE, name)),
		     alloc_string("table"),
		     id == ROW_M12 ? "there is no %s" : "%s is of another target", name);
}

/* The pool that was asked for, where it is not. */
static void find_absent(struct finder *f)
{
	const struct host *h = f->facts->host;

	/* It may be the layer that LVM puts above a pool with volumes, wherever the pool is. */
	if (h->configured_is_other)
		add_no_pool(f, ROW_M13, h->configured_pool);
	else if (h->pool || !h->wanted_pool || !h->has_table)
		return;
	else if (h->wanted_is_other)
		add_no_pool(f, ROW_M13, h->wanted_pool);
	else
		add_no_pool(f, ROW_M12, h->wanted_pool);
}

void find_in_host_pool(struct finder *f)
{
	const struct host *h = f->facts->host;

	if (h->dm_concerns) {
		if (h->status)
			find_in_status(f, h->status);
		if (h->pool)
			find_in_table(f);
		find_absent(f);
	}
	if (f->t->pool && f->t->pool->header.data_block_size)
		find_sizes(f);
	find_room(f);
}
