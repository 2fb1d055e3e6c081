/* SPDX-License-Identifier: MIT */
#include "common/io/transfer.h"

#include "common/io/fd_io.h"

int io_transfer(int fd, const struct io_request *rq, size_t done)
{
	const size_t bytes = (size_t)rq->nr_blocks * MD_BLOCK_SIZE;
	const off_t offset = (off_t)(rq->block * MD_BLOCK_SIZE + done);

	if (done >= bytes)
		return 0;
	if (rq->write)
		return fd_pwrite_all(fd, (const char *)rq->source + done, bytes - done, offset);
	return fd_pread_all(fd, (char *)rq->data + done, bytes - done, offset);
}
