/* SPDX-License-Identifier: MIT
 * dm_names.h: the names that Docker gives to its devices in device-mapper.
 *
 * docker-MAJOR:MINOR-INODE-HASH, by the directory ROOT/devicemapper (moby v24
 * daemon/graphdriver/devmapper/deviceset.go, initDevmapper); the pool of a loop file is called
 * docker-MAJOR:MINOR-INODE-pool.
 */
#ifndef DOCKER_META_HOST_DM_NAMES_H
#define DOCKER_META_HOST_DM_NAMES_H

/* The HASH within such a name, also "pool" and "base"; NULL: it is no such name. */
const char *dm_name_hash(const char *name);

/* What is behind /dev/mapper/, or all of it. */
const char *dm_name_strip(const char *path);

#endif
