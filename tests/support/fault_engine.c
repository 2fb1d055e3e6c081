/* SPDX-License-Identifier: MIT */
#include "tests/support/fault_engine.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "common/base/alloc.h"

struct pending {
	struct io_request *rq;
	bool fails;
};

struct fault_engine {
	struct block_engine base;
	struct block_engine *inner;
	struct faults *faults;
	struct pending pending[IO_MAX_DEPTH];
};

static struct fault_engine *to_fault(struct block_engine *e)
{
	return (struct fault_engine *)e;
}

struct faults faults_none(int error)
{
	return (struct faults){ .submit_at = FAULT_NEVER,
				.result_at = FAULT_NEVER,
				.bad_block = FAULT_NEVER,
				.error = error };
}

static int submit(struct block_engine *e, struct io_request *rq)
{
	struct fault_engine *f = to_fault(e);
	struct faults *faults = f->faults;
	const uint64_t n = faults->nr_submits++;
	const bool bad = n == faults->result_at || (faults->bad_block >= rq->block &&
						    faults->bad_block - rq->block < rq->nr_blocks);

	if (n >= faults->submit_at)
		return faults->error;
	if (faults->nr_under_way == IO_MAX_DEPTH)
		return -EBUSY;
	f->pending[faults->nr_under_way++] = (struct pending){ rq, bad };
	if (faults->nr_under_way > faults->most_under_way)
		faults->most_under_way = faults->nr_under_way;
	return 0;
}

static int reap(struct block_engine *e, struct io_request **ret_rq)
{
	struct fault_engine *f = to_fault(e);
	struct faults *faults = f->faults;
	const struct pending *p;
	struct io_request *done;
	int r;

	if (!faults->nr_under_way) {
		fprintf(stderr, "nothing is under way that could be reaped\n");
		abort();
	}
	p = &f->pending[--faults->nr_under_way];
	*ret_rq = p->rq;
	if (p->fails) {
		p->rq->result = faults->error;
		return 0;
	}
	r = io_submit_request(f->inner, p->rq);
	if (!r)
		r = io_reap_request(f->inner, &done);
	if (r)
		p->rq->result = r;
	return 0;
}

static int flush(struct block_engine *e)
{
	struct fault_engine *f = to_fault(e);

	f->faults->nr_flushes++;
	return f->faults->flush ? f->faults->error : block_flush(f->inner);
}

static void destroy(struct block_engine *e)
{
	alloc_free(e);
}

struct block_engine *fault_engine_create(struct block_engine *inner, struct faults *faults)
{
	static const struct block_engine_ops ops = {
		.submit = submit, .reap = reap, .flush = flush, .destroy = destroy
	};
	struct fault_engine *f = alloc_object(struct fault_engine);

	if (!f)
		abort();
	f->base = (struct block_engine){ .ops = &ops, .nr_blocks = inner->nr_blocks };
	f->inner = inner;
	f->faults = faults;
	return &f->base;
}
