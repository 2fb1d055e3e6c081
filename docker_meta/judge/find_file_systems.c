/* SPDX-License-Identifier: MIT
 * find_file_systems.c: what is in the devices, against Docker's files (J8, J16, J17).
 */
#include <inttypes.h>
#include <string.h>
#include <strings.h>

#include "common/base/alloc.h"
#include "docker_meta/judge/findings_internal.h"

/*
 * mkfs leaves out a last group that would be too small: of xfs one below 16 MiB, of ext4 one that
 * would have no room for its own tables.
 */
#define LEFT_OUT (UINT64_C(16) << 20)

static void find_size(struct finder *f, const struct device_row *row, const struct file_system *fs)
{
	const uint64_t size = row->record->size;
	struct meta_finding *x;

	if (fs->bytes <= size && size - fs->bytes <= LEFT_OUT)
		return;
	x = finder_add_of_device(f, ROW_J8, row);
	finder_found(f, x, alloc_printf("metadata/%s", row->hash), "size %" PRIu64, size);
	finder_against(f, x, alloc_printf("%s in device %" PRIu64, fs->type, row->id),
		       "%" PRIu64 " bytes", fs->bytes);
	/* The kernel does not mount what is larger than its device. */
	if (fs->bytes > size)
		x->severity = META_ERROR;
}

static void find_base(struct finder *f, const struct device_row *base, const struct file_system *fs)
{
	const struct driver_state *d = &f->d->driver;
	struct meta_finding *x;

	if (d->base_uuid && *d->base_uuid && strcasecmp(d->base_uuid, fs->uuid) != 0) {
		x = finder_add_of_device(f, ROW_J16, base);
		finder_found(f, x, alloc_string("deviceset-metadata"), "BaseDeviceUUID %.40s",
			     d->base_uuid);
		finder_against(f, x, alloc_printf("%s in device %" PRIu64, fs->type, base->id),
			       "UUID %s", fs->uuid);
	}
	if (d->base_filesystem && *d->base_filesystem &&
	    strcmp(d->base_filesystem, fs->type) != 0) {
		x = finder_add_of_device(f, ROW_J17, base);
		finder_found(f, x, alloc_string("deviceset-metadata"), "BaseDeviceFilesystem %.40s",
			     d->base_filesystem);
		finder_against(f, x, alloc_printf("device %" PRIu64, base->id), "%s", fs->type);
	}
}

void find_in_file_systems(struct finder *f)
{
	const struct pool_data *data = f->facts->data;

	for (size_t i = 0; i < f->t->nr && data->looked_at; i++) {
		const struct device_row *row = &f->t->rows[i];
		const struct file_system *fs = row->record ? pool_data_find(data, row) : NULL;

		if (!fs || !device_is_settled(row))
			continue;
		find_size(f, row, fs);
		if (row->role == ROLE_BASE)
			find_base(f, row, fs);
	}
}
