/* SPDX-License-Identifier: MIT */
#include "docker_meta/host/mounts.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/alloc.h"
#include "common/base/number.h"
#include "docker_meta/host/dm_names.h"

/* ---- one line */

struct fields {
	char *device, *point, *source;
};

static char *next_field(char **p)
{
	char *field = *p;

	*p += strcspn(*p, " ");
	if (**p)
		*(*p)++ = '\0';
	return field;
}

/* ID PARENT MAJOR:MINOR ROOT POINT OPTIONS TAG... - TYPE SOURCE OPTIONS */
static bool split(char *line, struct fields *ret)
{
	char *p = line;
	uint64_t id, parent;

	if (!parse_u64(next_field(&p), &id))
		return false;
	if (!parse_u64(next_field(&p), &parent))
		return false;
	ret->device = next_field(&p);
	(void)next_field(&p);
	ret->point = next_field(&p);
	(void)next_field(&p);
	while (*p && strcmp(next_field(&p), "-") != 0)
		;
	(void)next_field(&p);
	ret->source = next_field(&p);
	return *ret->point == '/' && *ret->source;
}

static bool is_octal(const char *p)
{
	return p[0] >= '0' && p[0] <= '3' && p[1] >= '0' && p[1] <= '7' && p[2] >= '0' &&
	       p[2] <= '7';
}

/* The kernel writes blank, tab, newline, backslash and # as \ooo. */
static void unescape(char *text)
{
	char *to = text;

	for (const char *p = text; *p;) {
		if (*p == '\\' && is_octal(p + 1)) {
			*to++ = (char)((p[1] - '0') << 6 | (p[2] - '0') << 3 | (p[3] - '0'));
			p += 4;
		} else {
			*to++ = *p++;
		}
	}
	*to = '\0';
}

static bool take_device(char *text, struct host_mount *m)
{
	char *colon = strchr(text, ':');
	uint64_t major, minor;

	if (!colon)
		return false;
	*colon = '\0';
	if (!parse_u64(text, &major) || !parse_u64(colon + 1, &minor) || major > UINT32_MAX ||
	    minor > UINT32_MAX)
		return false;
	m->major = (unsigned int)major;
	m->minor = (unsigned int)minor;
	return true;
}

/* The HASH of .../devicemapper/mnt/HASH, or NULL. */
static const char *hash_of_point(const char *point)
{
	static const char before[] = "/devicemapper/mnt/";
	const size_t n = sizeof(before) - 1;
	const char *last = strrchr(point, '/');

	if (!last || !last[1] || (size_t)(last + 1 - point) < n)
		return NULL;
	return !strncmp(last + 1 - n, before, n) ? last + 1 : NULL;
}

static const char *hash_of(const struct fields *f)
{
	const char *name = dm_name_strip(f->source);
	const char *hash = name != f->source ? dm_name_hash(name) : NULL;

	return hash ? hash : hash_of_point(f->point);
}

static int add(struct mount_table *t, const struct host_mount *m, const char *hash,
	       const struct fields *f)
{
	struct host_mount *grown =
		alloc_grow(t->mounts, &t->mounts_capacity, t->nr_mounts, sizeof(*grown));
	struct host_mount *own;

	if (!grown)
		return -ENOMEM;
	t->mounts = grown;
	own = &grown[t->nr_mounts++];
	*own = *m;
	own->hash = alloc_string(hash);
	own->point = alloc_string(f->point);
	own->source = alloc_string(f->source);
	own->is_root = !strcmp(f->point, "/");
	return own->hash && own->point && own->source ? 0 : -ENOMEM;
}

static int take_line(struct mount_table *t, char *line, uint32_t namespace)
{
	struct host_mount m = { .namespace = namespace };
	struct fields f = { NULL, NULL, NULL };
	const char *hash;

	if (!*line)
		return 0;
	if (!split(line, &f) || !take_device(f.device, &m)) {
		t->nr_bad_lines++;
		return 0;
	}
	unescape(f.point);
	unescape(f.source);
	hash = hash_of(&f);
	if (!hash)
		return 0;
	if (t->nr_mounts == MOUNT_TABLE_MAX) {
		t->truncated = true;
		return 0;
	}
	return add(t, &m, hash, &f);
}

int mount_table_parse(char *text, uint32_t namespace, struct mount_table *t)
{
	int r = 0;

	while (*text && !r) {
		char *end = text + strcspn(text, "\n"), *next = *end ? end + 1 : end;

		*end = '\0';
		r = take_line(t, text, namespace);
		text = next;
	}
	return r;
}

/* ---- the table */

int mount_table_add_namespace(struct mount_table *t, const struct mount_namespace *n)
{
	struct mount_namespace *grown = alloc_grow(t->namespaces, &t->namespaces_capacity,
						   t->nr_namespaces, sizeof(*grown));

	if (!grown)
		return -ENOMEM;
	t->namespaces = grown;
	grown[t->nr_namespaces++] = *n;
	return 0;
}

/* Sorting needs to know whose namespace it is, and has no other way to get at it. */
static int by_hash(const void *a, const void *b, void *table)
{
	const struct mount_table *t = table;
	const struct host_mount *ma = a, *mb = b;
	const bool da = t->namespaces[ma->namespace].is_dockers,
		   db = t->namespaces[mb->namespace].is_dockers;
	int order = strcmp(ma->hash, mb->hash);

	if (order)
		return order;
	if (da != db)
		return da ? -1 : 1;
	if (ma->namespace != mb->namespace)
		return ma->namespace < mb->namespace ? -1 : 1;
	return strcmp(ma->point, mb->point);
}

void mount_table_sort(struct mount_table *t)
{
	if (t->nr_mounts)
		qsort_r(t->mounts, t->nr_mounts, sizeof(*t->mounts), by_hash, t);
}

const struct host_mount *mount_table_find(const struct mount_table *t, const char *hash)
{
	size_t low = 0, high = t->nr_mounts;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (strcmp(t->mounts[middle].hash, hash) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return low < t->nr_mounts && !strcmp(t->mounts[low].hash, hash) ? &t->mounts[low] : NULL;
}

void mount_table_destroy(struct mount_table *t)
{
	for (size_t i = 0; i < t->nr_mounts; i++) {
		alloc_free(t->mounts[i].hash);
		alloc_free(t->mounts[i].point);
		alloc_free(t->mounts[i].source);
	}
	alloc_free(t->mounts);
	alloc_free(t->namespaces);
	*t = (struct mount_table){ 0 };
}
