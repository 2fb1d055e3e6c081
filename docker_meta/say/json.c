/* SPDX-License-Identifier: MIT
 * json.c: all of it as one object, for programs.
 */

#include <errno.h>

#include "common/base/alloc.h"
#include "common/tool/tool.h"
#include "docker_meta/answers/inputs.h"
#include "docker_meta/say/json_parts.h"
#include "docker_meta/say/output.h"
#include "docker_meta/say/state_file.h"

static json_t *input(const struct meta_input *in, bool *failed)
{
	json_t *object = json_object();

	json_put(object, "kind", json_string(in->kind), failed);
	json_put(object, "path", json_text(in->path), failed);
	json_put(object, "files", json_number(in->nr_files), failed);
	json_put(object, "bytes", json_number(in->bytes), failed);
	json_put(object, "sha256", *in->sha256 ? json_string(in->sha256) : json_null(), failed);
	json_put(object, "command", json_text(in->command), failed);
	json_put(object, "fault", json_text(in->fault), failed);
	return object;
}

static json_t *all_inputs(const struct meta_view *v, bool *failed)
{
	struct meta_inputs inputs;
	json_t *array = json_array();

	*failed |= meta_inputs_make(v, &inputs) != 0;
	for (size_t i = 0; i < inputs.nr; i++)
		json_append(array, input(&inputs.items[i], failed), failed);
	meta_inputs_destroy(&inputs);
	return array;
}
#include "docker_meta/answers/space.h"

static json_t *pool(const struct meta_view *r, bool *failed)
{
	const struct pool_state *p = r->devices->pool;
	json_t *object;

	if (!p)
		return json_null();
	object = json_object();
	json_put(object, "name", json_text(r->host->pool ? r->host->pool->name : NULL), failed);
	json_put(object, "transaction", json_number(p->header.transaction_id), failed);
	json_put(object, "time", json_number(p->header.time), failed);
	json_put(object, "needs_check", json_boolean(p->header.needs_check), failed);
	json_put(object, "data_block_size", json_number(p->header.data_block_size), failed);
	json_put(object, "data_blocks", json_number(p->header.nr_data_blocks), failed);
	json_put(object, "data_blocks_used", json_number(p->data_blocks_used), failed);
	json_put(object, "metadata_blocks", json_number(p->reading.metadata_blocks), failed);
	json_put(object, "metadata_blocks_free", json_number(p->reading.metadata_blocks_free),
		 failed);
	json_put(object, "devices", json_number(p->nr_devices), failed);
	json_put(object, "torn", json_boolean(r->torn != NULL), failed);
	json_put(object, "older", json_text(r->stale), failed);
	json_put(object, "incomplete", json_boolean(p->incomplete), failed);
	return object;
}

static json_t *driver(const struct meta_view *r, bool *failed)
{
	const struct driver_state *d = &r->devices->docker->driver;
	json_t *object = json_object();

	json_put(object, "devices", json_number(d->nr_records), failed);
	json_put(object, "open_transaction",
		 d->has_transaction && d->transaction_usable ? json_number(d->open_transaction_id)
							     : json_null(),
		 failed);
	json_put(object, "pending", json_boolean(r->devices->pending), failed);
	json_put(object, "base_uuid", json_text(d->base_uuid), failed);
	json_put(object, "base_filesystem", json_text(d->base_filesystem), failed);
	json_put(object, "complete", json_boolean(r->devices->complete), failed);
	return object;
}

static json_t *owners(const struct meta_view *r, const struct device_row *row, bool *failed)
{
	const struct image_store *images = &r->devices->docker->images;
	json_t *array = json_array(), *owner;

	for (size_t i = 0; i < row->nr_places; i++) {
		const struct image *image = row->places[i].image;

		owner = json_object();
		json_put(owner, "type", json_string("image"), failed);
		json_put(owner, "id", json_text(image->id), failed);
		json_put(owner, "name", json_text(image_store_name(images, image->id)), failed);
		json_append(array, owner, failed);
	}
	if (row->container) {
		owner = json_object();
		json_put(owner, "type", json_string("container"), failed);
		json_put(owner, "id", json_text(row->container->id), failed);
		json_put(owner, "name", json_text(row->container->name), failed);
		json_append(array, owner, failed);
	}
	return array;
}

/* ---- devices */

/* Which findings are of a row of the table: items[begin[row]] … items[begin[row + 1]]. */
struct row_index {
	size_t *begin;                     /* owned */
	const struct meta_finding **items; /* owned */
};

static void row_index_destroy(struct row_index *x)
{
	alloc_free(x->begin);
	alloc_free(x->items);
}

