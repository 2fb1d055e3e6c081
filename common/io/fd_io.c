/* SPDX-License-Identifier: MIT */
#include "common/io/fd_io.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "common/base/alloc.h"

int fd_read_up_to(int fd, void *data, size_t size, size_t *ret_bytes)
{
	ssize_t n = 1;

	*ret_bytes = 0;
	while (n && *ret_bytes < size) {
		n = read(fd, (char *)data + *ret_bytes, size - *ret_bytes);
		if (n < 0 && errno != EINTR)
			return -errno;
		*ret_bytes += n > 0 ? (size_t)n : 0;
	}
	return 0;
}

int fd_write_all(int fd, const void *data, size_t bytes)
{
	const char *p = data;

	while (bytes) {
		ssize_t n = write(fd, p, bytes);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		p += n;
		bytes -= (size_t)n;
	}
	return 0;
}

int fd_pread_all(int fd, void *data, size_t bytes, off_t offset)
{
	for (size_t done = 0; done < bytes;) {
		ssize_t n = pread(fd, (char *)data + done, bytes - done, offset + (off_t)done);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return n ? -errno : -EIO;
		done += (size_t)n;
	}
	return 0;
}

int fd_pwrite_all(int fd, const void *data, size_t bytes, off_t offset)
{
	for (size_t done = 0; done < bytes;) {
		ssize_t n =
			pwrite(fd, (const char *)data + done, bytes - done, offset + (off_t)done);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return n ? -errno : -EIO;
		done += (size_t)n;
	}
	return 0;
}

/* /proc is not everywhere, and the other way is not for everybody. */
int fd_link(int fd, int dir, const char *name)
{
	char path[40];

	if (!linkat(fd, "", dir, name, AT_EMPTY_PATH))
		return 0;
	if (errno == EEXIST)
		return -EEXIST;
	(void)snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	return linkat(AT_FDCWD, path, dir, name, AT_SYMLINK_FOLLOW) ? -errno : 0;
}

/* One that may be written to and not listed. */
static int open_dir(const char *path)
{
	const int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	return fd < 0 && errno == EACCES ? open(path, O_PATH | O_DIRECTORY | O_CLOEXEC) : fd;
}

int fd_open_parent(const char *path, int *ret_dir, char **ret_name)
{
	const char *slash = strrchr(path, '/');
	char *parent =
		slash ? alloc_printf("%.*s", (int)(slash - path + 1), path) : alloc_string(".");
	char *name = alloc_string(slash ? slash + 1 : path);
	int r = 0;

	*ret_dir = -1;
	*ret_name = name;
	if (!parent || !name)
		r = -ENOMEM;
	else if (!*name || !strcmp(name, ".") || !strcmp(name, ".."))
		r = -EISDIR;
	else
		*ret_dir = open_dir(parent);
	if (!r && *ret_dir < 0)
		r = -errno;
	alloc_free(parent);
	return r;
}
