/* SPDX-License-Identifier: MIT */
#include "docker_meta/read/read_record.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/alloc.h"

void read_record_note(struct read_record *r, const char *directory, const char *name, int error)
{
	struct read_name *grown;
	char *path;

	r->short_of_memory |= error == -ENOMEM;
	if (!r->keeps_names || error == -ENOENT || error == -ENOMEM)
		return;
	grown = alloc_grow(r->items, &r->capacity, r->nr, sizeof(*grown));
	path = alloc_printf("%s%s%s", directory, *directory ? "/" : "", name);
	if (grown)
		r->items = grown;
	if (grown && path) {
		grown[r->nr++] = (struct read_name){ .path = path, .error = error };
		return;
	}
	alloc_free(path);
	r->short_of_memory = true;
}

void read_record_content(struct read_record *r, const void *data, size_t bytes)
{
	struct read_name *last = r->nr ? &r->items[r->nr - 1] : NULL;

	if (!r->keeps_names || !last || last->error)
		return;
	last->digest = digest_of(data, bytes);
	last->bytes = bytes;
	last->has_digest = true;
}

/* The failure first. */
static int by_path(const void *a, const void *b)
{
	const struct read_name *na = a, *nb = b;
	const int order = strcmp(na->path, nb->path);

	return order ? order : (na->error > nb->error) - (na->error < nb->error);
}

static int at_path(const void *path, const void *name)
{
	return strcmp(path, ((const struct read_name *)name)->path);
}

const struct read_name *read_record_find(const struct read_record *r, const char *path)
{
	return r->nr ? bsearch(path, r->items, r->nr, sizeof(*r->items), at_path) : NULL;
}

void read_record_sort(struct read_record *r)
{
	size_t nr = 0;

	if (r->nr)
		qsort(r->items, r->nr, sizeof(*r->items), by_path);
	for (size_t i = 0; i < r->nr; i++) {
		if (nr && !strcmp(r->items[nr - 1].path, r->items[i].path))
			alloc_free(r->items[i].path);
		else
			r->items[nr++] = r->items[i];
	}
	r->nr = nr;
}

void read_record_forget(struct read_record *r)
{
	for (size_t i = 0; i < r->nr; i++)
		alloc_free(r->items[i].path);
	r->nr = 0;
}

void read_record_destroy(struct read_record *r)
{
	read_record_forget(r);
	alloc_free(r->items);
	*r = (struct read_record){ 0 };
}
