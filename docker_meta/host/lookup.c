/* SPDX-License-Identifier: MIT
 * lookup.c: what the host says of one device.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "docker_meta/host/host.h"

static int has_name(const void *name, const void *device)
{
	return strcmp(name, ((const struct host_device *)device)->name);
}

const struct host_device *host_device_named(const struct host *h, const char *dm_name)
{
	return h->nr_devices
		       ? bsearch(dm_name, h->devices, h->nr_devices, sizeof(*h->devices), has_name)
		       : NULL;
}

const struct host_device *host_device_of(const struct host *h, const char *hash)
{
	size_t low = 0, high = h->nr_by_hash;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (strcmp(h->by_hash[middle]->hash, hash) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return low < h->nr_by_hash && !strcmp(h->by_hash[low]->hash, hash) ? h->by_hash[low] : NULL;
}

static int has_id(const void *id, const void *device)
{
	const uint64_t wanted = *(const uint64_t *)id,
		       own = (*(const struct host_device *const *)device)->target->thin.device_id;

	return (wanted > own) - (wanted < own);
}

const struct host_device *host_device_with_id(const struct host *h, uint64_t id)
{
	const struct host_device **found =
		h->nr_by_id ? bsearch(&id, h->by_id, h->nr_by_id, sizeof(const void *), has_id)
			    : NULL;

	return found ? *found : NULL;
}

const struct host_mount *host_mount_of(const struct host *h, const char *hash)
{
	return mount_table_find(&h->mounts, hash);
}

static void tell_mount(const struct mount_table *t, const struct host_mount *m, char *text,
		       size_t size)
{
	const struct mount_namespace *n = &t->namespaces[m->namespace];

	if (n->pid)
		(void)snprintf(text, size, "mounted on %s, by %s (process %" PRIu64 ")", m->point,
			       n->holder, n->pid);
	else
		(void)snprintf(text, size, "mounted on %s", m->point);
}

bool host_busy(const struct host *h, const char *hash, uint64_t id, char *text, size_t size)
{
	const struct host_device *device = host_device_with_id(h, id);
	const struct host_mount *m = hash ? host_mount_of(h, hash) : NULL;

	*text = '\0';
	if (!device && hash)
		device = host_device_of(h, hash);
	if (!m && device && device->hash)
		m = host_mount_of(h, device->hash);
	if (m)
		tell_mount(&h->mounts, m, text, size);
	else if (device && device->has_info)
		(void)snprintf(text, size, "active as %s, opened by %" PRIu32, device->name,
			       device->open_count);
	else if (device)
		(void)snprintf(text, size, "active as %s", device->name);
	return m || device;
}
