/* SPDX-License-Identifier: MIT
 * sync_engine.c: requests by pread and pwrite, for files that refuse O_DIRECT.
 */
#include <errno.h>
#include <unistd.h>

#include "common/base/alloc.h"
#include "common/io/block_io.h"
#include "common/io/direct_queue.h"
#include "common/io/transfer.h"

struct sync_engine {
	struct block_engine base;
	struct direct_queue queue;
	int fd;
};

static struct sync_engine *to_sync(struct block_engine *e)
{
	return (struct sync_engine *)e;
}

static int sync_submit(struct block_engine *e, struct io_request *rq)
{
	rq->result = io_transfer(to_sync(e)->fd, rq, 0);
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
