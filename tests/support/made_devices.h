/* SPDX-License-Identifier: MIT
 * made_devices.h: block devices that are made up, for one suite that includes this first of all.
 *
 * What the code under test asks the kernel of names below /sys and of these devices is answered
 * here, with libc's functions replaced; all else goes to libc.
 */
#ifndef THINMEND_TESTS_MADE_DEVICES_H
#define THINMEND_TESTS_MADE_DEVICES_H

#undef _FORTIFY_SOURCE /* or some of the functions that are defined here would be others */
#include <criterion/criterion.h>
#include <dirent.h>
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/dm-ioctl.h>
#include <linux/fs.h>
#include <linux/loop.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "common/base/compiler.h"
#include "common/tool/dm_table.h"
#include "tests/support/leaks.h"

struct device {
	char path[40];
	dev_t rdev;
	bool busy;               /* O_EXCL fails */
	struct loop_info64 loop; /* where lo_number is set: it stands on something */
	int fd;                  /* through which it is open, or -1 */
};

struct dm_device {
	dev_t rdev;
	const char *name;
	const struct dm_target *targets;
	uint32_t nr;
	uint32_t needs;       /* bytes of room; with less the answer is that it is full */
	uint32_t lie_at, lie; /* that target says it ends there; 0: none does */
};

static char root[64];
static struct device devices[16];
static size_t nr_devices;
static struct dm_device dms[16];
static size_t nr_dms;
static bool dm_control_there;
static int dm_control = -1;
static unsigned int nr_dm_calls;

static inline void next(const char *name, void *ret_function)
{
	void *function = dlsym(RTLD_NEXT, name);

	memcpy(ret_function, &function, sizeof(function));
}

/* Where it is instead. */
static inline const char *moved(const char *path, char room[400])
{
	if (!*root || strncmp(path, "/sys/", 5) != 0)
		return path;
	(void)snprintf(room, 400, "%s%s", root, path);
	return room;
}

static inline struct device *device_at(const char *path)
{
	for (size_t i = 0; i < nr_devices; i++) {
		if (!strcmp(devices[i].path, path))
			return &devices[i];
	}
	return NULL;
}

/* What had this descriptor was closed. */
static inline int opened(int fd)
{
	for (size_t i = 0; i < nr_devices; i++) {
		if (devices[i].fd == fd)
			devices[i].fd = -1;
	}
	if (dm_control == fd)
		dm_control = -1;
	return fd;
}

static inline int open_device(struct device *d, int flags)
{
	char file[400];

	if (d->busy && flags & O_EXCL) {
		errno = EBUSY;
		return -1;
	}
	(void)snprintf(file, sizeof(file), "%s%s", root, d->path);
	d->fd = opened(openat(AT_FDCWD, file, flags & ~O_EXCL));
	return d->fd;
}

int open(const char *path, int flags, ...)
{
	struct device *d = device_at(path);
	char room[400];
	va_list args;
	mode_t mode = 0;

	va_start(args, flags);
	if (flags & (O_CREAT | __O_TMPFILE))
		mode = va_arg(args, mode_t);
	va_end(args);
	if (d)
		return open_device(d, flags);
	if (strcmp(path, "/dev/mapper/control") != 0 || !*root)
		return opened(openat(AT_FDCWD, moved(path, room), flags, mode));
	errno = ENOENT;
	dm_control = dm_control_there ? opened(openat(AT_FDCWD, "/dev/null", flags)) : -1;
	return dm_control;
}

/* What open() is with _FORTIFY_SOURCE where its flags are no constants. */
int open_checked(const char *path, int flags) __asm__("__open_2");
int open_checked(const char *path, int flags)
{
	return open(path, flags);
}

static inline void as_device(const struct device *d, struct stat *st)
{
	st->st_mode = S_IFBLK | 0600;
	st->st_rdev = d->rdev;
}

int fstat(int fd, struct stat *st)
{
	int r = fstatat(fd, "", st, AT_EMPTY_PATH);

	for (size_t i = 0; i < nr_devices && !r; i++) {
		if (devices[i].fd == fd && fd >= 0)
			as_device(&devices[i], st);
	}
	return r;
}

int stat(const char *path, struct stat *st)
{
	const struct device *d = device_at(path);
	char file[400];
	int r;

	(void)snprintf(file, sizeof(file), "%s%s", d ? root : "", path);
	r = fstatat(AT_FDCWD, file, st, 0);
	if (d && !r)
		as_device(d, st);
	return r;
}

