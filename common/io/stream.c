/* SPDX-License-Identifier: MIT
 * stream.c: the only file that includes zlib.h.
 */
#include "common/io/stream.h"

#include <errno.h>
#include <signal.h>
#include <unistd.h>
#include <zlib.h>

#include "common/base/alloc.h"
#include "common/io/fd_io.h"

enum { BUFFER_BYTES = 1 << 20 };

struct stream {
	int fd;
	const sigset_t *held; /* borrowed: the mask of before; NULL: nothing is held back */
	gzFile gz;            /* NULL: plain */
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

static bool would_end_us(int number, const sigset_t *pending, const sigset_t *before)
{
	struct sigaction action;

	return sigismember(pending, number) && !sigismember(before, number) &&
	       !sigaction(number, NULL, &action) && action.sa_handler == SIG_DFL;
}

/* Somebody wants the process to end, and it holds that back. */
static bool is_to_end(const struct stream *s)
{
	sigset_t pending;

	return s->held && !sigpending(&pending) &&
	       (would_end_us(SIGINT, &pending, s->held) ||
		would_end_us(SIGTERM, &pending, s->held) ||
		would_end_us(SIGHUP, &pending, s->held));
}

static void drain(struct stream *s)
{
	size_t bytes = s->error ? 0 : s->used; /* after an error the rest is dropped */

	s->used = 0;
	if (!bytes)
		return;
	if (is_to_end(s)) {
		s->error = -ECANCELED;
		return;
	}
	errno = 0;
	if (!s->gz)
		s->error = fd_write_all(s->fd, s->buffer, bytes);
	else if (gzwrite(s->gz, s->buffer, (unsigned int)bytes) != (int)bytes)
		s->error = gz_error(s->gz);
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
	alloc_free(s->buffer);
	alloc_free(s);
}

int stream_open(int fd, bool compress, const sigset_t *held, struct stream **ret_stream)
{
	struct stream *s = alloc_object(struct stream);
	int r;

	if (!s)
		return -ENOMEM;
	s->fd = fd;
	s->held = held;
	s->buffer = alloc_aligned(BUFFER_BYTES);
	r = s->buffer ? 0 : -ENOMEM;
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

int stream_close(struct stream *s)
{
	int r;

	drain(s);
	errno = 0;
	if (s->gz && gzclose(s->gz) != Z_OK && !s->error)
		s->error = errno ? -errno : -EIO;
	r = s->error;
	destroy(s);
	return r;
}
