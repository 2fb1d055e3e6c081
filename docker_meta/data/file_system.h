/* SPDX-License-Identifier: MIT
 * file_system.h: which file system begins with these bytes: what its superblock says.
 *
 * Sources: Linux fs/xfs/libxfs/xfs_format.h (struct xfs_dsb), fs/ext4/ext4.h (struct
 * ext4_super_block); which of ext2, ext3 and ext4 it is told as by libblkid, which Docker asks.
 */
#ifndef DOCKER_META_DATA_FILE_SYSTEM_H
#define DOCKER_META_DATA_FILE_SYSTEM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { FILE_SYSTEM_HEAD = 4096 }; /* bytes that tell it */

struct file_system {
	const char *type;    /* "xfs", "ext4", …; NULL: it is not known */
	uint64_t bytes;      /* its size */
	uint32_t block_size; /* bytes */
	char uuid[37];       /* as blkid prints it */
	char label[17];
};

/* Of the first bytes of a device; fewer than FILE_SYSTEM_HEAD tell nothing.  All zero: unknown. */
struct file_system file_system_probe(const void *head, size_t size);

#endif
