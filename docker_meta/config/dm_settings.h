/* SPDX-License-Identifier: MIT
 * dm_settings.h: the options dm.* of Docker's devicemapper driver.
 *
 * (moby 1.4 to 24, daemon/graphdriver/devmapper/deviceset.go, NewDeviceSet(); device_setup.go.)
 */
#ifndef DOCKER_META_CONFIG_DM_SETTINGS_H
#define DOCKER_META_CONFIG_DM_SETTINGS_H

#include <stdint.h>

#include "docker_meta/config/faults.h"

enum dm_option_id {
#define DM_OPTION(id, name, since, type, default_value, what) DM_##id,
#include "docker_meta/config/dm_options.def"
#undef DM_OPTION
	NR_DM_OPTIONS
};

enum dm_type {
	DM_TYPE_SIZE,
	DM_TYPE_BOOL,
	DM_TYPE_TEXT,
	DM_TYPE_PATH,
	DM_TYPE_FILESYSTEM,
	DM_TYPE_FREE,        /* 0% to 99%, with the sign */
	DM_TYPE_PERCENT,     /* 0 to 99, the sign as one likes */
	DM_TYPE_PERCENT_100, /* 0 to 100, likewise */
	DM_TYPE_U64,
	DM_TYPE_LOG_LEVEL,
};

struct dm_option {
	const char *name;
	const char *since; /* of Docker */
	enum dm_type type;
	const char *default_value, *what;
};

const struct dm_option *dm_option(enum dm_option_id id);

/* Of an option that is given several times the last counts. */
struct dm_settings {
	char *texts[NR_DM_OPTIONS];      /* owned: as given; NULL: not given */
	uint64_t numbers[NR_DM_OPTIONS]; /* sizes in bytes, per cent, booleans as 0 and 1 */
	bool refused[NR_DM_OPTIONS];     /* by Docker: the number is 0 */
	bool bad;                        /* Docker refuses something */
};

/* With 20.10 and its neighbours in mind; an engine may be known to be of 17.09 or later. */
struct dm_background {
	bool since_17_09;
};

/*
 * Take one of storage-opts, "dm.basesize=20G"; what is wrong with it goes to faults.  0 or -ENOMEM.
 */
must_check int dm_settings_take(struct dm_settings *s, const char *option,
				struct fault_list *faults);

/* Whether they go together.  0 or -ENOMEM. */
must_check int dm_settings_judge(struct dm_settings *s, const struct dm_background *background,
				 struct fault_list *faults);
void dm_settings_destroy(struct dm_settings *s);

/* It is given, and good. */
static inline bool dm_has(const struct dm_settings *s, enum dm_option_id id)
{
	return s->texts[id] && !s->refused[id];
}

/* dm.thinpooldev without /dev/mapper/, as Docker takes it; NULL: not given. */
const char *dm_settings_pool(const struct dm_settings *s);

/* Any option of Docker's own setup of direct-lvm that it compares with setup-config.json. */
bool dm_settings_has_directlvm(const struct dm_settings *s);

#endif
