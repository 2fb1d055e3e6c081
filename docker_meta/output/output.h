/* SPDX-License-Identifier: MIT
 * output.h: what was found, in every form.
 */
#ifndef DOCKER_META_OUTPUT_OUTPUT_H
#define DOCKER_META_OUTPUT_OUTPUT_H

#include <stdio.h>

#include "docker_meta/output/json_build.h"
#include "docker_meta/view.h"

/* 80 columns. */
void output_check(const struct meta_view *v, FILE *out);
void output_list(const struct meta_view *v, FILE *out);
void output_forecast(const struct meta_view *v, FILE *out);

/* One finding, as check tells it. */
void output_finding(const struct meta_view *v, const struct meta_finding *f, FILE *out);
json_t *output_finding_json(const struct meta_finding *f, bool *failed);

/* All of it, one object.  0, -ENOMEM or -EIO. */
must_check int output_json(const struct meta_view *v, FILE *out);

#endif
