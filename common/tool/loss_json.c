/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <jansson.h>

#include "common/base/report.h"
#include "common/tool/loss_report.h"

static void put(json_t *object, const char *key, json_t *value, bool *failed)
{
	if (json_object_set_new(object, key, value))
		*failed = true;
}

static json_t *number(uint64_t v)
{
	return v > INT64_MAX ? json_null() : json_integer((json_int_t)v);
}

static json_t *device(const struct salvaged_device *d, bool *failed)
{
	json_t *object = json_object();

	put(object, "device", number(d->id), failed);
	put(object, "expected", number(d->nr_expected), failed);
	put(object, "kept", number(d->nr_mappings), failed);
	put(object, "details_rebuilt", json_boolean(d->rebuilt_details), failed);
	put(object, "tree_found_again", json_boolean(d->matched_root), failed);
	put(object, "tree_undecided", json_boolean(d->undecided), failed);
	return object;
}

static json_t *devices(const struct salvage_result *result, bool *failed)
{
	json_t *array = json_array();

	for (size_t i = 0; i < result->nr_devices; i++) {
		if (json_array_append_new(array, device(&result->devices[i], failed)))
			*failed = true;
	}
	return array;
}

static json_t *loss(const struct salvage_loss *l, bool *failed)
{
	json_t *object = json_object();

	put(object, "block", number(l->block), failed);
	put(object, "device", number(l->device), failed);
	put(object, "begin", number(l->begin), failed);
	put(object, "end", number(l->end), failed);
	return object;
}

static json_t *losses(const struct salvage_result *result, bool *failed)
{
	json_t *array = json_array();

	for (size_t i = 0; i < result->nr_losses; i++) {
		if (json_array_append_new(array, loss(&result->losses[i], failed)))
			*failed = true;
	}
	return array;
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
	put(object, "nodes_put_back", number(result->nr_adopted), failed);
	put(object, "blocks_out_of_place", number(result->nr_strays), failed);
	put(object, "blocks_not_current", number(result->nr_stale), failed);
	put(object, "guessed", number(result->nr_guessed), failed);
	put(object, "older_commit", json_boolean(result->older), failed);
	put(object, "mapping_root", number(result->mapping_root), failed);
	put(object, "details_root", number(result->details_root), failed);
	put(object, "single_mappings_left_out", number(result->nr_dropped), failed);
	put(object, "losses_left_out", number(result->nr_losses_left_out), failed);
	put(object, "homeless_pieces", number(result->nr_homeless), failed);
	put(object, "homeless_mappings", number(result->nr_homeless_mappings), failed);
	put(object, "superblock_found_again", json_boolean(result->superblock_found_out), failed);
	put(object, "data_blocks_lost", json_boolean(result->nr_data_blocks_lost), failed);
	return object;
}

int loss_report_json(const struct tool *tool, const char *input,
		     const struct salvage_result *result, const char *path)
{
	json_t *object = json_object(), *name = json_string(input);
	bool failed = false;
	int r;

	put(object, "tool", json_string(tool->name), &failed);
	put(object, "version", json_string(THINMEND_VERSION), &failed);
	put(object, "input", name ? name : json_null(), &failed);
	put(object, "summary", summary(result, &failed), &failed);
	put(object, "devices", devices(result, &failed), &failed);
	put(object, "losses", losses(result, &failed), &failed);
	r = failed ? -ENOMEM : 0;
	errno = 0;
	if (!r && json_dump_file(object, path, JSON_INDENT(2)))
		r = errno ? -errno : -EIO;
	json_decref(object);
	return r;
}
