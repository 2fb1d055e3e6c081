/* SPDX-License-Identifier: MIT
 * output_file.h: what a tool tells into a file: whole or not at all where another file can be put
 * in its place; else, as of /dev/stdout, a pipe, a disk or a mounted file, written to directly.
 */
#ifndef THINMEND_TOOL_OUTPUT_FILE_H
#define THINMEND_TOOL_OUTPUT_FILE_H

#include <stdbool.h>
#include <stdio.h>
#include <sys/stat.h>

#include "common/tool/earlier_output.h"
#include "common/tool/out_file.h"
#include "common/tool/sandbox.h"

struct output_file {
	FILE *stream; /* to write to */
	char *path;   /* owned: where it is, behind symbolic links; NULL: nothing was placed */
	bool direct;
	struct stat seen; /* of what is written to directly */
	int descriptor;   /* owned: of that; -1: not open yet, as a pipe's, or stream has it */
	struct out_file file;
};

/* An output_file of which nothing is there. */
#define NO_OUTPUT_FILE ((struct output_file){ .descriptor = -1, .file = NO_OUT_FILE })

/*
 * May path be written to, and could it?  What stands there stays as it is.  A file that has none of
 * the marks is refused unless forced, and so are a disk and what can only be overwritten as it is,
 * where it holds something.  0 or -errno, with fault filled; to be
 * ended in any case.
 */
must_check int output_file_place(const char *path, bool forced, const struct output_mark *marks,
				 size_t nr_marks, struct output_file *ret_file,
				 struct out_fault *fault);

/* Let it through the walls; s keeps f->path. */
void output_file_let_through(const struct output_file *f, struct sandbox *s);

/* Begin to write it.  0 or -errno, with fault filled. */
must_check int output_file_begin(struct output_file *f, struct out_fault *fault);

/* Something stands there that is replaced at the end, and not before. */
bool output_file_replaces(const struct output_file *f);

/* As out_file_held(). */
const sigset_t *output_file_held(const struct output_file *f);

/*
 * r: how far the writing came; where that is not 0, nothing is changed, as far as that is possible.
 * 0, or r, or the -errno of the end: -EEXIST as of out_file_commit().
 */
int output_file_end(struct output_file *f, int r);

#endif
