/* SPDX-License-Identifier: MIT
 * transfer.h: one request carried out at once, by pread and pwrite.
 */
#ifndef THINMEND_IO_TRANSFER_H
#define THINMEND_IO_TRANSFER_H

#include <stddef.h>

#include "common/io/block_io.h"

/*
 * Carry out what is left of rq behind its first `done` bytes.  0, -EIO at the end of the file, or
 * the -errno of pread or pwrite: -ENOSPC for a full disk, -EFBIG for a limit of the file's size.
 */
must_check int io_transfer(int fd, const struct io_request *rq, size_t done);

#endif
