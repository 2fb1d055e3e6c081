/* SPDX-License-Identifier: MIT
 * block_writer.h: writing blocks one after the other.
 *
 * Blocks are numbered as they are taken, and go out in requests of up to 256 KiB, several under
 * way. Without an engine nothing is written: the numbers alone tell how many blocks a result will
 * need.
 */
#ifndef THINMEND_IO_BLOCK_WRITER_H
#define THINMEND_IO_BLOCK_WRITER_H

#include "common/io/block_io.h"

struct block_writer;

/*
 * The first block has the number `first`; `end` and above cannot be written.  e may be NULL, else
 * it stays the caller's and must outlive the writer, and nothing else may use it meanwhile.  2 MiB
 * of buffers.  0 or -ENOMEM.
 */
must_check int block_writer_create(struct block_engine *e, uint64_t first, uint64_t end,
				   struct block_writer **ret_writer);
/* Waits for what is under way, and forgets what was not. */
void block_writer_destroy(struct block_writer *w);

/*
 * The next block: its number, and 4096 bytes to fill before the next call.  0, -ENOSPC when there
 * is none, or the -errno of an earlier write.
 */
must_check int block_writer_next(struct block_writer *w, uint64_t *ret_block, void **ret_raw);

/* The number that the next block will have. */
uint64_t block_writer_position(const struct block_writer *w);

/* Write all that was taken.  0 or the first -errno of any write. */
must_check int block_writer_drain(struct block_writer *w);

#endif
