/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <jansson.h>

#include "common/base/alloc.h"
#include "common/base/report.h"
#include "common/base/text.h"
#include "common/tool/loss_report.h"

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

static json_t *number(uint64_t v)
{
	return v > INT64_MAX ? json_null() : json_integer((json_int_t)v);
}

static json_t *evidence_name(enum salvage_evidence evidence)
{
	static const char *const names[] = { NULL,      "numbers",   "only-way",
					     "version", "agreement", "likelihood" };

	return names[evidence] ? json_string(names[evidence]) : json_null();
}

static json_t *device(const struct salvaged_device *d, bool *failed)
{
	json_t *object = json_object();

	put(object, "device", number(d->id), failed);
	put(object, "expected", number(d->nr_expected), failed);
	put(object, "kept", number(d->nr_mappings), failed);
	put(object, "details_rebuilt", json_boolean(d->rebuilt_details), failed);
	put(object, "tree_found_again", json_boolean(d->matched_root), failed);
	put(object, "tree_evidence", evidence_name(d->evidence), failed);
	return object;
}

static json_t *devices(const struct salvage_result *result, bool *failed)
{
	json_t *array = json_array();

	for (size_t i = 0; i < result->nr_devices; i++)
		append(array, device(&result->devices[i], failed), failed);
	return array;
}

/* The devices of loss i; *share moves on over those that share it. */
static json_t *devices_of(const struct salvage_result *result, size_t i, size_t *share,
			  bool *failed)
{
	json_t *array = json_array();

	if (result->losses[i].device != NO_DEVICE)
		append(array, number(result->losses[i].device), failed);
	for (; *share < result->nr_shares && result->shares[*share].loss == i; ++*share)
		append(array, number(result->shares[*share].device), failed);
	return array;
}

static json_t *losses(const struct salvage_result *result, bool *failed)
{
	json_t *array = json_array();
	size_t share = 0;

	for (size_t i = 0; i < result->nr_losses; i++) {
		const struct salvage_loss *l = &result->losses[i];
		json_t *object = json_object();

		put(object, "block", number(l->block), failed);
		put(object, "devices", devices_of(result, i, &share, failed), failed);
		put(object, "begin", number(l->begin), failed);
		put(object, "end", number(l->end), failed);
		append(array, object, failed);
	}
	return array;
}

static json_t *adoptions(const struct salvage_result *result, bool *failed)
{
	json_t *array = json_array();

	for (size_t i = 0; i < result->nr_adoptions; i++) {
		const struct salvage_adoption *a = &result->adoptions[i];
		json_t *object = json_object();

		put(object, "block", number(a->block), failed);
		put(object, "device", number(a->device), failed);
		put(object, "first_child", number(a->first_child), failed);
		put(object, "children", number(a->nr_children), failed);
		put(object, "evidence", evidence_name(a->evidence), failed);
		append(array, object, failed);
	}
	return array;
}

static json_t *findings(const struct salvage_result *result, bool *failed)
{
	json_t *object = json_object();

	for (size_t id = 0; id < NR_FINDINGS; id++) {
		if (result->per_finding[id])
			put(object, finding_type((enum finding_id)id)->id,
			    number(result->per_finding[id]), failed);
	}
	return object;
}

static json_t *summary(const struct salvage_result *result, bool *failed)
{
	struct loss_totals t = loss_totals(result);
	json_t *object = json_object();

	put(object, "anything_lost", json_boolean(t.anything_lost), failed);
	put(object, "devices", number(result->nr_devices), failed);
	put(object, "mappings", number(t.nr_mappings), failed);
	put(object, "mappings_lost", number(t.nr_lost), failed);
	put(object, "devices_hit", number(t.nr_devices_hit), failed);
	put(object, "devices_with_more_than_expected", number(t.nr_devices_over), failed);
	put(object, "nodes_put_back", number(result->nr_adopted), failed);
	put(object, "blocks_out_of_place", number(result->nr_strays), failed);
	put(object, "blocks_unreadable", number(result->nr_unreadable), failed);
	put(object, "blocks_not_current", number(result->nr_stale), failed);
	put(object, "deleted_devices_left_out", number(result->nr_gone), failed);
	put(object, "guessed", number(result->nr_guessed), failed);
	put(object, "snapshotted_times_raised", number(result->nr_raised), failed);
	put(object, "contradicts_itself", json_boolean(result->contradicts_itself), failed);
	put(object, "older_commit", json_boolean(result->older), failed);
	put(object, "mapping_root", number(result->mapping_root), failed);
	put(object, "details_root", number(result->details_root), failed);
	put(object, "single_mappings_left_out", number(result->nr_dropped), failed);
	put(object, "losses_left_out", number(result->nr_losses_left_out), failed);
	put(object, "loss_devices_left_out", number(result->nr_shares_left_out), failed);
	put(object, "homeless_pieces", number(result->nr_homeless), failed);
	put(object, "homeless_mappings", number(result->nr_homeless_mappings), failed);
	put(object, "superblock_found_again", json_boolean(result->superblock_found_out), failed);
	put(object, "data_blocks_lost", json_boolean(result->nr_data_blocks_lost), failed);
	return object;
}

static json_t *begin(const struct tool *tool, const char *input, bool *failed)
{
	char *name = text_escape_bytes(input);
	json_t *object = json_object();

	put(object, "tool", json_string(tool->name), failed);
	put(object, "version", json_string(THINMEND_VERSION), failed);
	put(object, "input", name ? json_string(name) : NULL, failed);
	alloc_free(name);
	return object;
}

static int finish(json_t *object, bool failed, FILE *out)
{
	int r = failed ? -ENOMEM : 0;

	errno = 0;
	if (!r && json_dumpf(object, out, JSON_INDENT(2) | JSON_ENSURE_ASCII))
		r = errno ? -errno : -EIO;
	if (!r && (fputc('\n', out) == EOF || fflush(out)))
		r = errno ? -errno : -EIO;
	json_decref(object);
	return r;
}

int loss_report_json(const struct tool *tool, const char *input,
		     const struct salvage_result *result, FILE *out)
{
	bool failed = false;
	json_t *object = begin(tool, input, &failed);

	put(object, "error", json_null(), &failed);
	put(object, "summary", summary(result, &failed), &failed);
	put(object, "findings", findings(result, &failed), &failed);
	put(object, "devices", devices(result, &failed), &failed);
	put(object, "put_back", adoptions(result, &failed), &failed);
	put(object, "losses", losses(result, &failed), &failed);
	return finish(object, failed, out);
}

int loss_report_json_failure(const struct tool *tool, const char *input, const char *reason,
			     FILE *out)
{
	bool failed = false;
	json_t *object = begin(tool, input, &failed);
	char *text = text_escape_bytes(*reason ? reason : "nothing could be made");

	put(object, "error", text ? json_string(text) : NULL, &failed);
	alloc_free(text);
	return finish(object, failed, out);
}
