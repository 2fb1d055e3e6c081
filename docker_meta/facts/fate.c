/* SPDX-License-Identifier: MIT */
#include "docker_meta/facts/fate.h"

const char *fate_name(enum fate fate, bool reported)
{
	static const char *const names[2][NR_FATES] = {
		{ "present", "unknown", "partial", "missing" },
		{ "intact", "unknown", "partly", "lost" },
	};

	return names[reported][fate];
}

static void judge_report(const struct loss *loss, uint64_t id, struct device_fate *d)
{
	const struct repaired_device *told = loss ? loss_find(loss, id) : NULL;

	if (!loss)
		return;
	d->nr_ranges = loss_ranges(loss, id, &d->ranges);
	if (told && told->nr_expected != LOSS_OPEN && told->nr_kept < told->nr_expected)
		d->nr_lost = told->nr_expected - told->nr_kept;
	if (d->nr_ranges && !d->nr_lost)
		d->nr_lost = LOSS_OPEN;
	if (!d->nr_lost)
		return;
	d->fate = told && !told->nr_kept ? FATE_LOST : FATE_PARTLY;
	d->why = d->fate == FATE_LOST ? "none of its mappings is left"
				      : "some of its mappings are lost";
}

static void judge_pool(const struct device_row *row, struct device_fate *d)
{
	const struct pool_device *p = row->pool;

	if (!p->complete) {
		d->fate = FATE_PARTLY;
		d->why = "damage keeps its mappings from being read";
		d->nr_lost = LOSS_OPEN;
	} else if (p->nr_mapped < p->details.mapped_blocks) {
		d->fate = p->nr_mapped ? FATE_PARTLY : FATE_LOST;
		d->why = "it has fewer mappings than its details say";
		d->nr_lost = p->details.mapped_blocks - p->nr_mapped;
	} else if (!p->nr_mapped) {
		d->fate = FATE_LOST;
		d->why = "it has no data";
	}
}

static bool is_judged(const struct device_row *row)
{
	return row->record && !row->record->deleted && (row->referenced || !row->in_flight);
}

/* Metadata of another pool, or of another time, tell nothing of these devices. */
static bool is_foreign(const struct device_table *t, bool older, const struct device_row *row,
		       struct device_fate *d)
{
	const bool newer = older && (!row->pool || row->of_other_transaction);

	if (!t->another_pool && !newer)
		return false;
	d->fate = FATE_UNKNOWN;
	d->why = newer ? "the metadata that were read are older than it"
		       : "the metadata that were read are another pool's";
	return true;
}

struct device_fate device_fate_of(const struct device_table *t, bool older,
				  const struct device_row *row)
{
	struct device_fate d = { .fate = FATE_INTACT };

	if (is_foreign(t, older, row, &d))
		return d;
	if (!row->pool) {
		judge_report(t->loss, row->id, &d);
		d.fate = FATE_LOST;
		d.why = "the pool does not have it";
		return d;
	}
	judge_pool(row, &d);
	if (d.fate != FATE_LOST)
		judge_report(t->loss, row->id, &d);
	if (d.fate == FATE_LOST || !is_judged(row) || !row->of_other_transaction)
		return d;
	if (device_has_new_details(t, row)) {
		/* A report that lists all losses tells what is missing of it. */
		if (t->loss && loss_find(t->loss, row->id) && !t->loss->truncated &&
		    !t->loss->nr_unassigned)
			return d;
		d.fate = d.fate == FATE_INTACT ? FATE_UNKNOWN : d.fate;
		d.why = "its details were rebuilt: whether all of it is there, and whose it is, is "
			"not proven";
	} else {
		d.fate = FATE_LOST;
		d.why = "the pool made it in another transaction: it is another device by now";
	}
	return d;
}

bool loss_is_of_another(const struct loss *l, const struct device_table *t)
{
	size_t nr = 0, nr_other = 0;

	for (size_t i = 0; t->pool && i < l->nr_devices; i++) {
		const struct repaired_device *told = &l->devices[i];
		const struct device_row *row = device_table_find_id(t, told->id);

		if (!told->nr_kept)
			continue;
		nr++;
		nr_other += !row || !row->pool || row->pool->details.mapped_blocks != told->nr_kept;
	}
	return 2 * nr_other > nr;
}
