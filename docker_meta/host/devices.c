/* SPDX-License-Identifier: MIT
 * devices.c: what device-mapper's tables and status say of pools and thin devices.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/alloc.h"
#include "docker_meta/host/dm_names.h"
#include "docker_meta/host/host_internal.h"

/* ---- status */

static int add_status(struct host *h, const struct pool_status *s)
{
	struct pool_status *grown =
		alloc_grow(h->statuses, &h->statuses_capacity, h->nr_statuses, sizeof(*grown));

	if (!grown)
		return -ENOMEM;
	h->statuses = grown;
	grown[h->nr_statuses++] = *s;
	return 0;
}

/* What the kernel says and we do not understand is left out; what is in a file is told of. */
static int bad_line(const char *path, uint64_t line, const char *text, struct host_fault *fault)
{
	if (!path)
		return 0;
	(void)snprintf(fault->text, sizeof(fault->text), "%s: line %" PRIu64 ": %s", path, line,
		       text);
	return -EINVAL;
}

static int read_statuses(const struct dm_says *says, struct host *h, struct host_fault *fault)
{
	const char *p = says->status, *end = p ? p + says->status_bytes : NULL;
	struct pool_status s;
	struct dmsetup_fault why;
	int r = 0;

	for (uint64_t line = 1; p < end && !r; line++) {
		const char *newline = memchr(p, '\n', (size_t)(end - p)),
			   *next = newline ? newline + 1 : end;

		r = pool_status_parse(p, (size_t)(next - p), &s, &why);
		if (!r)
			r = add_status(h, &s);
		else if (r == -EINVAL)
			r = bad_line(says->status_path, line, why.text, fault);
		else if (r == -ENOENT)
			r = 0;
		p = next;
	}
	return r;
}

static int status_by_name(const void *a, const void *b)
{
	return strcmp(((const struct pool_status *)a)->name, ((const struct pool_status *)b)->name);
}

/* ---- devices */

static void take_info(struct host_device *d, const struct dm_kernel *kernel)
{
	const struct dm_device *info = kernel ? dm_kernel_find(kernel, d->name) : NULL;

	if (!info)
		return;
	d->has_info = true;
	d->major = info->major;
	d->minor = info->minor;
	d->suspended = info->suspended;
	d->deferred_remove = info->deferred_remove;
	d->open_count = info->open_count;
}

static int by_name(const void *a, const void *b)
{
	return strcmp(((const struct host_device *)a)->name, ((const struct host_device *)b)->name);
}

static int read_devices(const struct dm_says *says, struct host *h, struct host_fault *fault)
{
	int r = says->table ? pool_table_parse(says->table, says->table_bytes, &h->table) : 0;

	if (!r && h->table.nr_faults_kept)
		r = bad_line(says->table_path, h->table.faults[0].line,
			     h->table.faults[0].fault.text, fault);
	if (r)
		return r;
	h->devices = alloc_array(h->table.nr_targets + 1, sizeof(*h->devices));
	if (!h->devices)
		return -ENOMEM;
	for (size_t i = 0; i < h->table.nr_targets; i++) {
		const struct dm_target *t = &h->table.targets[i];
		struct host_device *d = &h->devices[h->nr_devices++];

		d->name = t->name;
		d->target = t;
		d->is_pool = t->kind == DM_THIN_POOL;
		d->hash = d->is_pool ? NULL : dm_name_hash(t->name);
		take_info(d, says->kernel);
	}
	if (h->nr_devices)
		qsort(h->devices, h->nr_devices, sizeof(*h->devices), by_name);
	return 0;
}

/* ---- which pool is Docker's */

static const struct host_device *pool_named(const struct host *h, const char *name)
{
	const struct host_device *d = host_device_named(h, name);

	return d && d->is_pool ? d : NULL;
}

static bool has_prefix(const char *name, const char *prefix)
{
	return *prefix && !strncmp(name, prefix, strlen(prefix));
}