FILE *fopen(const char *path, const char *mode)
{
	FILE *(*libc)(const char *, const char *);
	char room[400];

	next("fopen", &libc);
	return libc(moved(path, room), mode);
}

DIR *opendir(const char *path)
{
	DIR *(*libc)(const char *);
	char room[400];

	next("opendir", &libc);
	return libc(moved(path, room));
}

ssize_t readlink(const char *path, char *target, size_t size)
{
	char room[400];

	return readlinkat(AT_FDCWD, moved(path, room), target, size);
}

ssize_t readlink_checked(const char *path, char *target, size_t size,
			 size_t room) __asm__("__readlink_chk");
ssize_t readlink_checked(const char *path, char *target, size_t size, size_t room)
{
	cr_assert_leq(size, room);
	return readlink(path, target, size);
}

int access(const char *path, int mode)
{
	char room[400];

	return faccessat(AT_FDCWD, moved(path, room), mode, 0);
}

/* As Linux: drivers/md/dm-ioctl.c retrieve_status() does. */
static inline int answer_table(const struct dm_device *dm, struct dm_ioctl *head)
{
	char *data = (char *)head + head->data_start;
	size_t at = 0;

	head->target_count = dm->nr;
	head->flags |= head->data_size < dm->needs ? DM_BUFFER_FULL_FLAG : 0;
	(void)snprintf(head->name, sizeof(head->name), "%s", dm->name);
	for (uint32_t i = 0; i < dm->nr; i++) {
		struct dm_target_spec spec = { .sector_start = dm->targets[i].begin,
					       .length = dm->targets[i].length };
		const size_t bytes = strlen(dm->targets[i].parameters) + 1;
		const char *type = dm->targets[i].type;

		/* No NUL at its end where it is long. */
		memcpy(spec.target_type, type, strnlen(type, sizeof(spec.target_type)));
		memcpy(data + at + sizeof(spec), dm->targets[i].parameters, bytes);
		spec.next = (uint32_t)(at + sizeof(spec) + ((bytes + 7) & ~(size_t)7));
		if (dm->lie && dm->lie_at == i)
			spec.next = dm->lie;
		memcpy(data + at, &spec, sizeof(spec));
		at = spec.next;
		if (dm->lie && dm->lie_at == i)
			break;
	}
	return 0;
}

static inline int answer_dm(struct dm_ioctl *head)
{
	nr_dm_calls++;
	cr_expect(head->version[0] == DM_VERSION_MAJOR && head->data_start == sizeof(*head));
	cr_expect(head->flags & DM_STATUS_TABLE_FLAG, "else it is the status");
	for (size_t i = 0; i < nr_dms; i++) {
		if (head->dev == dms[i].rdev)
			return answer_table(&dms[i], head);
	}
	errno = ENXIO;
	return -1;
}

static inline int answer_loop(const struct device *d, struct loop_info64 *info)
{
	if (!d->loop.lo_number) {
		errno = ENXIO;
		return -1;
	}
	*info = d->loop;
	return 0;
}

int ioctl(int fd, unsigned long request, ...)
{
	int (*libc)(int, unsigned long, ...);
	va_list args;
	void *data;

	next("ioctl", &libc);
	va_start(args, request);
	data = va_arg(args, void *);
	va_end(args);
	if (fd >= 0 && fd == dm_control && request == DM_TABLE_STATUS)
		return answer_dm(data);
	for (size_t i = 0; i < nr_devices; i++) {
		struct stat st;

		if (fd < 0 || devices[i].fd != fd)
			continue;
		if (request == LOOP_GET_STATUS64)
			return answer_loop(&devices[i], data);
		if (request == BLKGETSIZE64 && !fstat(fd, &st)) {
			*(uint64_t *)data = (uint64_t)st.st_size;
			return 0;
		}
	}
	return libc(fd, request, data);
}

/* ---- making them up */

static inline void make_directories(const char *path)
{
	char part[400];

	(void)snprintf(part, sizeof(part), "%s", path);
	for (char *slash = strchr(part + 1, '/'); slash; slash = strchr(slash + 1, '/')) {
		*slash = '\0';
		(void)mkdir(part, 0700);
		*slash = '/';
	}
}

