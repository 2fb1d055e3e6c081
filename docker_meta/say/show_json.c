/* SPDX-License-Identifier: MIT
 * show_json.c: all that is known of it, for programs.
 */
#include <stdio.h>
#include <string.h>

#include "common/tool/tool.h"
#include "docker_meta/answers/refs.h"
#include "docker_meta/answers/show.h"
#include "docker_meta/say/json_parts.h"

static json_t *number_or_null(bool has, uint64_t value)
{
	return has ? json_number(value) : json_null();
}

/* ---- a device */

static json_t *file_of(const struct device_row *row, bool *failed)
{
	const struct device_record *d = row->record;
	json_t *object = d ? json_object() : json_null();

	if (!d)
		return object;
	json_put(object, "device_id", json_integer((json_int_t)d->device_id), failed);
	json_put(object, "size", json_number(d->size), failed);
	json_put(object, "transaction", json_number(d->transaction_id), failed);
	json_put(object, "initialized", json_boolean(d->initialized), failed);
	json_put(object, "deleted", json_boolean(d->deleted), failed);
	return object;
}

static json_t *origin_of(const struct show *s, const struct device_row *row, bool *failed)
{
	const struct origin o = origin_find(s->t->pool, row->pool);
	json_t *object = json_object();

	json_put(object, "device", number_or_null(o.certain, o.certain ? o.certain->id : 0),
		 failed);
	json_put(object, "possible", json_number(o.nr_possible), failed);
	json_put(object, "is_snapshot", json_boolean(o.is_snapshot), failed);
	return object;
}

static json_t *pool_of(const struct show *s, const struct device_row *row, bool *failed)
{
	const struct pool_device *p = row->pool;
	json_t *object = p ? json_object() : json_null();

	if (!p)
		return object;
	json_put(object, "transaction", json_number(p->details.transaction_id), failed);
	json_put(object, "created", json_number(p->details.creation_time), failed);
	json_put(object, "snapshotted", json_number(p->details.snapshotted_time), failed);
	json_put(object, "complete", json_boolean(p->complete), failed);
	json_put(object, "mapped_blocks", number_or_null(p->complete, p->nr_mapped), failed);
	json_put(object, "exclusive_blocks", number_or_null(p->complete, p->nr_exclusive), failed);
	json_put(object, "thin_blocks_end", number_or_null(p->complete, p->nr_thin_blocks), failed);
	json_put(object, "newest_mapping", number_or_null(p->complete, p->newest_time), failed);
	json_put(object, "origin", origin_of(s, row, failed), failed);
	return object;
}

static json_t *device(const struct show *s, const struct device_row *row, bool *failed)
{
	json_t *object = row ? json_device_ref(s->t, row, failed) : json_null();

	if (!row)
		return object;
	json_put(object, "state", json_string(device_state_name(s->t, row)), failed);
	json_put(object, "referenced", json_boolean(row->referenced), failed);
	json_put(object, "file", file_of(row, failed), failed);
	json_put(object, "pool", pool_of(s, row, failed), failed);
	return object;
}

static json_t *device_list(const struct show *s, const struct device_row *const *rows, size_t nr,
			   bool *failed)
{
	json_t *array = json_array();

	for (size_t i = 0; i < nr; i++)
		json_append(array, json_device_ref(s->t, rows[i], failed), failed);
	return array;
}

/* ---- images, layers, containers */

static json_t *names_of(const struct show *s, const struct image *image, bool *failed)
{
	const struct image_store *store = &s->t->docker->images;
	json_t *array = json_array();

	for (size_t i = 0; i < store->nr_tags; i++) {
		if (!strcmp(store->tags[i].id, image->id))
			json_append(array, json_text(store->tags[i].name), failed);
	}
	return array;
}

static json_t *layer(const struct show *s, const struct layer *l, bool *failed)
{
	const struct device_row *row = l->cache_id ? device_table_find(s->t, l->cache_id) : NULL;
	json_t *object = json_object();

	json_put(object, "chain", json_text(l->chain), failed);
	json_put(object, "diff", *l->diff ? json_text(l->diff) : json_null(), failed);
	json_put(object, "parent", *l->parent ? json_text(l->parent) : json_null(), failed);
	json_put(object, "hash", json_text(l->cache_id), failed);
	json_put(object, "device", number_or_null(row, row ? row->id : 0), failed);
	json_put(object, "size", json_number(l->size), failed);
	json_put(object, "mapped_blocks",
		 number_or_null(row && row->pool, row && row->pool ? row->pool->nr_mapped : 0),
		 failed);
	json_put(object, "exclusive_blocks",
		 number_or_null(row && row->pool, row && row->pool ? row->pool->nr_exclusive : 0),
		 failed);
	json_put(object, "removing", json_boolean(l->removing), failed);
	return object;
}

static json_t *missing_layer(const char *chain, bool *failed)
{
	json_t *object = json_object();

	json_put(object, "chain", json_text(chain), failed);
	json_put(object, "device", json_null(), failed);
	return object;
}

static json_t *layers_of(const struct show *s, const struct image *image, bool *failed)
{
	json_t *array = json_array();

	for (size_t i = 0; i < image->nr_chains; i++) {
		const char *chain = image->chains[i].hex;
		const struct layer *l = layer_store_find(&s->t->docker->layers, chain);

		json_append(array, l ? layer(s, l, failed) : missing_layer(chain, failed), failed);
	}
	return array;
}

