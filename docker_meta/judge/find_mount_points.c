/* SPDX-License-Identifier: MIT
 * find_mount_points.c: what lies in ROOT/devicemapper/mnt (M1 to M3).
 *
 * Up to 17.11 an empty directory stays for each device that was ever mounted; later versions remove
 * it when they unmount.
 */
#include <string.h>

#include "common/base/alloc.h"
#include "docker_meta/judge/findings_internal.h"

static struct meta_finding *add_of(struct finder *f, enum meta_row_id id, const struct mnt_dir *d,
				   const char *text)
{
	struct meta_finding *x = finder_add(f, id, subject_named(SUBJECT_MNT_DIR, d->name));

	finder_found(f, x, alloc_printf("mnt/%s", d->name), "%s", text);
	return x;
}

static void find_strange(struct finder *f, const struct mnt_dir *d)
{
	struct meta_finding *x = add_of(f, ROW_M1, d,
					d->mounted      ? "something is mounted on it"
					: d->empty      ? "an empty directory"
					: d->unreadable ? "it cannot be read"
							: "there are files in it");

	finder_against(f, x, alloc_string("metadata/"), "no such device");
	if (!d->empty)
		x->severity = META_WARNING;
}

/* A copy that was made while it was mounted has the device's own files there. */
static struct meta_finding *find_files(struct finder *f, const struct mnt_dir *d)
{
	struct meta_finding *x = add_of(f, ROW_M3, d, "files, and nothing is mounted on it");

	if (!f->facts->host->is_home)
		finding_doubt(x);
	return x;
}

static bool is_mounted(const struct host *h, const struct mnt_dir *d)
{
	return d->mounted || host_mount_of(h, d->name);
}

static void find_in_known(struct finder *f, const struct mnt_dir *d)
{
	const struct host *h = f->facts->host;
	const struct device_row *row = device_table_find(f->t, d->name);
	struct meta_finding *x = NULL;

	if (is_mounted(h, d) || d->unreadable)
		return;
	if (!d->empty)
		x = find_files(f, d);
	else if (h->is_home && h->has_mounts && f->d->has_buildkit)
		x = add_of(f, ROW_M2, d, "nothing is mounted on it");
	if (x && row)
		finder_add_device(f, x, row);
}

void find_in_mount_points(struct finder *f)
{
	const struct host *h = f->facts->host;

	for (size_t i = 0; i < h->nr_mnt_dirs && f->d->driver.present; i++) {
		if (driver_state_find(&f->d->driver, h->mnt_dirs[i].name))
			find_in_known(f, &h->mnt_dirs[i]);
		else
			find_strange(f, &h->mnt_dirs[i]);
	}
}
