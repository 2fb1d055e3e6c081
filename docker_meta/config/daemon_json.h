/* SPDX-License-Identifier: MIT
 * daemon_json.h: Docker's own configuration file.
 *
 * (moby daemon/config/config.go, v1.10 to v24.  Up to 20.10 Docker reads the first value of the
 * file and takes no notice of what follows, and an empty file stops it; 23 and later are stricter
 * with the former, and do not mind the latter.)
 */
#ifndef DOCKER_META_CONFIG_DAEMON_JSON_H
#define DOCKER_META_CONFIG_DAEMON_JSON_H

#include "docker_meta/config/dm_settings.h"

/* Texts are owned; NULL: not told. */
struct daemon_json {
	bool usable;     /* Docker gets as far as taking values from it */
	char *data_root; /* or graph, as it was called */
	char *driver, *userns;
	bool has_options; /* storage-opts is there */
	size_t nr_options;
	struct dm_settings dm; /* when the driver is devicemapper, or not told */
};

/* What is known of the engine that has written to the root. */
struct daemon_background {
	bool since_17_09, since_23;
};

/*
 * From the text of a file, behind which there is a NUL; it is changed.  What is wrong goes to
 * faults.  0 or -ENOMEM; to be destroyed in any case.
 */
must_check int daemon_json_parse(char *text, size_t size,
				 const struct daemon_background *background,
				 struct daemon_json *ret_daemon, struct fault_list *faults);
void daemon_json_destroy(struct daemon_json *d);

#endif
