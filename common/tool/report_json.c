/* SPDX-License-Identifier: MIT */
#include "common/tool/report_json.h"

#include <errno.h>
#include <inttypes.h>
#include <jansson.h>

#include "common/base/alloc.h"
#include "common/base/text.h"

/* JSON numbers go up to 2^63-1 here; what is above is damage, and stands there as a string. */
static json_t *number(uint64_t v)
{
	char text[24];

	if (v <= INT64_MAX)
		return json_integer((json_int_t)v);
	(void)snprintf(text, sizeof(text), "%" PRIu64, v);
	return json_string(text);
}

/* The end of a range, or null: to the end of the device. */
static json_t *range_end(uint64_t end)
{
	return end == RANGE_OPEN ? json_null() : number(end);
}

/* Takes value; *failed is sticky, so that one look at the end is enough. */
static void put(json_t *object, const char *key, json_t *value, bool *failed)
{
	if (json_object_set_new(object, key, value))
		*failed = true;
}

static void append(json_t *array, json_t *value, bool *failed)
{
	if (json_array_append_new(array, value))
		*failed = true;
}

/* The same with a list, which is left out where nothing is in it. */
static void put_list(json_t *object, const char *key, json_t *list, bool *failed)
{
	if (list && !json_array_size(list))
		json_decref(list);
	else
		put(object, key, list, failed);
}

static json_t *devices(const struct finding *f, bool *failed)
{
	json_t *array = json_array();
	uint64_t last = NO_DEVICE;

	for (size_t i = 0; i < f->nr_affected; i++) {
		if (f->affected[i].device == NO_DEVICE || f->affected[i].device == last)
			continue;
		last = f->affected[i].device;
		append(array, number(last), failed);
	}
	return array;
}

static json_t *range(const struct affected *a, bool *failed)
{
	json_t *object = json_object();

	if (a->device != NO_DEVICE)
		put(object, "device", number(a->device), failed);
	put(object, "unit", json_string(range_unit_name(a->unit)), failed);
	put(object, "begin", number(a->begin), failed);
	put(object, "end", range_end(a->end), failed);
	if (a->mappings)
		put(object, "mappings", number(a->mappings), failed);
	return object;
}

static json_t *ranges(const struct finding *f, bool *failed)
{
	json_t *array = json_array();

	for (size_t i = 0; i < f->nr_affected; i++) {
		if (f->affected[i].unit != RANGE_NONE)
			append(array, range(&f->affected[i], failed), failed);
	}
	return array;
}

static json_t *finding(const struct finding *f, bool *failed)
{
	const struct finding_type *type = finding_type(f->id);
	json_t *object = json_object();

	put(object, "id", json_string(type->id), failed);
	put(object, "severity", json_string(severity_name(finding_severity(f))), failed);
	put(object, "message", json_string(f->message), failed);
	put(object, "tree", json_string(f->tree), failed);
	if (f->block != NO_BLOCK)
		put(object, "block", number(f->block), failed);
	put_list(object, "devices", devices(f, failed), failed);
	put_list(object, "ranges", ranges(f, failed), failed);
	if (f->nr_affected_left_out)
		put(object, "ranges_left_out", number(f->nr_affected_left_out), failed);
	if (finding_has_counts(f)) {
		put(object, "expected", number(f->expected), failed);
		put(object, "found", number(f->found), failed);
		put(object, "measure", json_string(type->measure), failed);
	}
	put(object, "costs", json_string(finding_costs(f)), failed);
	put(object, "kernel", json_string(type->kernel), failed);
	put(object, "mends", json_string(type->mends), failed);
	return object;
}

static json_t *superblock(const struct check_result *result, bool *failed)
{
	const struct superblock *sb = &result->sb;
	json_t *object;

	if (!result->has_superblock)
		return json_null();
	object = json_object();
	put(object, "version", number(sb->version), failed);
	put(object, "time", number(sb->time), failed);
	put(object, "transaction", number(sb->transaction_id), failed);
	put(object, "needs_check", json_boolean(superblock_needs_check(sb)), failed);
	put(object, "data_block_size", number(sb->data_block_size), failed);
	put(object, "data_blocks", number(sb->data_space_map.nr_blocks), failed);
	put(object, "metadata_blocks", number(sb->metadata_space_map.nr_blocks), failed);
	put(object, "mapping_root", number(sb->mapping_root), failed);
	put(object, "details_root", number(sb->details_root), failed);
	put(object, "metadata_snap", sb->held_root ? number(sb->held_root) : json_null(), failed);
	return object;
}

/* Every finding is counted, but of one id only so many are listed. */
static json_t *counts(const struct report *r, bool *failed)
{
	json_t *object = json_object();

	for (int id = 0; id < NR_FINDINGS; id++) {
		if (r->per_id[id])
			put(object, finding_type((enum finding_id)id)->id, number(r->per_id[id]),
			    failed);
	}
	return object;
}

static uint64_t left_out(const struct report *r)
{
	uint64_t nr = 0;

	for (int id = 0; id < NR_FINDINGS; id++)
		nr += r->per_id[id];
	return nr - r->nr_findings;
}

static json_t *summary(const struct json_report *j, bool *failed)
{
	const struct report *r = j->report;
	const struct check_result *result = j->result;
	json_t *object = json_object();

	put(object, "worst", json_string(severity_name(report_worst(r))), failed);
	put(object, "fatal", number(r->per_severity[SEVERITY_FATAL]), failed);
	put(object, "non_fatal", number(r->per_severity[SEVERITY_NON_FATAL]), failed);
	put(object, "suspect", number(r->per_severity[SEVERITY_SUSPECT]), failed);
	put(object, "counts", counts(r, failed), failed);
	put(object, "findings_left_out", number(left_out(r)), failed);
	put(object, "devices", number(result->nr_devices), failed);
	put(object, "mappings", number(result->nr_mappings), failed);
	put(object, "used_data_blocks", number(result->used_data_blocks), failed);
	put(object, "free_metadata_blocks", number(result->free_metadata_blocks), failed);
	put(object, "space_maps_checked", json_boolean(result->space_maps_checked), failed);
	put(object, "exit_status", json_integer(j->exit_status), failed);
	return object;
}

static json_t *findings(const struct report *r, bool *failed)
{
	json_t *array = json_array();

	for (size_t i = 0; i < r->nr_findings; i++)
		append(array, finding(&r->findings[i], failed), failed);
	return array;
}

int report_print_json(const struct json_report *j, FILE *out)
{
	char *name = text_escape_bytes(j->input);
	json_t *object = json_object();
	bool failed = false;
	int r;

	put(object, "tool", json_string(j->tool), &failed);
	put(object, "version", json_string(j->version), &failed);
	put(object, "input", name ? json_string(name) : NULL, &failed);
	alloc_free(name);
	put(object, "superblock", superblock(j->result, &failed), &failed);
	put(object, "findings", findings(j->report, &failed), &failed);
	put(object, "summary", summary(j, &failed), &failed);
	r = failed ? -ENOMEM : 0;
	if (!r && json_dumpf(object, out, JSON_INDENT(2) | JSON_ENSURE_ASCII))
		r = -EIO;
	if (!r && fputc('\n', out) == EOF)
		r = -EIO;
	json_decref(object);
	return r;
}
