/* SPDX-License-Identifier: MIT
 * du_json.c: what uses the pool, for programs.
 */
#include "docker_meta/answers/du.h"

#include "common/base/alloc.h"
#include "docker_meta/answers/reclaim.h"
#include "docker_meta/answers/space.h"
#include "docker_meta/say/json_parts.h"

static json_t *set_object(const struct device_set *set, bool counted, bool *failed)
{
	json_t *object = json_object(), *devices = json_array();

	for (size_t i = 0; i < set->nr_rows; i++) {
		if (!i || set->rows[i]->id != set->rows[i - 1]->id)
			json_append(devices, json_number(set->rows[i]->id), failed);
	}
	json_put(object, "kind", json_string(set_kind_name(set->kind)), failed);
	json_put(object, "name", json_text(set->name), failed);
	json_put(object, "image", json_text(set->image ? set->image->id : NULL), failed);
	json_put(object, "container", json_text(set->container ? set->container->id : NULL),
		 failed);
	json_put(object, "devices", devices, failed);
	json_put(object, "mapped_blocks", counted ? json_number(set->nr_mapped) : json_null(),
		 failed);
	json_put(object, "largest_blocks", counted ? json_number(set->nr_largest) : json_null(),
		 failed);
	json_put(object, "exclusive_blocks", counted ? json_number(set->nr_exclusive) : json_null(),
		 failed);
	json_put(object, "returned_blocks",
		 counted && du_goes_alone(set) ? json_number(set->nr_returned) : json_null(),
		 failed);
	return object;
}

json_t *space_sets_json(const struct meta_view *v, bool *failed)
{
	json_t *array = json_array();

	for (size_t i = 0; i < v->sets->nr; i++)
		json_append(array, set_object(&v->sets->sets[i], v->sets->counted, failed), failed);
	return array;
}

static json_t *totals(const struct meta_view *v, const struct du *d, bool *failed)
{
	const struct pool_reading *m = &v->devices->pool->reading;
	const struct du_totals t = du_totals(v);
	json_t *object = json_object();

	json_put(object, "block_bytes", json_number(device_table_bytes(v->devices, 1)), failed);
	json_put(object, "total", json_number(t.total), failed);
	json_put(object, "used", json_number(t.used), failed);
	json_put(object, "mapped", json_number(t.mapped), failed);
	json_put(object, "exclusive", json_number(t.exclusive), failed);
	json_put(object, "between", json_number(t.between), failed);
	json_put(object, "apart", json_number(d->nr_apart), failed);
	json_put(object, "leaked", t.space_map ? json_number(t.unmapped) : json_null(), failed);
	json_put(object, "free", json_number(t.free), failed);
	json_put(object, "metadata_total", json_number(m->metadata_blocks), failed);
	json_put(object, "metadata_used", json_number(pool_metadata_used(m)), failed);
	return object;
}

static json_t *returned(const struct reclaim *reclaim, bool *failed)
{
	static const char *const names[NR_RECLAIM_KINDS] = {
		[RECLAIM_STOPPED] = "container_prune", [RECLAIM_DANGLING] = "image_prune",
		[RECLAIM_IMAGES] = "image_prune_all",  [RECLAIM_BUILDS] = "builder_prune",
		[RECLAIM_UNUSED] = "unused_layers",    [RECLAIM_ORPHANS] = "orphans",
	};
	json_t *object = json_object();

	for (size_t i = 0; i < NR_RECLAIM_KINDS; i++)
		json_put(object, names[i], json_number(reclaim->blocks[i]), failed);
	return object;
}

static json_t *sets_with_lineage(const struct meta_view *v, const struct du *d, bool *failed)
{
	json_t *array = json_array();

	for (size_t i = 0; i < d->nr; i++) {
		json_t *object = set_object(d->sets[i].set, v->sets->counted, failed);

		json_put(object, "added_blocks",
			 v->sets->counted ? json_number(d->sets[i].nr_added) : json_null(), failed);
		json_append(array, object, failed);
	}
	return array;
}

int du_json(const struct meta_view *v, FILE *out, int *status)
{
	json_t *object;
	struct reclaim reclaim;
	struct du d = { 0 };
	bool failed = false;
	int r = reclaim_count(v, &reclaim);

	(void)status;
	if (!r)
		r = du_make(v, &d);
	if (r) {
		du_destroy(&d);
		return r;
	}
	object = json_object();
	json_put_head(object, v, &failed);
	json_put(object, "blocks", v->sets->counted ? totals(v, &d, &failed) : json_null(),
		 &failed);
	json_put(object, "sets", sets_with_lineage(v, &d, &failed), &failed);
	json_put(object, "returned", v->sets->counted ? returned(&reclaim, &failed) : json_null(),
		 &failed);
	du_destroy(&d);
	return json_finish(object, failed, out);
}
