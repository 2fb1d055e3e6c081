/* SPDX-License-Identifier: MIT
 * json.c: all of it as one object, for programs.
 */
#include <errno.h>
#include <jansson.h>

#include "common/tool/tool.h"
#include "docker_meta/output/output.h"

/* Building goes on after a failure, which is sticky. */
static void put(json_t *object, const char *key, json_t *value, bool *failed)
{
	*failed |= json_object_set_new(object, key, value) != 0;
}

static void append(json_t *array, json_t *value, bool *failed)
{
	*failed |= json_array_append_new(array, value) != 0;
}

static json_t *number(uint64_t value)
{
	return json_integer((json_int_t)value);
}

/* Names of Docker's need not be UTF-8. */
static json_t *text(const char *value)
{
	json_t *string = value ? json_string(value) : NULL;

	return string ? string : json_null();
}

static json_t *pool(const struct meta_report *r, bool *failed)
{
	const struct pool_state *p = r->devices->pool;
	json_t *object;

	if (!p)
		return json_null();
	object = json_object();
	put(object, "transaction", number(p->header.transaction_id), failed);
	put(object, "time", number(p->header.time), failed);
	put(object, "needs_check", json_boolean(p->header.needs_check), failed);
	put(object, "data_block_size", number(p->header.data_block_size), failed);
	put(object, "data_blocks", number(p->header.nr_data_blocks), failed);
	put(object, "data_blocks_used", number(p->data_blocks_used), failed);
	put(object, "metadata_blocks", number(p->reading.metadata_blocks), failed);
	put(object, "metadata_blocks_free", number(p->reading.metadata_blocks_free), failed);
	put(object, "devices", number(p->nr_devices), failed);
	put(object, "torn", json_boolean(p->reading.torn), failed);
	put(object, "incomplete", json_boolean(p->incomplete), failed);
	return object;
}

static json_t *driver(const struct meta_report *r, bool *failed)
{
	const struct driver_state *d = &r->devices->docker->driver;
	json_t *object = json_object();

	put(object, "devices", number(d->nr_records), failed);
	put(object, "open_transaction",
	    d->has_transaction && d->transaction_usable ? number(d->open_transaction_id)
							: json_null(),
	    failed);
	put(object, "pending", json_boolean(r->devices->pending), failed);
	put(object, "base_uuid", text(d->base_uuid), failed);
	put(object, "base_filesystem", text(d->base_filesystem), failed);
	put(object, "complete", json_boolean(r->devices->complete), failed);
	return object;
}

static json_t *owners(const struct meta_report *r, const struct device_row *row, bool *failed)
{
	const struct image_store *images = &r->devices->docker->images;
	json_t *array = json_array(), *owner;

	if (row->image) {
		owner = json_object();
		put(owner, "type", json_string("image"), failed);
		put(owner, "id", text(row->image->id), failed);
		put(owner, "name", text(image_store_name(images, row->image->id)), failed);
		append(array, owner, failed);
	}
	if (row->container) {
		owner = json_object();
		put(owner, "type", json_string("container"), failed);
		put(owner, "id", text(row->container->id), failed);
		put(owner, "name", text(row->container->name), failed);
		append(array, owner, failed);
	}
	return array;
}

static json_t *findings_of(const struct meta_report *r, const struct device_row *row, bool *failed)
{
	json_t *array = json_array();

	for (size_t i = 0; i < r->findings->nr; i++) {
		const struct meta_finding *f = &r->findings->items[i];

		for (size_t n = 0; n < f->nr_devices; n++) {
			if (f->devices[n] == row)
				append(array, json_string(f->row->id), failed);
		}
	}
	return array;
}

