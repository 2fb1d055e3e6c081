/* SPDX-License-Identifier: MIT
 * find_containers.c: containers and their writable layers (C), and builds (B).
 */
#include <inttypes.h>
#include <string.h>

#include "common/base/alloc.h"
#include "docker_meta/judge/findings_internal.h"

/* Bytes of a container's log: to be told of; that fill the file system of many a host. */
#define LARGE_LOG (UINT64_C(1) << 30)
#define HUGE_LOG (UINT64_C(10) << 30)

static bool has_record(const struct finder *f, const char *hash)
{
	return driver_state_find(&f->d->driver, hash) != NULL;
}

/* ---- writable layers */

static char *mount_file(const struct mount *m, const char *file)
{
	return alloc_printf("layerdb/mounts/%s%s%s", m->name, *file ? "/" : "", file);
}

/* What comes back with the devices of a writable layer. */
static uint64_t bytes_of_mount(const struct finder *f, const struct mount *m)
{
	const char *const hashes[] = { m->mount_id, m->init_id };
	const struct device_set *last = NULL;
	uint64_t nr = 0;

	for (size_t i = 0; i < ARRAY_SIZE(hashes); i++) {
		const struct device_row *row =
			hashes[i] ? device_table_find(f->t, hashes[i]) : NULL;
		const struct device_set *set =
			row ? device_set_of(f->facts->sets, f->t, row) : NULL;

		if (!set || set == last || !row->pool)
			continue;
		/* Of a set that has more than this layer, the device's own. */
		nr += set->mount == m ? set->nr_exclusive : row->pool->nr_exclusive;
		last = set->mount == m ? set : NULL;
	}
	return device_table_bytes(f->t, nr);
}

static void add_devices(struct finder *f, struct meta_finding *x, const struct mount *m)
{
	const char *const hashes[] = { m->mount_id, m->init_id };

	for (size_t i = 0; i < ARRAY_SIZE(hashes); i++) {
		const struct device_row *row =
			hashes[i] ? device_table_find(f->t, hashes[i]) : NULL;

		if (row)
			finder_add_device(f, x, row);
	}
	x->bytes = bytes_of_mount(f, m);
}

static void find_without_container(struct finder *f, const struct mount *m)
{
	const bool build = !m->init_id;
	struct meta_finding *x = finder_add(f, build ? ROW_B4 : ROW_C1, subject_of_mount(f->d, m));

	finder_found(f, x, mount_file(m, ""), build ? "no init device: a build's" : "is there");
	finder_against(f, x, alloc_string("containers/"), "no such container");
	x->unproven =
		!f->d->containers.complete || f->t->doubts.containers_gone || f->t->doubts.ghosts;
	add_devices(f, x, m);
}

/* What docker rm leaves undone when it is interrupted: it goes on with the container's removal. */
static bool is_being_removed(const struct finder *f, const struct mount *m)
{
	const struct container *c = container_store_find(&f->d->containers, m->name);

	return c && (c->dead || c->removing);
}

static void find_missing_device(struct finder *f, const struct mount *m, enum meta_row_id id,
				const char *file, const char *hash)
{
	struct meta_finding *x;

	if (!hash || has_record(f, hash))
		return;
	x = finder_add(f, id, subject_of_mount(f->d, m));
	finder_found(f, x, mount_file(m, file), "%s", hash);
	finder_against(f, x, alloc_string("metadata/"), "no such device");
	if (is_being_removed(f, m))
		x->severity = META_INFO;
}

static void find_in_mount(struct finder *f, const struct mount *m)
{
	struct meta_finding *x;

	if (m->whole && !container_store_find(&f->d->containers, m->name))
		find_without_container(f, m);
	find_missing_device(f, m, ROW_C3, "mount-id", m->mount_id);
	find_missing_device(f, m, ROW_C4, "init-id", m->init_id);
	if (!*m->parent || layer_store_find(&f->d->layers, m->parent))
		return;
	x = finder_add(f, ROW_C6, subject_of_mount(f->d, m));
	finder_found(f, x, mount_file(m, "parent"), "%s", m->parent);
	finder_against(f, x, alloc_string("layerdb"), "no such layer");
}

/* ---- containers */

static char *container_file(const struct container *c)
{
	return alloc_printf("containers/%s", c->id);
}

