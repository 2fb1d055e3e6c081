/* SPDX-License-Identifier: MIT
 * survivors_output.c: survivors as text and as JSON.
 */
#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "common/tool/tool.h"
#include "docker_meta/answers/survivors.h"
#include "docker_meta/docker_meta.h"
#include "docker_meta/say/json_parts.h"
#include "docker_meta/text/human.h"

enum { SHOWN_RANGES = 8 }; /* of a device; JSON has all */

/* Everything that is said. */
struct saying {
	const struct meta_view *v;
	struct survivors s;
	bool reported; /* thin_repair has told what it could not save */
	struct repair_hints hints;
	char options[160];
};

static int prepare(const struct meta_view *v, struct saying *y)
{
	*y = (struct saying){ .v = v, .reported = v->devices->loss != NULL };
	repair_hints_find(v, &y->hints);
	repair_hints_print(&y->hints, y->options, sizeof(y->options));
	return survivors_find(v, &y->s);
}

static const char *name_of(const struct saying *y, enum fate fate)
{
	return fate_name(fate, y->reported);
}

static void let_go(struct saying *y)
{
	survivors_destroy(&y->s);
}

/* Where images or containers may be that are not listed; NULL: nowhere. */
static const char *unread_place(const struct saying *y)
{
	const struct docker_state *k = y->v->devices->docker;

	if (k->images.unread)
		return "image/devicemapper/imagedb";
	return k->containers.unread ? "containers" : NULL;
}

static int status_of(const struct saying *y)
{
	const struct survivors *s = &y->s;

	if (!s->looked)
		return META_STATUS_BLIND;
	if (s->nr_images[FATE_LOST] || s->nr_containers[FATE_LOST])
		return META_STATUS_ERROR;
	if (s->nr_images[FATE_UNKNOWN] || s->nr_containers[FATE_UNKNOWN] || unread_place(y))
		return META_STATUS_BLIND;
	return s->nr_images[FATE_PARTLY] || s->nr_containers[FATE_PARTLY] || s->nr_others
		       ? META_STATUS_WARNING
		       : META_STATUS_OK;
}

static const struct device_fate *device_of(const struct saying *y, const struct survivor_part *part)
{
	return part->row ? &y->s.devices[part->row - y->v->devices->rows] : NULL;
}

/* ---- text */

static void print_ranges(const struct saying *y, const struct device_fate *d, FILE *out)
{
	const uint64_t bytes = device_table_bytes(y->v->devices, 1);
	char text[160];

	for (size_t i = 0; i < d->nr_ranges && i < SHOWN_RANGES; i++) {
		const struct lost_range *range = &d->ranges[i];

		if (range->end == LOSS_OPEN)
			(void)snprintf(text, sizeof(text),
				       "within thin blocks %" PRIu64 " and above: bytes %" PRIu64
				       " and above",
				       range->begin, range->begin * bytes);
		else
			(void)snprintf(text, sizeof(text),
				       "within thin blocks %" PRIu64 " to %" PRIu64
				       ": bytes %" PRIu64 " to %" PRIu64,
				       range->begin, range->end - 1, range->begin * bytes,
				       range->end * bytes - 1);
		print_wrapped(out, "", text);
	}
	if (d->nr_ranges > SHOWN_RANGES) {
		(void)snprintf(text, sizeof(text), "and %zu ranges more",
			       d->nr_ranges - SHOWN_RANGES);
		print_wrapped(out, "", text);
	}
}

static void print_row(const struct saying *y, const struct device_row *row, const char *place,
		      bool by_elimination, FILE *out)
{
	const struct device_fate *d = &y->s.devices[row - y->v->devices->rows];
	char text[320], lost[48] = "";

	if (d->nr_lost && d->nr_lost != LOSS_OPEN)
		(void)snprintf(lost, sizeof(lost), " (%" PRIu64 ")", d->nr_lost);
	(void)snprintf(text, sizeof(text), "device %" PRIu64 " (%.17s): %s%s%s", row->id, place,
		       d->why ? d->why : name_of(y, FATE_INTACT), lost,
		       by_elimination ? "; that it is this device is told by elimination, for its "
					"file in devicemapper/metadata is missing: see plan"
				      : "");
	print_wrapped(out, name_of(y, d->fate), text);
	print_ranges(y, d, out);
}

