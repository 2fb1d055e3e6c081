/* SPDX-License-Identifier: MIT
 * forecast.h: what the next start of dockerd does, in the driver's own order.
 */
#ifndef DOCKER_META_JUDGE_FORECAST_H
#define DOCKER_META_JUDGE_FORECAST_H

#include "docker_meta/judge/findings.h"

enum step_kind {
	STEP_OK,      /* nothing happens that anybody minds */
	STEP_LOSES,   /* something is deleted or not shown any more */
	STEP_STOPS,   /* Docker does not start: what follows is not reached */
	STEP_FAILS,   /* does not work later on, when somebody asks for it */
	STEP_UNKNOWN, /* it depends on what was not looked at */
};

/* "ok", "loses", "stops", "fails", "unknown". */
const char *step_kind_name(enum step_kind kind);

struct step {
	enum step_kind kind;
	bool of_config; /* it follows from the configuration, whatever the pool is like */
	char *text;     /* owned: one line */
};

struct forecast {
	struct step *steps; /* owned */
	size_t nr, capacity;
	enum step_kind worst; /* of OK, LOSES, STOPS */
	bool fails;           /* some step does */
	bool blind;           /* what it does with its pool cannot be told: that was not read */
};

/* Something is lost, Docker does not start, or something fails later on. */
static inline bool forecast_is_bad(const struct forecast *f)
{
	return f->worst != STEP_OK || f->fails;
}

/* The first step that is why; NULL: it is not bad. */
const struct step *forecast_bad_step(const struct forecast *f);

/* The first one that the configuration makes bad; NULL: it makes none. */
const struct step *forecast_bad_config(const struct forecast *f);

/* Of facts and the findings in them.  0 or -ENOMEM; to be destroyed in any case. */
must_check int forecast_make(const struct meta_facts *facts, const struct meta_findings *findings,
			     struct forecast *ret_forecast);
void forecast_destroy(struct forecast *f);

#endif
