/* SPDX-License-Identifier: MIT */
#include "common/io/transfer.h"

#include <errno.h>
#include <unistd.h>

#include "common/io/fd_io.h"

static int read_all(int fd, char *data, size_t bytes, off_t offset)
{
	for (size_t done = 0; done < bytes;) {
		ssize_t n = pread(fd, data + done, bytes - done, offset + (off_t)done);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return n ? -errno : -EIO;
		done += (size_t)n;
	}
	return 0;
}

int io_transfer(int fd, const struct io_request *rq, size_t done)
{
	const size_t bytes = (size_t)rq->nr_blocks * MD_BLOCK_SIZE;
	const off_t offset = (off_t)(rq->block * MD_BLOCK_SIZE + done);

	if (done >= bytes)
		return 0;
	if (rq->write)
		return fd_pwrite_all(fd, (const char *)rq->source + done, bytes - done, offset);
	return read_all(fd, (char *)rq->data + done, bytes - done, offset);
}
