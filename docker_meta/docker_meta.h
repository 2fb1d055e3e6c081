/* SPDX-License-Identifier: MIT
 * docker_meta.h: the tool, and how it ends.
 */
#ifndef DOCKER_META_DOCKER_META_H
#define DOCKER_META_DOCKER_META_H

#include "common/tool/tool.h"
#include "docker_meta/options.h"

extern const struct tool docker_meta_tool;

/* Cron and monitoring live by these. */
enum docker_meta_status {
	META_STATUS_OK = 0,
	META_STATUS_WARNING = 1,
	META_STATUS_ERROR = 2,
	META_STATUS_BLIND = 3, /* could not look */
};

/* Gather, join, conclude, and say it.  The status to end with. */
must_check int docker_meta_run(const struct docker_meta_options *o);

#endif
