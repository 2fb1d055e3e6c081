/* SPDX-License-Identifier: MIT
 * config.h: how Docker and LVM are configured: daemon.json, what lvs says, and what stands in /etc.
 *
 * What this host has in /etc is of its own Docker.  With the root of another one, a copy or a disk
 * mounted elsewhere, nothing of it is believed, and only files that were named are looked at.
 */
#ifndef DOCKER_META_CONFIG_CONFIG_H
#define DOCKER_META_CONFIG_CONFIG_H

#include <stddef.h>

#include "docker_meta/config/dm_settings.h"
#include "docker_meta/config/faults.h"
#include "docker_meta/config/lvm.h"
#include "docker_meta/options.h"

#define DEFAULT_DATA_ROOT "/var/lib/docker"

enum config_look {
	CONFIG_NOT_LOOKED, /* switched off, or there is no way to look */
	CONFIG_OTHERS,     /* this host's, which is of another root */
	CONFIG_ABSENT,     /* there is no such file */
	CONFIG_UNREADABLE, /* there is, and it could not be read or used */
	CONFIG_READ,
};

/* A file, and what became of it. */
struct config_source {
	enum config_look look;
	char *path; /* owned */
	char *text; /* owned: what was seen in it, or why not, one line; NULL: nothing to say */
};

struct config {
	bool has_daemon; /* daemon.json was read, or is known not to be there */
	char *data_root; /* owned; NULL: not told */
	bool live;       /* the root is this host's own Docker's */

	struct config_source daemon;
	char *driver;          /* owned: storage-driver; NULL: not told */
	bool has_storage;      /* storage-opts is there */
	char *userns;          /* owned: userns-remap; NULL: none */
	struct dm_settings dm; /* its storage-opts, as devicemapper takes them */

	struct config_source lvs;
	struct lvm_report lvm;
	struct config_source profile, lvm_conf; /* below /etc/lvm */
	struct autoextend autoextend;           /* of the profile, else of lvm.conf */

	struct config_source sysconfig;        /* /etc/sysconfig/docker-storage */
	bool has_driver_flag, has_option_flag; /* it gives --storage-driver, --storage-opt */

	struct config_source kernel;
	unsigned int kernel_major, kernel_minor; /* 0: not known */

	bool has_space;                   /* of the data-root's file system: */
	uint64_t space_total, space_free; /* bytes; free to others than root */
	bool lacks_lvm, lacks_thin_check; /* live: not in any of the usual directories */

	struct fault_list faults; /* what is wrong whatever the pool and the state say */
};

/* 0 or -errno of our own; to be destroyed in any case. */
must_check int config_read(const struct docker_meta_options *o, struct config *ret_config);
void config_destroy(struct config *c);

/* The pool's name for device-mapper, "docker-thinpool"; NULL: not known, or Docker's own loop pool.
 */
const char *config_thinpooldev(const struct config *c);

/* Docker makes the pool from two loop files: true only where daemon.json says so by its silence. */
bool config_is_loop(const struct config *c);

/* dockerd uses devicemapper, or nobody says what it uses. */
bool config_is_devicemapper(const struct config *c);

/* Per cent; 10 where nothing is known. */
uint64_t config_min_free_space(const struct config *c);

#endif
