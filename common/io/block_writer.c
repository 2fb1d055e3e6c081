/* SPDX-License-Identifier: MIT */
#include "common/io/block_writer.h"

#include <errno.h>

#include "common/base/alloc.h"

enum {
	WRITER_DEPTH = 8,
	WRITER_BLOCKS = 64, /* in one request: 256 KiB */
};

struct block_writer {
	struct block_engine *engine; /* NULL: count only */
	uint64_t end;
	struct io_request rqs[WRITER_DEPTH];
	bool busy[WRITER_DEPTH];
	unsigned int filling; /* the request that is being filled */
	char *buffers;        /* owned: WRITER_DEPTH * WRITER_BLOCKS blocks */
	int error;            /* sticky */
};

static char *buffer_of(const struct block_writer *w, unsigned int i)
{
	return w->buffers + (size_t)i * WRITER_BLOCKS * MD_BLOCK_SIZE;
}

static void begin_request(struct block_writer *w, unsigned int i, uint64_t block)
{
	w->filling = i;
	w->rqs[i] = (struct io_request){ .write = true, .block = block, .source = buffer_of(w, i) };
}

int block_writer_create(struct block_engine *e, uint64_t first, uint64_t end,
			struct block_writer **ret_writer)
{
	struct block_writer *w = alloc_object(struct block_writer);

	if (!w)
		return -ENOMEM;
	w->engine = e;
	w->end = end;
	w->buffers = alloc_aligned((size_t)WRITER_DEPTH * WRITER_BLOCKS * MD_BLOCK_SIZE);
	if (!w->buffers) {
		alloc_free(w);
		return -ENOMEM;
	}
	begin_request(w, 0, first);
	*ret_writer = w;
	return 0;
}

/* The first error is the one that is told. */
static void reap_one(struct block_writer *w)
{
	struct io_request *rq;
	int r = io_reap_request(w->engine, &rq);

	if (!r) {
		w->busy[rq - w->rqs] = false;
		r = rq->result;
	}
	if (!w->error)
		w->error = r;
}

static void reap_all(struct block_writer *w)
{
	while (w->engine && w->engine->nr_under_way)
		reap_one(w);
}

void block_writer_destroy(struct block_writer *w)
{
	if (!w)
		return;
	reap_all(w);
	alloc_free(w->buffers);
	alloc_free(w);
}

/* One that is not under way. */
static unsigned int free_request(struct block_writer *w)
{
	for (;;) {
		for (unsigned int i = 0; i < WRITER_DEPTH; i++) {
			if (!w->busy[i])
				return i;
		}
		reap_one(w);
	}
}

static void submit(struct block_writer *w)
{
	struct io_request *rq = &w->rqs[w->filling];
	const uint64_t next = rq->block + rq->nr_blocks;

	if (w->engine && rq->nr_blocks && !w->error) {
		w->error = io_submit_request(w->engine, rq);
		w->busy[w->filling] = !w->error;
	}
	begin_request(w, free_request(w), next);
}

int block_writer_next(struct block_writer *w, uint64_t *ret_block, void **ret_raw)
{
	struct io_request *rq = &w->rqs[w->filling];

	if (rq->nr_blocks == WRITER_BLOCKS) {
		submit(w);
		rq = &w->rqs[w->filling];
	}
	if (w->error)
		return w->error;
	if (rq->block + rq->nr_blocks >= w->end)
		return -ENOSPC;
	*ret_block = rq->block + rq->nr_blocks;
	*ret_raw = buffer_of(w, w->filling) + (size_t)rq->nr_blocks * MD_BLOCK_SIZE;
	rq->nr_blocks++;
	return 0;
}

uint64_t block_writer_position(const struct block_writer *w)
{
	return w->rqs[w->filling].block + w->rqs[w->filling].nr_blocks;
}

int block_writer_drain(struct block_writer *w)
{
	submit(w);
	reap_all(w);
	return w->error;
}
