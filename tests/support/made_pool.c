/* SPDX-License-Identifier: MIT */
#include "tests/support/made_pool.h"

#include <criterion/criterion.h>

#include "common/base/alloc.h"

void made_pool_begin(struct made_pool *p, uint64_t nr_blocks, const struct pool_header *header)
{
	*p = (struct made_pool){ .image = { .nr_blocks = nr_blocks, .unreadable = NO_BLOCK } };
	p->image.bytes = alloc_array(nr_blocks, MD_BLOCK_SIZE);
	cr_assert_not_null(p->image.bytes);
	p->engine = image_engine(&p->image);
	cr_assert_eq(metadata_writer_create(p->engine, nr_blocks, &p->w), 0);
	p->v = metadata_writer_visitor(p->w);
	cr_assert_eq(p->v->superblock(p->v, header), 0);
}

void made_pool_map(struct made_pool *p, uint64_t thin, uint64_t data, uint64_t length,
		   uint32_t time)
{
	const struct mapping_run run = { thin, data, length, time };

	cr_assert_eq(p->v->map(p->v, &run), 0);
}

void made_pool_device(struct made_pool *p, uint64_t id, const struct device_details *details)
{
	cr_assert_eq(p->v->device(p->v, id, details), 0);
}

void made_pool_device_end(struct made_pool *p)
{
	cr_assert_eq(p->v->device_end(p->v), 0);
}

int made_pool_commit(struct made_pool *p)
{
	uint64_t needed;

	cr_assert_eq(p->v->superblock_end(p->v), 0);
	return metadata_writer_commit(p->w, &needed);
}

void made_pool_destroy(struct made_pool *p)
{
	metadata_writer_destroy(p->w);
	block_engine_destroy(p->engine);
	image_destroy(&p->image);
}
