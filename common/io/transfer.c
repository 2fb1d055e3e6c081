/* SPDX-License-Identifier: MIT */
#include "common/io/transfer.h"

#include <errno.h>
#include <sys/resource.h>

#include "common/io/fd_io.h"

/* Cut off where a file may not grow, a write is no whole sector any more: EINVAL with O_DIRECT. */
static int name_of(int error, off_t end)
{
	struct rlimit limit;

	return error == -EINVAL && !getrlimit(RLIMIT_FSIZE, &limit) &&
			       limit.rlim_cur != RLIM_INFINITY && (rlim_t)end > limit.rlim_cur
		       ? -EFBIG
		       : error;
}

int io_transfer(int fd, const struct io_request *rq, size_t done)
{
	const size_t bytes = (size_t)rq->nr_blocks * MD_BLOCK_SIZE;
	const off_t offset = (off_t)(rq->block * MD_BLOCK_SIZE + done);

	if (done >= bytes)
		return 0;
	if (rq->write)
		return name_of(
			fd_pwrite_all(fd, (const char *)rq->source + done, bytes - done, offset),
			offset + (off_t)(bytes - done));
	return fd_pread_all(fd, (char *)rq->data + done, bytes - done, offset);
}
