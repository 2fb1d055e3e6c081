/* SPDX-License-Identifier: MIT
 * earlier_output.h: may what stands at the place of an output be written over?
 */
#ifndef THINMEND_TOOL_EARLIER_OUTPUT_H
#define THINMEND_TOOL_EARLIER_OUTPUT_H

#include <stdbool.h>
#include <stddef.h>

#include "common/base/compiler.h"

#define OUTPUT_START 4096 /* bytes of an output that are looked at */

/* How the outputs of one kind begin. */
struct output_mark {
	const char *begins; /* at their very start */
	const char *has;    /* within their first OUTPUT_START bytes, too; NULL: nothing more */
};

/*
 * Does path lead to nothing, to an empty file, to what is no file, or to a file that has one of
 * these marks, plain or gzip'd?  A file that cannot be read is not known to have any.
 */
must_check bool output_may_replace(const char *path, const struct output_mark *marks,
				   size_t nr_marks);

/* What output_may_replace() has refused, for one line that ends in "--force". */
#define OUTPUT_IS_DEVICE "it is a block device; nothing was written (overwrite it: --force)"
#define OUTPUT_IS_FIXED                                                                         \
	"another file cannot be put in its place, and it holds something; nothing was written " \
	"(overwrite it as it is: --force)"
#define OUTPUT_IS_BAIT                                                                       \
	"it is another user's, in a directory where all may put files; nothing was written " \
	"(name another file)"
#define OUTPUT_NOT_OURS                                                                        \
	"it exists and is no earlier output of this kind; nothing was written (overwrite it: " \
	"--force)"

/* The same, or that there was no memory to look: right behind output_may_replace(), by its errno.
 */
const char *output_refusal(void);

#endif
