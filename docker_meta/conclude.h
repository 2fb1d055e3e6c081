/* SPDX-License-Identifier: MIT
 * conclude.h: what follows from all that was gathered.
 */
#ifndef DOCKER_META_CONCLUDE_H
#define DOCKER_META_CONCLUDE_H

#include "docker_meta/data/pool_data.h"
#include "docker_meta/facts/sets.h"
#include "docker_meta/gather.h"
#include "docker_meta/judge/findings.h"
#include "docker_meta/judge/forecast.h"

/* To begin with all of it is 0. */
struct conclusions {
	struct device_table devices;
	struct device_sets sets;
	struct pool_data data;
	struct meta_findings findings;
	struct forecast forecast;
};

/*
 * Join, look into the data where they are there, judge, forecast.  What was gathered must outlive
 * it.  STATUS_NONE, or the status to end with: then all has been said.  To be destroyed in any
 * case.
 */
must_check int conclude(const struct gathered *g, struct conclusions *c);
void conclusions_destroy(struct conclusions *c);

#endif
