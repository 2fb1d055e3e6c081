/* SPDX-License-Identifier: MIT */
#include "thin_restore/thin_restore.h"

int main(int argc, char **argv)
{
	struct thin_restore_options options;
	int status;

	tool_begin();
	status = thin_restore_parse(argc, argv, &options);
	if (status == STATUS_NONE)
		status = thin_restore_run(&options);
	return tool_end(&thin_restore_tool, status);
}
