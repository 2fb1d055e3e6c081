/* SPDX-License-Identifier: MIT
 * find_containers.c: containers and their writable layers (C), and builds (B).
 */
#include <inttypes.h>
#include <string.h>

#include "docker_meta/judge/findings_internal.h"

/* Bytes of a container's log: to be told of; that fill the file system of many a host. */
#define LARGE_LOG (UINT64_C(1) << 30)
#define HUGE_LOG (UINT64_C(10) << 30)

static bool has_record(const struct finder *f, const char *hash)
{
	return driver_state_find(&f->t->docker->driver, hash) != NULL;
}

static const char *name_of(const struct finder *f, const struct mount *m)
{
	const struct container *c = container_store_find(&f->t->docker->containers, m->name);

	return c ? c->name : m->name;
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

static int add_devices(struct finder *f, const struct mount *m)
{
	const char *const hashes[] = { m->mount_id, m->init_id };
	int r = 0;

	for (size_t i = 0; i < ARRAY_SIZE(hashes) && !r; i++) {
		const struct device_row *row =
			hashes[i] ? device_table_find(f->t, hashes[i]) : NULL;

		if (row)
			r = finder_add_device(f, row);
	}
	f->list->items[f->list->nr - 1].bytes = bytes_of_mount(f, m);
	return r;
}

static int find_without_container(struct finder *f, const struct mount *m)
{
	const bool build = !m->init_id;
	int r = finder_add(f, build ? ROW_B4 : ROW_C1, m->name, NULL,
			   build ? "layerdb/mounts/%s is of no container: it was a build's"
				 : "layerdb/mounts/%s: containers/ has no such container",
			   m->name);

	if (!r)
		f->list->items[f->list->nr - 1].unproven = !f->t->docker->containers.complete ||
							   f->t->doubts.containers_gone ||
							   f->t->doubts.ghosts;
	return r ? r : add_devices(f, m);
}

/* What docker rm leaves undone when it is interrupted: it goes on with the container's removal. */
static bool is_being_removed(const struct finder *f, const struct mount *m)
{
	const struct container *c = container_store_find(&f->t->docker->containers, m->name);

	return c && (c->dead || c->removing);
}

static int find_missing_device(struct finder *f, const struct mount *m, enum meta_row_id id,
			       const char *file, const char *hash)
{
	struct meta_finding *last;
	int r;

	if (!hash || has_record(f, hash))
		return 0;
	r = finder_add(f, id, name_of(f, m), &last,
		       "layerdb/mounts/%s/%s: %s, which metadata/ has not", m->name, file, hash);
	if (!r && is_being_removed(f, m))
		last->severity = META_INFO;
	return r;
}

static int find_in_mount(struct finder *f, const struct mount *m)
{
	int r = 0;

	if (m->whole && !container_store_find(&f->t->docker->containers, m->name))
		r = find_without_container(f, m);
	if (!r)
		r = find_missing_device(f, m, ROW_C3, "mount-id", m->mount_id);
	if (!r)
		r = find_missing_device(f, m, ROW_C4, "init-id", m->init_id);
	if (!r && *m->parent && !layer_store_find(&f->t->docker->layers, m->parent))
		r = finder_add(f, ROW_C6, name_of(f, m), NULL,
			       "layerdb/mounts/%s/parent: %s, which layerdb has not", m->name,
			       m->parent);
	return r;
}

/* Of its own device: its size, and how large its log has become. */
static int find_sizes(struct finder *f, const struct container *c)
{
	const struct mount *m = layer_store_find_mount(&f->t->docker->layers, c->id);
	const char *hash = m ? m->mount_id : c->id;
	const struct device_row *row = hash ? device_table_find(f->t, hash) : NULL;
	struct meta_finding *last;
	int r = 0;

	if (c->asked_size && row && row->record && row->record->size != c->asked_size)
		r = finder_add_of_device(f, ROW_C11, row,
					 "containers/%s/hostconfig.json: size %" PRIu64
					 ", metadata/%s: %" PRIu64,
					 c->id, c->asked_size, row->hash, row->record->size);
	if (r || c->log_size < LARGE_LOG)
		return r;
	r = finder_add(f, ROW_C14, c->name, &last, "containers/%s/%s-json.log: %" PRIu64 " bytes",
		       c->id, c->id, c->log_size);
	if (!r && c->log_size >= HUGE_LOG)
		last->severity = META_WARNING;
	return r;
}

static int find_in_container(struct finder *f, const struct container *c)
{
	const struct docker_state *d = f->t->docker;
	const struct mount *m = layer_store_find_mount(&d->layers, c->id);
	struct meta_finding *last;
	int r = 0;

	if (!c->whole)
		return 0;
	if (strcmp(c->driver, "devicemapper") != 0)
		return finder_add(f, ROW_C9, c->name, NULL, "containers/%s: Driver %.40s", c->id,
				  c->driver);
	if (c->old_layout && d->graph.present && !d->graph.current)
		r = finder_add(f, ROW_L18, c->name, NULL,
			       "containers/%s has config.json alone: Docker since 1.10 does "
			       "not know it",
			       c->id);
	if (!r && !c->old_layout && !m && !c->dead && !c->removing)
		r = finder_add(f, ROW_C2, c->name, NULL,
			       "containers/%s: layerdb/mounts has no such layer", c->id);
	if (!r && (c->dead || c->removing)) {
		r = finder_add(f, ROW_C7, c->name, &last, "containers/%s: %s", c->id,
			       c->dead ? "Dead" : "RemovalInProgress");
		if (!r && m)
			last->bytes = bytes_of_mount(f, m);
	}
	if (!r && *c->image && d->images.present && !image_store_find(&d->images, c->image))
		r = finder_add(f, ROW_C10, c->name, NULL, "containers/%s: image %s", c->id,
			       c->image);
	return r ? r : find_sizes(f, c);
}

static int find_in_builds(struct finder *f)
{
	const struct snapshot_table *t = &f->t->docker->snapshots;
	int r = 0;

	if (!f->t->docker->has_buildkit && f->t->doubts.builds_unknown)
		r = finder_add(f, ROW_B3, "snapshots.db", NULL,
			       "buildkit/snapshots.db: it is not there, and the driver has "
			       "devices of BuildKit's");

	for (size_t i = 0; i < t->nr && !r; i++) {
		const struct snapshot_record *s = &t->records[i];

		if (s->committed && is_buildkit_name(s->committed) && !has_record(f, s->committed))
			r = finder_add(f, ROW_B2, s->key, NULL,
				       "snapshots.db: %s has the device %s, which metadata/ "
				       "has not",
				       s->key, s->committed);
	}
	return r;
}

int find_in_containers(struct finder *f)
{
	const struct docker_state *d = f->t->docker;
	int r = 0;

	for (size_t i = 0; i < d->layers.nr_mounts && !r; i++)
		r = find_in_mount(f, &d->layers.mounts[i]);
	for (size_t i = 0; i < d->containers.nr_containers && !r; i++)
		r = find_in_container(f, &d->containers.containers[i]);
	return r ? r : find_in_builds(f);
}
