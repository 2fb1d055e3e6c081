/* SPDX-License-Identifier: MIT */
#include "thin_dump/thin_dump.h"

int main(int argc, char **argv)
{
	struct thin_dump_options options;
	int status;

	tool_begin();
	status = thin_dump_parse(argc, argv, &options);
	if (status == STATUS_NONE)
		status = thin_dump_run(&options);
	thin_dump_options_destroy(&options);
	return tool_end(&thin_dump_tool, status);
}
