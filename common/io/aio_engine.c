/* SPDX-License-Identifier: MIT
 * aio_engine.c: requests by libaio.  The only file that includes libaio.h.
 */
#include <errno.h>
#include <libaio.h>
#include <string.h>
#include <unistd.h>

#include "common/base/alloc.h"
#include "common/io/block_io.h"
#include "common/io/fd_write.h"

struct aio_engine {
	struct block_engine base;
	int fd;
	io_context_t context;
	struct iocb iocbs[IO_MAX_DEPTH]; /* data is the request, NULL when free */
};

static struct aio_engine *to_aio(struct block_engine *e)
{
	return (struct aio_engine *)e;
}

static struct iocb *free_iocb(struct aio_engine *a)
{
	for (unsigned int i = 0; i < IO_MAX_DEPTH; i++) {
		if (!a->iocbs[i].data)
			return &a->iocbs[i];
	}
	return NULL;
}

static int aio_submit(struct block_engine *e, struct io_request *rq)
{
	struct aio_engine *a = to_aio(e);
	struct iocb *cb = free_iocb(a);
	size_t bytes = (size_t)rq->nr_blocks * MD_BLOCK_SIZE;
	long long offset = (long long)rq->block * MD_BLOCK_SIZE;
	int r;

	if (!cb)
		return -EBUSY;
	if (rq->write)
		io_prep_pwrite(cb, a->fd, rq->data, bytes, offset);
	else
		io_prep_pread(cb, a->fd, rq->data, bytes, offset);
	cb->data = rq;
	do {
		r = io_submit(a->context, 1, &cb);
	} while (r == -EAGAIN || r == -EINTR);
	if (r == 1)
		return 0;
	cb->data = NULL;
	return r < 0 ? r : -EIO;
}

/* Only another write tells why one stopped short: a full disk, or a file that may not grow. */
static int result_of(int fd, const struct io_request *rq, long transferred)
{
	const size_t bytes = (size_t)rq->nr_blocks * MD_BLOCK_SIZE, done = (size_t)transferred;

	if (transferred < 0)
		return (int)transferred;
	if (done == bytes)
		return 0;
	if (!rq->write)
		return -EIO;
	return fd_pwrite_all(fd, (const char *)rq->source + done, bytes - done,
			     (off_t)(rq->block * MD_BLOCK_SIZE + done));
}

static int aio_reap(struct block_engine *e, struct io_request **ret_rq)
{
	struct aio_engine *a = to_aio(e);
	struct io_event event;
	struct iocb *cb;
	int r;

	do {
		r = io_getevents(a->context, 1, 1, &event, NULL);
	} while (r == -EINTR || r == 0);
	if (r < 0)
		return r;
	cb = event.obj;
	*ret_rq = cb->data;
	cb->data = NULL;
	(*ret_rq)->result = result_of(a->fd, *ret_rq, (long)event.res);
	return 0;
}

static int aio_flush(struct block_engine *e)
{
	return fsync(to_aio(e)->fd) ? -errno : 0;
}

static void aio_destroy(struct block_engine *e)
{
	struct aio_engine *a = to_aio(e);

	(void)io_destroy(a->context);
	(void)close(a->fd);
	alloc_free(a);
}

static const struct block_engine_ops aio_ops = {
	.submit = aio_submit, .reap = aio_reap, .flush = aio_flush, .destroy = aio_destroy
};

int aio_engine_create(int fd, uint64_t nr_blocks, struct block_engine **ret_engine)
{
	struct aio_engine *a = alloc_object(struct aio_engine);
	int r;

	if (!a)
		return -ENOMEM;
	a->base.ops = &aio_ops;
	a->base.nr_blocks = nr_blocks;
	a->fd = fd;
	r = io_setup(IO_MAX_DEPTH, &a->context);
	if (r < 0) {
		alloc_free(a);
		return r;
	}
	*ret_engine = &a->base;
	return 0;
}
