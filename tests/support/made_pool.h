/* SPDX-License-Identifier: MIT
 * made_pool.h: small pools that a test makes with the writer.
 */
#ifndef THINMEND_TESTS_MADE_POOL_H
#define THINMEND_TESTS_MADE_POOL_H

#include "common/thin/metadata_write.h"
#include "tests/support/image.h"

struct made_pool {
	struct image image;
	struct block_engine *engine; /* points into the struct: it must not be copied */
	struct metadata_writer *w;
	struct metadata_visitor *v;
};

/* Abort the test when they cannot. */
void made_pool_begin(struct made_pool *p, uint64_t nr_blocks, const struct pool_header *header);
void made_pool_map(struct made_pool *p, uint64_t thin, uint64_t data, uint64_t length,
		   uint32_t time);
void made_pool_device(struct made_pool *p, uint64_t id, const struct device_details *details);
void made_pool_device_end(struct made_pool *p);

/* As metadata_writer_commit(). */
int made_pool_commit(struct made_pool *p);
void made_pool_destroy(struct made_pool *p);

#endif
