/* SPDX-License-Identifier: MIT
 * confirm.h: before something that is known is overwritten.
 */
#ifndef THINMEND_TOOL_CONFIRM_H
#define THINMEND_TOOL_CONFIRM_H

#include <stdbool.h>

#include "common/io/block_io.h"
#include "common/tool/known_content.h"
#include "common/tool/tool.h"

/* What is known of it before the sandbox, in which libblkid could not look at devices. */
struct confirm {
	bool asks; /* someone sits at a terminal, and there is no --batch-mode */
	char what[KNOWN_CONTENT_MAX];
};

void confirm_look(const char *path, bool batch, struct confirm *ret);

/*
 * May the file or device at path, which e is of, be overwritten?  Where it holds a file system, a
 * partition table, something of LVM's or sound pool metadata, whoever sits at the terminal is told
 * so and asked. Without a terminal, and with batch, the answer is yes.  STATUS_NONE, or STATUS_BAD.
 */
must_check int confirm_overwrite(const struct tool *tool, const char *path, struct block_engine *e,
				 struct confirm *c);

#endif
