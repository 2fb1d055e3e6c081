/* SPDX-License-Identifier: MIT */
#include "docker_meta/state/driver_state.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/alloc.h"
#include "docker_meta/state/go_json.h"
#include "docker_meta/state/names.h"

#define DIRECTORY "devicemapper/metadata"

struct reading {
	struct driver_state *state;
	struct problem_list *problems;
};

static int file_problem(const struct reading *r, const char *row, const char *name,
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
		return file_problem(r, "J5", d->hash,
				    "device_id is not within 0 and 16777215: Docker takes the file "
				    "for missing");
	}
	if (!d->size || d->size % 512)
		return file_problem(r, "J6", d->hash, "size is 0, or no multiple of 512 bytes");
	return 0;
}

static int read_record(const struct reading *r, const struct safe_dir *dir, char *name)
{
	struct device_record d = { .hash = name };
	struct go_fault fault;
	json_t *object;
	int e = go_json_read(dir, name, &object, &fault);

	if (e == -ENOMEM)
		return e;
	d.usable = !e && take_record(object, &d, &fault);
	if (!d.usable) {
		e = file_problem(r, is_device_name(name) ? "J2" : "J3", name, fault.text);
		if (!e)
			problem_is_fatal(r->problems);
	} else {
		e = judge_record(r, &d);
	}
	if (!e && d.usable && !is_device_name(name))
		e = file_problem(r, "J3", name, "Docker loads it as a device of that name");
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
	int e = go_json_read(dir, "deviceset-metadata", &object, &fault);

	if (e == -ENOENT || e == -ENOMEM)
		return e == -ENOENT ? 0 : e;
	s->has_set = !e && go_take_u64(object, "next_device_id", &s->next_device_id, &fault) &&
		     go_take_string(object, "BaseDeviceUUID", &uuid, &fault) &&
		     go_take_string(object, "BaseDeviceFilesystem", &filesystem, &fault);
	s->set_broken = !s->has_set;
	if (!s->has_set) {
		e = file_problem(r, "J15", "deviceset-metadata", fault.text);
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
	json_t *object;
	int e = go_json_read(dir, "transaction-metadata", &object, &fault);

	if (e == -ENOENT || e == -ENOMEM)
		return e == -ENOENT ? 0 : e;
	s->has_transaction = true;
	s->transaction_usable =
		!e && go_take_u64(object, "open_transaction_id", &s->open_transaction_id, &fault) &&
		go_take_string(object, "device_hash", &hash, &fault) &&
		go_take_int(object, "device_id", &s->transaction_device_id, &fault);
	e = s->transaction_usable ? keep(&s->transaction_hash, hash)
				  : file_problem(r, "T7", "transaction-metadata", fault.text);
	json_decref(object);
	return e;
}

/* ---- the directory */

/* Docker's own loader goes into directories and takes what it finds there for devices. */
static int read_entry(const struct reading *r, const struct safe_dir *dir,
		      const struct dir_entry *entry)
{
	if (!strcmp(entry->name, "deviceset-metadata") ||
	    !strcmp(entry->name, "transaction-metadata"))
		return 0;
	if (!strncmp(entry->name, ".tmp", 4))
		return file_problem(r, "J1", entry->name, "a write that was interrupted left it");
	if (entry->name[0] == '.' || has_suffix(entry->name, ".migrated"))
		return 0;
	if (!entry->is_file)
		return file_problem(r, "J3", entry->name,
				    entry->is_dir ? "a directory: Docker loads what is in it"
						  : "it is neither a file nor a directory");
	return read_record(r, dir, entry->name);
}

static int by_hash(const void *a, const void *b)
{
	return strcmp(((const struct device_record *)a)->hash,
		      ((const struct device_record *)b)->hash);
}

int driver_state_read(const struct safe_dir *root, struct driver_state *ret_state,
		      struct problem_list *problems)
{
	struct reading r = { ret_state, problems };
	struct dir_list list = { 0 };
	struct safe_dir dir;
	int e;

	*ret_state = (struct driver_state){ 0 };
	e = safe_dir_enter(root, DIRECTORY, &dir);
	if (e == -ENOENT)
		return 0;
	if (!e)
		e = safe_dir_list(&dir, &list);
	if (e && e != -ENOMEM) {
		safe_dir_close(&dir);
		dir_list_destroy(&list);
		return problem_add(problems, "J26", "metadata", DIRECTORY, "it cannot be read: %s",
				   strerror(-e));
	}
	ret_state->present = !e;
	for (size_t i = 0; i < list.nr && !e; i++)
		e = read_entry(&r, &dir, &list.items[i]);
	if (!e)
		e = read_set(&r, &dir);
	if (!e)
		e = read_transaction(&r, &dir);
	if (ret_state->nr_records)
		qsort(ret_state->records, ret_state->nr_records, sizeof(*ret_state->records),
		      by_hash);
	safe_dir_close(&dir);
	dir_list_destroy(&list);
	return e;
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
