/* SPDX-License-Identifier: MIT
 * judge.c: what the host and the moment of looking say about findings that were made without them.
 */
#include <string.h>

#include "common/base/alloc.h"
#include "docker_meta/judge/findings_internal.h"

/* ---- busy devices */

/*
 * A pull or a build makes and mounts a device long before it says whose it is.  Where no dockerd
 * runs, nobody does.
 */
static bool may_be_in_the_making(const struct host *h, const struct device_row *row)
{
	const struct host_mount *m = row->hash ? host_mount_of(h, row->hash) : NULL;

	if (!m || !h->mounts.namespaces[m->namespace].is_dockers)
		return false;
	return !h->mounts.has_processes || h->mounts.has_dockerd;
}

static void judge_device(struct finder *f, struct meta_finding *x, const struct device_row *row)
{
	const struct host *h = f->facts->host;
	char text[400];

	if (!host_busy(h, row->hash, row->id, text, sizeof(text)))
		return;
	if (!x->busy) {
		x->busy =
			row->hash ? alloc_printf("%s is %s", row->hash, text) : alloc_string(text);
		f->failed |= !x->busy;
	}
	if (row_has(x->row, TRAIT_OWNER_LATER) && may_be_in_the_making(h, row))
		finding_doubt(x);
}

/*
 * Between the transaction that makes a device and the file that says whose it is Docker writes
 * nothing down.  Of the last devices of a pool on which Docker works nobody knows yet.
 */
static bool may_be_of_this_moment(const struct finder *f, const struct meta_finding *finding)
{
	enum { RECENT = 2 }; /* a container has two devices */
	const struct host *h = f->facts->host;
	const uint64_t now = f->t->pool ? f->t->pool->header.transaction_id : 0;

	if (!h->pool || (h->mounts.has_processes && !h->mounts.has_dockerd))
		return false;
	for (size_t i = 0; i < finding->nr_devices; i++) {
		const struct pool_device *d = finding->devices[i]->pool;

		if (d && d->details.transaction_id + RECENT >= now)
			return true;
	}
	return false;
}

static void judge_recent(struct finder *f)
{
	for (size_t i = 0; i < f->list->nr; i++) {
		struct meta_finding *finding = &f->list->items[i];

		if (!row_has(finding->row, TRAIT_OF_THE_MOMENT) ||
		    !may_be_of_this_moment(f, finding))
			continue;
		finding_doubt(finding);
	}
}

void judge_busy(struct finder *f)
{
	const struct host *h = f->facts->host;

	judge_recent(f);
	if (!h->nr_devices && !h->mounts.nr_mounts)
		return;
	for (size_t i = 0; i < f->list->nr; i++) {
		struct meta_finding *finding = &f->list->items[i];

		if (!row_has(finding->row, TRAIT_DELETES))
			continue;
		for (size_t n = 0; n < finding->nr_devices; n++)
			judge_device(f, finding, finding->devices[n]);
	}
}

/* ---- several moments */

void judge_torn(struct finder *f)
{
	f->list->torn = f->facts->torn != NULL;
	for (size_t i = 0; i < f->list->nr && f->list->torn; i++) {
		struct meta_finding *finding = &f->list->items[i];

		/* What was checked as a whole was whole, though of another moment. */
		if (!row_has(finding->row, TRAIT_COMPARES) ||
		    (row_has(finding->row, TRAIT_OF_POOL) && f->facts->check))
			continue;
		finding_doubt(finding);
	}
}

/* ---- an earlier time */

void judge_stale(struct finder *f)
{
	struct meta_findings *l = f->list;
	size_t nr = 0;

	l->stale = f->facts->stale != NULL;
	if (!l->stale)
		return;
	for (size_t i = 0; i < l->nr; i++) {
		struct meta_finding *x = &l->items[i];

		if (row_has(x->row, TRAIT_COMPARES) && !row_has(x->row, TRAIT_OF_POOL))
			finding_destroy(x);
		else
			l->items[nr++] = *x;
	}
	l->nr = nr;
	finder_found(f, finder_add(f, ROW_P18, the_pool()), alloc_string("metadata"), "%s",
		     f->facts->stale);
}

/* ---- sources that are not there */

/* Where something is there and was not for us to read, nothing is concluded from it at all. */
static void doubt(struct finder *f, enum row_trait trait, bool unread)
{
	struct meta_findings *l = f->list;
	size_t nr = 0;

	for (size_t i = 0; i < l->nr; i++) {
		struct meta_finding *x = &l->items[i];

		if (row_has(x->row, trait) && unread) {
			finding_destroy(x);
			continue;
		}
		if (row_has(x->row, trait))
			finding_doubt(x);
		l->items[nr++] = *x;
	}
	l->nr = nr;
}

/* Of two base devices somebody is to be asked which one it is. */
static void doubt_older_base(struct finder *f)
{
	const struct meta_findings *l = f->list;

	for (size_t i = 0; i < l->nr; i++) {
		if (l->items[i].row != meta_row(ROW_J10) || !l->items[i].nr_devices)
			continue;
		for (size_t n = 0; n < l->nr; n++) {
			struct meta_finding *other = &l->items[n];

			if ((other->row == meta_row(ROW_X1) || other->row == meta_row(ROW_X8)) &&
			    other->nr_devices && other->devices[0] == l->items[i].devices[0])
				other->unproven = true;
		}
	}
}

void judge_sources(struct finder *f)
{
	const struct docker_state *d = f->t->docker;

	doubt_older_base(f);
	if (!f->t->pool)
		doubt(f, TRAIT_NEEDS_POOL, false);
	if (!d->driver.present || !d->driver.nr_records)
		doubt(f, TRAIT_NEEDS_DRIVER, d->driver.unread);
	if (!docker_state_has_layers(d))
		doubt(f, TRAIT_NEEDS_LAYERS, d->layers.unread);
	if (d->layers.mounts_unread || !docker_state_has_layers(d))
		doubt(f, TRAIT_NEEDS_MOUNTS, d->layers.mounts_unread);
	if (d->containers.unread)
		doubt(f, TRAIT_NEEDS_CONTAINERS, true);
	if (!d->images.present && !d->graph.current)
		doubt(f, TRAIT_NEEDS_IMAGES, d->images.unread);
}
