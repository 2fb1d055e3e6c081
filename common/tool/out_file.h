/* SPDX-License-Identifier: MIT
 * out_file.h: a file that is written whole or not at all: without a name, or beside its place, then
 * renamed.  Whatever ends the tool, what stood there stays, and nothing else is left.
 */
#ifndef THINMEND_TOOL_OUT_FILE_H
#define THINMEND_TOOL_OUT_FILE_H

#include <signal.h>
#include <stdbool.h>
#include <stdio.h>

#include "common/base/compiler.h"

struct out_file {
	FILE *stream;  /* to write to */
	int dir;       /* owned: descriptor of the directory; -1: closed */
	char *name;    /* owned: in it */
	char *beside;  /* owned: the file's name until it is in its place; NULL: it has none */
	bool held;     /* signals are held back while it has one */
	sigset_t mask; /* of before */
};

/* Why it cannot be, for one line. */
struct out_fault {
	char text[120];
};

/*
 * Find the place of a file, without writing anything.  What stands there may only be a regular file
 * that no active loop device stands on.  0; -EPERM with fault filled: not to be written; or another
 * -errno, with fault filled too.  *ret_file is to be abandoned or committed in any case.
 */
must_check int out_file_place(const char *path, struct out_file *ret_file, struct out_fault *fault);

/* Begin to write it.  0 or -errno, with fault filled. */
must_check int out_file_begin(struct out_file *f, struct out_fault *fault);

/* Put it to its place, and let go.  0 or -errno: then all is as it was before. */
must_check int out_file_commit(struct out_file *f);

/* Nothing is left of it. */
void out_file_abandon(struct out_file *f);

#endif