/* Counted, then put: begin[row + 1] is where the next one of row goes. */
static int row_index_make(const struct meta_view *v, struct row_index *ret_index)
{
	const struct device_row *rows = v->devices->rows;
	const struct meta_findings *l = v->findings;
	const size_t nr = v->devices->nr;
	size_t total = 0;

	*ret_index = (struct row_index){ .begin = alloc_array(nr + 2, sizeof(size_t)) };
	for (size_t i = 0; ret_index->begin && i < l->nr; i++) {
		for (size_t n = 0; n < l->items[i].nr_devices; n++)
			ret_index->begin[l->items[i].devices[n] - rows + 2]++;
		total += l->items[i].nr_devices;
	}
	ret_index->items = alloc_array(total + 1, sizeof(const void *));
	if (!ret_index->begin || !ret_index->items)
		return -ENOMEM;
	for (size_t i = 2; i < nr + 2; i++)
		ret_index->begin[i] += ret_index->begin[i - 1];
	for (size_t i = 0; i < l->nr; i++) {
		for (size_t n = 0; n < l->items[i].nr_devices; n++)
			ret_index->items[ret_index->begin[l->items[i].devices[n] - rows + 1]++] =
				&l->items[i];
	}
	return 0;
}

static json_t *findings_of(const struct row_index *x, size_t row, bool *failed)
{
	json_t *array = json_array();

	for (size_t i = x->begin[row]; i < x->begin[row + 1]; i++)
		json_append(array, json_string(x->items[i]->row->id), failed);
	return array;
}

static json_t *device(const struct meta_view *r, const struct row_index *x,
		      const struct device_row *row, bool *failed)
{
	const struct device_details *details = row->pool ? &row->pool->details : NULL;
	json_t *object = json_object();

	json_put(object, "id", json_number(row->id), failed);
	json_put(object, "hash", json_text(row->hash), failed);
	json_put(object, "role", json_string(role_name(row->role)), failed);
	json_put(object, "referenced", json_boolean(row->referenced), failed);
	json_put(object, "owners", owners(r, row, failed), failed);
	json_put(object, "layer", row->image ? json_number(row->position) : json_null(), failed);
	json_put(object, "layers", row->image ? json_number(row->nr_layers) : json_null(), failed);
	json_put(object, "size", row->record ? json_number(row->record->size) : json_null(),
		 failed);
	json_put(object, "mapped_blocks",
		 row->pool ? json_number(row->pool->nr_mapped) : json_null(), failed);
	json_put(object, "exclusive_blocks",
		 row->pool ? json_number(row->pool->nr_exclusive) : json_null(), failed);
	json_put(object, "transaction",
		 details ? json_number(details->transaction_id) : json_null(), failed);
	json_put(object, "creation_time",
		 details ? json_number(details->creation_time) : json_null(), failed);
	json_put(object, "snapshotted_time",
		 details ? json_number(details->snapshotted_time) : json_null(), failed);
	json_put(object, "state", json_string(device_state_name(r->devices, row)), failed);
	json_put(object, "findings", findings_of(x, (size_t)(row - r->devices->rows), failed),
		 failed);
	return object;
}

static json_t *subject(const struct subject *s, bool *failed)
{
	json_t *object = json_object();

	json_put(object, "kind", json_string(subject_kind_name(s->kind)), failed);
	json_put(object, "id", json_text(s->id), failed);
	json_put(object, "name", json_text(s->name), failed);
	return object;
}

/* What stands where; null: nothing does. */
static json_t *place(const char *file, const char *value, bool *failed)
{
	json_t *object = value ? json_object() : json_null();

	if (!value)
		return object;
	json_put(object, "file", json_text(file), failed);
	json_put(object, "value", json_text(value), failed);
	return object;
}

json_t *json_of_finding(const struct meta_finding *f, bool *failed)
{
	json_t *object = json_object(), *devices = json_array(), *hashes = json_array();

	for (size_t i = 0; i < f->nr_devices; i++) {
		json_append(devices, json_number(f->devices[i]->id), failed);
		if (f->devices[i]->hash)
			json_append(hashes, json_text(f->devices[i]->hash), failed);
	}
	json_put(object, "id", json_string(f->row->id), failed);
	json_put(object, "severity", json_string(meta_severity_name(f->severity)), failed);
	json_put(object, "title", json_string(f->row->title), failed);
	json_put(object, "object", json_text(f->subject.name), failed);
	json_put(object, "devices", devices, failed);
	json_put(object, "hashes", hashes, failed);
	json_put(object, "subject", subject(&f->subject, failed), failed);
	json_put(object, "found", place(f->evidence.file, f->evidence.found, failed), failed);
	json_put(object, "against", place(f->evidence.against, f->evidence.there, failed), failed);
	json_put(object, "evidence", json_text(f->evidence.line), failed);
	json_put(object, "predicted", json_string(f->row->predicted), failed);
	json_put(object, "remedy", json_text(meta_finding_remedy(f)), failed);
	json_put(object, "busy", json_text(f->busy), failed);
	json_put(object, "bytes", json_number(f->bytes), failed);
	json_put(object, "confidence", json_string(f->unproven ? "unproven" : "certain"), failed);
	return object;
}

