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

#include "common/io/sys_block.h"

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

/* A part of a file or of a device. */
struct extent {
	struct loop_backing of;
	uint64_t begin, end;
};

static struct loop_backing thing_of(const struct stat *st)
{
	return (struct loop_backing){ .is_device = S_ISBLK(st->st_mode),
				      .device = st->st_dev,
				      .rdev = st->st_rdev,
				      .inode = st->st_ino };
}

static bool is_same_thing(const struct loop_backing *a, const struct loop_backing *b)
{
	if (a->is_device || b->is_device)
		return a->is_device && b->is_device && a->rdev == b->rdev;
	return a->device == b->device && a->inode == b->inode;
}

static uint64_t below(uint64_t at, uint64_t begin)
{
	return at > UINT64_MAX - begin ? UINT64_MAX : at + begin;
}

/* Bytes of a partition are bytes of its disk, which others may reach without it. */
static void to_disk(struct loop_backing *of, uint64_t *begin, uint64_t *end)
{
	struct partition p;

	if (!of->is_device || !partition_find(of->rdev, &p))
		return;
	of->rdev = p.disk;
	*begin = below(*begin, p.begin);
	*end = below(*end, p.begin);
	*end = *end < p.end ? *end : p.end;
}

/* By the name that the kernel shows, where there is no node to ask. */
static bool find_named(const char *name, struct loop_backing *ret)
{
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
	*ret = thing_of(&file);
	ret->end = UINT64_MAX;
	to_disk(ret, &ret->begin, &ret->end);
	return true;
}

struct seeker {
	struct extent part;
	dev_t but;          /* a loop device that does not count; 0: each does */
	bool used;          /* only one that is in use */
	unsigned int level; /* of loop devices on loop devices */
};

static bool is_any(const struct seeker *s);

/* The part that another one is of a loop device that stands on it. */
static uint64_t above(uint64_t at, const struct loop_backing *on)
{
	return at == UINT64_MAX ? at : at > on->begin ? at - on->begin : 0;
}

/* NOLINTNEXTLINE(misc-no-recursion): at most MAX_LEVELS deep */
static bool is_held(const char *name, const struct stat *device, const struct seeker *s,
		    const struct loop_backing *on)
{
	const struct seeker upper = { .part = { .of = thing_of(device),
						.begin = above(s->part.begin, on),
						.end = above(s->part.end, on) },
				      .used = true,
				      .level = s->level + 1 };
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
		return find_named(name, &on) && is_same_thing(&on, &s->part.of);
	found = !fstat(fd, &device) && device.st_rdev != s->but && !ask(fd, &on);
	(void)close(fd);
	if (found)
		to_disk(&on, &on.begin, &on.end);
	found = found && is_same_thing(&on, &s->part.of) && on.begin < s->part.end &&
		s->part.begin < on.end;
	return found && (!s->used || is_held(name, &device, s, &on));
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

static struct extent all_of(const struct stat *st)
{
	struct extent all = { thing_of(st), 0, UINT64_MAX };

	to_disk(&all.of, &all.begin, &all.end);
	return all;
}

bool loop_stands_on(const struct stat *st)
{
	return is_any(&(struct seeker){ .part = all_of(st) });
}

/* ---- who uses it */

/* A device below a loop device that is mounted, or part of something that is active. */
static bool is_device_held(dev_t rdev)
{
	char name[256];
	int fd;

	if (name_of(rdev, name))
		return false;
	fd = open_loop(name, O_EXCL);
	if (fd >= 0)
		(void)close(fd);
	return fd == -EBUSY;
}

/* Not a partition of one, where /sys does not tell its place. */
static bool is_whole_loop(dev_t rdev)
{
	char name[256];

	return !name_of(rdev, name) && !strncmp(name, "loop", 4) &&
	       !name[4 + strspn(name + 4, "0123456789")];
}

bool loop_in_use(const struct stat *st)
{
	struct seeker s = { .part = all_of(st), .used = true };
	bool found = is_any(&s);

	/* What a loop device stands on others may stand on as well, with the same bytes. */
	for (unsigned int n = 0; n < MAX_LEVELS && !found && s.part.of.is_device; n++) {
		struct extent *part = &s.part;
		struct loop_backing on;

		s.but = part->of.rdev;
		if (!is_whole_loop(s.but) || loop_backing(s.but, &on))
			break;
		part->begin = below(part->begin, on.begin);
		part->end = below(part->end, on.begin);
		part->end = part->end < on.end ? part->end : on.end;
		part->of = on;
		found = on.is_device && is_device_held(on.rdev);
		to_disk(&part->of, &part->begin, &part->end);
		found = found || is_any(&s);
	}
	return found;
}
