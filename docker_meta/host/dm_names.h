/* SPDX-License-Identifier: MIT
 * dm_names.h: the names that devices have in device-mapper.
 *
 * Docker's: docker-MAJOR:MINOR-INODE-HASH, by the directory ROOT/devicemapper (moby v24
 * daemon/graphdriver/devmapper/deviceset.go, initDevmapper); the pool of a loop file is called
 * docker-MAJOR:MINOR-INODE-pool.
 *
 * LVM's: GROUP-VOLUME, with each hyphen of a name's own doubled, and -LAYER behind that for what it
 * puts below a volume (lvm2 libdm/libdm-string.c, dm_build_dm_name()).
 */
#ifndef DOCKER_META_HOST_DM_NAMES_H
#define DOCKER_META_HOST_DM_NAMES_H

#include <stdbool.h>
#include <stddef.h>

/* The HASH within such a name, also "pool" and "base"; NULL: it is no such name. */
const char *dm_name_hash(const char *name);

/* What is behind /dev/mapper/, or all of it. */
const char *dm_name_strip(const char *path);

/* The layer that LVM calls a pool by when it has thin volumes of its own in it. */
#define LVM_POOL_LAYER "-tpool"
bool dm_name_is_layered(const char *name);

/* The length of GROUP; 0: LVM gives no such names.  Docker's look like those of a group "docker".
 */
size_t dm_name_group(const char *name);

/* The length of NAME in "/dev/mapper/NAME_tmeta", a pool's metadata; 0: it is no such path. */
size_t dm_name_of_metadata(const char *path);

#endif
