/* SPDX-License-Identifier: MIT */
#include "common/io/overlay_engine.h"

#include <errno.h>
#include <string.h>

#include "common/base/alloc.h"
#include "common/base/u64_map.h"
#include "common/io/direct_queue.h"

struct overlay {
	struct block_engine base;
	struct direct_queue queue;
	struct block_engine *inner; /* borrowed */
	struct u64_map index_of;    /* by block: 1 + index */
	void **raws;                /* owned, each of them too */
	size_t nr, capacity;
	struct u64_map unreadable; /* blocks */
};

static struct overlay *to_overlay(struct block_engine *e)
{
	return (struct overlay *)e;
}

static const void *replaced(const struct overlay *o, uint64_t block)
{
	const uint64_t *index = u64_map_find(&o->index_of, block);

	return index && *index ? o->raws[*index - 1] : NULL;
}

/* One of more blocks that could not be read is found when each is asked for. */
static int note_unreadable(struct overlay *o, uint64_t block)
{
	return u64_map_at(&o->unreadable, block) ? -EIO : -ENOMEM;
}

/* Neighbours that are not replaced, from number i of the request on, in one reading. */
static int read_inner(struct overlay *o, struct io_request *rq, unsigned int *i)
{
	struct io_request part = { .block = rq->block + *i,
				   .data = (char *)rq->data + (size_t)*i * MD_BLOCK_SIZE };
	struct io_request *done;
	int r;

	while (*i < rq->nr_blocks && !replaced(o, rq->block + *i)) {
		part.nr_blocks++;
		++*i;
	}
	r = io_submit_request(o->inner, &part);
	if (!r)
		r = io_reap_request(o->inner, &done);
	if (!r)
		r = part.result;
	return r == -EIO && part.nr_blocks == 1 ? note_unreadable(o, part.block) : r;
}

static int overlay_submit(struct block_engine *e, struct io_request *rq)
{
	struct overlay *o = to_overlay(e);

	if (rq->write)
		return -EROFS;
	rq->result = 0;
	for (unsigned int i = 0; i < rq->nr_blocks && !rq->result;) {
		const void *raw = replaced(o, rq->block + i);

		if (raw)
			memcpy((char *)rq->data + (size_t)i++ * MD_BLOCK_SIZE, raw, MD_BLOCK_SIZE);
		else
			rq->result = read_inner(o, rq, &i);
	}
	return direct_queue_push(&o->queue, rq);
}

static int overlay_reap(struct block_engine *e, struct io_request **ret_rq)
{
	return direct_queue_pop(&to_overlay(e)->queue, ret_rq);
}

static int overlay_flush(struct block_engine *e)
{
	(void)e;
	return -EROFS;
}

static void overlay_destroy(struct block_engine *e)
{
	struct overlay *o = to_overlay(e);

	for (size_t i = 0; i < o->nr; i++)
		alloc_free(o->raws[i]);
	alloc_free(o->raws);
	u64_map_destroy(&o->index_of);
	u64_map_destroy(&o->unreadable);
	alloc_free(o);
}

static const struct block_engine_ops overlay_ops = { .submit = overlay_submit,
						     .reap = overlay_reap,
						     .flush = overlay_flush,
						     .destroy = overlay_destroy };

int overlay_engine_create(struct block_engine *inner, struct block_engine **ret_engine)
{
	struct overlay *o = alloc_object(struct overlay);

	if (!o)
		return -ENOMEM;
	o->base.ops = &overlay_ops;
	o->base.nr_blocks = inner->nr_blocks;
	o->inner = inner;
	*ret_engine = &o->base;
	return 0;
}

static int add_raw(struct overlay *o, const void *raw)
{
	void **grown = alloc_grow(o->raws, &o->capacity, o->nr, sizeof(*grown));
	void *copy;

	if (!grown)
		return -ENOMEM;
	o->raws = grown;
	copy = alloc_array(1, MD_BLOCK_SIZE);
	if (!copy)
		return -ENOMEM;
	memcpy(copy, raw, MD_BLOCK_SIZE);
	grown[o->nr++] = copy;
	return 0;
}

int overlay_engine_put(struct block_engine *e, uint64_t block, const void *raw)
{
	struct overlay *o = to_overlay(e);
	uint64_t *index = u64_map_at(&o->index_of, block);
	int r;

	if (!index)
		return -ENOMEM;
	if (*index) {
		memcpy(o->raws[*index - 1], raw, MD_BLOCK_SIZE);
		return 0;
	}
	r = add_raw(o, raw);
	if (r)
		return r;
	*index = o->nr;
	if (block >= o->base.nr_blocks)
		o->base.nr_blocks = block + 1;
	return 0;
}

uint64_t overlay_engine_nr_put(const struct block_engine *e)
{
	return ((const struct overlay *)e)->nr;
}

uint64_t overlay_engine_nr_unreadable(const struct block_engine *e)
{
	return ((const struct overlay *)e)->unreadable.nr_used;
}
