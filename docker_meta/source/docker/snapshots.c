/* SPDX-License-Identifier: MIT */
#include "docker_meta/source/docker/snapshots.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/alloc.h"
#include "common/base/number.h"
#include "docker_meta/source/docker/names.h"

/* The depths of entries: names of snapshots, and what is known of each. */
enum { OF_ROOT, OF_SNAPSHOT };

/* *ret_text is the caller's, or NULL where the bytes are no text.  0 or -ENOMEM. */
static int copy_text(struct snapshot_table *t, const struct bolt_entry *e, struct bolt_bytes bytes,
		     const char **ret_text)
{
	char *text;

	*ret_text = NULL;
	if (memchr(bytes.at, 0, bytes.nr)) {
		bolt_fault_add(&t->fault, e->page, "a text has a zero byte in it");
		return 0;
	}
	text = alloc_array(bytes.nr + 1, 1);
	if (!text)
		return -ENOMEM;
	memcpy(text, bytes.at, bytes.nr);
	*ret_text = text;
	return 0;
}

static int add_record(struct snapshot_table *t, const struct bolt_entry *e)
{
	struct snapshot_record *grown;
	const char *key;
	int r = copy_text(t, e, e->key, &key);

	if (r)
		return r;
	/* What is known of it may still name a device. */
	if (!key)
		key = alloc_string("");
	grown = key ? alloc_grow(t->records, &t->capacity, t->nr, sizeof(*grown)) : NULL;
	if (!grown) {
		alloc_free(key);
		return -ENOMEM;
	}
	t->records = grown;
	t->records[t->nr++] = (struct snapshot_record){ .key = key };
	return 0;
}

static bool has_key(const struct bolt_entry *e, const char *key)
{
	return e->key.nr == strlen(key) && !memcmp(e->key.at, key, e->key.nr);
}

static int set_text(struct snapshot_table *t, const struct bolt_entry *e, const char **text)
{
	alloc_free(*text); /* a damaged bucket may have a key twice */
	return copy_text(t, e, e->value, text);
}

static int set_size(struct snapshot_table *t, const struct bolt_entry *e, struct snapshot_record *s)
{
	const char *digits;
	int r = copy_text(t, e, e->value, &digits);

	if (r || !digits)
		return r;
	s->has_size = parse_u64(digits, &s->size);
	if (!s->has_size)
		bolt_fault_add(&t->fault, e->page, "the size of a snapshot is no number");
	alloc_free(digits);
	return 0;
}

/* Other keys may come with other versions, and name no device. */
static int add_key(struct snapshot_table *t, const struct bolt_entry *e)
{
	struct snapshot_record *s = &t->records[t->nr - 1];

	if (has_key(e, "parent"))
		return set_text(t, e, &s->parent);
	if (has_key(e, "committed"))
		return set_text(t, e, &s->committed);
	if (has_key(e, "chainid"))
		return set_text(t, e, &s->chainid);
	if (has_key(e, "size"))
		return set_size(t, e, s);
	if (has_key(e, "iscommitted"))
		s->is_committed = true;
	return 0;
}

static int on_entry(void *context, const struct bolt_entry *e)
{
	struct snapshot_table *t = context;

	if (e->depth == OF_ROOT && e->is_bucket)
		return add_record(t, e);
	if (e->depth == OF_ROOT) {
		bolt_fault_add(&t->fault, e->page, "a key that belongs to no snapshot");
		return add_record(t, e);
	}
	return e->depth == OF_SNAPSHOT && !e->is_bucket ? add_key(t, e) : 0;
}

/* ---- the table */

static int compare_records(const void *a, const void *b)
{
	const struct snapshot_record *x = a, *y = b;

	return strcmp(x->key, y->key);
}

static int finish(struct snapshot_table *t)
{
	t->devices = alloc_array(t->nr, sizeof(*t->devices));
	if (!t->devices)
		return -ENOMEM;
	if (t->nr)
		qsort(t->records, t->nr, sizeof(*t->records), compare_records);
	for (size_t i = 0; i < t->nr; i++) {
		if (t->records[i].committed)
			t->devices[t->nr_devices++] = t->records[i].committed;
	}
	qsort(t->devices, t->nr_devices, sizeof(*t->devices), compare_names);
	t->complete = !t->fault.nr;
	return 0;
}

int snapshots_read(int fd, struct snapshot_table *ret_table)
{
	struct snapshot_table t = { .nr = 0 };
	struct bolt *b = NULL;
	int r = bolt_open(fd, &b, &t.fault);

	if (!r)
		r = bolt_walk(b, on_entry, &t, &t.fault);
	else if (r == -EUCLEAN)
		r = 0;
	bolt_close(b);
	if (!r)
		r = finish(&t);
	if (r)
		snapshots_destroy(&t);
	else
		*ret_table = t;
	return r;
}

void snapshots_destroy(struct snapshot_table *t)
{
	for (size_t i = 0; i < t->nr; i++) {
		alloc_free(t->records[i].key);
		alloc_free(t->records[i].parent);
		alloc_free(t->records[i].committed);
		alloc_free(t->records[i].chainid);
	}
	alloc_free(t->records);
	alloc_free(t->devices);
	*t = (struct snapshot_table){ .nr = 0 };
}

const struct snapshot_record *snapshots_find(const struct snapshot_table *t, const char *key)
{
	size_t low = 0, high = t->nr;

	while (low < high) {
		size_t middle = low + (high - low) / 2;
		int order = strcmp(key, t->records[middle].key);

		if (!order)
			return &t->records[middle];
		if (order < 0)
			high = middle;
		else
			low = middle + 1;
	}
	return NULL;
}

bool snapshots_refer_to(const struct snapshot_table *t, const char *device)
{
	if (snapshots_find(t, device))
		return true;
	return t->nr_devices &&
	       bsearch(&device, t->devices, t->nr_devices, sizeof(*t->devices), compare_names);
}