static json_t *steps(const struct forecast *forecast, bool *failed)
{
	json_t *array = json_array();

	for (size_t i = 0; i < forecast->nr; i++) {
		json_t *object = json_object();

		json_put(object, "kind", json_string(step_kind_name(forecast->steps[i].kind)),
			 failed);
		json_put(object, "text", json_text(forecast->steps[i].text), failed);
		json_append(array, object, failed);
	}
	return array;
}

json_t *json_of_summary(const struct meta_findings *l, bool *failed)
{
	json_t *object = json_object();

	for (int s = META_INFO; s <= META_FATAL; s++)
		json_put(object, meta_severity_name((enum meta_severity)s),
			 json_number(l->nr_of[s]), failed);
	return object;
}

/* ---- thresholds, changes */

static json_t *thresholds(const struct verdict *d, bool *failed)
{
	json_t *array = json_array();

	for (int i = 0; i < NR_MEASURES; i++) {
		const enum measure_id id = (enum measure_id)i;
		const struct measure *m = &d->measures[i];
		const struct range *w = &d->thresholds.warning[i], *c = &d->thresholds.critical[i];
		json_t *object;

		if (!m->asked)
			continue;
		object = json_object();
		json_put(object, "what", json_string(measure_name(id)), failed);
		json_put(object, "value",
			 m->known ? json_string(measure_words(d, id).text) : json_null(), failed);
		json_put(object, "warning",
			 w->set ? json_string(range_words(id, w).text) : json_null(), failed);
		json_put(object, "critical",
			 c->set ? json_string(range_words(id, c).text) : json_null(), failed);
		json_put(object, "level", json_string(level_name(m->level)), failed);
		json_put(object, "told_before", json_boolean(m->told_before), failed);
		json_append(array, object, failed);
	}
	return array;
}

static json_t *gone(const struct told_list *list, bool *failed)
{
	json_t *array = json_array();

	for (size_t i = 0; i < list->nr; i++) {
		json_t *object = json_object();

		json_put(object, "id", json_text(list->items[i].id), failed);
		json_put(object, "severity",
			 json_string(meta_severity_name(list->items[i].severity)), failed);
		json_put(object, "what", json_text(list->items[i].what), failed);
		json_append(array, object, failed);
	}
	return array;
}

static json_t *changes(const struct changes *c, bool *failed)
{
	json_t *object;

	if (!c)
		return json_null();
	object = json_object();
	json_put(object, "first", json_boolean(c->first), failed);
	json_put(object, "new", json_number(c->news.nr), failed);
	json_put(object, "gone", gone(&c->gone, failed), failed);
	return object;
}

void json_put_tool(json_t *object, const struct meta_view *v, bool *failed)
{
	json_put(object, "tool", json_string("docker_meta"), failed);
	json_put(object, "version", json_string(THINMEND_VERSION), failed);
	json_put(object, "root", json_text(v->root), failed);
}

void json_put_verdict(json_t *object, const struct verdict *verdict, bool *failed)
{
	json_put(object, "status", json_integer(verdict->status), failed);
	json_put(object, "thresholds", thresholds(verdict, failed), failed);
	json_put(object, "changes", changes(verdict->changes, failed), failed);
}

void json_put_head(json_t *object, const struct meta_view *v, bool *failed)
{
	json_put_tool(object, v, failed);
	json_put(object, "command", json_string(meta_command_name(v->options->command)), failed);
	json_put(object, "metadata", json_text(v->metadata), failed);
}

/* ---- all */

static json_t *all_devices(const struct meta_view *v, bool *failed)
{
	json_t *array = json_array();
	struct row_index index;

	if (row_index_make(v, &index))
		*failed = true;
	for (size_t i = 0; i < v->devices->nr && !*failed; i++)
		json_append(array, device(v, &index, &v->devices->rows[i], failed), failed);
	row_index_destroy(&index);
	return array;
}

int output_json(const struct meta_view *v, FILE *out)
{
	json_t *object = json_object(), *findings = json_array();
	bool failed = false;

	for (size_t i = 0; i < v->findings->nr; i++)
		json_append(findings, json_of_finding(&v->findings->items[i], &failed), &failed);
	json_put_head(object, v, &failed);
	json_put(object, "inputs", all_inputs(v, &failed), &failed);
	json_put(object, "pool", pool(v, &failed), &failed);
	json_put(object, "driver", driver(v, &failed), &failed);
	json_put(object, "devices", all_devices(v, &failed), &failed);
	json_put(object, "sets", space_sets_json(v, &failed), &failed);
	json_put(object, "findings", findings, &failed);
	json_put(object, "forecast", steps(v->forecast, &failed), &failed);
	json_put(object, "summary", json_of_summary(v->findings, &failed), &failed);
	json_put_verdict(object, v->verdict, &failed);
	return json_finish(object, failed, out);
}
