/* SPDX-License-Identifier: MIT
 * aio_engine.c: requests by libaio, and by pread and pwrite once libaio has failed.  The only file
 * that includes libaio.h.
 */
#include <errno.h>
#include <libaio.h>
#include <string.h>
#include <unistd.h>

#include "common/base/alloc.h"
#include "common/io/block_io.h"
#include "common/io/direct_queue.h"
#include "common/io/transfer.h"

struct aio_engine {
	struct block_engine base;
	int fd;
	bool broken; /* libaio failed: pread and pwrite serve from then on */
	io_context_t context;
	struct iocb iocbs[IO_MAX_DEPTH]; /* data is the request, NULL when free */
	struct direct_queue queue;       /* requests that pread and pwrite carried out */
};

static struct aio_engine *to_aio(struct block_engine *e)
{
	return (struct aio_engine *)e;
}

static int serve_directly(struct aio_engine *a, struct io_request *rq)
{
	rq->result = io_transfer(a->fd, rq, 0);
	return direct_queue_push(&a->queue, rq);
}

/*
 * io_destroy() waits until the kernel has let go of every buffer.  What was under way is then
 * carried out once more: how it went the kernel can no longer tell, and a block may be read or
 * written twice.
 */
static void fall_back(struct aio_engine *a)
{
	(void)io_destroy(a->context);
	a->broken = true;
	for (unsigned int i = 0; i < IO_MAX_DEPTH; i++) {
		if (a->iocbs[i].data)
			(void)serve_directly(a, a->iocbs[i].data); /* the queue has room for all */
		a->iocbs[i].data = NULL;
	}
}

static struct iocb *free_iocb(struct aio_engine *a)
{
	for (unsigned int i = 0; i < IO_MAX_DEPTH; i++) {
		if (!a->iocbs[i].data)
			return &a->iocbs[i];
	}
	return NULL;
}

static int submit_iocb(struct aio_engine *a, struct io_request *rq, struct iocb *cb)
{
	const size_t bytes = (size_t)rq->nr_blocks * MD_BLOCK_SIZE;
	const long long offset = (long long)rq->block * MD_BLOCK_SIZE;
	int r;

	if (rq->write)
		io_prep_pwrite(cb, a->fd, rq->data, bytes, offset);
	else
		io_prep_pread(cb, a->fd, rq->data, bytes, offset);
	do {
		r = io_submit(a->context, 1, &cb);
	} while (r == -EINTR);
	cb->data = r == 1 ? rq : NULL;
	return r == 1 ? 0 : -EIO;
}

static int aio_submit(struct block_engine *e, struct io_request *rq)
{
	struct aio_engine *a = to_aio(e);
	struct iocb *cb = free_iocb(a);

	if (!cb)
		return -EBUSY;
	if (!a->broken && submit_iocb(a, rq, cb))
		fall_back(a);
	return a->broken ? serve_directly(a, rq) : 0;
}

/* An error of libaio or of the kernel's queue, which says nothing of the device. */
static bool is_of_the_queue(long result)
{
	return result == -EINVAL || result == -EAGAIN || result == -EINTR || result == -ENOMEM ||
	       result == -ENOSYS || result == -EOPNOTSUPP || result == -ECANCELED;
}

/* Only another transfer tells why one stopped short: a full disk, or a file that may not grow. */
static int result_of(int fd, const struct io_request *rq, long transferred)
{
	if (transferred < 0 && !is_of_the_queue(transferred))
		return (int)transferred;
	return io_transfer(fd, rq, transferred < 0 ? 0 : (size_t)transferred);
}

/* The iocb that ended, or NULL where io_getevents() failed or returned what nobody submitted. */
static struct iocb *next_event(struct aio_engine *a, struct io_event *event)
{
	int r;

	*event = (struct io_event){ .obj = NULL };
	do {
		r = io_getevents(a->context, 1, 1, event, NULL);
	} while (r == -EINTR);
	for (unsigned int i = 0; r == 1 && i < IO_MAX_DEPTH; i++) {
		if (event->obj == &a->iocbs[i] && a->iocbs[i].data)
			return &a->iocbs[i];
	}
	return NULL;
}

static int aio_reap(struct block_engine *e, struct io_request **ret_rq)
{
	struct aio_engine *a = to_aio(e);
	struct io_event event;
	struct iocb *cb = a->broken ? NULL : next_event(a, &event);

	if (!cb && !a->broken)
		fall_back(a);
	if (!cb)
		return direct_queue_pop(&a->queue, ret_rq);
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

	if (!a->broken)
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
