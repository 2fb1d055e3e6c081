/* SPDX-License-Identifier: MIT
 * text_file.h: small files of the host's own, or that the user named.
 */
#ifndef DOCKER_META_CONFIG_TEXT_FILE_H
#define DOCKER_META_CONFIG_TEXT_FILE_H

#include <stdbool.h>
#include <stddef.h>

#include "common/base/compiler.h"

enum { TEXT_FILE_MAX = 16 << 20 }; /* bytes */

/*
 * All of it, to be freed by the caller; a NUL stands behind it that *ret_size does not count.
 * Named: the user asked for this one, which may be a pipe; else only a regular file is read,
 * through symbolic links.  0; -EFBIG; -EINVAL for what is no regular file; or another -errno.
 */
must_check int text_file_read(const char *path, bool named, char **ret_text, size_t *ret_size);

#endif
