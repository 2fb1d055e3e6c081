/* SPDX-License-Identifier: MIT
 * json_build.h: objects of JSON, put together.  Building goes on after a failure, which is sticky.
 */
#ifndef DOCKER_META_OUTPUT_JSON_BUILD_H
#define DOCKER_META_OUTPUT_JSON_BUILD_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "common/base/compiler.h"

/* Both take value over. */
void json_put(json_t *object, const char *key, json_t *value, bool *failed);
void json_append(json_t *array, json_t *value, bool *failed);

json_t *json_number(uint64_t value);

/* null for NULL, and for what is not UTF-8: names of Docker's need not be. */
json_t *json_text(const char *value);

/* Print the object and let go of it.  0, -ENOMEM where failed, or -EIO. */
must_check int json_finish(json_t *object, bool failed, FILE *out);

#endif
