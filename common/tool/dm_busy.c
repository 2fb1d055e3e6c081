/* SPDX-License-Identifier: MIT
 * dm_busy.c: by libdevmapper, which docker_meta/host/dm.c alone includes beside it.
 */
#include "common/tool/dm_busy.h"

#include <libdevmapper.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

/* We only ask, and an answer that fails is none. */
static void stay_quiet(int level, const char *file, int line, int dm_errno, const char *format, ...)
{
	(void)level;
	(void)file;
	(void)line;
	(void)dm_errno;
	(void)format;
}

void dm_be_quiet(void)
{
	dm_log_with_errno_init(stay_quiet);
}

static struct dm_task *run_task(int type, const char *name)
{
	struct dm_task *task = dm_task_create(type);

	if (!task)
		return NULL;
	if ((name && !dm_task_set_name(task, name)) || !dm_task_run(task)) {
		dm_task_destroy(task);
		return NULL;
	}
	return task;
}

/* Is it a thin pool with this metadata device?  Its parameters begin with "MAJOR:MINOR ". */
static bool pool_on(const char *name, dev_t device)
{
	struct dm_task *task = run_task(DM_DEVICE_TABLE, name);
	char wanted[32], *target = NULL, *parameters = NULL;
	uint64_t start, length;
	bool found = false;

	if (!task)
		return false;
	(void)snprintf(wanted, sizeof(wanted), "%u:%u ", major(device), minor(device));
	(void)dm_get_next_target(task, NULL, &start, &length, &target, &parameters);
	if (target && parameters)
		found = !strcmp(target, "thin-pool") &&
			!strncmp(parameters, wanted, strlen(wanted));
	dm_task_destroy(task);
	return found;
}

void dm_pool_on(dev_t device, char *text, size_t size)
{
	struct dm_task *list;
	const struct dm_names *names;

	*text = '\0';
	dm_be_quiet();
	list = run_task(DM_DEVICE_LIST, NULL);
	if (!list)
		return;
	names = dm_task_get_names(list);
	while (names && names->dev) {
		if (pool_on(names->name, device)) {
			(void)snprintf(text, size, " as the metadata of pool %s", names->name);
			break;
		}
		if (!names->next)
			break;
		names = (const struct dm_names *)(const void *)((const char *)names + names->next);
	}
	dm_task_destroy(list);
}

void dm_who_uses(const char *path, char *text, size_t size)
{
	struct stat st;

	*text = '\0';
	if (!stat(path, &st) && S_ISBLK(st.st_mode) && !access("/dev/mapper/control", F_OK))
		dm_pool_on(st.st_rdev, text, size);
}
