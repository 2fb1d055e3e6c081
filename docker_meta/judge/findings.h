/* SPDX-License-Identifier: MIT
 * findings.h: what is wrong between a pool and Docker.
 */
#ifndef DOCKER_META_JUDGE_FINDINGS_H
#define DOCKER_META_JUDGE_FINDINGS_H

#include "docker_meta/catalogue/rows.h"
#include "docker_meta/config/config.h"
#include "docker_meta/data/pool_data.h"
#include "docker_meta/facts/sets.h"
#include "docker_meta/facts/subject.h"
#include "docker_meta/host/host.h"

/*
 * What was found where, and what it is held against: "metadata/base: device_id 1; pool: no such
 * device".
 */
struct evidence {
	char *file; /* owned: a file below the root, "table", "lvs", …; NULL: the pool's metadata */
	char *found;   /* owned */
	char *against; /* owned: likewise; NULL: what was found speaks for itself */
	char *there;   /* owned: what is found there; NULL: likewise */
	char *line;    /* owned: all of it in one line */
};

struct meta_finding {
	const struct meta_row *row;
	enum meta_severity severity;
	bool unproven; /* not every place was looked at: it may be otherwise */
	struct subject subject;
	const struct device_row **devices; /* owned: those that it is about */
	size_t nr_devices;
	struct evidence evidence;
	/* That are at stake, or come back when those of the findings before it have: what devices
	 * share counts with the last of them. */
	uint64_t bytes;
	const struct device_set *set; /* of devices that share something with its own; or NULL */
	char *busy; /* owned: what keeps its devices from being deleted now; NULL: nothing */
};

struct meta_findings {
	struct meta_finding *items; /* owned */
	size_t nr, capacity;
	uint64_t nr_of[META_FATAL + 1];
	bool torn;  /* what rests on comparing the sides is unproven */
	bool stale; /* and left out */
};

/* What findings are made of: all borrowed, and there unless it says otherwise. */
struct meta_facts {
	const struct docker_meta_options *options;
	const struct pool_check *check; /* NULL: not checked */
	const struct device_table *devices;
	const struct device_sets *sets;
	const struct pool_data *data;
	const struct host *host;
	const struct config *config;
	const char *torn;  /* what was read is not of one moment; NULL: it is */
	const char *stale; /* how much older than the pool its metadata are; NULL: they are not */
	/* Why nothing can be read of the pool; NULL: it can be, or none is known. */
	const char *damage;
	bool superblock_lost; /* that is why, or at least nothing is known of it */
	bool blank;           /* its first block is: the kernel would format it */
};

/* What mends it; NULL: nothing before what is unproven is known. */
const char *meta_finding_remedy(const struct meta_finding *f);

/*
 * Findings that say the same of several subjects: equal in row, severity, proof and remedy.  They
 * stand together in the list.
 */
struct finding_group {
	const struct meta_finding *first;
	size_t nr;
	uint64_t bytes; /* of all together */
};

/* The group that begins with items[from]. */
struct finding_group meta_findings_group(const struct meta_findings *list, size_t from);

/* All of them, worst first.  0 or -ENOMEM; to be destroyed in any case. */
must_check int meta_findings_find(const struct meta_facts *facts, struct meta_findings *ret_list);
void meta_findings_destroy(struct meta_findings *list);

#endif
