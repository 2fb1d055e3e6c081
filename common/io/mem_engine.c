/* SPDX-License-Identifier: MIT
 * mem_engine.c: requests on memory, for tests and fuzzing.
 */
#include <errno.h>
#include <string.h>

#include "common/base/alloc.h"
#include "common/io/block_io.h"
#include "common/io/direct_queue.h"

struct mem_engine {
	struct block_engine base;
	struct direct_queue queue;
	char *memory;
};

static struct mem_engine *to_mem(struct block_engine *e)
{
	return (struct mem_engine *)e;
}

static int mem_submit(struct block_engine *e, struct io_request *rq)
{
	size_t bytes = (size_t)rq->nr_blocks * MD_BLOCK_SIZE;
	char *place = to_mem(e)->memory + rq->block * MD_BLOCK_SIZE;

	if (rq->write)
		memcpy(place, rq->source, bytes);
	else
		memcpy(rq->data, place, bytes);
	rq->result = 0;
	return direct_queue_push(&to_mem(e)->queue, rq);
}

static int mem_reap(struct block_engine *e, struct io_request **ret_rq)
{
	return direct_queue_pop(&to_mem(e)->queue, ret_rq);
}

static int mem_flush(struct block_engine *e)
{
	(void)e;
	return 0;
}

static void mem_destroy(struct block_engine *e)
{
	alloc_free(e);
}

static const struct block_engine_ops mem_ops = {
	.submit = mem_submit, .reap = mem_reap, .flush = mem_flush, .destroy = mem_destroy
};

int mem_engine_create(void *memory, uint64_t nr_blocks, struct block_engine **ret_engine)
{
	struct mem_engine *m = alloc_object(struct mem_engine);

	if (!m)
		return -ENOMEM;
	m->base.ops = &mem_ops;
	m->base.nr_blocks = nr_blocks;
	m->memory = memory;
	*ret_engine = &m->base;
	return 0;
}
