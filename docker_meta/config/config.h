/* SPDX-License-Identifier: MIT
 * config.h: how Docker and LVM are configured: daemon.json, what lvs says, and what stands in /etc.
 *
 * What this host has in /etc is of its own Docker.  With the root of another one, a copy or a disk
 * mounted elsewhere, nothing of it is believed, and only files that were named are looked at.
 */
#ifndef DOCKER_META_CONFIG_CONFIG_H
#define DOCKER_META_CONFIG_CONFIG_H

#include "docker_meta/config/daemon_json.h"
#include "docker_meta/config/lvm.h"
#include "docker_meta/options.h"

#define DEFAULT_DATA_ROOT "/var/lib/docker"

enum config_look {
	CONFIG_NOT_LOOKED, /* switched off, or of no use here */
	CONFIG_OTHERS,     /* this host's, which is of another root */
	CONFIG_ABSENT,     /* there is no such file */
	CONFIG_UNREADABLE, /* there is, and it could not be read or used */
	CONFIG_READ,
};

/* A file, and what became of it. */
struct config_source {
	enum config_look look;
	char *path;      /* owned; NULL: none is known */
	const char *why; /* it could not be read: a constant; NULL: no reason is known */
};

/* Texts are owned, NULL: not told. */
struct config {
	char *data_root;
	char *root;       /* to be looked at; with userns-remap it is below data_root */
	char *remapped;   /* userns-remap: the root that was named has Docker's own below, there */
	char *trouble;    /* a file that was named cannot be used: which, and why */
	bool live;        /* the root is of this host's own Docker */
	bool since_17_09; /* the engine that wrote below the root */
	bool since_23;
	bool may_be_above; /* userns-remap: whether this is that root cannot be told */

	bool has_loop_files; /* below the root */

	struct config_source daemon;
	bool has_daemon;  /* daemon.json is known: read, or not there on a live host */
	bool has_options; /* there are storage-opts: then no flag of dockerd's may give any */
	size_t nr_options;
	char *driver; /* storage-driver */
	char *userns; /* userns-remap */
	struct dm_settings dm;

	struct config_source sysconfig; /* /etc/sysconfig/docker-storage */
	bool has_driver_flag, has_option_flag;

	/* What the host or the user calls the pool in device-mapper; "": neither does. */
	char pool_name[128];
	struct config_source lvs;
	struct lvm_report lvm;
	struct config_source profile, lvm_conf;
	struct autoextend by_profile, by_lvm_conf;

	struct config_source kernel;
	uint64_t kernel_major, kernel_minor;

	bool has_space;                   /* of the data-root's file system: */
	uint64_t space_total, space_free; /* bytes; free to others than root */
	bool lacks_lvm, lacks_thin_check; /* live: in none of the usual directories */

	struct fault_list faults; /* what is wrong whatever the pool and the state say */
};

/* 0 or -errno of our own, perhaps with trouble; to be destroyed in any case. */
/* Each file that it was read from, or that was looked for. */
enum { NR_CONFIG_SOURCES = 6 };
const struct config_source *config_source(const struct config *c, size_t i);

must_check int config_read(const struct docker_meta_options *o, struct config *ret_config);
void config_destroy(struct config *c);

/* The pool's name for device-mapper, "docker-thinpool"; NULL: not known, or Docker's own pool. */
const char *config_thinpooldev(const struct config *c);

/* Docker makes the pool from two loop files: daemon.json says so by its silence, or they are there.
 */
bool config_is_loop(const struct config *c);

/* dockerd uses devicemapper, or nobody says what it uses. */
bool config_is_devicemapper(const struct config *c);

/* Per cent; 10 where nothing is told. */
uint64_t config_min_free_space(const struct config *c);

struct device_record;

/* dm.basesize is less than what the base device, which may be NULL, has already. */
bool config_shrinks_base(const struct config *c, const struct device_record *base);

/* Docker loads the pool itself, with data blocks of another size than the pool has (sectors). */
bool config_wants_other_blocks(const struct config *c, uint64_t sectors);

/* What the host, or the user, calls the pool; NULL: neither does. */
void config_note_pool(struct config *c, const char *name);

/*
 * The pool in what lvs says, by that name or by daemon.json's; where there is none the only one
 * that lvs knows, unless the pool is of loop files.  NULL: none, or nobody can tell.
 */
const struct lvm_volume *config_pool_volume(const struct config *c);

#endif
