/* SPDX-License-Identifier: MIT
 * named_storage.h: the inputs and outputs that a command line names.
 */
#ifndef THINMEND_TOOL_NAMED_STORAGE_H
#define THINMEND_TOOL_NAMED_STORAGE_H

#include <stdbool.h>
#include <stddef.h>

#include "common/base/compiler.h"

struct tool;

struct named_file {
	bool is_output;
	const char *option; /* its long name; NULL: a positional argument */
	const char *path;   /* "-": standard input */
};

struct named_storage {
	struct named_file *files; /* owned; what they point to is not */
	size_t nr, capacity;
};

/* STATUS_NONE; or, after saying so, the status of a failure. */
must_check int named_storage_add(struct named_storage *n, const struct tool *tool, bool is_output,
				 const char *option, const char *path);

/*
 * STATUS_NONE, or STATUS_USAGE after saying which output would overwrite what.  Standard output is
 * an output, too, where it is a file or a device.
 */
must_check int named_storage_check(const struct named_storage *n, const struct tool *tool);
void named_storage_destroy(struct named_storage *n);

#endif
