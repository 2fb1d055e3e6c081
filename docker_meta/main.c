/* SPDX-License-Identifier: MIT */
#include "docker_meta/docker_meta.h"

int main(int argc, char **argv)
{
	struct docker_meta_options options;
	int status;

	tool_begin();
	status = docker_meta_parse(argc, argv, &options);
	if (status == STATUS_NONE)
		status = docker_meta_run(&options);
	return tool_end(&docker_meta_tool, status);
}