static void print_part(const struct saying *y, const struct survivor *item,
		       const struct survivor_part *part, FILE *out)
{
	char place[48] = "own layer", text[160];

	if (part->position && item->image)
		(void)snprintf(place, sizeof(place), "layer %" PRIu32 "/%zu", part->position,
			       item->image->nr_chains);
	if (part->row) {
		print_row(y, part->row, place, part->by_elimination, out);
		return;
	}
	(void)snprintf(text, sizeof(text), "%s: %s", part->position ? place : "no device",
		       part->missing);
	print_wrapped(out, name_of(y, part->unread ? FATE_UNKNOWN : FATE_LOST), text);
}

static const char *item_name(const struct saying *y, const struct survivor *item)
{
	const char *name;

	if (item->container)
		return item->container->name;
	if (!item->image)
		return "";
	name = image_store_name(&y->v->devices->docker->images, item->image->id);
	return name ? name : item->image->id;
}

static void print_items(const struct saying *y, enum fate fate, FILE *out)
{
	for (size_t i = 0; i < y->s.nr; i++) {
		const struct survivor *item = &y->s.items[i];
		const char *name = item_name(y, item);

		if (item->fate != fate)
			continue;
		(void)fprintf(out, "%-7s %-10s", name_of(y, fate),
			      item->image ? "image" : "container");
		(void)print_fitting(out, name, 60);
		(void)fputc('\n', out);
		for (size_t n = item->parts_begin; n < item->parts_end; n++)
			print_part(y, item, &y->s.parts[n], out);
	}
}

/* Builds', orphans', init devices and layers that no image has. */
static void print_others(const struct saying *y, FILE *out)
{
	const struct device_table *t = y->v->devices;

	for (size_t i = 0; i < t->nr; i++) {
		const struct device_row *row = &t->rows[i];
		const bool init = row->container && row->role == ROLE_INIT;

		if (y->s.devices[i].fate == FATE_INTACT || row->image || (row->container && !init))
			continue;
		(void)fprintf(out, "%-7s device    %s\n", name_of(y, y->s.devices[i].fate),
			      role_name(row->role));
		print_row(y, row, row->hash ? row->hash : "no file", false, out);
	}
}

static void print_hints(const struct saying *y, FILE *out)
{
	const struct repair_hints *h = &y->hints;

	(void)fprintf(out, "\nwhat Docker's state tells thin_repair\n");
	print_wrapped(out, "give", *y->options ? y->options : "nothing");
	print_wrapped(out, "trans.", h->transaction_from);
	if (h->may_be_pending)
		print_wrapped(
			out, "",
			"if that transaction was still open, the pool was at one less; this is "
			"the safe choice: Docker takes nothing back, at worst a device leaks");
	print_wrapped(out, "size", h->block_size_from);
	print_wrapped(out, "blocks", h->nr_blocks_from);
	if (!h->nr_data_blocks)
		print_wrapped(
			out, "",
			"lvs --units s -o lv_size,chunk_size VG/POOL: the first divided by the "
			"second is --nr-data-blocks");
}

static void print_advice(const struct saying *y, FILE *out)
{
	const struct survivors *s = &y->s;
	const struct loss *loss = y->v->devices->loss;

	if (s->nr_images[FATE_PARTLY] || s->nr_containers[FATE_PARTLY]) {
		(void)fputc('\n', out);
		print_wrapped(
			out, "files",
			"which files are hit cannot be told from the pool.  Mount the device "
			"read-only (the commands look and look_no_more of the plan) and read "
			"everything; what an image's layer must hold is listed in layerdb/sha256/"
			"CHAIN/tar-split.json.gz: zcat it, and compare names and sizes.  Lost "
			"blocks read as zeroes, not as errors.");
	}
	if (loss && loss->truncated)
		print_wrapped(
			out, "report",
			"it does not list all losses: ranges are missing above, and devices of "
			"which it does not say how many mappings they had");
	if (loss && loss->nr_unassigned)
		print_wrapped(out, "report", "it has losses of which nobody knows whose they were");
	if (loss && loss->older)
		print_wrapped(out, "report",
			      "an earlier commit was taken: blocks may have been given to others "
			      "since, and hold their data");
}

