/* SPDX-License-Identifier: MIT
 * fd_write.h: a write that does all of it.
 */
#ifndef THINMEND_IO_FD_WRITE_H
#define THINMEND_IO_FD_WRITE_H

#include <stddef.h>

#include "common/base/compiler.h"

/* 0 or -errno. */
must_check int fd_write_all(int fd, const void *data, size_t bytes);

#endif
