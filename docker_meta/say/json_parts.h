/* SPDX-License-Identifier: MIT
 * json_parts.h: parts of the object, for forms that have not all of it.
 */
#ifndef DOCKER_META_SAY_JSON_PARTS_H
#define DOCKER_META_SAY_JSON_PARTS_H

#include "docker_meta/judge/verdict.h"
#include "docker_meta/text/json_build.h"

/* "tool", "version", "root". */
void json_put_tool(json_t *object, const struct meta_view *v, bool *failed);
/* These, "command" and "metadata": what all that is one object begins with. */
void json_put_head(json_t *object, const struct meta_view *v, bool *failed);

/* "status", "thresholds", "changes". */
void json_put_verdict(json_t *object, const struct verdict *verdict, bool *failed);

json_t *json_of_finding(const struct meta_finding *f, bool *failed);

/* How many there are of each severity. */
json_t *json_of_summary(const struct meta_findings *l, bool *failed);

#endif
