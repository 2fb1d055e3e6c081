/* SPDX-License-Identifier: MIT
 * find_host.c: what is active and mounted, against what Docker believes (M4 to M15, J7, C12, C13).
 */
#include <inttypes.h>
#include <string.h>

#include "common/base/alloc.h"
#include "docker_meta/facts/fullness.h"
#include "docker_meta/judge/findings_internal.h"

enum { MANY_COOKIES = 16 };

/* ---- devices */

static bool is_running(const struct device_row *row)
{
	return row && row->container && row->container->running;
}

static struct meta_finding *add_of(struct finder *f, enum meta_row_id id,
				   const struct host_device *d, const struct device_row *row)
{
	struct meta_finding *x = finder_add(f, id, subject_named(SUBJECT_ACTIVE, d->name));

	if (row)
		finder_add_device(f, x, row);
	return x;
}

static struct meta_finding *add_saying(struct finder *f, enum meta_row_id id,
				       const struct host_device *d, const struct device_row *row,
				       const char *text)
{
	struct meta_finding *x = add_of(f, id, d, row);

	finder_found(f, x, alloc_string(d->name), "%s", text);
	return x;
}

/* The table of the device against its file. */
static void find_stale(struct finder *f, const struct host_device *d, const struct device_row *row)
{
	const uint64_t sectors = row->record->size / 512;
	const bool another = d->target->thin.device_id != row->id;
	struct meta_finding *x;

	if (!another && d->target->length == sectors)
		return;
	x = add_of(f, another ? ROW_M7 : ROW_J7, d, row);
	if (another)
		finder_found(f, x, alloc_printf("table of %s", d->name), "device %" PRIu64,
			     d->target->thin.device_id);
	else
		finder_found(f, x, alloc_printf("table of %s", d->name), "%" PRIu64 " sectors",
			     d->target->length);
	if (another)
		finder_against(f, x, alloc_printf("metadata/%s", row->hash), "device_id %" PRIu64,
			       row->id);
	else
		finder_against(f, x, alloc_printf("metadata/%s", row->hash), "%" PRIu64 " sectors",
			       sectors);
}

static void find_unused(struct finder *f, const struct host_device *d, const struct device_row *row)
{
	const struct host *h = f->facts->host;
	const bool everywhere = h->mounts_concern && h->mounts.all_namespaces;
	struct meta_finding *x;

	if (host_mount_of(h, d->hash) || is_running(row) || (row && row->in_flight))
		return;
	if (d->has_info && d->open_count) {
		if (everywhere)
			finder_found(f, add_of(f, ROW_M10, d, row), alloc_string(d->name),
				     "opened by %" PRIu32 ", mounted nowhere", d->open_count);
		return;
	}
	if (!d->has_info && !h->mounts_concern)
		return;
	x = add_saying(f, ROW_M5, d, row, d->has_info ? "nobody has it open" : "not mounted");
	if (!d->has_info && !everywhere)
		finding_doubt(x);
}

static void find_in_thin(struct finder *f, const struct host_device *d)
{
	const struct host *h = f->facts->host;
	const struct device_row *row = d->hash ? device_table_find(f->t, d->hash) : NULL;

	if (d->foreign && row && h->is_home) {
		(void)add_saying(f, ROW_M6, d, row, "its prefix is not this root's");
		return;
	}
	if (!d->is_own)
		return;
	if (d->suspended)
		(void)add_saying(f, ROW_M8, d, row, "suspended");
	if (d->deferred_remove)
		(void)add_saying(f, ROW_M9, d, row, "deferred remove");
	if (row && row->record)
		find_stale(f, d, row);
	if (d->hash)
		find_unused(f, d, row);
}

static void find_in_active(struct finder *f)
{
	const struct host *h = f->facts->host;

	for (size_t i = 0; i < h->nr_devices && h->dm_concerns; i++) {
		const struct host_device *d = &h->devices[i];

		if (!d->is_pool)
			find_in_thin(f, d);
		else if (d->is_own && d->suspended)
			(void)add_saying(f, ROW_M8, d, NULL, "suspended");
	}
}

/* ---- mounts */

/* Mounts [from, to) are of one hash, those in Docker's own namespaces first. */
static void find_leaked(struct finder *f, size_t from, size_t to)
{
	const struct mount_table *t = &f->facts->host->mounts;
	const struct host_mount *first = &t->mounts[from];
	const struct device_row *row = device_table_find(f->t, first->hash);
	const struct mount_namespace *n = &t->namespaces[first->namespace];
	struct meta_finding *x;

	if (!row || n->is_dockers || is_running(row))
		return;
	x = finder_add(f, ROW_M4, subject_of_device(row));
	finder_found(f, x, alloc_string(first->hash),
		     "mounted on %s, in the namespace of %s, process %" PRIu64 "%s", first->point,
		     n->holder, n->pid, to - from > 1 ? " and others" : "");
	finder_add_device(f, x, row);
}

