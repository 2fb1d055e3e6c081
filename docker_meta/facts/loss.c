/* SPDX-License-Identifier: MIT */
#include "docker_meta/facts/loss.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/alloc.h"
#include "docker_meta/read/go_json.h"

/* ---- taking it in */

static int add_range(struct loss *l, const struct lost_range *range)
{
	struct lost_range *grown =
		alloc_grow(l->ranges, &l->ranges_capacity, l->nr_ranges, sizeof(*grown));

	if (!grown)
		return -ENOMEM;
	l->ranges = grown;
	grown[l->nr_ranges++] = *range;
	return 0;
}

/* One loss, of all the devices that had it. */
static int take_loss(struct loss *l, json_t *object, struct go_fault *fault)
{
	struct lost_range range = { .end = LOSS_OPEN };
	json_t *ids = go_get(object, "devices"), *id;
	size_t i;
	int r = 0;

	if (!json_is_object(object) || !json_is_array(ids) ||
	    !go_take_u64(object, "begin", &range.begin, fault) ||
	    !go_take_u64(object, "end", &range.end, fault) || range.end <= range.begin)
		return -EBADMSG;
	l->nr_unassigned += !json_array_size(ids);
	json_array_foreach(ids, i, id)
	{
		if (r || !json_is_integer(id) || json_integer_value(id) < 0)
			return r ? r : -EBADMSG;
		range.device = (uint64_t)json_integer_value(id);
		r = add_range(l, &range);
	}
	return r;
}

static int take_device(struct loss *l, json_t *object, struct go_fault *fault)
{
	struct repaired_device d = { .id = LOSS_OPEN, .nr_expected = LOSS_OPEN };
	struct repaired_device *grown;

	if (!json_is_object(object) || !go_take_u64(object, "device", &d.id, fault) ||
	    !go_take_u64(object, "expected", &d.nr_expected, fault) ||
	    !go_take_u64(object, "kept", &d.nr_kept, fault) ||
	    !go_take_bool(object, "details_rebuilt", &d.details_rebuilt, fault) ||
	    d.id == LOSS_OPEN)
		return -EBADMSG;
	grown = alloc_grow(l->devices, &l->devices_capacity, l->nr_devices, sizeof(*grown));
	if (!grown)
		return -ENOMEM;
	l->devices = grown;
	grown[l->nr_devices++] = d;
	return 0;
}

static int take_summary(struct loss *l, json_t *report, struct go_fault *fault)
{
	json_t *summary = go_get(report, "summary");
	uint64_t losses = 0, shares = 0;

	if (!json_is_object(summary) || !go_take_u64(summary, "losses_left_out", &losses, fault) ||
	    !go_take_u64(summary, "loss_devices_left_out", &shares, fault) ||
	    !go_take_bool(summary, "older_commit", &l->older, fault))
		return -EBADMSG;
	l->truncated = losses || shares;
	return 0;
}

static int take_report(struct loss *l, json_t *report, struct go_fault *fault)
{
	json_t *losses = go_get(report, "losses"), *devices = go_get(report, "devices"), *item;
	int r = take_summary(l, report, fault);
	size_t i;

	if (r || !json_is_array(losses) || !json_is_array(devices))
		return -EBADMSG;
	json_array_foreach(losses, i, item)
	{
		r = take_loss(l, item, fault);
		if (r)
			return r;
	}
	json_array_foreach(devices, i, item)
	{
		r = take_device(l, item, fault);
		if (r)
			return r;
	}
	return 0;
}

/* ---- in order */

static int by_place(const void *a, const void *b)
{
	const struct lost_range *ra = a, *rb = b;

	if (ra->device != rb->device)
		return ra->device < rb->device ? -1 : 1;
	return (ra->begin > rb->begin) - (ra->begin < rb->begin);
}

static int by_id(const void *a, const void *b)
{
	const struct repaired_device *da = a, *db = b;

	return (da->id > db->id) - (da->id < db->id);
}

static void merge_ranges(struct loss *l)
{
	size_t nr = 0;

	for (size_t i = 0; i < l->nr_ranges; i++) {
		struct lost_range *last = nr ? &l->ranges[nr - 1] : NULL;
		const struct lost_range range = l->ranges[i];

		if (!last || last->device != range.device || last->end < range.begin)
			l->ranges[nr++] = range;
		else if (last->end < range.end)
			last->end = range.end;
	}
	l->nr_ranges = nr;
}

/* The sandbox lets nobody list a directory of which a file alone was named. */
static int open_parent(const char *path, struct safe_dir *ret_dir)
{
	ret_dir->fd = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
	return ret_dir->fd < 0 ? -errno : 0;
}

static int read_object(const char *path, json_t **ret_report, struct go_fault *fault)
{
	char *directory = alloc_string(path), *slash = directory ? strrchr(directory, '/') : NULL;
	struct safe_dir dir = { .fd = -1 };
	int r = directory ? 0 : -ENOMEM;

	if (slash)
		*slash = '\0';
	if (!r)
		r = open_parent(!slash ? "." : slash == directory ? "/" : directory, &dir);
	if (r)
		(void)snprintf(fault->text, sizeof(fault->text), "%s", strerror(-r));
	else
		r = go_json_read(&dir, slash ? slash + 1 : path, ret_report, fault);
	safe_dir_close(&dir);
	alloc_free(directory);
	return r;
}

int loss_read(const char *path, struct loss *ret_loss, char *text, size_t size)
{
	struct go_fault fault = { "" };
	const char *error = NULL;
	json_t *report = NULL;
	int r;

	*ret_loss = (struct loss){ 0 };
	r = read_object(path, &report, &fault);
	if (!r && go_take_string(report, "error", &error, &fault) && error) {
		(void)snprintf(fault.text, sizeof(fault.text), "thin_repair made nothing: %.120s",
			       error);
		r = -EBADMSG;
	}
	if (!r) {
		(void)snprintf(fault.text, sizeof(fault.text), "it is no report of thin_repair");
		r = take_report(ret_loss, report, &fault);
	}
	json_decref(report);
	if (ret_loss->nr_ranges)
		qsort(ret_loss->ranges, ret_loss->nr_ranges, sizeof(*ret_loss->ranges), by_place);
	if (ret_loss->nr_devices)
		qsort(ret_loss->devices, ret_loss->nr_devices, sizeof(*ret_loss->devices), by_id);
	merge_ranges(ret_loss);
	(void)snprintf(text, size, "%s", r == -ENOMEM ? strerror(ENOMEM) : fault.text);
	return r;
}

void loss_destroy(struct loss *l)
{
	alloc_free(l->ranges);
	alloc_free(l->devices);
	*l = (struct loss){ 0 };
}

const struct repaired_device *loss_find(const struct loss *l, uint64_t id)
{
	const struct repaired_device wanted = { .id = id };

	return l->nr_devices ? bsearch(&wanted, l->devices, l->nr_devices, sizeof(wanted), by_id)
			     : NULL;
}

size_t loss_ranges(const struct loss *l, uint64_t id, const struct lost_range **ret_first)
{
	size_t low = 0, high = l->nr_ranges, nr = 0;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (l->ranges[middle].device < id)
			low = middle + 1;
		else
			high = middle;
	}
	*ret_first = l->ranges + low;
	while (low + nr < l->nr_ranges && l->ranges[low + nr].device == id)
		nr++;
	return nr;
}
