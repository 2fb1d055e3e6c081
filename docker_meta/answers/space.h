/* SPDX-License-Identifier: MIT
 * space.h: what uses the pool: by set (du), and by lineage (tree).
 */
#ifndef DOCKER_META_ANSWERS_SPACE_H
#define DOCKER_META_ANSWERS_SPACE_H

#include "docker_meta/text/human.h"
#include "docker_meta/text/json_build.h"
#include "docker_meta/view.h"

struct human space_human(const struct meta_view *v, uint64_t nr_data_blocks);

/* Commands (commands.c): 0, -ENOMEM or -EIO.  Text is 80 columns wide. */
must_check int du_text(const struct meta_view *v, FILE *out, int *status);
must_check int du_json(const struct meta_view *v, FILE *out, int *status);
must_check int tree_text(const struct meta_view *v, FILE *out, int *status);
must_check int tree_json(const struct meta_view *v, FILE *out, int *status);
must_check int tree_dot(const struct meta_view *v, FILE *out, int *status);

/* An array of all sets, in their order. */
json_t *space_sets_json(const struct meta_view *v, bool *failed);

#endif
