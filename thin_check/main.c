/* SPDX-License-Identifier: MIT */
#include "thin_check/thin_check.h"

int main(int argc, char **argv)
{
	struct thin_check_options options;
	int status;

	tool_begin();
	status = thin_check_parse(argc, argv, &options);
	if (status == STATUS_NONE)
		status = thin_check_run(&options);
	return tool_end(&thin_check_tool, status);
}
