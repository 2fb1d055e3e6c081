/* SPDX-License-Identifier: MIT
 * find_file_systems.c: what is in the devices, against Docker's files (J8, J16, J17).
 */
#include <inttypes.h>
#include <string.h>
#include <strings.h>

#include "docker_meta/judge/findings_internal.h"

/*
 * mkfs leaves out a last group that would be too small: of xfs one below 16 MiB, of ext4 one that
 * would have no room for its own tables.
 */
#define LEFT_OUT (UINT64_C(16) << 20)

static int find_size(struct finder *f, const struct device_row *row, const struct file_system *fs)
{
	const uint64_t size = row->record->size;
	struct meta_finding *last = NULL;
	int r;

	if (fs->bytes <= size && size - fs->bytes <= LEFT_OUT)
		return 0;
	r = finder_add_of_device(
		f, ROW_J8, row, "metadata/%s: size %" PRIu64 ", the %s in it has %" PRIu64 " bytes",
		row->hash, size, fs->type, fs->bytes);
	if (!r)
		last = &f->list->items[f->list->nr - 1];
	/* The kernel does not mount what is larger than its device. */
	if (last && fs->bytes > size)
		last->severity = META_ERROR;
	return r;
}

static int find_base(struct finder *f, const struct device_row *base, const struct file_system *fs)
{
	const struct driver_state *d = &f->t->docker->driver;
	int r = 0;

	if (d->base_uuid && *d->base_uuid && strcasecmp(d->base_uuid, fs->uuid) != 0)
		r = finder_add_of_device(f, ROW_J16, base,
					 "deviceset-metadata: BaseDeviceUUID %.40s, the %s in "
					 "device %" PRIu64 " has %s",
					 d->base_uuid, fs->type, base->id, fs->uuid);
	if (!r && d->base_filesystem && *d->base_filesystem &&
	    strcmp(d->base_filesystem, fs->type) != 0)
		r = finder_add_of_device(
			f, ROW_J17, base,
			"deviceset-metadata: BaseDeviceFilesystem %.40s, in device "
			"%" PRIu64 " is %s",
			d->base_filesystem, base->id, fs->type);
	return r;
}

int find_in_file_systems(struct finder *f)
{
	const struct pool_data *data = f->facts->data;
	int r = 0;

	for (size_t i = 0; i < f->t->nr && !r && data->looked_at; i++) {
		const struct device_row *row = &f->t->rows[i];
		const struct file_system *fs = row->record ? pool_data_find(data, row) : NULL;

		if (!fs || f->t->another_pool || !device_is_settled(row))
			continue;
		r = find_size(f, row, fs);
		if (!r && row->role == ROLE_BASE)
			r = find_base(f, row, fs);
	}
	return r;
}
