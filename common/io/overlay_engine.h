/* SPDX-License-Identifier: MIT
 * overlay_engine.h: a device with some of its blocks replaced, and some added behind its end, in
 * memory.  What lies below is never written.
 */
#ifndef THINMEND_IO_OVERLAY_ENGINE_H
#define THINMEND_IO_OVERLAY_ENGINE_H

#include "common/io/block_io.h"

/* inner stays the caller's and must outlive the overlay.  Destroy it as any engine. */
must_check int overlay_engine_create(struct block_engine *inner, struct block_engine **ret_engine);

/*
 * From now on block has this content (4096 bytes, copied).  A block at or behind nr_blocks makes
 * the device larger.  0 or -ENOMEM.
 */
must_check int overlay_engine_put(struct block_engine *e, uint64_t block, const void *raw);

/* How many blocks are replaced or added. */
uint64_t overlay_engine_nr_put(const struct block_engine *e);

/* How many blocks the inner engine did not give when they were asked for by themselves. */
uint64_t overlay_engine_nr_unreadable(const struct block_engine *e);

#endif
