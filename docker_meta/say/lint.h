/* SPDX-License-Identifier: MIT
 * lint.h: the command lint: what was looked at, what is wrong with it, what an upgrade will say.
 */
#ifndef DOCKER_META_SAY_LINT_H
#define DOCKER_META_SAY_LINT_H

#include <stdio.h>

#include "docker_meta/view.h"

/* *status by the worst finding.  0, -ENOMEM or -EIO. */
must_check int lint_text(const struct meta_view *v, FILE *out, int *status);
must_check int lint_json(const struct meta_view *v, FILE *out, int *status);

#endif
