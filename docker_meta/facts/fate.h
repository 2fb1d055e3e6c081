/* SPDX-License-Identifier: MIT
 * fate.h: what damage, or a repair, has left of a device.
 *
 * Without a report of thin_repair nobody knows what was lost before the metadata were as they are
 * now: that all blocks are there which its details count is the most that can be said.
 */
#ifndef DOCKER_META_FACTS_FATE_H
#define DOCKER_META_FACTS_FATE_H

#include "docker_meta/facts/devices.h"

/* The worst last.  Unknown: files that tell of it could not be read here. */
enum fate { FATE_INTACT, FATE_UNKNOWN, FATE_PARTLY, FATE_LOST, NR_FATES };

/* "intact", "unknown", "partly", "lost"; without a report "present", "unknown", "partial",
 * "missing". */
const char *fate_name(enum fate fate, bool reported);

struct device_fate {
	enum fate fate;
	const char *why;                 /* a constant; NULL: intact */
	uint64_t nr_lost;                /* mappings; LOSS_OPEN: not known */
	const struct lost_range *ranges; /* of the loss */
	size_t nr_ranges;
};

/* older: the metadata are older than the pool, so that what they do not have proves nothing. */
struct device_fate device_fate_of(const struct device_table *t, bool older,
				  const struct device_row *row);

/* A repaired pool has what the report says; a few devices may have changed since. */
bool loss_is_of_another(const struct loss *l, const struct device_table *t);

#endif
