/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/alloc.h"
#include "docker_meta/answers/plan_internal.h"
#include "docker_meta/docker_meta.h"
#include "docker_meta/facts/fullness.h"

/* ---- what is looked up by the recipes */

static int by_chain(const void *a, const void *b)
{
	const struct chain_place *pa = a, *pb = b;
	int order = strcmp(pa->chain, pb->chain);

	return order ? order : strcmp(pa->image->id, pb->image->id);
}

static int index_chains(struct planning *p)
{
	const struct image_store *s = &p->t->docker->images;
	size_t nr = 0;

	for (size_t i = 0; i < s->nr_images; i++)
		nr += s->images[i].nr_chains;
	p->places = alloc_array(nr + 1, sizeof(*p->places));
	if (!p->places)
		return -ENOMEM;
	for (size_t i = 0; i < s->nr_images; i++) {
		for (size_t n = 0; n < s->images[i].nr_chains; n++)
			p->places[p->nr_places++] =
				(struct chain_place){ s->images[i].chains[n].hex, &s->images[i] };
	}
	qsort(p->places, p->nr_places, sizeof(*p->places), by_chain);
	return 0;
}

/* ---- the steps */

void plan_step(struct planning *p, enum mend_phase phase, const struct meta_finding *f)
{
	mend_step_begin(p->s, phase, f);
}

static void plan_finding(struct planning *p, const struct meta_finding *f)
{
	if (f->unproven && !row_has(f->row, TRAIT_SAVES)) {
		plan_step(p, PHASE_HAND, f);
		mend_remark(p->s, "Unproven: not every place could be read where somebody may need "
				  "it, or another finding may explain it.  Do nothing before that "
				  "is known.");
		return;
	}
	mend_recipe_of(f->row)(p, f);
	if (f->busy)
		mend_remark(p->s, "Busy: %s.  The kernel deletes nothing that is in use.", f->busy);
}

static bool nearly_full(const struct pool_state *p)
{
	const struct pool_reading *r = &p->reading;

	return is_nearly_full(p->data_blocks_used, p->header.nr_data_blocks) ||
	       (r->raw && !p->from_snapshot &&
		is_nearly_full(pool_metadata_used(r), r->metadata_blocks));
}

static bool asks_for_layers(const struct meta_findings *l)
{
	for (size_t i = 0; i < l->nr; i++) {
		if (l->items[i].row == meta_row(ROW_L11) && !l->items[i].unproven)
			return true;
	}
	return false;
}

static int plan_all(struct planning *p)
{
	const struct meta_findings *l = p->v->findings;

	for (size_t i = 0; i < l->nr; i++)
		plan_finding(p, &l->items[i]);
	if (!p->t->pool && !p->repaired)
		recipe_repair(p, NULL);
	if (p->t->pool && nearly_full(p->t->pool))
		recipe_space(p, NULL);
	return asks_for_layers(l) ? plan_unreached_layers(p) : 0;
}

/* Stable: within a phase the order stays. */
static int sort_steps(struct mend_steps *s)
{
	struct mend_step *sorted = alloc_array(s->nr + 1, sizeof(*sorted));
	size_t nr = 0;

	if (!sorted)
		return -ENOMEM;
	for (int phase = 0; phase < NR_PHASES; phase++) {
		for (size_t i = 0; i < s->nr; i++) {
			if ((int)s->items[i].phase == phase)
				sorted[nr++] = s->items[i];
		}
	}
	alloc_free(s->items);
	s->items = sorted;
	s->capacity = s->nr + 1;
	return 0;
}

int mend_plan_make(const struct meta_view *v, struct mend_plan *ret_plan)
{
	struct planning p = { .v = v, .t = v->devices, .plan = ret_plan, .s = &ret_plan->steps };
	int r;

	*ret_plan = (struct mend_plan){ .no_deletions = NULL };
	mend_pool_find(v, &ret_plan->pool);
	repair_hints_find(v, &ret_plan->hints);
	r = deletion_init(p.t, &p.deletion);
	if (v->torn)
		p.deletion.closed = v->torn;
	if (v->stale)
		p.deletion.closed = "the metadata that were read are older than the pool";
	if (!r)
		r = index_chains(&p);
	if (!r) {
		ret_plan->no_deletions = p.deletion.closed;
		lonely_pair_find(&p.deletion, &p.pair);
		r = plan_all(&p);
	}
	if (!r)
		r = ret_plan->steps.error;
	if (!r)
		r = sort_steps(&ret_plan->steps);
	deletion_destroy(&p.deletion);
	alloc_free(p.places);
	return r;
}

void mend_plan_destroy(struct mend_plan *p)
{
	mend_steps_destroy(&p->steps);
}
