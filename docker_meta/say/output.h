/* SPDX-License-Identifier: MIT
 * output.h: what was found, in every form.
 */
#ifndef DOCKER_META_SAY_OUTPUT_H
#define DOCKER_META_SAY_OUTPUT_H

#include <stdio.h>

#include "docker_meta/view.h"

struct list_layout;

/* 80 columns; colours where out is a terminal that has them.  0 or -ENOMEM. */
must_check int output_check(const struct meta_view *v, FILE *out);
void output_forecast(const struct meta_view *v, FILE *out);

/* Findings that say the same, as check tells them: one entry with a list.  0 or -ENOMEM. */
must_check int output_findings(const struct meta_view *v, const struct finding_group *g, FILE *out);

/* That the next start goes wrong, as check tells it; NULL: nothing. */
void output_start(const struct step *start, FILE *out);

/* How many there are of each severity. */
void output_counts(const uint64_t nr[META_FATAL + 1], FILE *out);

/* 0 or -ENOMEM. */
must_check int output_list(const struct meta_view *v, const struct list_layout *layout, FILE *out);

/* All of it, one object; a line for each finding and one for the whole.  0, -ENOMEM or -EIO. */
must_check int output_json(const struct meta_view *v, FILE *out);
must_check int output_ndjson(const struct meta_view *v, FILE *out);

/* For monitoring; the second of each when nothing could be looked at. */
void output_nagios(const struct meta_view *v, FILE *out);
void output_nagios_unknown(const char *what, const char *why, FILE *out);
void output_prometheus(const struct meta_view *v, FILE *out);
void output_prometheus_unknown(const char *root, int status, FILE *out);

/* ---- what the forms share */

/* "orphaned device: device 3, web"; what names have in them is as it is. */
void finding_headline(const struct meta_view *v, const struct meta_finding *f, char *text,
		      size_t size);

#endif
