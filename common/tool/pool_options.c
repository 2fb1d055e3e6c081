/* SPDX-License-Identifier: MIT */
#include "common/tool/pool_options.h"

#include "common/base/number.h"
#include "common/thin/superblock.h"

int take_data_block_size(const struct tool *tool, const struct tool_option *option,
			 const char *argument, uint32_t *ret_sectors)
{
	uint64_t sectors;

	if (!parse_u64(argument, &sectors) || !data_block_size_valid(sectors))
		return tool_usage_error(
			tool, "--%s wants a multiple of %u from %u to %u sectors, not '%s'",
			option->name, DATA_BLOCK_SIZE_MIN, DATA_BLOCK_SIZE_MIN, DATA_BLOCK_SIZE_MAX,
			argument);
	*ret_sectors = (uint32_t)sectors;
	return STATUS_NONE;
}
