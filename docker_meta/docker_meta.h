/* SPDX-License-Identifier: MIT
 * docker_meta.h: the tool's command line, and what it does.
 */
#ifndef DOCKER_META_DOCKER_META_H
#define DOCKER_META_DOCKER_META_H

#include "common/tool/tool.h"
#include "docker_meta/output/output.h"

extern const struct tool docker_meta_tool;

/* Cron and monitoring live by these. */
enum docker_meta_status {
	META_STATUS_OK = 0,
	META_STATUS_WARNING = 1,
	META_STATUS_ERROR = 2,
	META_STATUS_BLIND = 3, /* could not look */
};

enum meta_command { COMMAND_CHECK, COMMAND_LIST, COMMAND_PREDICT };

struct docker_meta_options {
	enum meta_command command;
	enum output_form form;
	const char *root;     /* NULL: /var/lib/docker */
	const char *metadata; /* NULL: the loop file below the root */
	const char *xml;
	bool metadata_snap, quiet;
};

/* STATUS_NONE, or the status to end with. */
must_check int docker_meta_parse(int argc, char **argv, struct docker_meta_options *ret_options);
must_check int docker_meta_run(const struct docker_meta_options *o);

#endif
