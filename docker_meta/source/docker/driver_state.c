/* SPDX-License-Identifier: MIT */
#include "docker_meta/source/docker/driver_state.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/alloc.h"
#include "docker_meta/read/go_json.h"
#include "docker_meta/source/docker/names.h"

#define DIRECTORY "devicemapper/metadata"

struct reading {
	struct driver_state *state;
	struct problem_list *problems;
};

static int file_problem(const struct reading *r, enum meta_row_id row, const char *name,
			const char *text)
{
	char *path = alloc_printf(DIRECTORY "/%s", name);
	int e = path ? problem_add(r->problems, row, name, path, "%s", text) : -ENOMEM;

	alloc_free(path);
	return e;
}

/* ---- one device */

static bool take_record(json_t *object, struct device_record *d, struct go_fault *fault)
{
	return go_take_int(object, "device_id", &d->device_id, fault) &&
	       go_take_u64(object, "size", &d->size, fault) &&
	       go_take_u64(object, "transaction_id", &d->transaction_id, fault) &&
	       go_take_bool(object, "initialized", &d->initialized, fault) &&
	       go_take_bool(object, "deleted", &d->deleted, fault);
}

static int add_record(struct driver_state *s, const struct device_record *d)
{
	struct device_record *grown =
		alloc_grow(s->records, &s->records_capacity, s->nr_records, sizeof(*grown));

	if (!grown)
		return -ENOMEM;
	s->records = grown;
	grown[s->nr_records] = *d;
	grown[s->nr_records].hash = alloc_string(d->hash);
	return grown[s->nr_records++].hash ? 0 : -ENOMEM;
}

static int judge_record(const struct reading *r, struct device_record *d)
{
	if (d->device_id < 0 || d->device_id > MAX_DEVICE_ID) {
		d->usable = false;
		return file_problem(r, ROW_J5, d->hash,
				    "device_id is not within 0 and 16777215: Docker takes the file "
				    "for missing");
	}
	if (!d->size || d->size % 512)
		return file_problem(r, ROW_J6, d->hash, "size is 0, or no multiple of 512 bytes");
	return 0;
}

/* A file that is not ours to read: for Docker it may be in order. */
static int forbidden(const struct reading *r, const char *name, struct device_record *d)
{
	int e = file_problem(r, ROW_J26, name, "it cannot be read: Permission denied");

	return e ? e : add_record(r->state, d);
}

/* Of another length, or in capitals, as a hand may have typed it. */
static bool is_like_hex_name(const char *name)
{
	const size_t n = strspn(name, "0123456789abcdefABCDEF");

	return n && (!name[n] || !strcmp(name + n, "-init"));
}

static int judge_unusable(const struct reading *r, const char *name, const char *text)
{
	int e = file_problem(r, is_device_name(name) ? ROW_J2 : ROW_J3, name, text);

	if (!e)
		problem_is_fatal(r->problems);
	return e;
}

static void note_mark(const struct safe_dir *dir, struct device_record *d)
{
	struct safe_stat st;

	if (d->deleted && !safe_dir_stat(dir, d->hash, &st))
		d->marked = st.changed;
}

static int read_record(const struct reading *r, const struct safe_dir *dir, char *name)
{
	struct device_record d = { .hash = name };
	struct go_fault fault;
	json_t *object;
	int e = go_json_read(dir, name, &object, &fault);

	if (e == -ENOMEM)
		return e;
	if (e == -EACCES || e == -EPERM)
		return forbidden(r, name, &d);
	d.usable = !e && take_record(object, &d, &fault);
	d.before_1_9 = d.usable && !go_get(object, "deleted");
	r->state->since_1_9 |= d.usable && !d.before_1_9;
	note_mark(dir, &d);
	e = d.usable ? judge_record(r, &d) : judge_unusable(r, name, fault.text);
	if (!e && d.usable && !is_device_name(name))
		e = file_problem(r, is_like_hex_name(name) ? ROW_J27 : ROW_J3, name,
				 "Docker loads it as a device of that name");
	json_decref(object);
	return e ? e : add_record(r->state, &d);
}

/* ---- the two files of the whole */

static int keep(char **to, const char *text)
{
	if (!text)
		return 0;
	alloc_free(*to);
	*to = alloc_string(text);
	return *to ? 0 : -ENOMEM;
}

