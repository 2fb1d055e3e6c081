/* SPDX-License-Identifier: MIT
 * setup_config.h: ROOT/devicemapper/setup-config.json, what Docker set direct-lvm up with (17.06 to
 * 24, device_setup.go).
 */
#ifndef DOCKER_META_SOURCE_DOCKER_SETUP_CONFIG_H
#define DOCKER_META_SOURCE_DOCKER_SETUP_CONFIG_H

#include <stdint.h>

#include "docker_meta/read/safe_dir.h"
#include "docker_meta/source/problems.h"

struct setup_config {
	bool present; /* and neither empty nor broken: Docker takes an empty file for none */
	bool broken;  /* it cannot be read: a problem tells */
	char *device; /* owned */
	uint64_t thinp_percent, thinp_metapercent; /* 0: as Docker likes */
	uint64_t autoextend_threshold, autoextend_percent;
};

/* 0 or -errno of our own; what cannot be used becomes a problem. */
must_check int setup_config_read(const struct safe_dir *root, struct setup_config *ret_setup,
				 struct problem_list *problems);
void setup_config_destroy(struct setup_config *s);

#endif
