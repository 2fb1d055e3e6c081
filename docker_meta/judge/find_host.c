/* SPDX-License-Identifier: MIT
 * find_host.c: what is active and mounted, against what Docker believes (M4 to M15, J7, C12, C13).
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "docker_meta/facts/fullness.h"
#include "docker_meta/judge/findings_internal.h"

enum { MANY_COOKIES = 16 };

/* ---- devices */

static bool is_running(const struct device_row *row)
{
	return row && row->container && row->container->running;
}

static int add_of(struct finder *f, enum meta_row_id id, const struct host_device *d,
		  const struct device_row *row, const char *text)
{
	int r = finder_add(f, id, row ? NULL : d->name, NULL, "%.110s: %s", d->name, text);

	return r || !row ? r : finder_add_device(f, row);
}

static int find_stale(struct finder *f, const struct host_device *d, const struct device_row *row)
{
	const uint64_t sectors = row->record->size / 512;
	char text[120];

	if (d->target->thin.device_id != row->id) {
		(void)snprintf(text, sizeof(text),
			       "table: device %" PRIu64 ", the file says %" PRIu64,
			       d->target->thin.device_id, row->id);
		return add_of(f, ROW_M7, d, row, text);
	}
	if (d->target->length == sectors)
		return 0;
	(void)snprintf(text, sizeof(text), "table: %" PRIu64 " sectors, the file says %" PRIu64,
		       d->target->length, sectors);
	return add_of(f, ROW_J7, d, row, text);
}

static int find_unused(struct finder *f, const struct host_device *d, const struct device_row *row)
{
	const struct host *h = f->facts->host;
	const bool everywhere = h->mounts_concern && h->mounts.all_namespaces;
	char text[120];
	int r;

	if (host_mount_of(h, d->hash) || is_running(row) || (row && row->in_flight))
		return 0;
	if (d->has_info && d->open_count) {
		if (!everywhere)
			return 0;
		(void)snprintf(text, sizeof(text), "opened by %" PRIu32 ", mounted nowhere",
			       d->open_count);
		return add_of(f, ROW_M10, d, row, text);
	}
	if (!d->has_info && !h->mounts_concern)
		return 0;
	r = add_of(f, ROW_M5, d, row, d->has_info ? "nobody has it open" : "not mounted");
	if (!r && !d->has_info && !everywhere) {
		f->list->items[f->list->nr - 1].unproven = true;
		f->list->items[f->list->nr - 1].severity = META_INFO;
	}
	return r;
}

static int find_in_thin(struct finder *f, const struct host_device *d)
{
	const struct host *h = f->facts->host;
	const struct device_row *row = d->hash ? device_table_find(f->t, d->hash) : NULL;
	int r = 0;

	if (d->foreign && row && h->is_home)
		return add_of(f, ROW_M6, d, row, "its prefix is not this root's");
	if (!d->is_own)
		return 0;
	if (d->suspended)
		r = add_of(f, ROW_M8, d, row, "suspended");
	if (!r && d->deferred_remove)
		r = add_of(f, ROW_M9, d, row, "deferred remove");
	if (!r && row && row->record)
		r = find_stale(f, d, row);
	return r || !d->hash ? r : find_unused(f, d, row);
}

static int find_in_active(struct finder *f)
{
	const struct host *h = f->facts->host;
	int r = 0;

	for (size_t i = 0; i < h->nr_devices && !r && h->dm_concerns; i++) {
		const struct host_device *d = &h->devices[i];

		if (!d->is_pool)
			r = find_in_thin(f, d);
		else if (d->is_own && d->suspended)
			r = add_of(f, ROW_M8, d, NULL, "suspended");
	}
	return r;
}

/* ---- mounts */

/* Mounts [from, to) are of one hash, those in Docker's own namespaces first. */
static int find_leaked(struct finder *f, size_t from, size_t to)
{
	const struct mount_table *t = &f->facts->host->mounts;
	const struct host_mount *first = &t->mounts[from];
	const struct device_row *row = device_table_find(f->t, first->hash);
	const struct mount_namespace *n = &t->namespaces[first->namespace];
	int r;

	if (!row || n->is_dockers || is_running(row))
		return 0;
	r = finder_add(f, ROW_M4, NULL, NULL,
		       "%.64s: mounted on %.100s, in the namespace of %.31s, process %" PRIu64 "%s",
		       first->hash, first->point, n->holder, n->pid,
		       to - from > 1 ? " and others" : "");
	return r ? r : finder_add_device(f, row);
}