static void print_counts(const struct saying *y, const uint64_t *nr, const char *what, FILE *out)
{
	const uint64_t total = nr[FATE_INTACT] + nr[FATE_UNKNOWN] + nr[FATE_PARTLY] + nr[FATE_LOST];

	(void)fprintf(out, "%" PRIu64 " %s%s: %" PRIu64 " %s, %" PRIu64 " %s, %" PRIu64 " %s",
		      total, what, total == 1 ? "" : "s", nr[FATE_INTACT], name_of(y, FATE_INTACT),
		      nr[FATE_PARTLY], y->reported ? "partly lost" : name_of(y, FATE_PARTLY),
		      nr[FATE_LOST], name_of(y, FATE_LOST));
	if (nr[FATE_UNKNOWN])
		(void)fprintf(out, ", %" PRIu64 " unknown", nr[FATE_UNKNOWN]);
	(void)fputc('\n', out);
}

/* What was lost before nobody can see in the metadata as they are now. */
static void print_basis(const struct saying *y, FILE *out)
{
	if (!y->reported)
		print_wrapped(out, "basis",
			      "present says that all blocks are there which the metadata count; "
			      "whether some were lost in a repair is not checked: give its report, "
			      "--loss FILE (thin_repair --report FILE)");
}

int survivors_text(const struct meta_view *v, FILE *out, int *status)
{
	struct saying y;
	int r = prepare(v, &y);

	if (r) {
		let_go(&y);
		return r;
	}
	*status = status_of(&y);
	if (!y.s.looked) {
		(void)fprintf(out,
			      "the pool could not be read: nothing is known of what survives\n");
	} else if (!v->options->quiet || *status != META_STATUS_OK) {
		print_items(&y, FATE_LOST, out);
		print_items(&y, FATE_PARTLY, out);
		print_items(&y, FATE_UNKNOWN, out);
		print_items(&y, FATE_INTACT, out);
		print_others(&y, out);
		(void)fputc('\n', out);
		print_counts(&y, y.s.nr_images, "image", out);
		print_counts(&y, y.s.nr_containers, "container", out);
		print_basis(&y, out);
		if (unread_place(&y))
			(void)fprintf(out,
				      "%s could not be read here: what is in it is not listed\n",
				      unread_place(&y));
		print_advice(&y, out);
	}
	if (!y.s.looked || y.s.transaction_is_wrong)
		print_hints(&y, out);
	let_go(&y);
	return 0;
}

/* ---- JSON */

static json_t *known(uint64_t value)
{
	return value == LOSS_OPEN ? json_null() : json_number(value);
}

/* null beyond all numbers. */
static json_t *bytes_up_to(uint64_t block, uint64_t bytes)
{
	return bytes && block <= INT64_MAX / bytes ? json_number(block * bytes) : json_null();
}

static json_t *range_object(const struct saying *y, const struct lost_range *range, bool *failed)
{
	const uint64_t bytes = device_table_bytes(y->v->devices, 1);
	json_t *object = json_object();

	json_put(object, "begin", json_number(range->begin), failed);
	json_put(object, "end", known(range->end), failed);
	json_put(object, "first_byte", bytes_up_to(range->begin, bytes), failed);
	json_put(object, "end_byte",
		 range->end == LOSS_OPEN ? json_null() : bytes_up_to(range->end, bytes), failed);
	return object;
}

static json_t *device_object(const struct saying *y, const struct device_row *row, bool *failed)
{
	const struct device_fate *d = &y->s.devices[row - y->v->devices->rows];
	json_t *object = json_object(), *ranges = json_array();

	for (size_t i = 0; i < d->nr_ranges; i++)
		json_append(ranges, range_object(y, &d->ranges[i], failed), failed);
	json_put(object, "device", json_number(row->id), failed);
	json_put(object, "hash", json_text(row->hash), failed);
	json_put(object, "role", json_string(role_name(row->role)), failed);
	json_put(object, "state", json_string(name_of(y, d->fate)), failed);
	json_put(object, "reason", json_text(d->why), failed);
	json_put(object, "mappings_lost", known(d->nr_lost), failed);
	json_put(object, "ranges", ranges, failed);
	return object;
}

