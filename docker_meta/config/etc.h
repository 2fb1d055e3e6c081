/* SPDX-License-Identifier: MIT
 * etc.h: what this host has in /etc, and a few things else, when the root is its own Docker's.
 */
#ifndef DOCKER_META_CONFIG_ETC_H
#define DOCKER_META_CONFIG_ETC_H

#include "docker_meta/config/config.h"

/* The text of a file, or NULL; source tells what became of it.  0 or -ENOMEM. */
must_check int config_source_read(struct config_source *source, const char *path, bool named,
				  char **ret_text, size_t *ret_size);

/* All of it, as far as it is of use.  0 or -ENOMEM. */
must_check int etc_read(const struct docker_meta_options *o, const char *root, struct config *c);

/*
 * What the line DOCKER_STORAGE_OPTIONS of /etc/sysconfig/docker-storage gives to dockerd: its
 * --storage-opt are taken into dm, faults and all.  0 or -ENOMEM.
 */
must_check int storage_flags_take(const char *text, struct config *c, struct dm_settings *dm,
				  struct fault_list *faults);

/* "6.1.0-50-amd64": 6 and 1; false where it is no such thing. */
must_check bool kernel_release_parse(const char *text, uint64_t *ret_major, uint64_t *ret_minor);

#endif