/* A file below root. */
static inline void put(const char *path, const char *text)
{
	char file[400];
	int fd;

	(void)snprintf(file, sizeof(file), "%s%s", root, path);
	make_directories(file);
	fd = open(file, O_WRONLY | O_CREAT | O_TRUNC, 0600);
	cr_assert(fd >= 0 && write(fd, text, strlen(text)) == (ssize_t)strlen(text));
	close(fd);
}

/* "/sys/dev/block/8:1" leads to the directory of the device. */
static inline void put_name(dev_t rdev, const char *directory)
{
	char file[400], target[200], text[64];

	(void)snprintf(file, sizeof(file), "%s/sys/dev/block/%u:%u", root, major(rdev),
		       minor(rdev));
	make_directories(file);
	(void)snprintf(target, sizeof(target), "../../devices/%s", directory);
	cr_assert_eq(symlink(target, file), 0);
	(void)snprintf(file, sizeof(file), "/sys/devices/%s/dev", directory);
	(void)snprintf(text, sizeof(text), "%u:%u\n", major(rdev), minor(rdev));
	put(file, text);
}

static inline struct device *add_device(const char *name, dev_t rdev, const char *directory)
{
	struct device *d = &devices[nr_devices++];

	cr_assert_leq(nr_devices, ARRAY_SIZE(devices));
	*d = (struct device){ .rdev = rdev, .fd = -1 };
	(void)snprintf(d->path, sizeof(d->path), "/dev/%s", name);
	put(d->path, "");
	put_name(rdev, directory);
	return d;
}

static inline void add_partition(const char *name, dev_t rdev, const char *directory,
				 const char *start, const char *size)
{
	char file[200];

	(void)add_device(name, rdev, directory);
	(void)snprintf(file, sizeof(file), "/sys/devices/%s/partition", directory);
	put(file, "1\n");
	(void)snprintf(file, sizeof(file), "/sys/devices/%s/start", directory);
	put(file, start);
	(void)snprintf(file, sizeof(file), "/sys/devices/%s/size", directory);
	put(file, size);
}

/* loopN, on a file or on a device. */
static inline struct device *add_loop(unsigned int nr, const char *on, uint64_t offset,
				      uint64_t limit)
{
	char name[16], file[80];
	struct device *d;
	struct stat st;

	(void)snprintf(name, sizeof(name), "loop%u", nr);
	d = add_device(name, makedev(7, nr), name);
	(void)snprintf(file, sizeof(file), "/sys/block/%s/x", name);
	if (!on)
		return put(file, ""), d;
	(void)snprintf(file, sizeof(file), "/sys/block/%s/loop/backing_file", name);
	put(file, "");
	cr_assert_eq(stat(on, &st), 0);
	d->loop = (struct loop_info64){ .lo_number = nr + 1,
					.lo_device = st.st_dev,
					.lo_inode = st.st_ino,
					.lo_rdevice = S_ISBLK(st.st_mode) ? st.st_rdev : 0,
					.lo_offset = offset,
					.lo_sizelimit = limit };
	return d;
}

static inline void add_dm(dev_t rdev, const char *name, const struct dm_target *targets,
			  uint32_t nr)
{
	char node[16];

	cr_assert_lt(nr_dms, ARRAY_SIZE(dms));
	dms[nr_dms++] =
		(struct dm_device){ .rdev = rdev, .name = name, .targets = targets, .nr = nr };
	(void)snprintf(node, sizeof(node), "dm-%u", minor(rdev));
	(void)add_device(node, rdev, node);
	dm_control_there = true;
}

/* Two files; the second name of the first. */
static char file_a[100], file_b[100], link_a[100];

static inline void make_devices(void)
{
	strcpy(root, "/tmp/storage-XXXXXX");
	cr_assert_not_null(mkdtemp(root));
	put("/a", "a");
	put("/b", "b");
	(void)snprintf(file_a, sizeof(file_a), "%s/a", root);
	(void)snprintf(file_b, sizeof(file_b), "%s/b", root);
	(void)snprintf(link_a, sizeof(link_a), "%s/link", root);
	cr_assert_eq(link(file_a, link_a), 0);
}

static inline void remove_devices(void)
{
	char command[100];

	(void)snprintf(command, sizeof(command), "rm -rf %s", root);
	cr_assert_eq(system(command), 0);
	fail_on_leaks();
}

#endif
