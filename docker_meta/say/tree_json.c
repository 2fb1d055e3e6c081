/* SPDX-License-Identifier: MIT
 * tree_json.c: lineage for programs.
 */
#include "docker_meta/answers/space.h"
#include "docker_meta/answers/tree.h"

#include "common/base/alloc.h"
#include "docker_meta/say/json_parts.h"

static json_t *node(const struct meta_view *v, const struct descent *l, uint32_t number,
		    bool *failed)
{
	const struct device_row *row = &v->devices->rows[number];
	const struct pool_device *d = row->pool;
	json_t *object = json_object();
	char owner[200];

	device_owner_name(v->devices, row, owner, sizeof(owner));
	json_put(object, "device", json_number(row->id), failed);
	json_put(object, "hash", json_text(row->hash), failed);
	json_put(object, "role", json_string(role_name(row->role)), failed);
	json_put(object, "owner", json_text(owner), failed);
	json_put(object, "parent",
		 l->parent[number] == NO_ROW ? json_null()
					     : json_number(v->devices->rows[l->parent[number]].id),
		 failed);
	json_put(object, "parent_by",
		 json_string(descent_proof_name((enum lineage_proof)l->proof[number])), failed);
	json_put(object, "added_blocks", d ? json_number(l->added[number]) : json_null(), failed);
	json_put(object, "with_blocks", d ? json_number(l->with[number]) : json_null(), failed);
	json_put(object, "exclusive_blocks", d ? json_number(d->nr_exclusive) : json_null(),
		 failed);
	json_put(object, "mapped_blocks", d ? json_number(d->nr_mapped) : json_null(), failed);
	return object;
}

static json_t *image(const struct meta_view *v, const struct descent *l,
		     const struct device_set *set, bool *failed)
{
	json_t *object = json_object(), *layers = json_array();

	for (size_t i = 0; i < set->image->nr_chains; i++) {
		const uint32_t row = tree_layer(v->devices, l, set->image, i);

		json_append(layers,
			    row == NO_ROW ? json_null() : json_number(v->devices->rows[row].id),
			    failed);
	}
	json_put(object, "id", json_text(set->image->id), failed);
	json_put(object, "name", json_text(set->name), failed);
	json_put(object, "layers", layers, failed);
	return object;
}

int tree_json(const struct meta_view *v, FILE *out, int *status)
{
	const struct device_set **images = NULL;
	json_t *object, *nodes, *list;
	struct descent l;
	bool failed = false;
	size_t nr = 0;
	int r = descent_make(v->devices, &l);

	(void)status;
	if (!r)
		r = tree_images(v, &images, &nr);
	if (r) {
		descent_destroy(&l);
		return r;
	}
	object = json_object();
	nodes = json_array();
	list = json_array();
	for (size_t i = 0; i < v->devices->nr; i++)
		json_append(nodes, node(v, &l, l.order[i], &failed), &failed);
	for (size_t i = 0; i < nr; i++)
		json_append(list, image(v, &l, images[i], &failed), &failed);
	json_put_head(object, v, &failed);
	json_put(object, "block_bytes", json_number(device_table_bytes(v->devices, 1)), &failed);
	json_put(object, "apart_blocks", json_number(l.nr_apart), &failed);
	json_put(object, "devices", nodes, &failed);
	json_put(object, "images", list, &failed);
	alloc_free(images);
	descent_destroy(&l);
	return json_finish(object, failed, out);
}
