/* SPDX-License-Identifier: MIT */
#include "common/io/loop.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/loop.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/sysmacros.h>
#include <unistd.h>

/* The node of a loop device: its name in /sys is its name in /dev. */
static int open_loop(const char *name, int flags)
{
	char path[300];
	int fd;

	(void)snprintf(path, sizeof(path), "/dev/%s", name);
	fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | flags);
	return fd < 0 ? -errno : fd;
}

static int name_of(dev_t rdev, char name[256])
{
	char path[64], target[256];
	ssize_t n;

	(void)snprintf(path, sizeof(path), "/sys/dev/block/%u:%u", major(rdev), minor(rdev));
	n = readlink(path, target, sizeof(target) - 1);
	if (n < 0)
		return -errno;
	target[n] = '\0';
	(void)snprintf(name, 256, "%s", strrchr(target, '/') ? strrchr(target, '/') + 1 : target);
	return 0;
}

/* The kernel packs device numbers here as stat(2) does. */
static int ask(int fd, struct loop_backing *ret)
{
	struct loop_info64 info = { 0 };

	if (ioctl(fd, LOOP_GET_STATUS64, &info))
		return -errno;
	*ret = (struct loop_backing){ .is_device = info.lo_rdevice != 0,
				      .device = (dev_t)info.lo_device,
				      .rdev = (dev_t)info.lo_rdevice,
				      .inode = (ino_t)info.lo_inode,
				      .begin = info.lo_offset,
				      .end = UINT64_MAX };
	if (info.lo_sizelimit)
		ret->end = info.lo_offset + info.lo_sizelimit;
	return 0;
}

int loop_backing(dev_t rdev, struct loop_backing *ret)
{
	char name[256];
	struct stat st;
	int fd, r = name_of(rdev, name);

	if (r)
		return r;
	fd = open_loop(name, 0);
	if (fd < 0)
		return fd;
	r = fstat(fd, &st) || st.st_rdev != rdev ? -ENODEV : ask(fd, ret);
	(void)close(fd);
	return r;
}

/* Does loop device `name` (loop3) stand on this file, and is it in use itself? */
static bool holds(const char *name, const struct stat *file)
{
	struct loop_backing on = { .end = 0 };
	int fd = open_loop(name, 0), r;

	if (fd < 0)
		return false;
	r = ask(fd, &on);
	(void)close(fd);
	if (r || on.is_device || on.device != file->st_dev || on.inode != file->st_ino)
		return false;
	fd = open_loop(name, O_EXCL);
	if (fd >= 0)
		(void)close(fd);
	return fd == -EBUSY;
}

static bool is_bound(const char *name)
{
	char path[300];

	(void)snprintf(path, sizeof(path), "/sys/block/%s/loop", name);
	return !access(path, F_OK);
}

bool loop_file_in_use(const struct stat *file)
{
	DIR *dir = opendir("/sys/block");
	const struct dirent *entry;
	bool used = false;

	if (!dir)
		return false;
	while (!used && (entry = readdir(dir))) {
		if (!strncmp(entry->d_name, "loop", 4) && is_bound(entry->d_name))
			used = holds(entry->d_name, file);
	}
	(void)closedir(dir);
	return used;
}
