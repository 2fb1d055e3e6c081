/* SPDX-License-Identifier: MIT
 * scratch.h: a directory for files that have to have names; it goes when the process ends.
 */
#ifndef THINMEND_FUZZ_SCRATCH_H
#define THINMEND_FUZZ_SCRATCH_H

#include <stddef.h>

/* The directory, in $TMPDIR or /tmp; made when it is first asked for. */
const char *fuzz_scratch(void);

/* DIRECTORY/NAME; no slash is missing.  At most 4095 bytes. */
struct fuzz_path {
	char text[4096];
};
struct fuzz_path fuzz_path_of(const char *directory, const char *name);

void fuzz_write(const char *path, const void *content, size_t bytes);
/* All of it, and a NUL behind; free() it. */
char *fuzz_read(const char *path, size_t *ret_bytes);

#endif
