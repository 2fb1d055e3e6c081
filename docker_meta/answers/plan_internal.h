/* SPDX-License-Identifier: MIT
 * plan_internal.h: what the recipes share.  Included by docker_meta/answers/ and docker_meta/say/
 * alone.
 */
#ifndef DOCKER_META_ANSWERS_PLAN_INTERNAL_H
#define DOCKER_META_ANSWERS_PLAN_INTERNAL_H

#include "docker_meta/answers/deletion.h"
#include "docker_meta/answers/pair.h"
#include "docker_meta/answers/plan.h"

#define DEVICE_FILE "devicemapper/metadata/"

struct chain_place {
	const char *chain;
	const struct image *image;
};

struct planning {
	const struct meta_view *v;
	const struct device_table *t; /* of the view */
	struct mend_plan *plan;
	struct mend_steps *s; /* of the plan */
	struct deletion deletion;
	struct chain_place *places; /* owned, by chain: images that have it */
	size_t nr_places;
	struct lonely_pair pair;
	bool repaired, enlarged; /* steps that are made once */
};

typedef void (*mend_recipe)(struct planning *p, const struct meta_finding *f);

mend_recipe mend_recipe_of(const struct meta_row *row);

/* It says what mends it; and what needs nothing. */
void recipe_by_hand(struct planning *p, const struct meta_finding *f);
void recipe_nothing(struct planning *p, const struct meta_finding *f);

/* Begin a step and say what it is about. */
void plan_step(struct planning *p, enum mend_phase phase, const struct meta_finding *f);

void recipe_repair(struct planning *p, const struct meta_finding *f);
void recipe_needs_check(struct planning *p, const struct meta_finding *f);
void recipe_snapshot(struct planning *p, const struct meta_finding *f);
void recipe_leaked_blocks(struct planning *p, const struct meta_finding *f);
void recipe_space(struct planning *p, const struct meta_finding *f);
void recipe_metadata_full(struct planning *p, const struct meta_finding *f);
void recipe_queue(struct planning *p, const struct meta_finding *f);

void recipe_transaction(struct planning *p, const struct meta_finding *f);
void recipe_kept_transaction(struct planning *p, const struct meta_finding *f);
void recipe_doubtful_transaction(struct planning *p, const struct meta_finding *f);
void recipe_lost_transaction(struct planning *p, const struct meta_finding *f);
void recipe_stray_file(struct planning *p, const struct meta_finding *f);
void recipe_broken_file(struct planning *p, const struct meta_finding *f);
void recipe_missing_file(struct planning *p, const struct meta_finding *f);
void recipe_double_file(struct planning *p, const struct meta_finding *f);
void recipe_base_flag(struct planning *p, const struct meta_finding *f);
void recipe_undelete(struct planning *p, const struct meta_finding *f);
void recipe_size(struct planning *p, const struct meta_finding *f);
void recipe_phantom(struct planning *p, const struct meta_finding *f);
void recipe_deleted_phantom(struct planning *p, const struct meta_finding *f);

void recipe_delete(struct planning *p, const struct meta_finding *f);
void recipe_delete_mount(struct planning *p, const struct meta_finding *f);
/* All layers that nobody has, those above others first. */
must_check int plan_unreached_layers(struct planning *p);

void recipe_look(struct planning *p, const struct meta_finding *f);
void recipe_ghost(struct planning *p, const struct meta_finding *f);
void recipe_remove_container(struct planning *p, const struct meta_finding *f);
void recipe_pull_layer(struct planning *p, const struct meta_finding *f);
void recipe_pull_image(struct planning *p, const struct meta_finding *f);
void recipe_redo_owner(struct planning *p, const struct meta_finding *f);
void recipe_untag(struct planning *p, const struct meta_finding *f);
void recipe_names(struct planning *p, const struct meta_finding *f);
void recipe_restart(struct planning *p, const struct meta_finding *f);
void recipe_prune_images(struct planning *p, const struct meta_finding *f);
void recipe_prune_builds(struct planning *p, const struct meta_finding *f);

#endif
