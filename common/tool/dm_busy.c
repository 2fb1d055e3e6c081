/* SPDX-License-Identifier: MIT */
#include "common/tool/dm_busy.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "common/base/number.h"
#include "common/io/fd_io.h"
#include "common/tool/dm_table.h"

/* A pool's table has one line, whose parameters begin with its metadata device. */
struct search {
	dev_t metadata;
	bool found;
};

static void look_at_target(void *context, const struct dm_target *target)
{
	struct search *s = context;
	char wanted[32];

	(void)snprintf(wanted, sizeof(wanted), "%u:%u ", major(s->metadata), minor(s->metadata));
	s->found |= !strcmp(target->type, "thin-pool") &&
		    !strncmp(target->parameters, wanted, strlen(wanted));
}

/* The number of the device dm-N that holds another one. */
static bool read_number(int holders, const char *name, dev_t *ret_dev)
{
	char path[300], text[32] = "";
	size_t n;
	int fd, r;

	(void)snprintf(path, sizeof(path), "%s/dev", name);
	fd = openat(holders, path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return false;
	r = fd_read_up_to(fd, text, sizeof(text) - 1, &n);
	(void)close(fd);
	return !r && parse_device_prefix(text, ret_dev);
}

static void find_pool(DIR *holders, dev_t metadata, char *text, size_t size)
{
	const struct dirent *entry;
	char name[DM_NAME_BYTES];
	dev_t dev;

	while (!*text && (entry = readdir(holders))) {
		struct search s = { .metadata = metadata };

		if (!strncmp(entry->d_name, "dm-", 3) &&
		    read_number(dirfd(holders), entry->d_name, &dev) &&
		    !dm_table_read(dev, name, look_at_target, &s) && s.found)
			(void)snprintf(text, size, " as the metadata of pool %s", name);
	}
}

void dm_who_uses(const char *path, char *text, size_t size)
{
	char holders_path[64];
	struct stat st;
	DIR *holders;

	*text = '\0';
	if (stat(path, &st) || !S_ISBLK(st.st_mode))
		return;
	(void)snprintf(holders_path, sizeof(holders_path), "/sys/dev/block/%u:%u/holders",
		       major(st.st_rdev), minor(st.st_rdev));
	holders = opendir(holders_path);
	if (!holders)
		return;
	find_pool(holders, st.st_rdev, text, size);
	(void)closedir(holders);
}