static int read_set(const struct reading *r, const struct safe_dir *dir)
{
	const char *uuid = NULL, *filesystem = NULL;
	struct driver_state *s = r->state;
	struct go_fault fault;
	json_t *object;
	int e = go_json_read(dir, "deviceset-metadata", &object, &fault), error = e;

	if (e == -ENOENT || e == -ENOMEM)
		return e == -ENOENT ? 0 : e;
	s->has_set = !e && go_take_u64(object, "next_device_id", &s->next_device_id, &fault) &&
		     go_take_string(object, "BaseDeviceUUID", &uuid, &fault) &&
		     go_take_string(object, "BaseDeviceFilesystem", &filesystem, &fault);
	s->set_broken = !s->has_set;
	if (!s->has_set) {
		e = file_problem(r, ROW_J15, "deviceset-metadata", fault.text);
		problem_of_error(r->problems, error);
	} else {
		e = keep(&s->base_uuid, uuid);
		if (!e)
			e = keep(&s->base_filesystem, filesystem);
	}
	json_decref(object);
	return e;
}

static int read_transaction(const struct reading *r, const struct safe_dir *dir)
{
	struct driver_state *s = r->state;
	const char *hash = "";
	struct go_fault fault;
	struct safe_stat st;
	json_t *object;
	int e = go_json_read(dir, "transaction-metadata", &object, &fault), error = e;

	if (e == -ENOENT || e == -ENOMEM)
		return e == -ENOENT ? 0 : e;
	s->has_transaction = true;
	if (!safe_dir_stat(dir, "transaction-metadata", &st))
		s->transaction_written = st.changed;
	s->transaction_usable =
		!e && go_take_u64(object, "open_transaction_id", &s->open_transaction_id, &fault) &&
		go_take_string(object, "device_hash", &hash, &fault) &&
		go_take_int(object, "device_id", &s->transaction_device_id, &fault);
	e = s->transaction_usable ? keep(&s->transaction_hash, hash)
				  : file_problem(r, ROW_T7, "transaction-metadata", fault.text);
	if (!s->transaction_usable)
		problem_of_error(r->problems, error);
	json_decref(object);
	return e;
}

/* ---- the directory */

/* What Docker's loader takes for no device, whatever it is. */
static bool is_passed_over(const char *name)
{
	return *name == '.' || has_suffix(name, ".migrated") ||
	       !strcmp(name, "deviceset-metadata") || !strcmp(name, "transaction-metadata");
}

/* Directories that are still to be gone into, by their paths below the driver's; owned. */
struct to_go {
	char **paths;
	size_t nr, capacity;
};

static int go_later(struct to_go *t, char *path)
{
	char **grown = alloc_grow(t->paths, &t->capacity, t->nr, sizeof(*grown));

	if (grown)
		t->paths = grown;
	if (!grown || !path) {
		alloc_free(path);
		return -ENOMEM;
	}
	grown[t->nr++] = path;
	return 0;
}

/* What Docker would load of one: a name, to be freed, into *found. */
static int look_into(const struct safe_dir *dir, const char *path, struct to_go *t, char **found)
{
	enum { MAX_LATER = 10000 };
	struct dir_list list = { 0 };
	struct safe_dir below = { .fd = -1 };
	int e = safe_dir_enter(dir, path, &below);

	if (!e)
		e = safe_dir_list(&below, &list);
	if (e && e != -ENOMEM)
		e = 0;
	for (size_t i = 0; i < list.nr && !e && !*found; i++) {
		const char *name = list.items[i].name;

		if (list.items[i].is_dir && t->nr < MAX_LATER) {
			e = go_later(t, alloc_printf("%s/%s", path, name));
		} else if (!list.items[i].is_dir && !is_passed_over(name) &&
			   safe_dir_has_file(dir, name) == -ENOENT) {
			*found = alloc_string(name);
			e = *found ? 0 : -ENOMEM;
		}
	}
	safe_dir_close(&below);
	dir_list_destroy(&list);
	return e;
}

/*
 * Docker's loader goes into directories, also into those that begin with a dot.  Of a file in one
 * it takes the name, and loads the file of that name in the directory above: where there is none it
 * does not start.
 */
