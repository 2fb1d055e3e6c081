/* SPDX-License-Identifier: MIT
 * window_engine.h: small reads of metadata made of larger ones, for pools of many small devices.
 *
 * Each of thousands of devices has a root and a leaf or two, and neighbours were mostly written
 * together: 64 KiB at a time are read and kept, as long as that pays.  Large reads go through as
 * they are.  For one pass: what is kept is not read again.
 */
#ifndef THINMEND_POOL_WINDOW_ENGINE_H
#define THINMEND_POOL_WINDOW_ENGINE_H

#include "common/io/block_io.h"

/* Reads alone.  inner is borrowed, and nobody else may have requests under way.  0 or -ENOMEM. */
must_check int window_engine_create(struct block_engine *inner, struct block_engine **ret_engine);

#endif
