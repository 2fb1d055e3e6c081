/* SPDX-License-Identifier: MIT
 * out_file.h: a file that is written whole or not at all: beside its place, then renamed.
 */
#ifndef DOCKER_META_OUTPUT_OUT_FILE_H
#define DOCKER_META_OUTPUT_OUT_FILE_H

#include <stdio.h>

#include "common/base/compiler.h"

struct out_file {
	FILE *stream;        /* to write to */
	int dir;             /* owned: descriptor of the directory; -1: closed */
	char *name, *beside; /* owned: names in it */
};

/* Why it cannot be, for one line. */
struct out_fault {
	char text[120];
};

/*
 * Nothing may be written below Docker's root, by whatever way path leads there; a root that there
 * is not has nothing below it.  What stands at path may only be a regular file.  0; -EPERM with
 * fault filled: not to be written; or another -errno, with fault filled too.
 */
must_check int out_file_open(const char *path, const char *root, struct out_file *ret_file,
			     struct out_fault *fault);

/* Put it to its place, and let go.  0 or -errno: then all is as it was before. */
must_check int out_file_commit(struct out_file *f);

/* Nothing is left of it. */
void out_file_abandon(struct out_file *f);

#endif
