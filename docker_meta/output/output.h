/* SPDX-License-Identifier: MIT
 * output.h: what was found, in every form.
 */
#ifndef DOCKER_META_OUTPUT_OUTPUT_H
#define DOCKER_META_OUTPUT_OUTPUT_H

#include <stdio.h>

#include "docker_meta/forecast/forecast.h"

enum output_form { OUTPUT_TEXT, OUTPUT_JSON };

struct meta_report {
	const char *root, *metadata; /* paths; metadata may be NULL: not looked at */
	const struct device_table *devices;
	const struct meta_findings *findings;
	const struct forecast *forecast;
};

/* 80 columns; false when out could not be written. */
void output_check(const struct meta_report *r, FILE *out);
void output_list(const struct meta_report *r, FILE *out);
void output_forecast(const struct meta_report *r, FILE *out);

/* All of it, one object.  0, -ENOMEM or -EIO. */
must_check int output_json(const struct meta_report *r, FILE *out);

#endif
