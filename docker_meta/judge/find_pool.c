/* SPDX-License-Identifier: MIT
 * find_pool.c: the active pool (P): its table, its status, and the devices below it.
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

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

static int find_full(struct finder *f, const struct pool_status *s)
{
	int r = 0;

	if (!has(f, ROW_P1) && (s->mode == POOL_MODE_OUT_OF_DATA_SPACE ||
				(s->total_data && s->used_data == s->total_data)))
		r = finder_add(f, ROW_P1, s->name, NULL,
			       "status: %" PRIu64 " of %" PRIu64 " data blocks are in use%s",
			       s->used_data, s->total_data,
			       s->mode == POOL_MODE_OUT_OF_DATA_SPACE ? ", out_of_data_space" : "");
	if (!r && !has(f, ROW_P3) && s->total_metadata && s->used_metadata == s->total_metadata)
		r = finder_add(f, ROW_P3, s->name, NULL,
			       "status: all of %" PRIu64 " metadata blocks are in use",
			       s->total_metadata);
	return r;
}

static int find_mode(struct finder *f, const struct pool_status *s)
{
	const struct host_device *pool = f->facts->host->pool;
	const bool asked = pool && pool->target->thin_pool.read_only;
	struct meta_finding *last;
	int r = 0;

	if (s->mode == POOL_MODE_RO) {
		r = finder_add(f, ROW_P4, s->name, &last, "status: ro%s",
			       asked ? ", as the table has it: read_only" : "");
		if (!r && asked)
			last->severity = META_WARNING;
	}
	if (!r && s->needs_check && !has(f, ROW_P5))
		r = finder_add(f, ROW_P5, s->name, NULL, "status: needs_check");
	return r;
}

static bool is_low(uint64_t used, uint64_t total, uint64_t mark)
{
	return used < total && mark < total && total - used <= mark;
}

static int find_low_water(struct finder *f, const struct pool_status *s)
{
	const struct host_device *pool = f->facts->host->pool;
	const uint64_t mark = pool ? pool->target->thin_pool.low_water : 0;
	struct meta_finding *last = NULL;
	int r = 0;

	/* A pool that is smaller than its mark has always passed it. */
	if (mark && is_low(s->used_data, s->total_data, mark))
		r = finder_add(f, ROW_P8, s->name, &last,
			       "status: %" PRIu64 " data blocks are free, the mark is at %" PRIu64,
			       s->total_data - s->used_data, mark);
	/* Docker's own mark is 2 GiB, whatever the pool's size: of a small one that says nothing.
	 */
	if (!r && last && !is_nearly_full(s->used_data, s->total_data))
		last->severity = META_INFO;
	if (!r && s->has_low_water &&
	    is_low(s->used_metadata, s->total_metadata, s->metadata_low_water))
		r = finder_add(f, ROW_P8, s->name, NULL,
			       "status: %" PRIu64
			       " metadata blocks are free, the mark is at %" PRIu64,
			       s->total_metadata - s->used_metadata, s->metadata_low_water);
	return r;
}

/* Where the superblock was not read, or said nothing of it yet; the one that is read is ours. */
static int find_held(struct finder *f, const struct pool_status *s)
{
	const struct pool_state *p = f->t->pool;

	if (!s->held_root || (p && (p->reading.held_root || p->from_snapshot)))
		return 0;
	return finder_add(f, ROW_P10, s->name, NULL, "status: held root %" PRIu64, s->held_root);
}

