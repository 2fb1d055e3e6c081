/* SPDX-License-Identifier: MIT
 * fd_io.h: reads and writes that do all of it.
 */
#ifndef THINMEND_IO_FD_IO_H
#define THINMEND_IO_FD_IO_H

#include <stddef.h>
#include <sys/types.h>

#include "common/base/compiler.h"

/* 0 or -errno; fewer than size bytes where the end comes first. */
must_check int fd_read_up_to(int fd, void *data, size_t size, size_t *ret_bytes);
/* 0 or -errno. */
must_check int fd_write_all(int fd, const void *data, size_t bytes);
/* All of it from an offset on: 0 or -errno, -EIO where the end comes first. */
must_check int fd_pread_all(int fd, void *data, size_t bytes, off_t offset);
/*
 * The directory that a file is or will be in, and its name there.  One that may be written to and
 * not listed is opened all the same; it cannot be synced (-EBADF).  0, -EISDIR for what names no
 * file, -ENOMEM, or another -errno; *ret_dir is -1 then.  *ret_name is to be freed in any case.
 */
must_check int fd_open_parent(const char *path, int *ret_dir, char **ret_name);

/*
 * Give an open file without a name one in a directory, where nothing has it: 0, -EEXIST or another
 * -errno.
 */
must_check int fd_link(int fd, int dir, const char *name);
/* fd_write_all() at an offset.  A full disk is -ENOSPC, a limit of the file's size -EFBIG. */
must_check int fd_pwrite_all(int fd, const void *data, size_t bytes, off_t offset);

#endif
