/* SPDX-License-Identifier: MIT */
#include "common/io/block_reader.h"

#include <errno.h>

#include "common/base/alloc.h"

enum {
	READER_DEPTH = 8,
	READER_BLOCKS = 64, /* in one request: 256 KiB */
	MAX_GAP = 8,        /* reading eight unwanted blocks costs less than another request */
};

struct slot {
	struct io_request rq; /* first, so that a request leads to its slot */
	bool busy;
};

struct block_reader {
	struct block_engine *engine;
	struct slot slots[READER_DEPTH];
	char *buffers; /* READER_DEPTH * READER_BLOCKS blocks */
};

/* One reading. */
struct run {
	struct block_reader *reader;
	const struct bitset *wanted;
	uint64_t next; /* the first wanted block that is not requested yet */
	block_fn fn;
	void *context;
};

int block_reader_create(struct block_engine *e, struct block_reader **ret_reader)
{
	const size_t buffer_bytes = (size_t)READER_BLOCKS * MD_BLOCK_SIZE;
	struct block_reader *r = alloc_object(struct block_reader);

	if (!r)
		return -ENOMEM;
	r->engine = e;
	r->buffers = alloc_aligned(READER_DEPTH * buffer_bytes);
	if (!r->buffers) {
		alloc_free(r);
		return -ENOMEM;
	}
	for (unsigned int i = 0; i < READER_DEPTH; i++)
		r->slots[i].rq.data = r->buffers + i * buffer_bytes;
	*ret_reader = r;
	return 0;
}

void block_reader_destroy(struct block_reader *r)
{
	if (!r)
		return;
	alloc_free(r->buffers);
	alloc_free(r);
}

/* The next request: from the first wanted block as far as gaps stay small. */
static void next_extent(struct run *run, struct io_request *rq)
{
	uint64_t end = run->next + 1, next;

	rq->block = run->next;
	for (;;) {
		next = bitset_next(run->wanted, end);
		if (next >= run->wanted->nr_bits || next - end > MAX_GAP ||
		    next + 1 - rq->block > READER_BLOCKS)
			break;
		end = next + 1;
	}
	rq->nr_blocks = (unsigned int)(end - rq->block);
	run->next = next;
}

static int reread_one(struct run *run, uint64_t block, char *data)
{
	int error = block_read(run->reader->engine, block, data);

	return run->fn(run->context, block, error ? NULL : data, error);
}

static int deliver(struct run *run, const struct io_request *rq)
{
	uint64_t end = rq->block + rq->nr_blocks;
	uint64_t b = bitset_next(run->wanted, rq->block);
	int r = 0;

	for (; b < end && !r; b = bitset_next(run->wanted, b + 1)) {
		const char *data = (const char *)rq->data + (b - rq->block) * MD_BLOCK_SIZE;

		r = run->fn(run->context, b, data, 0);
	}
	return r;
}

/* Single blocks are read with no other request under way: failed requests wait until the end. */
static int deliver_failed(struct run *run, struct io_request *failed)
{
	struct io_request single = *failed;
	int r = 0;

	while (single.nr_blocks && !r) {
		uint64_t b = single.block++;

		single.nr_blocks--;
		if (bitset_test(run->wanted, b))
			r = reread_one(run, b, failed->data);
	}
	return r;
}

static int submit_free_slots(struct run *run)
{
	struct block_reader *reader = run->reader;
	int r = 0;

	for (unsigned int i = 0; i < READER_DEPTH && !r; i++) {
		struct slot *s = &reader->slots[i];

		if (s->busy || run->next >= run->wanted->nr_bits)
			continue;
		next_extent(run, &s->rq);
		r = io_submit_request(reader->engine, &s->rq);
		s->busy = !r;
	}
	return r;
}

static int reap_all(struct block_reader *reader)
{
	struct io_request *rq;
	int r = 0;

	while (reader->engine->nr_under_way && !r) {
		r = io_reap_request(reader->engine, &rq);
		if (!r)
			((struct slot *)rq)->busy = false;
	}
	return r;
}

