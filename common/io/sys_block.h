/* SPDX-License-Identifier: MIT
 * sys_block.h: what /sys says of block devices (Linux: Documentation/ABI/stable/sysfs-block).
 */
#ifndef THINMEND_IO_SYS_BLOCK_H
#define THINMEND_IO_SYS_BLOCK_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

/* Bytes [begin, end) of a disk. */
struct partition {
	dev_t disk;
	uint64_t begin, end;
};

/* false: the device with this number is none, or /sys does not tell where it lies. */
bool partition_find(dev_t rdev, struct partition *ret);

/* The path of what is called name in the directory of a device; cut off where it is too long. */
enum { SYS_PATH = 320 };
void sys_path(dev_t rdev, const char *name, char path[SYS_PATH]);

/* The number of the device that a file called dev has.  false: it cannot be read, or has none. */
bool sys_read_device(const char *path, dev_t *ret);

#endif