static int find_in_status(struct finder *f, const struct pool_status *s)
{
	int r;

	if (s->health != POOL_IS_WELL)
		return finder_add(f, ROW_P6, s->name, NULL, "status: %s",
				  s->health == POOL_IS_FAILED ? "Fail" : "Error");
	r = find_full(f, s);
	if (!r)
		r = find_mode(f, s);
	if (!r)
		r = find_held(f, s);
	return r ? r : find_low_water(f, s);
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

static int compare_size(struct finder *f, const struct size_of_data *size)
{
	const struct pool_state *p = f->t->pool;
	const uint64_t blocks = size->sectors / p->header.data_block_size;

	if (!size->sectors || blocks == p->header.nr_data_blocks)
		return 0;
	return finder_add(f, blocks < p->header.nr_data_blocks ? ROW_P13 : ROW_P14, NULL, NULL,
			  "%s: %" PRIu64 " data blocks, the metadata has %" PRIu64, size->what,
			  blocks, p->header.nr_data_blocks);
}

static int find_sizes(struct finder *f)
{
	const struct host *h = f->facts->host;
	const struct size_of_data sizes[] = {
		{ is_loop(f) ? h->data_file.bytes / 512 : 0, "devicemapper/data" },
		{ is_loop(f) ? 0 : h->data_sectors, "the pool's data device" },
		{ h->pool ? h->pool->target->length : 0, "the pool's table" },
	};
	int r = 0;

	for (size_t i = 0; i < ARRAY_SIZE(sizes) && !r; i++)
		r = compare_size(f, &sizes[i]);
	return r;
}

enum meta_severity severity_of_room(uint64_t fs_bytes, uint64_t fs_free)
{
	if (fs_free < fs_bytes / 50 || fs_free < (64u << 20))
		return META_ERROR;
	return fs_free < fs_bytes / 10 || fs_free < (1u << 30) ? META_WARNING : META_INFO;
}

/* What the file does not have yet it takes from the file system when the pool writes there. */
static int find_room(struct finder *f)
{
	const struct host_file *file = &f->facts->host->data_file;
	const uint64_t growth = file->bytes > file->allocated ? file->bytes - file->allocated : 0;
	struct meta_finding *last;
	int r;

	if (!is_loop(f) || !f->facts->host->is_home || growth <= file->fs_free)
		return 0;
	r = finder_add(f, ROW_P17, NULL, &last,
		       "devicemapper/data may grow by %" PRIu64 " bytes, %" PRIu64 " are free",
		       growth, file->fs_free);
	if (!r)
		last->severity = severity_of_room(file->fs_bytes, file->fs_free);
	return r;
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

static int find_double(struct finder *f)
{
	const struct host *h = f->facts->host;
	int r = 0;

	for (size_t i = 0; i < h->nr_devices && !r; i++) {
		const struct host_device *other = &h->devices[i];
		const char *metadata = h->pool->target->thin_pool.metadata;

		if (!other->is_pool || other == h->pool ||
		    !is_same(h, metadata, other->target->thin_pool.metadata))
			continue;
		r = finder_add(f, ROW_P15, other->name, NULL, "%.80s and %.80s: metadata on %.40s",
			       h->pool->name, other->name, metadata);
	}
	return r;
}

static int find_in_table(struct finder *f)
{
	const struct host *h = f->facts->host;
	const struct pool_state *p = f->t->pool;
	int r = find_double(f);

	if (!r && p && h->pool->target->thin_pool.data_block_size != p->header.data_block_size)
		r = finder_add(f, ROW_P12, h->pool->name, NULL,
			       "table: %" PRIu32 " sectors, superblock: %" PRIu32,
			       h->pool->target->thin_pool.data_block_size,
			       p->header.data_block_size);
	return r;
}

/* The pool that was asked for, where it is not. */
static int find_absent(struct finder *f)
{
	const struct host *h = f->facts->host;

	/* It may be the layer that LVM puts above a pool with volumes, wherever the pool is. */
	if (h->configured_is_other)
		return finder_add(f, ROW_M13, h->configured_pool, NULL,
				  "table: %.100s is of another target", h->configured_pool);
	if (h->pool || !h->wanted_pool || !h->has_table)
		return 0;
	if (h->wanted_is_other)
		return finder_add(f, ROW_M13, h->wanted_pool, NULL,
				  "table: %.100s is of another target", h->wanted_pool);
	return finder_add(f, ROW_M12, h->wanted_pool, NULL, "table: there is no %.100s",
			  h->wanted_pool);
}

int find_in_host_pool(struct finder *f)
{
	const struct host *h = f->facts->host;
	int r = 0;

	if (h->dm_concerns && !f->t->another_pool) {
		if (h->status)
			r = find_in_status(f, h->status);
		if (!r && h->pool)
			r = find_in_table(f);
		if (!r)
			r = find_absent(f);
	}
	if (!r && f->t->pool && !f->t->another_pool && f->t->pool->header.data_block_size)
		r = find_sizes(f);
	return r ? r : find_room(f);
}
