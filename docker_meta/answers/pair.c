/* SPDX-License-Identifier: MIT */
#include "docker_meta/answers/pair.h"

#include <string.h>

#include "docker_meta/facts/parent.h"

static bool takes_name(const char **one, const char *hash)
{
	if (*one && strcmp(*one, hash) != 0)
		return false;
	*one = hash;
	return true;
}

/* Up to 1.9 devices are called as containers. */
static bool old_containers_take(const struct docker_state *d, const char **one)
{
	for (size_t i = 0; i < d->containers.nr_containers; i++) {
		const struct container *c = &d->containers.containers[i];

		if (c->old_layout && !driver_state_find(&d->driver, c->id) &&
		    !takes_name(one, c->id))
			return false;
	}
	return true;
}

static bool builds_take(const struct docker_state *d, const char **one)
{
	for (size_t i = 0; d->has_buildkit && i < d->snapshots.nr; i++) {
		const struct snapshot_record *s = &d->snapshots.records[i];
		const char *device = s->committed ? s->committed : s->key;

		if (device && is_buildkit_name(device) && !driver_state_find(&d->driver, device) &&
		    !takes_name(one, device))
			return false;
	}
	return true;
}

/* The name of the one file that is missing or cannot be used; NULL: there are several, or none. */
static const char *lonely_hash(const struct deletion *deletion)
{
	const struct docker_state *k = deletion->t->docker;
	const struct driver_state *d = &k->driver;
	const char *one = NULL;
	bool single = builds_take(k, &one) && old_containers_take(k, &one);

	for (size_t i = 0; i < d->nr_records && single; i++)
		single = d->records[i].usable || takes_name(&one, d->records[i].hash);
	for (size_t i = 0; i < deletion->names.nr && single; i++)
		single = driver_state_find(d, deletion->names.items[i]) ||
			 takes_name(&one, deletion->names.items[i]);
	if (single && d->nr_records && !driver_state_find(d, "base"))
		single = takes_name(&one, "base");
	return single && one && is_device_name(one) ? one : NULL;
}

/* The row as it would be if it had the name. */
static struct device_row row_called(const struct device_table *t, const struct device_row *row,
				    const char *hash)
{
	const struct layer_store *s = &t->docker->layers;
	struct device_row called = { .id = row->id, .hash = hash, .pool = row->pool };

	for (size_t i = 0; i < s->nr_layers && !called.layer; i++) {
		if (s->layers[i].cache_id && !strcmp(s->layers[i].cache_id, hash))
			called.layer = &s->layers[i];
	}
	for (size_t i = 0; i < s->nr_mounts && !called.mount; i++) {
		const struct mount *m = &s->mounts[i];

		if ((m->mount_id && !strcmp(m->mount_id, hash)) ||
		    (m->init_id && !strcmp(m->init_id, hash)))
			called.mount = m;
	}
	return called;
}

/* By the pool's times it can be a snapshot of what Docker made the device of this name from. */
static bool fits_times(const struct device_table *t, const struct device_row *row, const char *hash)
{
	const struct device_row called = row_called(t, row, hash);
	const struct device_details *own = &row->pool->details, *from;
	const struct device_row *parent;
	const char *missing;

	if (!strcmp(hash, "base"))
		return !own->creation_time;
	parent = device_parent(t, &called, &missing);
	if (!parent || !parent->pool)
		return false;
	from = &parent->pool->details;
	return from->creation_time < own->creation_time &&
	       own->creation_time <= from->snapshotted_time &&
	       from->transaction_id <= own->transaction_id;
}

void lonely_pair_find(const struct deletion *d, struct lonely_pair *ret_pair)
{
	const struct device_table *t = d->t;
	const struct device_row *one = NULL;
	const char *hash;
	size_t nr = 0;

	*ret_pair = (struct lonely_pair){ .row = NULL };
	for (size_t i = 0; i < t->nr; i++) {
		if (t->rows[i].record || t->rows[i].role == ROLE_IN_FLIGHT)
			continue;
		one = &t->rows[i];
		nr++;
	}
	if (nr != 1 || d->closed || !one->pool->complete || device_is_volume(one))
		return;
	hash = lonely_hash(d);
	ret_pair->row = one;
	ret_pair->hash = hash && fits_times(t, one, hash) ? hash : NULL;
}

bool lonely_pair_has(const struct lonely_pair *pair, const char *hash)
{
	return hash && pair->hash && !strcmp(hash, pair->hash);
}
