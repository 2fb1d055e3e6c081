/* SPDX-License-Identifier: MIT
 * view.h: all that was gathered and concluded, as the commands and the forms of output get it.
 */
#ifndef DOCKER_META_VIEW_H
#define DOCKER_META_VIEW_H

#include "common/pool/pool_source.h"
#include "docker_meta/config/config.h"
#include "docker_meta/data/pool_data.h"
#include "docker_meta/facts/devices.h"
#include "docker_meta/facts/sets.h"
#include "docker_meta/host/host.h"
#include "docker_meta/judge/findings.h"
#include "docker_meta/judge/forecast.h"
#include "docker_meta/options.h"

struct out_places;
struct verdict;

/* Everything is borrowed, and there, unless it says otherwise. */
struct meta_view {
	const struct docker_meta_options *options;
	const char *root;                   /* path of Docker's data-root */
	const char *metadata;               /* path of the pool's metadata; NULL: not looked at */
	const struct pool_reading *reading; /* of the pool, be it that it failed */
	const char *pool_fault;             /* NULL; why the pool is not there */
	struct pool_source *source;         /* to be read once more (pool_find.h); NULL: likewise */
	const struct pool_check *check;     /* NULL: not checked, as of XML */
	const char *torn;  /* why what was read is not of one moment, in one line; NULL: it is */
	const char *stale; /* how much older than the pool its metadata are; NULL: they are not */
	const struct device_table *devices; /* and in it docker and pool */
	const struct pool_data *data;       /* file systems */
	const struct host *host;
	const struct config *config;
	const struct device_sets *sets;
	const struct meta_findings *findings;
	const struct forecast *forecast;
	struct out_places *places;
	const struct verdict *verdict; /* output/verdict.h; there when a command speaks */
};

#endif
