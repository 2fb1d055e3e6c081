/* SPDX-License-Identifier: MIT */
#include "tests/support/file_stream.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

int file_stream_open(const char *path, bool compress, struct file_stream *ret_stream)
{
	const int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
	int r = fd < 0 ? -errno : stream_open(fd, compress, NULL, &ret_stream->stream);

	if (r && fd >= 0)
		close(fd);
	ret_stream->fd = r ? -1 : fd;
	return r;
}

int file_stream_close(struct file_stream *s)
{
	int r = stream_close(s->stream);

	close(s->fd);
	s->fd = -1;
	return r;
}
