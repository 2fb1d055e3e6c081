/* SPDX-License-Identifier: MIT
 * report.h: what was found wrong with the metadata.
 *
 * Damage is not a failure of ours: it is reported here and the walk goes on.  A finding is a row of
 * the catalogue (findings.def) with the place where it was met.  Nothing is printed here: the tools
 * do.
 */
#ifndef THINMEND_BASE_REPORT_H
#define THINMEND_BASE_REPORT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/base/compiler.h"

enum severity {
	SEVERITY_NONE,
	SEVERITY_SUSPECT,
	SEVERITY_NON_FATAL,
	SEVERITY_FATAL,
	NR_SEVERITIES
};

enum finding_id {
#define FINDING(name, id, severity, measure, costs, mends, kernel) FINDING_##name,
#include "common/base/findings.def"
#undef FINDING
	NR_FINDINGS
};

struct finding_type {
	const char *id;
	enum severity severity;
	const char *measure; /* of expected and found; "": it has no such numbers */
	const char *costs;
	const char *mends;
	const char *kernel;
};

/* The catalogue's row. */
const struct finding_type *finding_type(enum finding_id id);

/* "suspect", "non-fatal", "fatal". */
const char *severity_name(enum severity severity);

/* What the numbers of a range count. */
enum range_unit {
	RANGE_NONE,
	RANGE_THIN_BLOCKS,
	RANGE_DATA_BLOCKS,
	RANGE_METADATA_BLOCKS,
	RANGE_DEVICE_IDS
};

/* "thin blocks", …; "" for RANGE_NONE. */
const char *range_unit_name(enum range_unit unit);

#define NO_DEVICE UINT64_MAX
#define NO_BLOCK UINT64_MAX
#define RANGE_OPEN UINT64_MAX /* as an end: to the end of the device */

struct affected {
	uint64_t device; /* dev_id, or NO_DEVICE */
	enum range_unit unit;
	uint64_t begin, end; /* [begin, end), when unit is not RANGE_NONE */
	uint64_t mappings;   /* roughly how many mappings are concerned; 0: none, or not known */
};

/* What costs the metadata snapshot alone: the pool works without it. */
enum snapshot_role {
	SNAPSHOT_NONE,   /* it costs more than that */
	SNAPSHOT_BESIDE, /* the pool is what is asked about: it is not fatal */
	SNAPSHOT_ASKED,  /* the metadata snapshot is */
};

struct finding {
	enum finding_id id;
	const char *tree; /* which structure: a constant string */
	uint64_t block;   /* metadata block, or NO_BLOCK */
	enum snapshot_role snapshot;
	uint64_t expected, found;        /* what the row's measure says; equal: they tell nothing */
	const struct affected *affected; /* nr_affected of them, at most REPORT_MAX_AFFECTED kept */
	size_t nr_affected;
	size_t nr_affected_left_out; /* those that were not kept */
	char *message;
};

#define REPORT_MAX_PER_ID 1000          /* findings of one id that are kept; all are counted */
#define REPORT_MAX_AFFECTED 10000       /* of one finding; all are counted */
#define REPORT_MAX_AFFECTED_TOTAL 50000 /* of all findings */

struct report {
	struct finding *findings; /* owned, with their messages and their affected lists */
	size_t nr_findings, capacity;
	size_t nr_affected; /* kept, of all findings */
	uint64_t per_id[NR_FINDINGS];
	uint64_t per_severity[NR_SEVERITIES];
	enum snapshot_role snapshot; /* of whatever is added now */
	bool out_of_memory;          /* sticky: the report is incomplete */
};

void report_init(struct report *r);
void report_destroy(struct report *r);

/*
 * Add a finding: *f is copied with its affected list, the message is formatted: one line,
 * lowercase, without the place (tree, block, ranges), which every output states in its own form.
 * Never fails: without memory the finding is counted and out_of_memory is set.
 */
void report_finding(struct report *r, const struct finding *f, const char *format, ...)
	printf_like(3, 4);

/* Its row's, but for what costs the metadata snapshot alone. */
enum severity finding_severity(const struct finding *f);
const char *finding_costs(const struct finding *f);

/* Do expected and found tell something? */
bool finding_has_counts(const struct finding *f);

/* The highest severity met. */
enum severity report_worst(const struct report *r);

/* Order findings for reading: worst first, then by catalogue, tree and block. */
void report_sort(struct report *r);

#endif
