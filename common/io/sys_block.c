/* SPDX-License-Identifier: MIT */
#include "common/io/sys_block.h"

#include <stdio.h>
#include <sys/sysmacros.h>

#include "common/base/number.h"

enum { SECTOR = 512, LINE = 64 };

void sys_path(dev_t rdev, const char *name, char path[SYS_PATH])
{
	(void)snprintf(path, SYS_PATH, "/sys/dev/block/%u:%u/%s", major(rdev), minor(rdev), name);
}

static bool read_line(const char *path, char line[LINE])
{
	FILE *f = fopen(path, "re");
	bool ok = f && fgets(line, LINE, f);

	if (f)
		(void)fclose(f);
	return ok;
}

static bool read_number(dev_t rdev, const char *name, uint64_t *ret)
{
	char path[SYS_PATH], line[LINE];

	sys_path(rdev, name, path);
	return read_line(path, line) && parse_u64_prefix(line, ret);
}

bool sys_read_device(const char *path, dev_t *ret)
{
	char line[LINE];

	return read_line(path, line) && parse_device_prefix(line, ret);
}

bool partition_find(dev_t rdev, struct partition *ret)
{
	uint64_t number, start, size;
	char path[SYS_PATH];
	dev_t disk;

	sys_path(rdev, "../dev", path);
	if (!read_number(rdev, "partition", &number) || !read_number(rdev, "start", &start) ||
	    !read_number(rdev, "size", &size) || !sys_read_device(path, &disk))
		return false;
	*ret = (struct partition){ disk, start * SECTOR, (start + size) * SECTOR };
	return true;
}
