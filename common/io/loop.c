/* SPDX-License-Identifier: MIT */
#include "common/io/loop.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/loop.h>
#include <linux/major.h>
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
	if (n < 0 && major(rdev) == LOOP_MAJOR) {
		/* Without /sys: so it is called where loop.max_part is 0, as it is by default. */
		(void)snprintf(name, 256, "loop%u", minor(rdev));
		return 0;
	}
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

/* ---- who stands on it */

enum { MAX_LEVELS = 8 };

static bool is_on(const struct loop_backing *on, const struct stat *st)
{
	if (S_ISBLK(st->st_mode))
		return on->is_device && on->rdev == st->st_rdev;
	return !on->is_device && on->device == st->st_dev && on->inode == st->st_ino;
}

/* By the name that the kernel shows, where there is no node to ask. */
static bool is_named_on(const char *name, const struct stat *st)
{
	struct loop_backing on = { .end = 0 };
	char path[300], line[4096] = "";
	struct stat file;
	FILE *f;

	(void)snprintf(path, sizeof(path), "/sys/block/%s/loop/backing_file", name);
	f = fopen(path, "re");
	if (!f)
		return false;
	if (!fgets(line, sizeof(line), f))
		*line = '\0';
	(void)fclose(f);
	line[strcspn(line, "\n")] = '\0';
	if (!*line || stat(line, &file))
		return false;
	on = (struct loop_backing){ .is_device = S_ISBLK(file.st_mode),
				    .device = file.st_dev,
				    .rdev = file.st_rdev,
				    .inode = file.st_ino };
	return is_on(&on, st);
}

struct seeker {
	const struct stat *st;
	bool used;          /* only one that is in use */
	unsigned int level; /* of loop devices on loop devices */
};

static bool is_any(const struct seeker *s);

/* NOLINTNEXTLINE(misc-no-recursion): at most MAX_LEVELS deep */
static bool is_held(const char *name, const struct stat *device, unsigned int level)
{
	const struct seeker upper = { device, true, level + 1 };
	const int fd = open_loop(name, O_EXCL);

	if (fd >= 0)
		(void)close(fd);
	return fd == -EBUSY || is_any(&upper);
}

/* Is loop device `name` (loop3) one? */
/* NOLINTNEXTLINE(misc-no-recursion): at most MAX_LEVELS deep */
static bool is_one(const char *name, const struct seeker *s)
{
	struct loop_backing on = { .end = 0 };
	struct stat device;
	int fd = open_loop(name, 0);
	bool found;

	if (fd < 0)
		return is_named_on(name, s->st);
	found = !fstat(fd, &device) && !ask(fd, &on) && is_on(&on, s->st);
	(void)close(fd);
	return found && (!s->used || is_held(name, &device, s->level));
}

/* NOLINTNEXTLINE(misc-no-recursion): at most MAX_LEVELS deep */
static bool is_any(const struct seeker *s)
{
	const struct dirent *entry;
	bool found = false;
	DIR *dir;

	if (s->level >= MAX_LEVELS)
		return true;
	dir = opendir("/sys/block");
	if (!dir)
		dir = opendir("/dev");
	if (!dir)
		return false;
	while (!found && (entry = readdir(dir))) {
		const char *number = entry->d_name + 4;

		if (!strncmp(entry->d_name, "loop", 4) && *number &&
		    !number[strspn(number, "0123456789")])
			found = is_one(entry->d_name, s);
	}
	(void)closedir(dir);
	return found;
}

bool loop_stands_on(const struct stat *st)
{
	return is_any(&(struct seeker){ st, false, 0 });
}

bool loop_in_use(const struct stat *st)
{
	return is_any(&(struct seeker){ st, true, 0 });
}
