/* SPDX-License-Identifier: MIT
 * sync_engine.c: requests by pread and pwrite, for files that refuse O_DIRECT.
 */
#include <errno.h>
#include <unistd.h>

#include "common/base/alloc.h"
#include "common/io/block_io.h"
#include "common/io/direct_queue.h"
#include "common/io/fd_write.h"

struct sync_engine {
	struct block_engine base;
	struct direct_queue queue;
	int fd;
};

static struct sync_engine *to_sync(struct block_engine *e)
{
	return (struct sync_engine *)e;
}

static int transfer(int fd, const struct io_request *rq)
{
	const size_t bytes = (size_t)rq->nr_blocks * MD_BLOCK_SIZE;
	const off_t offset = (off_t)(rq->block * MD_BLOCK_SIZE);

	if (rq->write)
		return fd_pwrite_all(fd, rq->source, bytes, offset);
	for (size_t done = 0; done < bytes;) {
		ssize_t n = pread(fd, (char *)rq->data + done, bytes - done, offset + (off_t)done);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return n ? -errno : -EIO;
		done += (size_t)n;
	}
	return 0;
}

static int sync_submit(struct block_engine *e, struct io_request *rq)
{
	rq->result = transfer(to_sync(e)->fd, rq);
	return direct_queue_push(&to_sync(e)->queue, rq);
}

static int sync_reap(struct block_engine *e, struct io_request **ret_rq)
{
	return direct_queue_pop(&to_sync(e)->queue, ret_rq);
}

static int sync_flush(struct block_engine *e)
{
	return fsync(to_sync(e)->fd) ? -errno : 0;
}

static void sync_destroy(struct block_engine *e)
{
	(void)close(to_sync(e)->fd);
	alloc_free(e);
}

static const struct block_engine_ops sync_ops = {
	.submit = sync_submit, .reap = sync_reap, .flush = sync_flush, .destroy = sync_destroy
};

int sync_engine_create(int fd, uint64_t nr_blocks, struct block_engine **ret_engine)
{
	struct sync_engine *s = alloc_object(struct sync_engine);

	if (!s)
		return -ENOMEM;
	s->base.ops = &sync_ops;
	s->base.nr_blocks = nr_blocks;
	s->fd = fd;
	*ret_engine = &s->base;
	return 0;
}