/* The pipeline has to be empty for single reads, so what else is under way is delivered first. */
static int drain_then_reread(struct run *run, struct slot *failed)
{
	struct block_engine *e = run->reader->engine;
	struct io_request *rq;
	int r = 0;

	while (e->nr_under_way && !r) {
		r = io_reap_request(e, &rq);
		if (r)
			break;
		((struct slot *)rq)->busy = rq->result != 0;
		if (!rq->result)
			r = deliver(run, rq);
	}
	for (unsigned int i = 0; i < READER_DEPTH && !r; i++) {
		struct slot *s = &run->reader->slots[i];

		if (s == failed || s->busy)
			r = deliver_failed(run, &s->rq);
		s->busy = false;
	}
	return r;
}

static int step(struct run *run)
{
	struct io_request *rq;
	struct slot *s;
	int r = submit_free_slots(run);

	if (r)
		return r;
	r = io_reap_request(run->reader->engine, &rq);
	if (r)
		return r;
	s = (struct slot *)rq;
	if (rq->result)
		return drain_then_reread(run, s);
	r = deliver(run, rq);
	s->busy = false;
	return r;
}

int block_reader_run(struct block_reader *reader, const struct bitset *wanted, block_fn fn,
		     void *context)
{
	struct run run = { .reader = reader,
			   .wanted = wanted,
			   .next = bitset_next(wanted, 0),
			   .fn = fn,
			   .context = context };
	int r = 0, drained;

	while (!r && (run.next < wanted->nr_bits || reader->engine->nr_under_way))
		r = step(&run);
	drained = reap_all(reader);
	for (unsigned int i = 0; i < READER_DEPTH; i++)
		reader->slots[i].busy = false;
	return r ? r : drained;
}

struct list_read {
	struct block_engine *engine;
	const uint64_t *blocks;
	unsigned int n, next;
	char *slab;
	int *errors;
	struct io_request rqs[IO_MAX_DEPTH];
	bool busy[IO_MAX_DEPTH];
};

static void list_extent(struct list_read *l, struct io_request *rq)
{
	unsigned int first = l->next++;

	while (l->next < l->n && l->next - first < IO_MAX_BLOCKS &&
	       l->blocks[l->next] == l->blocks[l->next - 1] + 1)
		l->next++;
	*rq = (struct io_request){ .block = l->blocks[first],
				   .nr_blocks = l->next - first,
				   .data = l->slab + (size_t)first * MD_BLOCK_SIZE };
}

static unsigned int first_index(const struct list_read *l, const struct io_request *rq)
{
	return (unsigned int)((size_t)((char *)rq->data - l->slab) / MD_BLOCK_SIZE);
}

static void set_errors(struct list_read *l, const struct io_request *rq, int error)
{
	for (unsigned int i = 0; i < rq->nr_blocks; i++)
		l->errors[first_index(l, rq) + i] = error;
}

/* Fills the engine; a request that is refused at once (beyond the end) is an error of its blocks.
 */
static void list_submit(struct list_read *l)
{
	for (unsigned int i = 0; i < IO_MAX_DEPTH && l->next < l->n; i++) {
		int r;

		if (l->busy[i])
			continue;
		list_extent(l, &l->rqs[i]);
		r = io_submit_request(l->engine, &l->rqs[i]);
		l->busy[i] = !r;
		set_errors(l, &l->rqs[i], r);
	}
}

static void reread_failed(struct list_read *l)
{
	for (unsigned int i = 0; i < l->n; i++) {
		if (l->errors[i])
			l->errors[i] = block_read(l->engine, l->blocks[i],
						  l->slab + (size_t)i * MD_BLOCK_SIZE);
	}
}

int block_read_list(struct block_engine *e, const uint64_t *blocks, unsigned int n, void *slab,
		    int *errors)
{
	struct list_read l = {
		.engine = e, .blocks = blocks, .n = n, .slab = slab, .errors = errors
	};
	struct io_request *rq;
	int r;

	while (l.next < l.n || e->nr_under_way) {
		list_submit(&l);
		if (!e->nr_under_way)
			continue;
		r = io_reap_request(e, &rq);
		if (r)
			return r;
		l.busy[rq - l.rqs] = false;
		set_errors(&l, rq, rq->result);
	}
	reread_failed(&l);
	return 0;
}