/* LVM calls the pool NAME-tpool when it has thin volumes of its own. */
static const struct host_device *pool_of_lvm(const struct host *h, const char *name)
{
	const struct host_device *d = pool_named(h, name);
	char longer[DMSETUP_MAX_NAME + 8];

	if (d)
		return d;
	(void)snprintf(longer, sizeof(longer), "%s" LVM_POOL_LAYER, name);
	return pool_named(h, longer);
}

static bool refers_to(const struct host_device *thin, const struct host_device *pool)
{
	const char *reference = thin->target->thin.pool;
	char number[32];

	if (pool->has_info) {
		(void)snprintf(number, sizeof(number), "%" PRIu32 ":%" PRIu32, pool->major,
			       pool->minor);
		if (!strcmp(reference, number))
			return true;
	}
	return *pool->name && !strcmp(dm_name_strip(reference), pool->name);
}

/* The pool of a device that is called as this root's are. */
static const struct host_device *pool_of_thin(const struct host *h, const char *prefix)
{
	for (size_t i = 0; i < h->nr_devices; i++) {
		const struct host_device *thin = &h->devices[i];

		if (thin->is_pool || !has_prefix(thin->name, prefix))
			continue;
		for (size_t n = 0; n < h->nr_devices; n++) {
			if (h->devices[n].is_pool && refers_to(thin, &h->devices[n]))
				return &h->devices[n];
		}
		return NULL;
	}
	return NULL;
}

/* The only one, or the only one that has a name of Docker's. */
static const struct host_device *only_pool(const struct host *h)
{
	const struct host_device *docker = NULL, *any = NULL;
	size_t nr_docker = 0, nr = 0;

	for (size_t i = 0; i < h->nr_devices; i++) {
		const struct host_device *d = &h->devices[i];

		if (!d->is_pool)
			continue;
		any = d;
		nr++;
		if (dm_name_hash(d->name)) {
			docker = d;
			nr_docker++;
		}
	}
	return nr_docker == 1 ? docker : nr == 1 ? any : NULL;
}

static const struct host_device *choose_pool(const struct dm_says *says, const struct host *h)
{
	const struct host_device *d = NULL;
	char name[DMSETUP_MAX_NAME + 1];

	if (says->pool_option)
		return pool_of_lvm(h, h->wanted_pool);
	if (*says->root_prefix) {
		(void)snprintf(name, sizeof(name), "%spool", says->root_prefix);
		d = pool_named(h, name);
		if (!d)
			d = pool_of_thin(h, says->root_prefix);
	}
	if (!d && h->wanted_pool)
		return pool_of_lvm(h, h->wanted_pool);
	if (!d)
		d = pool_of_lvm(h, "docker-thinpool");
	return d || says->kernel ? d : only_pool(h);
}

static const struct pool_status *choose_status(const struct dm_says *says, const struct host *h)
{
	const char *name = h->pool ? h->pool->name : says->pool_option ? h->wanted_pool : NULL;

	for (size_t i = 0; i < h->nr_statuses; i++) {
		const struct pool_status *s = &h->statuses[i];

		if (name && (!strcmp(s->name, name) || (!*s->name && h->nr_statuses == 1)))
			return s;
	}
	/* Without a table a file of one pool's status is that pool's. */
	return !name && !says->kernel && h->nr_statuses == 1 ? h->statuses : NULL;
}

/* ---- which devices are Docker's */

static void choose_prefix(const struct dm_says *says, struct host *h)
{
	const char *hash = h->pool ? dm_name_hash(h->pool->name) : NULL;

	(void)snprintf(h->prefix, sizeof(h->prefix), "%s", says->root_prefix);
	/* Files of another host, where the root has another number: its pool's name tells. */
	if (hash && !says->kernel && !has_prefix(h->pool->name, h->prefix))
		(void)snprintf(h->prefix, sizeof(h->prefix), "%.*s", (int)(hash - h->pool->name),
			       h->pool->name);
}

