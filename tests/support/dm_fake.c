/* SPDX-License-Identifier: MIT */
#include "tests/support/dm_fake.h"

#include <libdevmapper.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/compiler.h"

enum { MAX_NAME = 128 }; /* with what stands before it in a list */

struct fake_task {
	int type;
	const char *name;
	const struct dm_fake_device *device; /* found when it ran */
	char *names;                         /* owned: a list as the kernel makes it */
};

bool dm_fake_runs = true, dm_fake_makes = true;
size_t dm_fake_nr_tasks;

static const struct dm_fake_device *fakes;
static size_t nr_fakes;

void dm_fake_devices(const struct dm_fake_device *devices, size_t nr)
{
	fakes = devices;
	nr_fakes = nr;
}

/* As in alloc_fault.c. */
#define WRAPPER(symbol) __asm__("__wrap_" #symbol)
#define REAL(symbol) __asm__("__real_" #symbol) __attribute__((weak))

struct dm_task *real_create(int type) REAL(dm_task_create);
int real_set_name(struct dm_task *task, const char *name) REAL(dm_task_set_name);
int real_run(struct dm_task *task) REAL(dm_task_run);
struct dm_names *real_get_names(struct dm_task *task) REAL(dm_task_get_names);
void real_destroy(struct dm_task *task) REAL(dm_task_destroy);
void *real_next_target(struct dm_task *task, void *next, uint64_t *start, uint64_t *length,
		       char **type, char **parameters) REAL(dm_get_next_target);

struct dm_task *fake_create(int type) WRAPPER(dm_task_create);
int fake_set_name(struct dm_task *task, const char *name) WRAPPER(dm_task_set_name);
int fake_run(struct dm_task *task) WRAPPER(dm_task_run);
struct dm_names *fake_get_names(struct dm_task *task) WRAPPER(dm_task_get_names);
void fake_destroy(struct dm_task *task) WRAPPER(dm_task_destroy);
void *fake_next_target(struct dm_task *task, void *next, uint64_t *start, uint64_t *length,
		       char **type, char **parameters) WRAPPER(dm_get_next_target);

static struct fake_task *to_fake(struct dm_task *task)
{
	return (struct fake_task *)(void *)task;
}

struct dm_task *fake_create(int type)
{
	struct fake_task *t;

	if (!fakes)
		return real_create(type);
	t = dm_fake_makes ? calloc(1, sizeof(*t)) : NULL;
	if (!t)
		return NULL;
	t->type = type;
	dm_fake_nr_tasks++;
	return (struct dm_task *)(void *)t;
}

int fake_set_name(struct dm_task *task, const char *name)
{
	if (!fakes)
		return real_set_name(task, name);
	to_fake(task)->name = name;
	return 1;
}

/* One entry behind the other, each says how far it is to the next. */
static void list_names(struct fake_task *t)
{
	t->names = calloc(nr_fakes + 1, MAX_NAME);
	if (!t->names)
		abort();
	for (size_t n = 0; n < nr_fakes; n++) {
		struct dm_names *entry = (struct dm_names *)(void *)(t->names + n * MAX_NAME);

		entry->dev = n + 1;
		entry->next = n + 1 < nr_fakes ? MAX_NAME : 0;
		strncpy(t->names + n * MAX_NAME + offsetof(struct dm_names, name), fakes[n].name,
			MAX_NAME / 2);
	}
}

int fake_run(struct dm_task *task)
{
	struct fake_task *t = to_fake(task);

	if (!fakes)
		return real_run(task);
	if (!dm_fake_runs)
		return 0;
	if (t->type == DM_DEVICE_LIST)
		list_names(t);
	for (size_t n = 0; n < nr_fakes && t->name; n++) {
		if (!strcmp(fakes[n].name, t->name))
			t->device = &fakes[n];
	}
	return t->type == DM_DEVICE_LIST || (t->device && t->device->target);
}

struct dm_names *fake_get_names(struct dm_task *task)
{
	return fakes ? (struct dm_names *)(void *)to_fake(task)->names : real_get_names(task);
}

void fake_destroy(struct dm_task *task)
{
	if (!fakes) {
		real_destroy(task);
		return;
	}
	dm_fake_nr_tasks--;
	free(to_fake(task)->names);
	free(task);
}

void *fake_next_target(struct dm_task *task, void *next, uint64_t *start, uint64_t *length,
		       char **type, char **parameters)
{
	const struct dm_fake_device *d = fakes ? to_fake(task)->device : NULL;

	if (!d)
		return real_next_target(task, next, start, length, type, parameters);
	*start = 0;
	*length = 8;
	memcpy(type, &d->target, sizeof(*type));
	memcpy(parameters, &d->parameters, sizeof(*parameters));
	return NULL;
}
