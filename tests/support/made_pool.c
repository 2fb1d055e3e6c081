/* SPDX-License-Identifier: MIT */
#include "tests/support/made_pool.h"

#include <stdlib.h>

#include "common/base/alloc.h"

/* Tools without Criterion are linked with this too. */
static void must(bool ok)
{
	if (!ok)
		abort();
}

void made_pool_begin(struct made_pool *p, uint64_t nr_blocks, const struct pool_header *header)
{
	*p = (struct made_pool){ .image = { .nr_blocks = nr_blocks, .unreadable = NO_BLOCK } };
	p->image.bytes = alloc_array(nr_blocks, MD_BLOCK_SIZE);
	must(p->image.bytes != NULL);
	p->engine = image_engine(&p->image);
	must(!metadata_writer_create(p->engine, nr_blocks, &p->w));
	p->v = metadata_writer_visitor(p->w);
	must(!p->v->superblock(p->v, header));
}

void made_pool_map(struct made_pool *p, uint64_t thin, uint64_t data, uint64_t length,
		   uint32_t time)
{
	const struct mapping_run run = { thin, data, length, time };

	must(!p->v->map(p->v, &run));
}

void made_pool_device(struct made_pool *p, uint64_t id, const struct device_details *details)
{
	must(!p->v->device(p->v, id, details));
}

void made_pool_device_end(struct made_pool *p)
{
	must(!p->v->device_end(p->v));
}

int made_pool_commit(struct made_pool *p)
{
	uint64_t needed;

	must(!p->v->superblock_end(p->v));
	return metadata_writer_commit(p->w, &needed);
}

void made_pool_destroy(struct made_pool *p)
{
	metadata_writer_destroy(p->w);
	block_engine_destroy(p->engine);
	image_destroy(&p->image);
}
