/* SPDX-License-Identifier: MIT */
#include "common/tool/pool_options.h"

#include <sys/stat.h>

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

bool same_file(const char *a, const char *b)
{
	struct stat sa, sb;

	if (stat(a, &sa) || stat(b, &sb))
		return false;
	if (S_ISBLK(sa.st_mode) && S_ISBLK(sb.st_mode))
		return sa.st_rdev == sb.st_rdev;
	return sa.st_dev == sb.st_dev && sa.st_ino == sb.st_ino;
}
