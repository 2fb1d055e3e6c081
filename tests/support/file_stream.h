/* SPDX-License-Identifier: MIT
 * file_stream.h: a stream into a file of its own.
 */
#ifndef TESTS_SUPPORT_FILE_STREAM_H
#define TESTS_SUPPORT_FILE_STREAM_H

#include <stdbool.h>

#include "common/base/compiler.h"
#include "common/io/stream.h"

struct file_stream {
	struct stream *stream;
	int fd; /* owned */
};

/* The file is made or emptied.  0 or -errno. */
must_check int file_stream_open(const char *path, bool compress, struct file_stream *ret_stream);

/* As stream_close(). */
must_check int file_stream_close(struct file_stream *s);

#endif
