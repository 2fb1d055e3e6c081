/* SPDX-License-Identifier: MIT
 * find_mount_points.c: what lies in ROOT/devicemapper/mnt (M1 to M3).
 *
 * Up to 17.11 an empty directory stays for each device that was ever mounted; later versions remove
 * it when they unmount.
 */
#include <string.h>

#include "docker_meta/judge/findings_internal.h"

static int find_strange(struct finder *f, const struct mnt_dir *d)
{
	struct meta_finding *last;
	int r = finder_add(f, ROW_M1, d->name, &last, "mnt/%.70s: metadata/ has no such device%s",
			   d->name,
			   d->mounted      ? "; something is mounted on it"
			   : d->empty      ? ""
			   : d->unreadable ? "; it cannot be read"
					   : "; there are files in it");

	if (!r && !d->empty)
		last->severity = META_WARNING;
	return r;
}

/* A copy that was made while it was mounted has the device's own files there. */
static int find_files(struct finder *f, const struct mnt_dir *d)
{
	struct meta_finding *last;
	int r = finder_add(f, ROW_M3, d->name, &last,
			   "mnt/%.70s: files, and nothing is mounted on it", d->name);

	if (!r && !f->facts->host->is_home) {
		last->severity = META_INFO;
		last->unproven = true;
	}
	return r;
}

static bool is_mounted(const struct host *h, const struct mnt_dir *d)
{
	return d->mounted || host_mount_of(h, d->name);
}

static int find_in_known(struct finder *f, const struct mnt_dir *d)
{
	const struct host *h = f->facts->host;
	const struct device_row *row = device_table_find(f->t, d->name);
	int r = 0;

	if (is_mounted(h, d) || d->unreadable)
		return 0;
	if (!d->empty)
		r = find_files(f, d);
	else if (h->is_home && h->has_mounts && f->t->docker->has_buildkit)
		r = finder_add(f, ROW_M2, d->name, NULL, "mnt/%.70s: nothing is mounted on it",
			       d->name);
	else
		return 0;
	return r || !row ? r : finder_add_device(f, row);
}

int find_in_mount_points(struct finder *f)
{
	const struct host *h = f->facts->host;
	const struct driver_state *d = &f->t->docker->driver;
	int r = 0;

	if (!d->present)
		return 0;
	for (size_t i = 0; i < h->nr_mnt_dirs && !r; i++) {
		if (driver_state_find(d, h->mnt_dirs[i].name))
			r = find_in_known(f, &h->mnt_dirs[i]);
		else
			r = find_strange(f, &h->mnt_dirs[i]);
	}
	return r;
}
