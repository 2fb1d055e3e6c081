/* SPDX-License-Identifier: MIT
 * verdict.h: what all of it comes to: the figures that monitoring wants, the thresholds, the
 * status.
 *
 * Findings above info decide the status.  A start of dockerd that goes wrong is an error, whatever
 * they say.  Thresholds make it worse: those that are asked for, else what is called nearly full
 * (fullness.h).  One of orphans or their bytes stands in place of the
 * findings that are of nothing but orphans (X1, X8, B1 as warnings).  Every command and every form
 * has its status, its first line and its colour from here.
 */
#ifndef DOCKER_META_JUDGE_VERDICT_H
#define DOCKER_META_JUDGE_VERDICT_H

#include "docker_meta/judge/thresholds.h"
#include "docker_meta/view.h"

enum level { LEVEL_OK, LEVEL_WARNING, LEVEL_CRITICAL, LEVEL_UNKNOWN };

/* "ok", "warning", "critical", "unknown". */
const char *level_name(enum level level);

struct measure {
	bool known;
	uint64_t value; /* as enum measure_id has it */
	bool asked;     /* the user has a threshold for it */
	enum level level;
	bool told_before; /* at this level or a worse one: --state */
};

struct changes;

struct verdict {
	struct thresholds thresholds;
	struct measure measures[NR_MEASURES];
	uint64_t data_used, data_total;         /* bytes; 0 where nothing is known */
	uint64_t metadata_used, metadata_total; /* the same */
	const struct changes *changes;          /* borrowed; NULL: all is told, whenever it came */
	/* Borrowed from the forecast: what goes wrong at the next start; NULL: nothing, or nothing
	 * new. */
	const struct step *start;
	bool start_told_before; /* --state */
	int status;             /* to end with: enum docker_meta_status */
};

/* From the options alone: STATUS_NONE, or usage after saying why. */
must_check int verdict_accept(const struct docker_meta_options *o, struct verdict *ret_verdict);

/* Measure, and hold the thresholds against that.  0 or -ENOMEM. */
must_check int verdict_measure(const struct meta_view *v, struct verdict *verdict);

/* By the forecast and the findings of v, which may be only those that are new. */
void verdict_judge(const struct meta_view *v, struct verdict *verdict);

/* The worst of v's findings above info that no threshold stands in place of; NULL: none. */
const struct meta_finding *verdict_worst(const struct meta_view *v);

/* A threshold stands in place of this one: it is of orphans alone. */
bool verdict_tolerates(const struct verdict *verdict, const struct meta_finding *f);

/* "83.2%", "3", "1.2G"; "unknown". */
struct range_text measure_words(const struct verdict *verdict, enum measure_id id);

#endif
