/* SPDX-License-Identifier: MIT
 * judge.c: what the host and the moment of looking say about findings that were made without them.
 */
#include <errno.h>
#include <string.h>

#include "common/base/alloc.h"
#include "docker_meta/findings/findings_internal.h"

static bool is_one_of(const struct meta_finding *f, const enum meta_row_id *ids, size_t nr)
{
	for (size_t i = 0; i < nr; i++) {
		if (f->row == meta_row(ids[i]))
			return true;
	}
	return false;
}

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

static int judge_device(struct finder *f, struct meta_finding *finding,
			const struct device_row *row)
{
	static const enum meta_row_id owners_later[] = { ROW_X1, ROW_X8, ROW_B1,
							 ROW_B4, ROW_C1, ROW_L11 };
	const struct host *h = f->facts->host;
	char text[400];

	if (!host_busy(h, row->hash, row->id, text, sizeof(text)))
		return 0;
	if (!finding->busy) {
		finding->busy =
			row->hash ? alloc_printf("%s is %s", row->hash, text) : alloc_string(text);
		if (!finding->busy)
			return -ENOMEM;
	}
	if (is_one_of(finding, owners_later, ARRAY_SIZE(owners_later)) &&
	    may_be_in_the_making(h, row)) {
		finding->unproven = true;
		finding->severity = META_INFO;
	}
	return 0;
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
	static const enum meta_row_id leaks[] = { ROW_X1, ROW_X8, ROW_B1, ROW_B4, ROW_L11 };

	for (size_t i = 0; i < f->list->nr; i++) {
		struct meta_finding *finding = &f->list->items[i];

		if (!is_one_of(finding, leaks, ARRAY_SIZE(leaks)) ||
		    !may_be_of_this_moment(f, finding))
			continue;
		finding->unproven = true;
		finding->severity = META_INFO;
	}
}

int judge_busy(struct finder *f)
{
	static const enum meta_row_id deleting[] = { ROW_X1, ROW_X8,  ROW_B1,  ROW_B4, ROW_C1,
						     ROW_L8, ROW_L11, ROW_J19, ROW_C3, ROW_X2 };
	const struct host *h = f->facts->host;
	int r = 0;

	judge_recent(f);
	if (!h->nr_devices && !h->mounts.nr_mounts)
		return 0;
	for (size_t i = 0; i < f->list->nr && !r; i++) {
		struct meta_finding *finding = &f->list->items[i];

		if (!is_one_of(finding, deleting, ARRAY_SIZE(deleting)))
			continue;
		for (size_t n = 0; n < finding->nr_devices && !r; n++)
			r = judge_device(f, finding, finding->devices[n]);
	}
	return r;
}

/* ---- several moments */

/* What compares one side with another, or depends on all of the metadata. */
static bool compares(const struct meta_finding *f)
{
	static const enum meta_row_id others[] = {
		ROW_L1, ROW_L8, ROW_L11, ROW_C1, ROW_C3, ROW_C4,  ROW_C12, ROW_C13,
		ROW_B1, ROW_B2, ROW_B4,  ROW_J7, ROW_P7, ROW_P16, ROW_J19,
	};

	return *f->row->id == 'X' || *f->row->id == 'T' || *f->row->id == 'M' ||
	       is_one_of(f, others, ARRAY_SIZE(others));
}

void judge_torn(struct finder *f)
{
	f->list->torn = f->facts->torn != NULL;
	for (size_t i = 0; i < f->list->nr && f->list->torn; i++) {
		struct meta_finding *finding = &f->list->items[i];

		/* What was checked as a whole was whole, though of another moment. */
		if (!compares(finding) || (*finding->row->id == 'P' && f->facts->check))
			continue;
		finding->unproven = true;
		finding->severity = META_INFO;
	}
}

/* ---- sources that are not there */

static void doubt_rows(struct finder *f, const enum meta_row_id *ids, size_t nr)
{
	for (size_t i = 0; i < f->list->nr; i++) {
		struct meta_finding *finding = &f->list->items[i];

		if (!is_one_of(finding, ids, nr))
			continue;
		finding->unproven = true;
		finding->severity = META_INFO;
	}
}

/* Of two base devices somebody is to be asked which one it is. */
static void doubt_older_base(struct finder *f)
{
	static const enum meta_row_id leaks[] = { ROW_X1, ROW_X8 };
	const struct meta_findings *l = f->list;

	for (size_t i = 0; i < l->nr; i++) {
		if (l->items[i].row != meta_row(ROW_J10) || !l->items[i].nr_devices)
			continue;
		for (size_t n = 0; n < l->nr; n++) {
			struct meta_finding *other = &l->items[n];

			if (is_one_of(other, leaks, ARRAY_SIZE(leaks)) && other->nr_devices &&
			    other->devices[0] == l->items[i].devices[0])
				other->unproven = true;
		}
	}
}

void judge_sources(struct finder *f)
{
	static const enum meta_row_id of_driver[] = { ROW_C3, ROW_C4, ROW_L1, ROW_L8, ROW_L9,
						      ROW_B2, ROW_X1, ROW_X2, ROW_X8 };
	static const enum meta_row_id of_layers[] = { ROW_C6, ROW_L4, ROW_L13, ROW_X8, ROW_B1 };
	static const enum meta_row_id of_mounts[] = { ROW_C2, ROW_X8, ROW_B1 };
	static const enum meta_row_id of_images[] = { ROW_L11, ROW_L14, ROW_L16, ROW_C10 };
	static const enum meta_row_id of_pool[] = { ROW_X8, ROW_B1, ROW_B4, ROW_L11, ROW_C1 };
	const struct docker_state *d = f->t->docker;

	doubt_older_base(f);
	if (!f->t->pool)
		doubt_rows(f, of_pool, ARRAY_SIZE(of_pool));
	if (!d->driver.present || !d->driver.nr_records)
		doubt_rows(f, of_driver, ARRAY_SIZE(of_driver));
	if (!docker_state_has_layers(d))
		doubt_rows(f, of_layers, ARRAY_SIZE(of_layers));
	if (d->layers.mounts_unread || !docker_state_has_layers(d))
		doubt_rows(f, of_mounts, ARRAY_SIZE(of_mounts));
	if (!d->images.present && !d->graph.current)
		doubt_rows(f, of_images, ARRAY_SIZE(of_images));
}
