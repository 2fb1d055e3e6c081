/* SPDX-License-Identifier: MIT
 * kernel_file.h: files whose size is not known before: those of /proc and /sys have none, and what
 * the user names may be a pipe.
 */
#ifndef DOCKER_META_HOST_KERNEL_FILE_H
#define DOCKER_META_HOST_KERNEL_FILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/base/compiler.h"

/*
 * All of a file that the user named, to be freed by the caller, with a NUL behind it.  0, -EFBIG
 * for more than max bytes, or another -errno.
 */
must_check int kernel_file_read(const char *path, size_t max, char **ret_text, size_t *ret_bytes);

/*
 * The same of a file of /proc or /sys below a directory: it must be a regular one, and no symbolic
 * link.
 */
must_check int kernel_file_read_at(int dir_fd, const char *name, size_t max, char **ret_text,
				   size_t *ret_bytes);

/* The first line of such a file, without its newline, cut off at size.  False: there is none. */
must_check bool kernel_file_line_at(int dir_fd, const char *name, char *line, size_t size);

#endif
