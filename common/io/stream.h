/* SPDX-License-Identifier: MIT
 * stream.h: text on its way out, plain or through gzip.
 */
#ifndef THINMEND_IO_STREAM_H
#define THINMEND_IO_STREAM_H

#include <signal.h>
#include <stdbool.h>
#include <stddef.h>

#include "common/base/compiler.h"

#define STREAM_ROOM 4096u /* bytes that stream_room() promises */

struct stream;

/*
 * Write to fd, which stays the caller's and has to stay open.  held: where the caller holds signals
 * back, the mask of before; NULL: it does not.  0 or -errno.
 */
must_check int stream_open(int fd, bool compress, const sigset_t *held, struct stream **ret_stream);

/*
 * Room for at least STREAM_ROOM bytes, inside the buffer; whatever was put there counts once
 * stream_advance() says how much.  Errors are sticky and told by stream_error() and stream_close();
 * where a SIGINT, SIGTERM or SIGHUP came that is held back, and would end the process,
 * -ECANCELED.
 */
char *stream_room(struct stream *s);
void stream_advance(struct stream *s, size_t bytes);

/* 0 or the first -errno met; -EPIPE when the reader went away. */
must_check int stream_error(const struct stream *s);

/* Write what is left, and free s, also on failure.  0 or the first -errno met. */
must_check int stream_close(struct stream *s);

#endif
