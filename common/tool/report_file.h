/* SPDX-License-Identifier: MIT
 * report_file.h: a report's file: whole or not at all where it is a file; else, as /dev/stdout or a
 * pipe is, written to directly.
 */
#ifndef THINMEND_TOOL_REPORT_FILE_H
#define THINMEND_TOOL_REPORT_FILE_H

#include <stdbool.h>
#include <stdio.h>

#include "common/tool/earlier_output.h"
#include "common/tool/out_file.h"

struct report_file {
	FILE *stream; /* to write to */
	bool direct;
	struct out_file file;
};

/*
 * May path be written to, and could it?  Nothing is written yet.  What stands there and has none of
 * the marks is refused unless forced.  0 or -errno, with fault filled.
 */
must_check int report_file_try(const char *path, bool forced, const struct output_mark *marks,
			       size_t nr_marks, struct out_fault *fault);

/* Begin to write it.  0 or -errno, with fault filled; to be ended in any case. */
must_check int report_file_begin(const char *path, struct report_file *ret_file,
				 struct out_fault *fault);

/* r: how far the writing came.  0, or r, or the -errno of the end. */
must_check int report_file_end(struct report_file *f, int r);

#endif
