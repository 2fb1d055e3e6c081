/* SPDX-License-Identifier: MIT
 * stream.c: the only file that includes zlib.h.
 */
#include "common/io/stream.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>

#include "common/base/alloc.h"
#include "common/io/fd_io.h"

enum { BUFFER_BYTES = 1 << 20 };

struct stream {
	int fd;
	bool owns_fd;
	gzFile gz; /* NULL: plain */
	char *buffer;
	size_t used;
	int error;
};

static int gz_error(gzFile gz)
{
	int code = Z_OK;

	(void)gzerror(gz, &code);
	if (code == Z_ERRNO && errno)
		return -errno;
	return code == Z_MEM_ERROR ? -ENOMEM : -EIO;
}

static void drain(struct stream *s)
{
	size_t bytes = s->error ? 0 : s->used; /* after an error the rest is dropped */

	s->used = 0;
	if (!bytes)
		return;
	errno = 0;
	if (!s->gz)
		s->error = fd_write_all(s->fd, s->buffer, bytes);
	else if (gzwrite(s->gz, s->buffer, (unsigned int)bytes) != (int)bytes)
		s->error = gz_error(s->gz);
}

/* A device that somebody uses must not be written over. */
static int open_flags(const char *path)
{
	struct stat st;

	if (!stat(path, &st) && S_ISBLK(st.st_mode))
		return O_WRONLY | O_EXCL | O_CLOEXEC;
	return O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC;
}

static int open_output(struct stream *s, const char *path)
{
	s->fd = STDOUT_FILENO;
	if (!path)
		return 0;
	s->fd = open(path, open_flags(path), 0666);
	s->owns_fd = s->fd >= 0;
	return s->owns_fd ? 0 : -errno;
}

/* zlib closes the descriptor that it is given. */
static int open_gzip(struct stream *s)
{
	int copy = dup(s->fd);

	if (copy < 0)
		return -errno;
	s->gz = gzdopen(copy, "wb6");
	if (s->gz)
		return 0;
	(void)close(copy);
	return -ENOMEM;
}

static void destroy(struct stream *s)
{
	if (s->owns_fd)
		(void)close(s->fd);
	alloc_free(s->buffer);
	alloc_free(s);
}

int stream_open(const char *path, bool compress, struct stream **ret_stream)
{
	struct stream *s = alloc_object(struct stream);
	int r;

	if (!s)
		return -ENOMEM;
	s->buffer = alloc_aligned(BUFFER_BYTES);
	r = s->buffer ? open_output(s, path) : -ENOMEM;
	if (!r && compress)
		r = open_gzip(s);
	if (r)
		destroy(s);
	else
		*ret_stream = s;
	return r;
}

char *stream_room(struct stream *s)
{
	if (s->used > BUFFER_BYTES - STREAM_ROOM)
		drain(s);
	return s->buffer + s->used;
}

void stream_advance(struct stream *s, size_t bytes)
{
	s->used += bytes;
}

int stream_error(const struct stream *s)
{
	return s->error;
}

/* A full disk may be noticed only here; pipes and terminals cannot be synced, which is no error. */
static int sync_file(const struct stream *s)
{
	struct stat st;

	if (!s->owns_fd || fstat(s->fd, &st) || !S_ISREG(st.st_mode))
		return 0;
	return fsync(s->fd) ? -errno : 0;
}

int stream_close(struct stream *s)
{
	int r;

	drain(s);
	errno = 0;
	if (s->gz && gzclose(s->gz) != Z_OK && !s->error)
		s->error = errno ? -errno : -EIO;
	if (!s->error)
		s->error = sync_file(s);
	r = s->error;
	destroy(s);
	return r;
}
