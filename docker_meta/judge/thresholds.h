/* SPDX-License-Identifier: MIT
 * thresholds.h: what -w and -c ask for, and what a pool is measured by.
 *
 * WHAT=RANGE,…; a range is that of the Monitoring Plugins' guidelines: 80 (0 to 80 is well), 10:
 * (10 or more is), ~:10 (10 or less), 10:20, and @10:20 (10 to 20 is not well).
 */
#ifndef DOCKER_META_JUDGE_THRESHOLDS_H
#define DOCKER_META_JUDGE_THRESHOLDS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/base/compiler.h"

enum measure_id {
	MEASURE_DATA,         /* thousandths of a per cent of the data blocks are in use */
	MEASURE_METADATA,     /* the same of the metadata blocks */
	MEASURE_ORPHANS,      /* devices that nobody needs */
	MEASURE_ORPHAN_BYTES, /* that come back when all of these go */
	MEASURE_DELETING,     /* devices that wait for their deletion */
	NR_MEASURES
};

/* "data", "metadata", "orphans", … */
const char *measure_name(enum measure_id id);
bool measure_is_percent(enum measure_id id);

struct range {
	bool set;
	bool inside; /* within is not well, else beyond */
	bool no_min, no_max;
	uint64_t min, max;
};

struct range_text {
	char text[64];
};

struct thresholds {
	struct range warning[NR_MEASURES], critical[NR_MEASURES];
};

/* 0, or -EINVAL with fault filled: one line. */
must_check int thresholds_parse(const char *text, struct range ranges[NR_MEASURES], char *fault,
				size_t size);

bool range_alerts(const struct range *r, uint64_t value);

/* As it is written, of numbers as they are: "80000", "@10:20"; "" where it is not set. */
struct range_text range_text(const struct range *r);

/* As a person wrote it, with the unit: "80%", "1G". */
struct range_text range_words(enum measure_id id, const struct range *r);

#endif
