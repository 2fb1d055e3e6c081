/* SPDX-License-Identifier: MIT
 * block_open.c: from a path to an engine; the only file that opens metadata.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/base/alloc.h"
#include "common/io/block_io.h"
#include "common/io/loop.h"

static int check_kind(const struct stat *st, enum open_mode mode)
{
	if (S_ISDIR(st->st_mode))
		return -EISDIR;
	if (!S_ISREG(st->st_mode) && !S_ISBLK(st->st_mode))
		return -ENOTBLK;
	/* Docker's loop-lvm pools keep their metadata in a file.  O_EXCL does not see that it is in
	 * use, nor that a device below a loop device is. */
	if (mode != OPEN_READ_LIVE && loop_in_use(st))
		return -EBUSY;
	return 0;
}

/* O_NONBLOCK: a fifo must not hang us before it can be refused. */
static int open_flags(const struct stat *st, enum open_mode mode)
{
	int flags = O_CLOEXEC | O_NONBLOCK | (mode == OPEN_READ_WRITE ? O_RDWR : O_RDONLY);

	if (S_ISBLK(st->st_mode) && mode != OPEN_READ_LIVE)
		flags |= O_EXCL;
	return flags;
}

/* *ret_direct tells whether the file takes O_DIRECT. */
static int open_file(const char *path, int flags, bool *ret_direct)
{
	int fd = open(path, flags | O_DIRECT);

	*ret_direct = fd >= 0;
	if (fd < 0 && errno == EINVAL)
		fd = open(path, flags);
	return fd < 0 ? -errno : fd;
}

/*
 * Where the kernel has no room for another aio context (fs.aio-max-nr), or no aio at all, pread
 * serves: a check must not fail because a database on the same host uses up a limit.
 */
static int create_engine(int fd, bool direct, uint64_t nr_blocks, struct block_engine **ret_engine)
{
	if (direct && !aio_engine_create(fd, nr_blocks, ret_engine))
		return 0;
	return sync_engine_create(fd, nr_blocks, ret_engine);
}

/* Such a device can be opened for writing all the same, and each write then fails with EPERM. */
static bool is_read_only(int fd)
{
	int read_only = 0;

	return !ioctl(fd, BLKROGET, &read_only) && read_only;
}

/* What is behind fd now: the path may have been replaced since it was looked at. */
static int measure(int fd, off_t *ret_bytes)
{
	struct stat st;

	if (fstat(fd, &st))
		return -errno;
	*ret_bytes = lseek(fd, 0, SEEK_END);
	return *ret_bytes < 0 ? -errno : check_kind(&st, OPEN_READ_LIVE);
}

static int open_once(const char *path, enum open_mode mode, struct block_engine **ret_engine)
{
	struct stat st;
	off_t bytes = 0;
	bool direct;
	int fd, r;

	if (stat(path, &st))
		return -errno;
	r = check_kind(&st, mode);
	if (r)
		return r;
	fd = open_file(path, open_flags(&st, mode), &direct);
	if (fd < 0)
		return fd;
	r = measure(fd, &bytes);
	if (!r && mode == OPEN_READ_WRITE && is_read_only(fd))
		r = -EROFS;
	if (!r)
		r = create_engine(fd, direct, (uint64_t)bytes / MD_BLOCK_SIZE, ret_engine);
	if (r)
		(void)close(fd);
	return r;
}

int block_open(const char *path, enum open_mode mode, struct block_engine **ret_engine)
{
	const enum open_mode first = mode == OPEN_MAY_WRITE ? OPEN_READ_WRITE : mode;
	int r = open_once(path, first, ret_engine);

	if (r != -EROFS || mode != OPEN_MAY_WRITE)
		return r;
	r = open_once(path, OPEN_READ, ret_engine);
	if (!r)
		(*ret_engine)->read_only = true;
	return r;
}