static json_t *image(const struct show *s, bool *failed)
{
	const bool counted = s->subject.kind == SUBJECT_IMAGE && s->t->pool;
	json_t *object = s->image ? json_object() : json_null();

	if (!s->image)
		return object;
	json_put(object, "id", json_text(s->image->id), failed);
	json_put(object, "names", names_of(s, s->image, failed), failed);
	json_put(object, "parent", *s->image->parent ? json_text(s->image->parent) : json_null(),
		 failed);
	json_put(object, "layers", layers_of(s, s->image, failed), failed);
	json_put(object, "exclusive_blocks", number_or_null(counted, s->set_blocks), failed);
	return object;
}

static json_t *container(const struct container *c, bool *failed)
{
	json_t *object = json_object();

	json_put(object, "id", json_text(c->id), failed);
	json_put(object, "name", json_text(c->name), failed);
	json_put(object, "state", json_string(show_container_state(c)), failed);
	json_put(object, "image", *c->image ? json_text(c->image) : json_null(), failed);
	json_put(object, "image_name", json_text(c->image_name), failed);
	return object;
}

/* Of an image those that were made from it, else the one that it is, or is of. */
static json_t *containers(const struct show *s, bool *failed)
{
	const struct container_store *store = &s->t->docker->containers;
	const struct image *of = s->subject.kind == SUBJECT_IMAGE ? s->subject.image : NULL;
	json_t *array = json_array();

	if (s->container)
		json_append(array, container(s->container, failed), failed);
	for (size_t i = 0; i < store->nr_containers && of; i++) {
		if (!strcmp(store->containers[i].image, of->id))
			json_append(array, container(&store->containers[i], failed), failed);
	}
	return array;
}

/* The images that have its layer. */
static json_t *images_with(const struct show *s, bool *failed)
{
	const struct image_store *store = &s->t->docker->images;
	json_t *array = json_array();

	for (size_t i = 0; i < store->nr_images && s->layer; i++) {
		const struct image *found = &store->images[i];
		const size_t position = show_position(found, s->layer);
		json_t *object;

		if (!position)
			continue;
		object = json_object();
		json_put(object, "id", json_text(found->id), failed);
		json_put(object, "name", json_text(image_store_name(store, found->id)), failed);
		json_put(object, "position", json_number(position), failed);
		json_put(object, "layers", json_number(found->nr_chains), failed);
		json_append(array, object, failed);
	}
	return array;
}

static json_t *mount(const struct show *s, bool *failed)
{
	const struct mount *m = s->mount;
	json_t *object = m ? json_object() : json_null();

	if (!m)
		return object;
	json_put(object, "name", json_text(m->name), failed);
	json_put(object, "mount_id", json_text(m->mount_id), failed);
	json_put(object, "init_id", json_text(m->init_id), failed);
	json_put(object, "parent", *m->parent ? json_text(m->parent) : json_null(), failed);
	return object;
}

/* ---- findings, and how to look inside */

static json_t *findings(const struct show *s, bool *failed)
{
	json_t *array = json_array();

	for (size_t i = 0; i < s->about.nr; i++) {
		const struct meta_finding *f = s->about.findings[i];
		json_t *object = json_object();

		json_put(object, "id", json_string(f->row->id), failed);
		json_put(object, "severity", json_string(meta_severity_name(f->severity)), failed);
		json_put(object, "title", json_string(f->row->title), failed);
		json_put(object, "evidence", json_text(f->evidence.line), failed);
		json_append(array, object, failed);
	}
	return array;
}

static json_t *rescue(const struct show *s, bool *failed)
{
	const struct rescue *r = &s->rescue;
	json_t *object = s->row ? json_object() : json_null(), *lines;

	if (!s->row)
		return object;
	lines = json_array();
	for (size_t i = 0; i < r->nr; i++) {
		json_t *line = json_object();

		json_put(line, r->lines[i].is_command ? "command" : "note",
			 json_text(r->lines[i].text), failed);
		json_append(lines, line, failed);
	}
	json_put(object, "refused", json_text(r->refused), failed);
	json_put(object, "sectors", number_or_null(!r->refused, r->sectors), failed);
	json_put(object, "size_guessed", json_boolean(r->guessed), failed);
	json_put(object, "steps", lines, failed);
	return object;
}

/* ---- all */

static json_t *answer(const struct show *s, bool *failed)
{
	json_t *object = json_object(), *lineage = json_array();

	for (size_t i = s->lineage.nr; i-- > 0;)
		json_append(lineage, json_device_ref(s->t, s->lineage.devices[i], failed), failed);
	json_put_head(object, s->v, failed);
	json_put(object, "kind", json_string(subject_kind_name(s->subject.kind)), failed);
	json_put(object, "device", device(s, s->row, failed), failed);
	json_put(object, "hash", json_text(s->hash), failed);
	json_put(object, "layer", s->layer ? layer(s, s->layer, failed) : json_null(), failed);
	json_put(object, "mount", mount(s, failed), failed);
	json_put(object, "image", image(s, failed), failed);
	json_put(object, "images", images_with(s, failed), failed);
	json_put(object, "containers", containers(s, failed), failed);
	json_put(object, "lineage", lineage, failed);
	json_put(object, "lineage_missing", json_text(s->lineage.missing), failed);
	json_put(object, "lineage_fits_times", json_boolean(lineage_fits_times(&s->lineage)),
		 failed);
	json_put(object, "children", device_list(s, s->children.devices, s->children.nr, failed),
		 failed);
	json_put(object, "findings", findings(s, failed), failed);
	json_put(object, "rescue", rescue(s, failed), failed);
	return object;
}

int show_json(const struct meta_view *v, FILE *out, int *status)
{
	struct show s;
	bool failed = false;
	json_t *object;
	int r = 0, said = show_make(v, &s);

	if (said != STATUS_NONE) {
		*status = said;
	} else {
		object = answer(&s, &failed);
		*status = about_status(&s.about, s.t);
		r = json_finish(object, failed, out);
	}
	show_destroy(&s);
	return r;
}