static void find_in_mounts(struct finder *f)
{
	const struct mount_table *t = &f->facts->host->mounts;
	size_t from = 0;

	while (from < t->nr_mounts && f->facts->host->mounts_concern) {
		size_t to = from + 1;

		while (to < t->nr_mounts && !strcmp(t->mounts[to].hash, t->mounts[from].hash))
			to++;
		if (t->has_processes)
			find_leaked(f, from, to);
		from = to;
	}
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

static struct meta_finding *add_of_container(struct finder *f, enum meta_row_id id,
					     const struct device_row *row, const char *state)
{
	struct meta_finding *x = finder_add(f, id, subject_of_container(row->container));

	finder_found(f, x, alloc_printf("containers/%s", row->container->id), "%s", state);
	finder_add_device(f, x, row);
	return x;
}

static void find_in_own_layer(struct finder *f, const struct device_row *row)
{
	const struct host *h = f->facts->host;
	const struct host_mount *m = host_mount_of(h, row->hash);
	const char *why = why_not_mounted(h, row->hash);
	struct meta_finding *x;

	if (is_running(row) && why) {
		x = add_of_container(f, ROW_C12, row, "Running");
		finder_against(f, x, alloc_printf("device %s", row->hash), "%s", why);
		if (h->mounts.has_dockerd && h->mounts.all_namespaces)
			x->severity = META_WARNING;
	} else if (!is_running(row) && m && h->mounts_concern &&
		   h->mounts.namespaces[m->namespace].is_dockers) {
		x = add_of_container(f, ROW_C13, row, "not running");
		finder_against(f, x, alloc_printf("device %s", row->hash), "mounted on %s",
			       m->point);
	}
}

static void find_in_own_layers(struct finder *f)
{
	for (size_t i = 0; i < f->t->nr; i++) {
		const struct device_row *row = &f->t->rows[i];

		if (row->role == ROLE_RW && row->container && row->hash)
			find_in_own_layer(f, row);
	}
}

/* ---- the rest of the host */

static bool is_of_driver(const char *file)
{
	return strstr(file, "/devicemapper/devicemapper/data") ||
	       strstr(file, "/devicemapper/devicemapper/metadata");
}

static char *loop_name(const struct host_loop *l)
{
	return alloc_printf("loop %u:%u", l->major, l->minor);
}

static void find_in_loop(struct finder *f, const struct host_loop *l, const struct host_loop *last)
{
	const bool twice = !l->deleted && last && !last->deleted && !strcmp(l->file, last->file);
	struct meta_finding *x;

	if (!is_of_driver(l->file) || (!l->deleted && !twice))
		return;
	x = finder_add(f, ROW_M14, subject_named(SUBJECT_LOOP, l->file));
	finder_found(f, x, loop_name(twice ? last : l), twice ? "%s" : "%s is deleted", l->file);
	if (twice)
		finder_against(f, x, loop_name(l), "the same file");
}

static void find_in_loops(struct finder *f)
{
	const struct host *h = f->facts->host;

	for (size_t i = 0; i < h->nr_loops && h->is_home; i++)
		find_in_loop(f, &h->loops[i], i ? &h->loops[i - 1] : NULL);
}

static void find_semaphores(struct finder *f)
{
	const struct host_semaphores *s = &f->facts->host->semaphores;
	const bool none_left = s->max && s->nr >= s->max && s->nr_cookies;
	struct meta_finding *x;

	if (!s->known || !f->facts->host->mounts_concern ||
	    (!none_left && s->nr_cookies < MANY_COOKIES))
		return;
	x = finder_add(f, ROW_M11, the_host());
	finder_found(f, x, alloc_string("sysvipc/sem"),
		     "%" PRIu64 " cookies, %" PRIu64 " of %" PRIu64 " sets of semaphores",
		     s->nr_cookies, s->nr, s->max);
	if (!none_left)
		x->severity = META_WARNING;
}

static void find_patience(struct finder *f)
{
	const struct host *h = f->facts->host;
	const struct pool_status *s = h->status;
	struct meta_finding *x;

	if (!h->nr_endless_xfs || !s || !is_nearly_full(s->used_data, s->total_data))
		return;
	x = finder_add(f, ROW_M15, the_host());
	finder_found(f, x, alloc_string("sysfs"), "max_retries of ENOSPC is -1 for %zu devices",
		     h->nr_endless_xfs);
	finder_against(f, x, alloc_string("status"),
		       "%" PRIu64 " of %" PRIu64 " data blocks are in use", s->used_data,
		       s->total_data);
}

void find_in_running_host(struct finder *f)
{
	if (!f->d->driver.present)
		return;
	find_in_active(f);
	find_in_mounts(f);
	find_in_own_layers(f);
	find_in_loops(f);
	find_semaphores(f);
	find_patience(f);
}
