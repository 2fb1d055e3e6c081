/* SPDX-License-Identifier: MIT
 * out_place.h: where -o and --state may write.
 */
#ifndef DOCKER_META_OUTPUT_OUT_PLACE_H
#define DOCKER_META_OUTPUT_OUT_PLACE_H

#include "common/tool/out_file.h"
#include "docker_meta/config/config.h"
#include "docker_meta/options.h"

/* What was found without being named; what the command line names, tool_parse() has compared
 * already. */
struct out_inputs {
	const char *root;     /* Docker's data-root */
	const char *metadata; /* NULL: none */
	const struct config *config;
};

/*
 * Nothing may be written below Docker's root, by whatever way path leads there (a root that there
 * is not has nothing below it), and nothing over what was read.  0; -EPERM with fault filled: not
 * to be written; or another -errno, with fault filled too.  As out_file_place() and
 * out_file_begin().
 */
must_check int out_place_open(const char *path, const struct out_inputs *inputs,
			      struct out_file *ret_file, struct out_fault *fault);

/* No loop device may stand on path.  0 (also for NULL); -EPERM with fault filled. */
must_check int out_place_accept(const char *path, struct out_fault *fault);

/* May -o write over what stands at path?  0; -EPERM with fault filled. */
must_check int out_place_may_replace(const struct docker_meta_options *o, struct out_fault *fault);

#endif
