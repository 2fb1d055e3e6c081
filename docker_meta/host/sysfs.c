/* SPDX-License-Identifier: MIT
 * sysfs.c: loop devices, and the devices below the pool.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "common/base/alloc.h"
#include "common/base/number.h"
#include "docker_meta/host/host_internal.h"
#include "docker_meta/host/kernel_file.h"

#define OPEN_DIR (O_RDONLY | O_DIRECTORY | O_NONBLOCK | O_CLOEXEC)

static bool parse_device(const char *text, unsigned int *ret_major, unsigned int *ret_minor)
{
	const char *colon = strchr(text, ':');
	uint64_t major, minor;
	char first[16] = "";

	if (!colon || (size_t)(colon - text) >= sizeof(first))
		return false;
	memcpy(first, text, (size_t)(colon - text));
	if (!parse_u64(first, &major) || !parse_u64(colon + 1, &minor) || major > UINT32_MAX ||
	    minor > UINT32_MAX)
		return false;
	*ret_major = (unsigned int)major;
	*ret_minor = (unsigned int)minor;
	return true;
}

/* ---- loop devices */

static int add_loop(struct host *h, struct host_loop *loop, const char *file)
{
	static const char deleted[] = " (deleted)";
	const size_t n = strlen(file), suffix = sizeof(deleted) - 1;
	struct host_loop *grown =
		alloc_grow(h->loops, &h->loops_capacity, h->nr_loops, sizeof(*grown));

	if (!grown)
		return -ENOMEM;
	h->loops = grown;
	loop->deleted = n > suffix && !strcmp(file + n - suffix, deleted);
	loop->file = alloc_printf("%.*s", (int)(loop->deleted ? n - suffix : n), file);
	if (!loop->file)
		return -ENOMEM;
	grown[h->nr_loops++] = *loop;
	return 0;
}

static int read_loop(int block, const char *name, struct host *h)
{
	struct host_loop loop = { .file = NULL };
	char path[300], device[32], file[4096];

	(void)snprintf(path, sizeof(path), "%s/dev", name);
	if (!kernel_file_line_at(block, path, device, sizeof(device)) ||
	    !parse_device(device, &loop.major, &loop.minor))
		return 0;
	(void)snprintf(path, sizeof(path), "%s/loop/backing_file", name);
	if (!kernel_file_line_at(block, path, file, sizeof(file)) || !*file)
		return 0;
	return add_loop(h, &loop, file);
}

static int by_file(const void *a, const void *b)
{
	const struct host_loop *la = a, *lb = b;
	int order = strcmp(la->file, lb->file);

	return order ? order : (la->minor > lb->minor) - (la->minor < lb->minor);
}

int host_loops_read(const char *sys, struct host *h)
{
	char path[4096];
	struct dirent *e;
	DIR *d;
	int r = 0;

	(void)snprintf(path, sizeof(path), "%s/block", sys);
	d = opendir(path);
	while (d && !r && (e = readdir(d))) {
		if (!strncmp(e->d_name, "loop", 4))
			r = read_loop(dirfd(d), e->d_name, h);
	}
	if (d)
		closedir(d);
	if (r != -ENOMEM && h->nr_loops)
		qsort(h->loops, h->nr_loops, sizeof(*h->loops), by_file);
	return r;
}

/* ---- the devices below the pool */

static uint64_t sectors_of(const char *sys, unsigned int major, unsigned int minor)
{
	char path[4096], line[32];
	uint64_t sectors;

	(void)snprintf(path, sizeof(path), "%s/dev/block/%u:%u/size", sys, major, minor);
	return kernel_file_line_at(AT_FDCWD, path, line, sizeof(line)) && parse_u64(line, &sectors)
		       ? sectors
		       : 0;
}

static bool is_device(const char *path, unsigned int major, unsigned int minor)
{
	struct stat st;

	return !stat(path, &st) && S_ISBLK(st.st_mode) && st.st_rdev == makedev(major, minor);
}

/* Its name in device-mapper, by number, or what the kernel calls it. */
static char *path_of(const char *sys, const struct dm_kernel *kernel, unsigned int major,
		     unsigned int minor)
{
	char path[4096], link[1024];
	ssize_t n;

	for (size_t i = 0; i < kernel->nr_devices; i++) {
		const struct dm_device *d = &kernel->devices[i];

		if (d->major != major || d->minor != minor)
			continue;
		(void)snprintf(path, sizeof(path), "/dev/mapper/%s", d->name);
		if (is_device(path, major, minor))
			return alloc_string(path);
	}
	(void)snprintf(path, sizeof(path), "/dev/block/%u:%u", major, minor);
	if (is_device(path, major, minor))
		return alloc_string(path);
	(void)snprintf(path, sizeof(path), "%s/dev/block/%u:%u", sys, major, minor);
	n = readlink(path, link, sizeof(link) - 1);
	link[n > 0 ? n : 0] = '\0';
	if (n <= 0 || !strrchr(link, '/'))
		return NULL;
	(void)snprintf(path, sizeof(path), "/dev/%s", strrchr(link, '/') + 1);
	return is_device(path, major, minor) ? alloc_string(path) : NULL;
}

int host_pool_devices_read(const char *sys, const struct dm_kernel *kernel, struct host *h)
{
	const struct dm_thin_pool *pool = h->pool ? &h->pool->target->thin_pool : NULL;
	unsigned int major, minor;

	if (!pool)
		return 0;
	if (parse_device(pool->data, &major, &minor))
		h->data_sectors = sectors_of(sys, major, minor);
	if (!parse_device(pool->metadata, &major, &minor))
		return 0;
	h->metadata_sectors = sectors_of(sys, major, minor);
	h->pool_metadata = path_of(sys, kernel, major, minor);
	return 0;
}

/* ---- file systems */

void host_xfs_read(const char *sys, struct host *h)
{
	char path[4096], line[32];

	for (size_t i = 0; i < h->nr_by_id; i++) {
		(void)snprintf(path, sizeof(path),
			       "%s/fs/xfs/dm-%" PRIu32 "/error/metadata/ENOSPC/max_retries", sys,
			       h->by_id[i]->minor);
		if (h->by_id[i]->has_info &&
		    kernel_file_line_at(AT_FDCWD, path, line, sizeof(line)))
			h->nr_endless_xfs += !strcmp(line, "-1");
	}
}
