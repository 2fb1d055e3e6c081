/* SPDX-License-Identifier: MIT
 * host.h: what the running host says: device-mapper's tables and status, and what is mounted.
 */
#ifndef DOCKER_META_HOST_HOST_H
#define DOCKER_META_HOST_HOST_H

#include "docker_meta/options.h"

struct host {
	bool has_dm, has_mounts; /* looked at */
};

/* 0 or -errno of our own; to be destroyed in any case. */
must_check int host_read(const struct docker_meta_options *o, const char *root,
			 struct host *ret_host);
void host_destroy(struct host *h);

#endif
