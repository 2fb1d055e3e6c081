/* SPDX-License-Identifier: MIT
 * dm_table.c: by libdevmapper.
 */
#include "common/tool/dm_table.h"

#include <libdevmapper.h>
#include <stdio.h>
#include <string.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "common/tool/dm_busy.h"

static struct dm_task *read_table(dev_t rdev)
{
	struct dm_task *task;

	if (access("/dev/mapper/control", F_OK))
		return NULL;
	dm_be_quiet();
	task = dm_task_create(DM_DEVICE_TABLE);
	if (task && (!dm_task_set_major(task, (int)major(rdev)) ||
		     !dm_task_set_minor(task, (int)minor(rdev)) || !dm_task_run(task))) {
		dm_task_destroy(task);
		task = NULL;
	}
	return task;
}

/* "MAJOR:MINOR SECTOR" (Linux: Documentation/admin-guide/device-mapper/linear.rst). */
static bool parse(const char *type, const char *parameters, struct dm_linear *piece)
{
	unsigned long long sector;
	unsigned int ma, mi;

	if (!type || strcmp(type, "linear") != 0 || !parameters ||
	    sscanf(parameters, "%u:%u %llu", &ma, &mi, &sector) != 3)
		return false;
	piece->on = makedev(ma, mi);
	piece->on_begin = sector;
	return true;
}

static bool walk(dev_t rdev, void (*visit)(void *context, const struct dm_linear *piece),
		 void *context)
{
	struct dm_task *task = read_table(rdev);
	char *type = NULL, *parameters = NULL;
	struct dm_linear piece;
	bool linear = task != NULL;
	void *next = NULL;

	while (linear) {
		next = dm_get_next_target(task, next, &piece.begin, &piece.length, &type,
					  &parameters);
		linear = parse(type, parameters, &piece);
		if (linear && visit)
			visit(context, &piece);
		if (!next)
			break;
	}
	if (task)
		dm_task_destroy(task);
	return linear;
}

bool dm_table_is_linear(dev_t rdev)
{
	return walk(rdev, NULL, NULL);
}

void dm_table_linear(dev_t rdev, void (*visit)(void *context, const struct dm_linear *piece),
		     void *context)
{
	(void)walk(rdev, visit, context);
}
