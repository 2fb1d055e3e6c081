/* SPDX-License-Identifier: MIT
 * verify.h: what was salvaged must not contradict itself.
 */
#ifndef THINMEND_TOOL_VERIFY_H
#define THINMEND_TOOL_VERIFY_H

#include "common/io/block_io.h"
#include "common/tool/tool.h"

/*
 * Check all trees behind e, whose space maps are only judged when that is asked for: two devices
 * that would overwrite each other have something that is not current.  STATUS_OK, or STATUS_BAD
 * after saying so; name is the file's, for the message.
 */
must_check int verify_salvaged(const struct tool *tool, struct block_engine *e, bool space_maps,
			       const char *name, bool quiet);

#endif