/* Of its own device: its size, and how large its log has become. */
static void find_sizes(struct finder *f, const struct container *c)
{
	const struct mount *m = layer_store_find_mount(&f->d->layers, c->id);
	const char *hash = m ? m->mount_id : c->id;
	const struct device_row *row = hash ? device_table_find(f->t, hash) : NULL;
	struct meta_finding *x;

	if (c->asked_size && row && row->record && row->record->size != c->asked_size) {
		x = finder_add_of_device(f, ROW_C11, row);
		x->subject = subject_of_container(c);
		finder_found(f, x, alloc_printf("containers/%s/hostconfig.json", c->id),
			     "size %" PRIu64, c->asked_size);
		finder_against(f, x, alloc_printf("metadata/%s", row->hash), "size %" PRIu64,
			       row->record->size);
	}
	if (c->log_size < LARGE_LOG)
		return;
	x = finder_add(f, ROW_C14, subject_of_container(c));
	finder_found(f, x, alloc_printf("containers/%s/%s-json.log", c->id, c->id),
		     "%" PRIu64 " bytes", c->log_size);
	if (c->log_size >= HUGE_LOG)
		x->severity = META_WARNING;
}

static void find_removed(struct finder *f, const struct container *c, const struct mount *m)
{
	struct meta_finding *x = finder_add(f, ROW_C7, subject_of_container(c));

	finder_found(f, x, container_file(c), c->dead ? "Dead" : "RemovalInProgress");
	if (m)
		x->bytes = bytes_of_mount(f, m);
}

static void find_in_container(struct finder *f, const struct container *c)
{
	const struct mount *m = layer_store_find_mount(&f->d->layers, c->id);
	const struct subject s = subject_of_container(c);
	const bool is_going = c->dead || c->removing;
	struct meta_finding *x;

	if (!c->whole)
		return;
	if (strcmp(c->driver, "devicemapper") != 0) {
		finder_found(f, finder_add(f, ROW_C9, s), container_file(c), "Driver %s",
			     c->driver);
		return;
	}
	if (c->old_layout && f->d->graph.present && !f->d->graph.current)
		finder_found(f, finder_add(f, ROW_L18, s), container_file(c),
			     "config.json alone, which Docker since 1.10 does not read");
	if (!c->old_layout && !m && !is_going) {
		x = finder_add(f, ROW_C2, s);
		finder_found(f, x, container_file(c), "is there");
		finder_against(f, x, alloc_string("layerdb/mounts"), "no such layer");
	}
	if (is_going)
		find_removed(f, c, m);
	if (*c->image && f->d->images.present && !image_store_find(&f->d->images, c->image)) {
		x = finder_add(f, ROW_C10, s);
		finder_found(f, x, container_file(c), "image %s", c->image);
		finder_against(f, x, alloc_string("imagedb"), "no such image");
	}
	find_sizes(f, c);
}

/* ---- builds */

static void find_in_snapshot(struct finder *f, const struct snapshot_record *s)
{
	struct meta_finding *x;

	if (!s->committed || !is_buildkit_name(s->committed) || has_record(f, s->committed))
		return;
	x = finder_add(f, ROW_B2, subject_named(SUBJECT_SNAPSHOT, s->key));
	finder_found(f, x, alloc_string("buildkit/snapshots.db"), "%s has the device %s", s->key,
		     s->committed);
	finder_against(f, x, alloc_string("metadata/"), "no such device");
}

static void find_in_builds(struct finder *f)
{
	const struct snapshot_table *t = &f->d->snapshots;
	struct meta_finding *x;

	if (!f->d->has_buildkit && f->t->doubts.builds_unknown) {
		x = finder_add(f, ROW_B3, subject_named(SUBJECT_FILE, "snapshots.db"));
		finder_found(f, x, alloc_string("buildkit/snapshots.db"), "is missing");
		finder_against(f, x, alloc_string("metadata/"), "devices of BuildKit's");
	}
	for (size_t i = 0; i < t->nr; i++)
		find_in_snapshot(f, &t->records[i]);
}

void find_in_containers(struct finder *f)
{
	for (size_t i = 0; i < f->d->layers.nr_mounts; i++)
		find_in_mount(f, &f->d->layers.mounts[i]);
	for (size_t i = 0; i < f->d->containers.nr_containers; i++)
		find_in_container(f, &f->d->containers.containers[i]);
	find_in_builds(f);
}
