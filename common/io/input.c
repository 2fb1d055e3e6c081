/* SPDX-License-Identifier: MIT */
#include "common/io/input.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>

#include "common/base/alloc.h"
#include "common/io/fd_write.h"

enum { COPY_BYTES = 1 << 18 };

struct input {
	gzFile gz; /* reads what is not compressed as it is */
};

static int open_unnamed(void)
{
	const char *const places[] = { getenv("TMPDIR"), "/var/tmp", "/tmp" };
	int fd = -1;

	for (size_t i = 0; i < ARRAY_SIZE(places) && fd < 0; i++) {
		if (places[i])
			fd = open(places[i], O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
	}
	return fd < 0 ? -errno : fd;
}

static int copy_all(int from, int to, char *buffer)
{
	for (;;) {
		ssize_t n = read(from, buffer, COPY_BYTES);
		int r;

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return n ? -errno : 0;
		r = fd_write_all(to, buffer, (size_t)n);
		if (r)
			return r;
	}
}

/* Takes fd.  Returns a descriptor that can be read again, or -errno. */
static int make_seekable(int fd)
{
	struct stat st;
	char *buffer;
	int copy, r;

	if (fstat(fd, &st) == 0 && S_ISREG(st.st_mode))
		return fd;
	copy = open_unnamed();
	buffer = alloc_array(COPY_BYTES, 1);
	r = copy < 0 ? copy : -ENOMEM;
	if (copy >= 0 && buffer)
		r = copy_all(fd, copy, buffer);
	if (!r && lseek(copy, 0, SEEK_SET) < 0)
		r = -errno;
	alloc_free(buffer);
	(void)close(fd);
	if (!r)
		return copy;
	if (copy >= 0)
		(void)close(copy);
	return r;
}

static int open_path(const char *path)
{
	struct stat st;
	int fd = strcmp(path, "-") != 0 ? open(path, O_RDONLY | O_CLOEXEC)
					: fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, 3);

	if (fd < 0)
		return -errno;
	if (fstat(fd, &st) == 0 && S_ISDIR(st.st_mode)) {
		(void)close(fd);
		return -EISDIR;
	}
	return make_seekable(fd);
}

int input_open(const char *path, struct input **ret_input)
{
	struct input *in;
	int fd = open_path(path);

	if (fd < 0)
		return fd;
	in = alloc_object(struct input);
	if (in)
		in->gz = gzdopen(fd, "rb");
	if (!in || !in->gz) {
		alloc_free(in);
		(void)close(fd);
		return -ENOMEM;
	}
	(void)gzbuffer(in->gz, COPY_BYTES);
	*ret_input = in;
	return 0;
}

void input_close(struct input *in)
{
	if (!in)
		return;
	(void)gzclose_r(in->gz);
	alloc_free(in);
}

static int error_of(gzFile gz)
{
	int code = Z_OK;

	(void)gzerror(gz, &code);
	if (code == Z_ERRNO && errno)
		return -errno;
	if (code == Z_MEM_ERROR)
		return -ENOMEM;
	return code == Z_OK || code == Z_STREAM_END ? 0 : -EIO;
}

int input_read(struct input *in, void *buffer, size_t bytes, size_t *ret_bytes)
{
	*ret_bytes = 0;
	while (*ret_bytes < bytes) {
		size_t want = bytes - *ret_bytes;
		int n;

		errno = 0;
		n = gzread(in->gz, (char *)buffer + *ret_bytes,
			   want < INT_MAX ? (unsigned int)want : INT_MAX);
		if (n <= 0)
			return error_of(in->gz);
		*ret_bytes += (size_t)n;
	}
	return 0;
}

int input_rewind(struct input *in)
{
	errno = 0;
	if (!gzrewind(in->gz))
		return 0;
	return errno ? -errno : -EIO;
}
