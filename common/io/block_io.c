/* SPDX-License-Identifier: MIT */
#include "common/io/block_io.h"

#include <errno.h>

int io_submit_request(struct block_engine *e, struct io_request *rq)
{
	int r;

	if (!rq->nr_blocks || rq->nr_blocks > IO_MAX_BLOCKS)
		return -EINVAL;
	if (rq->block >= e->nr_blocks || e->nr_blocks - rq->block < rq->nr_blocks)
		return -EIO;
	r = e->ops->submit(e, rq);
	if (!r)
		e->nr_under_way++;
	return r;
}

int io_reap_request(struct block_engine *e, struct io_request **ret_rq)
{
	int r = e->ops->reap(e, ret_rq);

	if (r)
		return r;
	e->nr_under_way--;
	if (!(*ret_rq)->write && (*ret_rq)->result && (*ret_rq)->result != -ENOMEM)
		(*ret_rq)->result = -EIO;
	return 0;
}

static int run_one(struct block_engine *e, struct io_request *rq)
{
	struct io_request *done;
	int r = io_submit_request(e, rq);

	if (!r)
		r = io_reap_request(e, &done);
	return r ? r : rq->result;
}

int block_read(struct block_engine *e, uint64_t block, void *data)
{
	struct io_request rq = { .block = block, .nr_blocks = 1, .data = data };

	return run_one(e, &rq);
}

int block_write(struct block_engine *e, uint64_t block, const void *data)
{
	struct io_request rq = { .write = true, .block = block, .nr_blocks = 1, .source = data };

	return run_one(e, &rq);
}

int block_flush(struct block_engine *e)
{
	return e->ops->flush(e);
}

void block_engine_destroy(struct block_engine *e)
{
	if (e)
		e->ops->destroy(e);
}