static int find_loaded_below(const struct safe_dir *dir, const char *name, char **found)
{
	struct to_go t = { 0 };
	int e = go_later(&t, alloc_string(name));

	while (t.nr && !e && !*found) {
		char *path = t.paths[--t.nr];

		e = look_into(dir, path, &t, found);
		alloc_free(path);
	}
	while (t.nr)
		alloc_free(t.paths[--t.nr]);
	alloc_free(t.paths);
	return e;
}

static int read_directory(const struct reading *r, const struct safe_dir *dir, const char *name)
{
	char *found = NULL;
	int e = find_loaded_below(dir, name, &found);

	if (!e && found) {
		char *text = alloc_printf("a directory with %s in it, which Docker takes for a "
					  "device",
					  found);

		e = text ? file_problem(r, ROW_J3, name, text) : -ENOMEM;
		problem_is_fatal(r->problems);
		alloc_free(text);
	} else if (!e && *name != '.') {
		e = file_problem(r, ROW_J3, name, "a directory: Docker loads what is in it");
	}
	alloc_free(found);
	return e;
}

static int read_other(const struct reading *r, const struct safe_dir *dir, char *name)
{
	const struct device_record d = { .hash = name };
	const int kind = safe_dir_has_file(dir, name);
	int e = file_problem(r, ROW_J3, name,
			     kind == -ELOOP
				     ? "a symbolic link: Docker follows it, and takes what it finds"
				     : "neither a file nor a directory: Docker does not start");

	if (e)
		return e;
	if (kind != -ELOOP) {
		problem_is_fatal(r->problems);
		return 0;
	}
	problem_of_error(r->problems, kind);
	return add_record(r->state, &d);
}

static int read_entry(const struct reading *r, const struct safe_dir *dir,
		      const struct dir_entry *entry)
{
	if (entry->is_dir)
		return read_directory(r, dir, entry->name);
	if (!strncmp(entry->name, ".tmp", 4))
		return file_problem(r, ROW_J1, entry->name, "a write that was interrupted left it");
	if (is_passed_over(entry->name))
		return 0;
	return entry->is_file ? read_record(r, dir, entry->name) : read_other(r, dir, entry->name);
}

static int find_immutable(const struct reading *r, const struct safe_dir *dir)
{
	static const char *const names[] = { ".", "deviceset-metadata", "transaction-metadata" };
	int e = 0;

	for (size_t i = 0; i < ARRAY_SIZE(names) && !e; i++) {
		if (safe_dir_is_immutable(dir, names[i]))
			e = file_problem(r, ROW_J26, names[i],
					 "it is immutable (chattr): Docker cannot write it");
	}
	return e;
}

static int by_hash(const void *a, const void *b)
{
	return strcmp(((const struct device_record *)a)->hash,
		      ((const struct device_record *)b)->hash);
}

static void sort_records(struct driver_state *s)
{
	if (s->nr_records)
		qsort(s->records, s->nr_records, sizeof(*s->records), by_hash);
}

static int note_unread(const struct reading *r, int error)
{
	r->state->unread = true;
	return problem_unread(r->problems, ROW_J26, "metadata", DIRECTORY, error);
}

static int read_metadata(const struct reading *r, const struct safe_dir *dir)
{
	struct dir_list list;
	int e = safe_dir_list(dir, &list);

	r->state->present = !e;
	if (e && e != -ENOMEM)
		e = note_unread(r, e);
	for (size_t i = 0; i < list.nr && !e; i++)
		e = read_entry(r, dir, &list.items[i]);
	dir_list_destroy(&list);
	if (!e)
		e = read_set(r, dir);
	if (!e)
		e = read_transaction(r, dir);
	if (!e)
		e = find_immutable(r, dir);
	if (e != -ENOMEM)
		sort_records(r->state);
	return e;
}

/* ---- before 0.12 */

struct old_counts {
	size_t nr, nr_missing, nr_other; /* devices; without a file; of which that says otherwise */
};

static bool same(const struct device_record *a, const struct device_record *b)
{
	return a->device_id == b->device_id && a->size == b->size &&
	       a->transaction_id == b->transaction_id;
}