static json_t *device(const struct meta_report *r, const struct device_row *row, bool *failed)
{
	json_t *object = json_object();

	put(object, "id", number(row->id), failed);
	put(object, "hash", text(row->hash), failed);
	put(object, "role", json_string(role_name(row->role)), failed);
	put(object, "referenced", json_boolean(row->referenced), failed);
	put(object, "owners", owners(r, row, failed), failed);
	put(object, "layer", row->image ? number(row->position) : json_null(), failed);
	put(object, "layers", row->image ? number(row->nr_layers) : json_null(), failed);
	put(object, "size", row->record ? number(row->record->size) : json_null(), failed);
	put(object, "mapped_blocks", row->pool ? number(row->pool->nr_mapped) : json_null(),
	    failed);
	put(object, "exclusive_blocks", row->pool ? number(row->pool->nr_exclusive) : json_null(),
	    failed);
	put(object, "transaction",
	    row->pool ? number(row->pool->details.transaction_id) : json_null(), failed);
	put(object, "state",
	    json_string(!row->pool && r->devices->pool ? "phantom"
			: !row->record                 ? "unregistered"
						       : "ok"),
	    failed);
	put(object, "findings", findings_of(r, row, failed), failed);
	return object;
}

static json_t *finding(const struct meta_finding *f, bool *failed)
{
	json_t *object = json_object(), *devices = json_array(), *hashes = json_array();

	for (size_t i = 0; i < f->nr_devices; i++) {
		append(devices, number(f->devices[i]->id), failed);
		if (f->devices[i]->hash)
			append(hashes, text(f->devices[i]->hash), failed);
	}
	put(object, "id", json_string(f->row->id), failed);
	put(object, "severity", json_string(meta_severity_name(f->severity)), failed);
	put(object, "title", json_string(f->row->title), failed);
	put(object, "object", text(f->object), failed);
	put(object, "devices", devices, failed);
	put(object, "hashes", hashes, failed);
	put(object, "evidence", text(f->evidence), failed);
	put(object, "predicted", json_string(f->row->predicted), failed);
	put(object, "remedy", f->unproven ? json_null() : json_string(f->row->remedy), failed);
	put(object, "bytes", number(f->bytes), failed);
	put(object, "confidence", json_string(f->unproven ? "unproven" : "certain"), failed);
	return object;
}

static json_t *steps(const struct forecast *forecast, bool *failed)
{
	json_t *array = json_array();

	for (size_t i = 0; i < forecast->nr; i++) {
		json_t *object = json_object();

		put(object, "kind", json_string(step_kind_name(forecast->steps[i].kind)), failed);
		put(object, "text", text(forecast->steps[i].text), failed);
		append(array, object, failed);
	}
	return array;
}

static json_t *summary(const struct meta_findings *l, bool *failed)
{
	json_t *object = json_object();

	for (int s = META_INFO; s <= META_FATAL; s++)
		put(object, meta_severity_name((enum meta_severity)s), number(l->nr_of[s]), failed);
	return object;
}

int output_json(const struct meta_report *r, FILE *out)
{
	json_t *object = json_object(), *devices = json_array(), *findings = json_array();
	bool failed = false;
	int e;

	for (size_t i = 0; i < r->devices->nr; i++)
		append(devices, device(r, &r->devices->rows[i], &failed), &failed);
	for (size_t i = 0; i < r->findings->nr; i++)
		append(findings, finding(&r->findings->items[i], &failed), &failed);
	put(object, "tool", json_string("docker_meta"), &failed);
	put(object, "version", json_string(THINMEND_VERSION), &failed);
	put(object, "root", text(r->root), &failed);
	put(object, "metadata", text(r->metadata), &failed);
	put(object, "pool", pool(r, &failed), &failed);
	put(object, "driver", driver(r, &failed), &failed);
	put(object, "devices", devices, &failed);
	put(object, "findings", findings, &failed);
	put(object, "forecast", steps(r->forecast, &failed), &failed);
	put(object, "summary", summary(r->findings, &failed), &failed);
	e = failed ? -ENOMEM : 0;
	if (!e && json_dumpf(object, out, JSON_INDENT(2)))
		e = -EIO;
	if (!e && fputc('\n', out) == EOF)
		e = -EIO;
	json_decref(object);
	return e;
}
