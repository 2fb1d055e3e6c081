/* SPDX-License-Identifier: MIT
 * output.h: what was found, in every form.
 */
#ifndef DOCKER_META_OUTPUT_OUTPUT_H
#define DOCKER_META_OUTPUT_OUTPUT_H

#include <stdio.h>

#include "docker_meta/view.h"

/* 80 columns. */
void output_check(const struct meta_view *v, FILE *out);
void output_list(const struct meta_view *v, FILE *out);
void output_forecast(const struct meta_view *v, FILE *out);

/* All of it, one object.  0, -ENOMEM or -EIO. */
must_check int output_json(const struct meta_view *v, FILE *out);

#endif