/* {"HASH":{…}, …}; those without a file become records, when add is true. */
static int take_old(const struct reading *r, json_t *devices, bool add, struct old_counts *counts,
		    struct go_fault *fault)
{
	const size_t nr = r->state->nr_records;
	const char *hash;
	json_t *object;
	int e = 0;

	json_object_foreach(devices, hash, object)
	{
		char name[NAME_MAX + 1];
		struct device_record d = { .hash = name, .usable = true };
		const struct device_record *now;

		(void)snprintf(name, sizeof(name), "%s", *hash ? hash : "base");
		if (!take_record(object, &d, fault))
			return -EBADMSG;
		/* Those that are added stand behind the others, which are sorted. */
		now = driver_state_find(&(const struct driver_state){ .records = r->state->records,
								      .nr_records = nr },
					name);
		counts->nr++;
		counts->nr_missing += !now;
		counts->nr_other += now && now->usable && !same(now, &d);
		d.usable = d.device_id >= 0 && d.device_id <= MAX_DEVICE_ID;
		if (add && !now)
			e = add_record(r->state, &d);
		if (e)
			return e;
	}
	return 0;
}

static int read_old(const struct reading *r, const struct safe_dir *root, const char *path,
		    bool add, struct old_counts *counts, struct go_fault *fault)
{
	json_t *object;
	int e = go_json_read(root, path, &object, fault);

	if (!e)
		e = take_old(r, go_get(object, "Devices"), add, counts, fault);
	json_decref(object);
	return e;
}

static int read_unmigrated(const struct reading *r, const struct safe_dir *root)
{
	static const char path[] = "devicemapper/json";
	struct old_counts counts = { 0 };
	struct go_fault fault;
	int e = read_old(r, root, path, true, &counts, &fault), p;

	sort_records(r->state);
	/* That the directory leads out is told of metadata/. */
	if (e == -ENOENT || e == -EXDEV || e == -ENOMEM)
		return e == -ENOMEM ? e : 0;
	r->state->present |= !e;
	r->state->before_0_12 = true;
	p = e ? problem_add(r->problems, ROW_J25, "json", path, "%s", fault.text)
	      : problem_add(r->problems, ROW_J25, "json", path,
			    "%zu devices, whose files the next start writes; %zu of them have a "
			    "file that says otherwise and is lost then",
			    counts.nr, counts.nr_other);
	if (!p && (e == -EBADMSG || counts.nr_other))
		problem_is_fatal(r->problems);
	return p;
}

static int read_migrated(const struct reading *r, const struct safe_dir *root)
{
	static const char path[] = "devicemapper/json.migrated";
	struct old_counts counts = { 0 };
	struct go_fault fault;
	int e = read_old(r, root, path, false, &counts, &fault);

	if (!e && counts.nr_missing)
		return problem_add(r->problems, ROW_J25, "json.migrated", path,
				   "%zu of its %zu devices have no file any more",
				   counts.nr_missing, counts.nr);
	return e == -ENOMEM ? e : 0;
}

/* ---- all */

int driver_state_read(const struct safe_dir *root, struct driver_state *ret_state,
		      struct problem_list *problems)
{
	struct reading r = { ret_state, problems };
	struct safe_dir dir;
	int e;

	*ret_state = (struct driver_state){ 0 };
	e = safe_dir_enter(root, DIRECTORY, &dir);
	if (!e)
		e = read_metadata(&r, &dir);
	else if (e != -ENOENT)
		e = note_unread(&r, e);
	else
		e = 0;
	safe_dir_close(&dir);
	if (!e)
		e = read_unmigrated(&r, root);
	return e ? e : read_migrated(&r, root);
}

void driver_state_destroy(struct driver_state *s)
{
	for (size_t i = 0; i < s->nr_records; i++)
		alloc_free(s->records[i].hash);
	alloc_free(s->records);
	alloc_free(s->base_uuid);
	alloc_free(s->base_filesystem);
	alloc_free(s->transaction_hash);
	*s = (struct driver_state){ 0 };
}

static int has_hash(const void *hash, const void *record)
{
	return strcmp(hash, ((const struct device_record *)record)->hash);
}

const struct device_record *driver_state_find(const struct driver_state *s, const char *hash)
{
	return s->nr_records
		       ? bsearch(hash, s->records, s->nr_records, sizeof(*s->records), has_hash)
		       : NULL;
}
