/* SPDX-License-Identifier: MIT
 * input.h: text on its way in, plain or gzip'd, which may be read more than once.
 */
#ifndef THINMEND_IO_INPUT_H
#define THINMEND_IO_INPUT_H

#include <stddef.h>
#include <stdint.h>

#include "common/base/compiler.h"

struct input;

/*
 * Read the file at path, or standard input where path is "-".  What cannot be read again, such as a
 * pipe, is copied to a file without a name in $TMPDIR, /var/tmp or /tmp first.  0 or -errno;
 * -EISDIR for a directory.
 */
must_check int input_open(const char *path, struct input **ret_input);
void input_close(struct input *in);

/*
 * Fill the buffer, which has less than 4 GiB: *ret_bytes is less than bytes at the end only.  0 or
 * -errno; -EIO when the gzip data is damaged or ends early, -EBADMSG when something else than gzip
 * or zeros stands behind it.
 */
must_check int input_read(struct input *in, void *buffer, size_t bytes, size_t *ret_bytes);

/* Begin again.  0 or -errno. */
must_check int input_rewind(struct input *in);

/* How many bytes of the file were used up; after -EBADMSG: where that stands. */
uint64_t input_position(const struct input *in);

#endif
