/* SPDX-License-Identifier: MIT */
#include "thin_repair/thin_repair.h"

int main(int argc, char **argv)
{
	struct thin_repair_options options;
	int status;

	tool_begin();
	status = thin_repair_parse(argc, argv, &options);
	if (status == STATUS_NONE)
		status = thin_repair_run(&options);
	return tool_end(&thin_repair_tool, status);
}
