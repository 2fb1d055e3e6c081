/* SPDX-License-Identifier: MIT
 * pool_options.h: options that several tools have, about the pool itself.
 */
#ifndef THINMEND_TOOL_POOL_OPTIONS_H
#define THINMEND_TOOL_POOL_OPTIONS_H

#include "common/tool/tool.h"

/* For take_option_fn.  STATUS_NONE, or STATUS_USAGE after saying so. */
must_check int take_data_block_size(const struct tool *tool, const struct tool_option *option,
				    const char *argument, uint32_t *ret_sectors);

#endif
