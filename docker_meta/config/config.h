/* SPDX-License-Identifier: MIT
 * config.h: how Docker and LVM are configured: daemon.json, and what lvs says.
 */
#ifndef DOCKER_META_CONFIG_CONFIG_H
#define DOCKER_META_CONFIG_CONFIG_H

#include "docker_meta/options.h"

struct config {
	bool has_daemon; /* daemon.json was read */
	char *data_root; /* owned; NULL: not told */
};

/* 0 or -errno of our own; to be destroyed in any case. */
must_check int config_read(const struct docker_meta_options *o, struct config *ret_config);
void config_destroy(struct config *c);

#endif
