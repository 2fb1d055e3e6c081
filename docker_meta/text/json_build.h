/* SPDX-License-Identifier: MIT
 * json_build.h: objects of JSON, put together.  Building goes on after a failure, which is sticky.
 */
#ifndef DOCKER_META_TEXT_JSON_BUILD_H
#define DOCKER_META_TEXT_JSON_BUILD_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "common/base/compiler.h"

/* Both take value over. */
void json_put(json_t *object, const char *key, json_t *value, bool *failed);
void json_append(json_t *array, json_t *value, bool *failed);

/* Beyond 2^63 - 1, which readers of JSON may not hold, a string of its digits. */
json_t *json_number(uint64_t value);

/* null for NULL.  What is not UTF-8, and names need not be, is escaped (common/base/text.h). */
json_t *json_text(const char *value);

/* Print the object and let go of it.  0, -ENOMEM where failed, or -EIO. */
must_check int json_finish(json_t *object, bool failed, FILE *out);

/* The same in one line. */
must_check int json_finish_line(json_t *object, bool failed, FILE *out);

#endif
