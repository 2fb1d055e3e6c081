/* SPDX-License-Identifier: MIT
 * partition.h: where on its disk a partition lies (Linux: Documentation/ABI/stable/sysfs-block).
 */
#ifndef THINMEND_IO_PARTITION_H
#define THINMEND_IO_PARTITION_H

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

/* ---- what /sys says of a device: one line, one number, another device's MAJOR:MINOR */

enum { SYS_PATH = 320 };
void sys_path(dev_t rdev, const char *name, char path[SYS_PATH]);
bool sys_read_device(const char *path, dev_t *ret);

#endif
