/* SPDX-License-Identifier: MIT */
#include "docker_meta/host/dm.h"

#include <errno.h>
#include <inttypes.h>
#include <libdevmapper.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/base/alloc.h"

enum { PAUSE = 200000 }; /* microseconds: a snapshot suspends its origin for less */

/* ---- tasks */

/* We only ask, and an answer that fails is none. */
static void stay_quiet(int level, const char *file, int line, int dm_errno, const char *format, ...)
{
	(void)level;
	(void)file;
	(void)line;
	(void)dm_errno;
	(void)format;
}

/*
 * To open the control device would load the module, and the library would make the device where it
 * is not there.
 */
static int is_there(void)
{
	if (access("/sys/class/misc/device-mapper", F_OK) || access("/dev/mapper/control", F_OK))
		return -ENODEV;
	if (access("/dev/mapper/control", R_OK | W_OK))
		return -EACCES;
	dm_log_with_errno_init(stay_quiet);
	return 0;
}

static struct dm_task *ask(int type, const char *name)
{
	struct dm_task *task = dm_task_create(type);

	if (!task)
		return NULL;
	if ((name && !dm_task_set_name(task, name)) || !dm_task_no_flush(task) ||
	    !dm_task_run(task)) {
		dm_task_destroy(task);
		return NULL;
	}
	return task;
}

/* ---- as dmsetup prints it */

static int append(struct dm_text *t, const char *format, ...) printf_like(2, 3);

static int append(struct dm_text *t, const char *format, ...)
{
	va_list args;
	char *line, *grown = t->text;
	size_t bytes;

	va_start(args, format);
	line = alloc_vprintf(format, args);
	va_end(args);
	bytes = line ? strlen(line) : 0;
	if (line && t->bytes + bytes >= t->capacity)
		grown = alloc_grow(t->text, &t->capacity, t->bytes + bytes, 1);
	if (!line || !grown) {
		alloc_free(line);
		return -ENOMEM;
	}
	t->text = grown;
	memcpy(t->text + t->bytes, line, bytes + 1);
	t->bytes += bytes;
	alloc_free(line);
	return 0;
}

static int append_targets(struct dm_text *t, const char *name, struct dm_task *task,
			  bool *ret_is_pool)
{
	char *target = NULL, *parameters = NULL;
	uint64_t begin = 0, length = 0;
	void *next = NULL;
	int r = 0;

	do {
		next = dm_get_next_target(task, next, &begin, &length, &target, &parameters);
		if (!target)
			break;
		*ret_is_pool |= !strcmp(target, "thin-pool");
		r = append(t, "%s: %" PRIu64 " %" PRIu64 " %s %s\n", name, begin, length, target,
			   parameters ? parameters : "");
	} while (next && !r);
	return r;
}

/* ---- devices */

static int add_device(struct dm_kernel *k, const char *name, const struct dm_info *info)
{
	struct dm_device *grown =
		alloc_grow(k->devices, &k->capacity, k->nr_devices, sizeof(*grown));
	char *own = alloc_string(name);

	if (grown)
		k->devices = grown;
	if (!grown || !own) {
		alloc_free(own);
		return -ENOMEM;
	}
	grown[k->nr_devices++] = (struct dm_device){
		.name = own,
		.major = info->major,
		.minor = info->minor,
		.suspended = info->suspended,
		.deferred_remove = info->deferred_remove,
		.open_count = info->open_count > 0 ? (uint32_t)info->open_count : 0,
	};
	return 0;
}

/* One that went away meanwhile is none. */
static int read_device(struct dm_kernel *k, const char *name)
{
	struct dm_task *task = ask(DM_DEVICE_TABLE, name);
	struct dm_info info = { 0 };
	bool is_pool = false, ignored = false;
	int r = 0;

	if (!task)
		return 0;
	if (dm_task_get_info(task, &info) && info.exists) {
		r = add_device(k, name, &info);
		if (!r)
			r = append_targets(&k->table, name, task, &is_pool);
	}
	dm_task_destroy(task);
	if (r || !is_pool)
		return r;
	task = ask(DM_DEVICE_STATUS, name);
	if (!task)
		return 0;
	r = append_targets(&k->status, name, task, &ignored);
	dm_task_destroy(task);
	return r;
}

static void look_again(struct dm_device *d)
{
	struct dm_task *task = ask(DM_DEVICE_INFO, d->name);
	struct dm_info info = { 0 };

	d->suspended = task && dm_task_get_info(task, &info) && info.exists && info.suspended;
	if (task)
		dm_task_destroy(task);
}

/* The driver suspends a device for a moment while it makes a snapshot of it. */
static void confirm_suspended(struct dm_kernel *k)
{
	bool paused = false;

	for (size_t i = 0; i < k->nr_devices; i++) {
		if (!k->devices[i].suspended)
			continue;
		if (!paused)
			(void)usleep(PAUSE);
		paused = true;
		look_again(&k->devices[i]);
	}
}

static int by_name(const void *a, const void *b)
{
	return strcmp(((const struct dm_device *)a)->name, ((const struct dm_device *)b)->name);
}

static int read_devices(struct dm_kernel *k, const struct dm_names *names)
{
	int r = 0;

	while (names && names->dev && !r) {
		r = read_device(k, names->name);
		if (!names->next)
			break;
		names = (const struct dm_names *)(const void *)((const char *)names + names->next);
	}
	return r;
}

int dm_kernel_read(struct dm_kernel *ret_kernel)
{
	struct dm_task *list;
	int r = is_there();

	*ret_kernel = (struct dm_kernel){ 0 };
	if (r)
		return r;
	list = ask(DM_DEVICE_LIST, NULL);
	if (!list)
		return -EIO;
	r = read_devices(ret_kernel, dm_task_get_names(list));
	dm_task_destroy(list);
	confirm_suspended(ret_kernel);
	if (r != -ENOMEM && ret_kernel->nr_devices)
		qsort(ret_kernel->devices, ret_kernel->nr_devices, sizeof(*ret_kernel->devices),
		      by_name);
	return r;
}

void dm_kernel_destroy(struct dm_kernel *k)
{
	for (size_t i = 0; i < k->nr_devices; i++)
		alloc_free(k->devices[i].name);
	alloc_free(k->devices);
	alloc_free(k->table.text);
	alloc_free(k->status.text);
	*k = (struct dm_kernel){ 0 };
}

static int has_name(const void *name, const void *device)
{
	return strcmp(name, ((const struct dm_device *)device)->name);
}

const struct dm_device *dm_kernel_find(const struct dm_kernel *k, const char *name)
{
	return k->nr_devices
		       ? bsearch(name, k->devices, k->nr_devices, sizeof(*k->devices), has_name)
		       : NULL;
}

/* ---- the two messages */

static int send(const char *pool, const char *message)
{
	struct dm_task *task;
	int r = is_there();

	if (r)
		return r;
	task = dm_task_create(DM_DEVICE_TARGET_MSG);
	if (!task)
		return -ENOMEM;
	if (!dm_task_set_name(task, pool) || !dm_task_set_sector(task, 0) ||
	    !dm_task_set_message(task, message))
		r = -EINVAL;
	else if (!dm_task_run(task))
		r = dm_task_get_errno(task) ? -dm_task_get_errno(task) : -EIO;
	dm_task_destroy(task);
	return r;
}

int dm_reserve_metadata_snap(const char *pool)
{
	return send(pool, "reserve_metadata_snap");
}

int dm_release_metadata_snap(const char *pool)
{
	return send(pool, "release_metadata_snap");
}
