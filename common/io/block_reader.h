/* SPDX-License-Identifier: MIT
 * block_reader.h: reading many blocks.
 */
#ifndef THINMEND_IO_BLOCK_READER_H
#define THINMEND_IO_BLOCK_READER_H

#include "common/base/bitset.h"
#include "common/io/block_io.h"

struct block_reader;

/* The engine stays the caller's and must outlive the reader.  2 MiB of buffers. */
must_check int block_reader_create(struct block_engine *e, struct block_reader **ret_reader);
void block_reader_destroy(struct block_reader *r);

/*
 * Gets every block that was read, in no particular order.  data is 4096 bytes, aligned, valid
 * during the call; NULL when the block could not be read, and then error is the -errno. Anything
 * but 0 ends the reading and is handed on.
 */
typedef int (*block_fn)(void *context, uint64_t block, const void *data, int error);

/*
 * Read all blocks of the set, each once, in disk order: neighbours and small gaps are joined into
 * requests of up to 256 KiB, with several under way.  A request that fails is read again block by
 * block, so that one bad sector costs one block.
 */
must_check int block_reader_run(struct block_reader *r, const struct bitset *wanted, block_fn fn,
				void *context);

/*
 * Read n blocks into slab (n * 4096 bytes, aligned), block i at 4096 * i; ascending neighbours are
 * joined.  errors[i] becomes 0 or -errno.  Returns 0, or -errno when the engine itself fails.
 */
must_check int block_read_list(struct block_engine *e, const uint64_t *blocks, unsigned int n,
			       void *slab, int *errors);

#endif
