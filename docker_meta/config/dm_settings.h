/* SPDX-License-Identifier: MIT
 * dm_settings.h: the options dm.* of Docker's devicemapper driver.
 *
 * (moby 1.4 to 24, daemon/graphdriver/devmapper/deviceset.go, NewDeviceSet(); device_setup.go.)
 */
#ifndef DOCKER_META_CONFIG_DM_SETTINGS_H
#define DOCKER_META_CONFIG_DM_SETTINGS_H

#include <stdint.h>

#include "docker_meta/config/faults.h"

/* What Docker's setup of direct-lvm is asked for, and what it keeps in setup-config.json.  0 is a
 * default, "" no device. */
struct directlvm {
	const char *device; /* borrowed */
	uint64_t thinp_percent, thinp_metapercent, autoextend_percent, autoextend_threshold;
};

/* Of an option that is given several times the last counts.  Texts are owned, NULL: not given. */
struct dm_settings {
	char *thinpooldev; /* without /dev/mapper/ */
	char *datadev, *metadatadev;
	char *filesystem;
	char *directlvm_device;
	uint64_t thinp_percent, thinp_metapercent, autoextend_percent, autoextend_threshold;
	bool has_basesize, has_loopdatasize, has_blocksize, has_min_free_space;
	uint64_t basesize, loopdatasize, blocksize; /* bytes */
	uint64_t min_free_space;                    /* per cent */
	bool has_deferred_removal, has_deferred_deletion, deferred_removal, deferred_deletion;
	bool bad; /* Docker refuses one of them */
};

/*
 * Take one of storage-opts, "dm.basesize=20G"; what is wrong with it goes to faults.  0 or -ENOMEM.
 */
must_check int dm_settings_take(struct dm_settings *s, const char *option,
				struct fault_list *faults);

/* Whether they go together.  0 or -ENOMEM. */
must_check int dm_settings_judge(struct dm_settings *s, struct fault_list *faults);
void dm_settings_destroy(struct dm_settings *s);

struct directlvm dm_settings_directlvm(const struct dm_settings *s);

#endif