static size_t nr_pools(const struct host *h)
{
	size_t nr = 0;

	for (size_t i = 0; i < h->nr_devices; i++)
		nr += h->devices[i].is_pool;
	return nr;
}

static void mark_devices(const struct dm_says *says, struct host *h)
{
	const bool only = !says->kernel && nr_pools(h) == 1;

	for (size_t i = 0; i < h->nr_devices && h->pool; i++) {
		struct host_device *d = &h->devices[i];

		if (d->is_pool)
			d->is_own = d == h->pool;
		else
			d->is_own = only || refers_to(d, h->pool) ||
				    (!says->kernel && has_prefix(d->name, h->prefix));
	}
	for (size_t i = 0; i < h->nr_devices; i++) {
		struct host_device *d = &h->devices[i];

		d->foreign = d->hash && *h->prefix && !has_prefix(d->name, h->prefix);
	}
}

static int by_hash(const void *a, const void *b)
{
	const struct host_device *da = *(const struct host_device *const *)a,
				 *db = *(const struct host_device *const *)b;
	int order = strcmp(da->hash, db->hash);

	if (order)
		return order;
	if (da->is_own != db->is_own)
		return da->is_own ? -1 : 1;
	if (da->foreign != db->foreign)
		return da->foreign ? 1 : -1;
	return strcmp(da->name, db->name);
}

static int by_id(const void *a, const void *b)
{
	const struct host_device *da = *(const struct host_device *const *)a,
				 *db = *(const struct host_device *const *)b;
	const uint64_t ia = da->target->thin.device_id, ib = db->target->thin.device_id;

	return ia != ib ? (ia > ib) - (ia < ib) : strcmp(da->name, db->name);
}

static int make_indexes(struct host *h)
{
	h->by_hash = alloc_array(h->nr_devices + 1, sizeof(const void *));
	h->by_id = alloc_array(h->nr_devices + 1, sizeof(const void *));
	if (!h->by_hash || !h->by_id)
		return -ENOMEM;
	for (size_t i = 0; i < h->nr_devices; i++) {
		const struct host_device *d = &h->devices[i];

		if (d->hash)
			h->by_hash[h->nr_by_hash++] = d;
		if (!d->is_pool && d->is_own)
			h->by_id[h->nr_by_id++] = d;
	}
	if (h->nr_by_hash)
		qsort(h->by_hash, h->nr_by_hash, sizeof(const void *), by_hash);
	if (h->nr_by_id)
		qsort(h->by_id, h->nr_by_id, sizeof(const void *), by_id);
	return 0;
}

/* A line "NAME: …" of whatever target. */
static bool has_line(const struct dm_says *says, const char *name)
{
	const size_t n = strlen(name);

	for (const char *p = says->table; p && *p;) {
		if (!strncmp(p, name, n) && p[n] == ':' && p[n + 1] == ' ')
			return true;
		p += strcspn(p, "\n");
		p += *p == '\n';
	}
	return false;
}

/* A device of this name, which is no pool. */
static bool is_other(const struct dm_says *says, const struct host *h, const char *name)
{
	return name && !pool_named(h, name) && has_line(says, name);
}

int host_devices_make(const struct dm_says *says, struct host *h, struct host_fault *ret_fault)
{
	int r = read_statuses(says, h, ret_fault);

	if (!r)
		r = read_devices(says, h, ret_fault);
	if (r)
		return r;
	if (h->nr_statuses)
		qsort(h->statuses, h->nr_statuses, sizeof(*h->statuses), status_by_name);
	h->pool = choose_pool(says, h);
	h->status = choose_status(says, h);
	h->wanted_is_other = is_other(says, h, h->wanted_pool);
	h->configured_is_other = is_other(says, h, h->configured_pool);
	choose_prefix(says, h);
	mark_devices(says, h);
	return make_indexes(h);
}
