/* SPDX-License-Identifier: MIT */
#include "docker_meta/host/host.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include "common/base/alloc.h"
#include "docker_meta/host/dm_names.h"
#include "docker_meta/host/host_internal.h"
#include "docker_meta/host/kernel_file.h"

enum { MAX_TEXT = 256 << 20 }; /* of a file in place of dmsetup */

#define SYS "/sys"

struct reading {
	const struct docker_meta_options *options;
	const char *root;
	struct host *host;
	struct host_fault *fault;
	struct safe_dir dir; /* of the root */
	char prefix[64];
	struct dm_kernel kernel;
	char *table, *status; /* owned: of files */
	size_t table_bytes, status_bytes;
};

static int cannot(const char *path, int error, struct host_fault *fault)
{
	if (error != -ENOMEM)
		(void)snprintf(
			fault->text, sizeof(fault->text), "%s: %s", path,
			error == -EINVAL ? "this is not what the kernel writes" : strerror(-error));
	return error;
}

/* ---- device-mapper */

/* As the driver calls the devices of this root. */
static void find_prefix(struct reading *g)
{
	struct safe_dir dir;
	struct stat st;

	if (safe_dir_enter(&g->dir, "devicemapper", &dir))
		return;
	if (!fstat(dir.fd, &st))
		(void)snprintf(g->prefix, sizeof(g->prefix), "docker-%u:%u-%llu-", major(st.st_dev),
			       minor(st.st_dev), (unsigned long long)st.st_ino);
	safe_dir_close(&dir);
}

static int read_dm_files(struct reading *g)
{
	const struct docker_meta_options *o = g->options;
	int r = 0;

	if (o->table) {
		r = kernel_file_read(o->table, MAX_TEXT, &g->table, &g->table_bytes);
		if (r)
			return cannot(o->table, r, g->fault);
	}
	if (o->status) {
		r = kernel_file_read(o->status, MAX_TEXT, &g->status, &g->status_bytes);
		if (r)
			return cannot(o->status, r, g->fault);
	}
	return r;
}

static int read_dm(struct reading *g)
{
	const struct docker_meta_options *o = g->options;
	const bool files = o->table || o->status;
	struct dm_says says = { .root_prefix = g->prefix, .pool_option = o->pool };
	int r = files ? read_dm_files(g) : dm_kernel_read(&g->kernel);

	if (!files && r)
		return r == -ENOMEM ? r : 0;
	if (r)
		return r;
	g->host->has_dm = true;
	g->host->dm_live = !files;
	g->host->has_table = !files || o->table;
	g->host->has_status = !files || o->status;
	if (files) {
		says.table = g->table;
		says.table_bytes = g->table_bytes;
		says.table_path = o->table;
		says.status = g->status;
		says.status_bytes = g->status_bytes;
		says.status_path = o->status;
	} else {
		says.kernel = &g->kernel;
		says.table = g->kernel.table.text;
		says.table_bytes = g->kernel.table.bytes;
		says.status = g->kernel.status.text;
		says.status_bytes = g->kernel.status.bytes;
	}
	return host_devices_make(&says, g->host, g->fault);
}

/* ---- mounts */

static int read_mounts(struct reading *g)
{
	const struct docker_meta_options *o = g->options;
	const char *path = o->mountinfo ? o->mountinfo : o->proc ? o->proc : "/proc";
	int r = o->mountinfo ? mount_table_read_file(path, &g->host->mounts)
			     : mount_table_read_proc(path, &g->host->mounts);

	g->host->has_mounts = !r;
	if (!r || r == -ENOMEM)
		return r;
	/* A directory without processes has other things to tell. */
	if (r == -ENODATA || (!o->mountinfo && !o->proc))
		return 0;
	return cannot(path, r, g->fault);
}

/* ---- whose host it is */

static bool has_own_mount(const struct host *h)
{
	for (size_t i = 0; i < h->nr_mnt_dirs; i++) {
		if (h->mnt_dirs[i].mounted)
			return true;
	}
	return false;
}

static bool has_own_device(const struct reading *g)
{
	const struct host *h = g->host;

	for (size_t i = 0; i < h->nr_devices && *g->prefix; i++) {
		if (!strncmp(h->devices[i].name, g->prefix, strlen(g->prefix)))
			return true;
	}
	return false;
}

static void find_home(struct reading *g)
{
	const struct docker_meta_options *o = g->options;
	struct host *h = g->host;

	h->is_home = has_own_device(g) || has_own_mount(h) || (h->dm_live && !o->root);
	h->dm_concerns = h->has_dm && (h->is_home || !h->dm_live || o->pool);
	h->mounts_concern =
		h->has_mounts && (h->is_home || o->mountinfo || o->proc || (h->dm_live && o->pool));
}

/* ---- all */

static int read_all(struct reading *g)
{
	const struct docker_meta_options *o = g->options;
	struct host *h = g->host;
	int r = 0;

	find_prefix(g);
	if (!o->no_dm)
		r = read_dm(g);
	if (!r && !o->no_mounts)
		r = read_mounts(g);
	if (!r)
		r = host_mnt_dirs_read(&g->dir, h);
	host_data_file_read(&g->dir, h);
	find_home(g);
	if (!r && h->dm_live)
		r = host_pool_devices_read(SYS, &g->kernel, h);
	if (!r && h->dm_live)
		r = host_loops_read(SYS, h);
	if (!r && h->dm_live)
		host_xfs_read(SYS, h);
	if (!r && !o->no_mounts && !o->mountinfo)
		r = host_semaphores_read(o->proc ? o->proc : "/proc", h);
	return r;
}

int host_read(const struct docker_meta_options *o, const char *root, const char *pool_name,
	      struct host *ret_host, struct host_fault *ret_fault)
{
	struct reading g = { .options = o, .root = root, .host = ret_host, .fault = ret_fault };
	int r = safe_dir_open(root, &o->reading, &g.dir);

	*ret_host = (struct host){ 0 };
	*ret_fault = (struct host_fault){ "" };
	ret_host->wanted_pool = o->pool     ? dm_name_strip(o->pool)
				: pool_name ? dm_name_strip(pool_name)
					    : NULL;
	ret_host->configured_pool = pool_name ? dm_name_strip(pool_name) : NULL;
	if (r)
		return cannot(root, r, ret_fault);
	r = read_all(&g);
	safe_dir_close(&g.dir);
	dm_kernel_destroy(&g.kernel);
	alloc_free(g.table);
	alloc_free(g.status);
	return r;
}

static void destroy_lists(struct host *h)
{
	for (size_t i = 0; i < h->nr_mnt_dirs; i++)
		alloc_free(h->mnt_dirs[i].name);
	for (size_t i = 0; i < h->nr_loops; i++)
		alloc_free(h->loops[i].file);
}

void host_destroy(struct host *h)
{
	destroy_lists(h);
	alloc_free(h->devices);
	alloc_free(h->by_hash);
	alloc_free(h->by_id);
	alloc_free(h->statuses);
	alloc_free(h->pool_metadata);
	alloc_free(h->mnt_dirs);
	alloc_free(h->loops);
	pool_table_destroy(&h->table);
	mount_table_destroy(&h->mounts);
	*h = (struct host){ 0 };
}