static json_t *part_object(const struct saying *y, const struct survivor_part *part, bool *failed)
{
	json_t *object = part->row ? device_object(y, part->row, failed) : json_object();

	if (!device_of(y, part)) {
		json_put(object, "device", json_null(), failed);
		json_put(object, "state",
			 json_string(name_of(y, part->unread ? FATE_UNKNOWN : FATE_LOST)), failed);
		json_put(object, "reason", json_text(part->missing), failed);
	}
	json_put(object, "by_elimination", json_boolean(part->by_elimination), failed);
	if (part->position)
		json_put(object, "layer", json_number(part->position), failed);
	return object;
}

static json_t *items_array(const struct saying *y, bool containers, bool *failed)
{
	json_t *array = json_array();

	for (size_t i = 0; i < y->s.nr; i++) {
		const struct survivor *item = &y->s.items[i];
		json_t *object, *parts;

		if ((item->container != NULL) != containers)
			continue;
		object = json_object();
		parts = json_array();
		for (size_t n = item->parts_begin; n < item->parts_end; n++)
			json_append(parts, part_object(y, &y->s.parts[n], failed), failed);
		json_put(object, "id",
			 json_text(item->image       ? item->image->id
				   : item->container ? item->container->id
						     : NULL),
			 failed);
		json_put(object, "name", json_text(item_name(y, item)), failed);
		json_put(object, "state", json_string(name_of(y, item->fate)), failed);
		json_put(object, "hit", parts, failed);
		json_append(array, object, failed);
	}
	return array;
}

/* All of them: whoever wants to know what is hit need not go through images. */
static json_t *devices_array(const struct saying *y, bool *failed)
{
	const struct device_table *t = y->v->devices;
	json_t *array = json_array();

	for (size_t i = 0; y->s.looked && i < t->nr; i++) {
		if (y->s.devices[i].fate != FATE_INTACT)
			json_append(array, device_object(y, &t->rows[i], failed), failed);
	}
	return array;
}

static json_t *counts(const struct saying *y, const uint64_t *nr, bool *failed)
{
	json_t *object = json_object();

	for (int fate = 0; fate < NR_FATES; fate++)
		json_put(object, name_of(y, (enum fate)fate), json_number(nr[fate]), failed);
	return object;
}

static json_t *hints_object(const struct saying *y, bool *failed)
{
	const struct repair_hints *h = &y->hints;
	json_t *object = json_object();

	json_put(object, "transaction_id",
		 h->transaction_id ? json_number(h->transaction_id) : json_null(), failed);
	json_put(object, "transaction_from", json_string(h->transaction_from), failed);
	json_put(object, "data_block_size",
		 h->data_block_size ? json_number(h->data_block_size) : json_null(), failed);
	json_put(object, "data_block_size_from", json_string(h->block_size_from), failed);
	json_put(object, "nr_data_blocks",
		 h->nr_data_blocks ? json_number(h->nr_data_blocks) : json_null(), failed);
	json_put(object, "nr_data_blocks_from", json_string(h->nr_blocks_from), failed);
	json_put(object, "options", json_string(y->options), failed);
	return object;
}

int survivors_json(const struct meta_view *v, FILE *out, int *status)
{
	bool failed = false;
	struct saying y;
	json_t *object;
	int r = prepare(v, &y);

	if (r) {
		let_go(&y);
		return r;
	}
	*status = status_of(&y);
	if (v->options->quiet && *status == META_STATUS_OK) {
		let_go(&y);
		return 0;
	}
	object = json_object();
	json_put_head(object, v, &failed);
	json_put(object, "loss", json_text(v->options->loss), &failed);
	json_put(object, "pool_read", json_boolean(y.s.looked), &failed);
	json_put(object, "transaction_is_wrong", json_boolean(y.s.transaction_is_wrong), &failed);
	json_put(object, "repair", hints_object(&y, &failed), &failed);
	json_put(object, "images", items_array(&y, false, &failed), &failed);
	json_put(object, "containers", items_array(&y, true, &failed), &failed);
	json_put(object, "devices", devices_array(&y, &failed), &failed);
	json_put(object, "nr_images", counts(&y, y.s.nr_images, &failed), &failed);
	json_put(object, "nr_containers", counts(&y, y.s.nr_containers, &failed), &failed);
	json_put(object, "ranges_complete",
		 json_boolean(v->devices->loss && !v->devices->loss->truncated), &failed);
	let_go(&y);
	return json_finish(object, failed, out);
}