static int find_in_mounts(struct finder *f)
{
	const struct mount_table *t = &f->facts->host->mounts;
	size_t from = 0;
	int r = 0;

	while (from < t->nr_mounts && !r && f->facts->host->mounts_concern) {
		size_t to = from + 1;

		while (to < t->nr_mounts && !strcmp(t->mounts[to].hash, t->mounts[from].hash))
			to++;
		if (t->has_processes)
			r = find_leaked(f, from, to);
		from = to;
	}
	return r;
}

/* ---- containers */

static const char *why_not_mounted(const struct host *h, const char *hash)
{
	if (host_mount_of(h, hash))
		return NULL;
	if (h->dm_concerns && h->has_table && !host_device_of(h, hash))
		return "is not active";
	return h->mounts_concern ? "is not mounted" : NULL;
}

static int find_in_own_layer(struct finder *f, const struct device_row *row)
{
	const struct host *h = f->facts->host;
	const struct host_mount *m = host_mount_of(h, row->hash);
	const char *why = why_not_mounted(h, row->hash);
	struct meta_finding *last;
	int r = 0;

	if (is_running(row) && why) {
		r = finder_add(f, ROW_C12, NULL, &last, "containers/%s: Running, device %s %s",
			       row->container->id, row->hash, why);
		if (!r && h->mounts.has_dockerd && h->mounts.all_namespaces)
			last->severity = META_WARNING;
	} else if (!is_running(row) && m && h->mounts_concern &&
		   h->mounts.namespaces[m->namespace].is_dockers) {
		r = finder_add(f, ROW_C13, NULL, &last,
			       "containers/%s: not running, device %s is mounted on %.200s",
			       row->container->id, row->hash, m->point);
	} else {
		return 0;
	}
	return r ? r : finder_add_device(f, row);
}

static int find_in_own_layers(struct finder *f)
{
	int r = 0;

	for (size_t i = 0; i < f->t->nr && !r; i++) {
		const struct device_row *row = &f->t->rows[i];

		if (row->role == ROLE_RW && row->container && row->hash)
			r = find_in_own_layer(f, row);
	}
	return r;
}

/* ---- the rest of the host */

static bool is_of_driver(const char *file)
{
	return strstr(file, "/devicemapper/devicemapper/data") ||
	       strstr(file, "/devicemapper/devicemapper/metadata");
}

static int find_in_loops(struct finder *f)
{
	const struct host *h = f->facts->host;
	int r = 0;

	for (size_t i = 0; i < h->nr_loops && !r && h->is_home; i++) {
		const struct host_loop *l = &h->loops[i];

		if (!is_of_driver(l->file))
			continue;
		if (l->deleted)
			r = finder_add(f, ROW_M14, l->file, NULL, "loop %u:%u: %.200s is deleted",
				       l->major, l->minor, l->file);
		else if (i && !h->loops[i - 1].deleted && !strcmp(l->file, h->loops[i - 1].file))
			r = finder_add(f, ROW_M14, l->file, NULL, "loop %u:%u and %u:%u: %.200s",
				       h->loops[i - 1].major, h->loops[i - 1].minor, l->major,
				       l->minor, l->file);
	}
	return r;
}

static int find_semaphores(struct finder *f)
{
	const struct host_semaphores *s = &f->facts->host->semaphores;
	const bool none_left = s->max && s->nr >= s->max && s->nr_cookies;
	struct meta_finding *last;
	int r;

	if (!s->known || !f->facts->host->mounts_concern ||
	    (!none_left && s->nr_cookies < MANY_COOKIES))
		return 0;
	r = finder_add(f, ROW_M11, NULL, &last,
		       "sysvipc/sem: %" PRIu64 " cookies, %" PRIu64 " of %" PRIu64
		       " sets of semaphores",
		       s->nr_cookies, s->nr, s->max);
	if (!r && !none_left)
		last->severity = META_WARNING;
	return r;
}

static int find_patience(struct finder *f)
{
	const struct host *h = f->facts->host;
	const struct pool_status *s = h->status;

	if (!h->nr_endless_xfs || !s || !is_nearly_full(s->used_data, s->total_data))
		return 0;
	return finder_add(f, ROW_M15, NULL, NULL,
			  "max_retries of ENOSPC is -1 for %zu devices, %" PRIu64 " of %" PRIu64
			  " data blocks are in use",
			  h->nr_endless_xfs, s->used_data, s->total_data);
}

int find_in_running_host(struct finder *f)
{
	static int (*const finders[])(struct finder *) = { find_in_active,     find_in_mounts,
							   find_in_own_layers, find_in_loops,
							   find_semaphores,    find_patience };
	int r = 0;

	if (!f->t->docker->driver.present || f->t->another_pool)
		return 0;
	for (size_t i = 0; i < ARRAY_SIZE(finders) && !r; i++)
		r = finders[i](f);
	return r;
}
