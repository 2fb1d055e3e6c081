/* SPDX-License-Identifier: MIT */
#include "common/pool/window_engine.h"

#include <errno.h>
#include <string.h>

#include "common/base/alloc.h"
#include "common/io/direct_queue.h"

enum {
	WINDOW = 16,        /* blocks */
	NR_WINDOWS = 256,   /* 16 MiB */
	SMALL = WINDOW / 2, /* blocks of a request that is looked for in windows */
	TRIALS = 64,        /* windows that are read before it is asked whether they pay */
};

struct window_engine {
	struct block_engine base;
	struct direct_queue queue;  /* done */
	struct block_engine *inner; /* borrowed */
	char *blocks;               /* owned: NR_WINDOWS * WINDOW */
	uint64_t *numbers;          /* owned: of the window that stands there, and 1; 0: none */
	uint64_t nr_read, nr_hits, nr_passed;
};

static struct window_engine *to_window(struct block_engine *e)
{
	return (struct window_engine *)e;
}

/* Take one that the inner engine has done, and keep it for whoever asks. */
static int reap_one(struct window_engine *w, struct io_request **ret_rq)
{
	int r = io_reap_request(w->inner, ret_rq);

	return r ? r : direct_queue_push(&w->queue, *ret_rq);
}

/* Read whole windows, or what of it there is. */
static int read_now(struct window_engine *w, struct io_request *rq)
{
	struct io_request *done = NULL;
	int r = 0;

	while (!r && w->inner->nr_under_way >= IO_MAX_DEPTH)
		r = reap_one(w, &done);
	if (!r)
		r = io_submit_request(w->inner, rq);
	while (!r) {
		r = io_reap_request(w->inner, &done);
		if (!r && done == rq)
			return rq->result;
		if (!r)
			r = direct_queue_push(&w->queue, done);
	}
	return r;
}

/* A window pays when at least one more block is taken from it. */
static bool pays(struct window_engine *w)
{
	if (w->nr_read < TRIALS || w->nr_hits >= w->nr_read)
		return true;
	return !(++w->nr_passed % TRIALS);
}

/* The block, or NULL where it is to be read by itself. */
static const char *find_block(struct window_engine *w, uint64_t block)
{
	const uint64_t number = block / WINDOW, first = number * WINDOW;
	const size_t place = number % NR_WINDOWS;
	char *blocks = w->blocks + place * WINDOW * MD_BLOCK_SIZE;
	struct io_request rq = { .block = first, .nr_blocks = WINDOW, .data = blocks };

	if (w->numbers[place] == number + 1) {
		w->nr_hits++;
	} else {
		if (!pays(w))
			return NULL;
		if (w->base.nr_blocks - first < WINDOW)
			rq.nr_blocks = (unsigned int)(w->base.nr_blocks - first);
		w->numbers[place] = 0;
		w->nr_read++;
		if (read_now(w, &rq))
			return NULL;
		w->numbers[place] = number + 1;
	}
	return blocks + (block - first) * MD_BLOCK_SIZE;
}

static int window_submit(struct block_engine *e, struct io_request *rq)
{
	struct window_engine *w = to_window(e);

	if (rq->write)
		return -EROFS;
	if (rq->nr_blocks > SMALL)
		return io_submit_request(w->inner, rq);
	for (unsigned int i = 0; i < rq->nr_blocks; i++) {
		const char *block = find_block(w, rq->block + i);

		/* A part that is bad must not take the rest with it. */
		if (!block)
			return io_submit_request(w->inner, rq);
		memcpy((char *)rq->data + (size_t)i * MD_BLOCK_SIZE, block, MD_BLOCK_SIZE);
	}
	rq->result = 0;
	return direct_queue_push(&w->queue, rq);
}

static int window_reap(struct block_engine *e, struct io_request **ret_rq)
{
	struct window_engine *w = to_window(e);

	return w->queue.nr ? direct_queue_pop(&w->queue, ret_rq)
			   : io_reap_request(w->inner, ret_rq);
}

static int window_flush(struct block_engine *e)
{
	(void)e;
	return -EROFS;
}

static void window_destroy(struct block_engine *e)
{
	struct window_engine *w = to_window(e);

	alloc_free(w->blocks);
	alloc_free(w->numbers);
	alloc_free(w);
}

static const struct block_engine_ops window_ops = { .submit = window_submit,
						    .reap = window_reap,
						    .flush = window_flush,
						    .destroy = window_destroy };

int window_engine_create(struct block_engine *inner, struct block_engine **ret_engine)
{
	struct window_engine *w = alloc_object(struct window_engine);

	if (!w)
		return -ENOMEM;
	w->base.ops = &window_ops;
	w->base.nr_blocks = inner->nr_blocks;
	w->inner = inner;
	w->blocks = alloc_aligned((size_t)NR_WINDOWS * WINDOW * MD_BLOCK_SIZE);
	w->numbers = alloc_array(NR_WINDOWS, sizeof(*w->numbers));
	if (!w->blocks || !w->numbers) {
		window_destroy(&w->base);
		return -ENOMEM;
	}
	*ret_engine = &w->base;
	return 0;
}
