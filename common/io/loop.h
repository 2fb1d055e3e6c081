/* SPDX-License-Identifier: MIT
 * loop.h: loop devices and the files behind them (Linux: include/uapi/linux/loop.h, loop.c).
 */
#ifndef THINMEND_IO_LOOP_H
#define THINMEND_IO_LOOP_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/stat.h>
#include <sys/types.h>

#include "common/base/compiler.h"

/* What a loop device stands on. */
struct loop_backing {
	bool is_device; /* on the block device rdev; else on the file device:inode */
	dev_t device, rdev;
	ino_t inode;
	uint64_t begin,
		end; /* its bytes [begin, end) of that; end is UINT64_MAX where it is open */
};

/*
 * What the loop device with the number rdev stands on.  The kernel is asked, so that a file that
 * was renamed, removed or is of another mount namespace is known too.  0; -ENXIO when it stands on
 * nothing; or another -errno.
 */
must_check int loop_backing(dev_t rdev, struct loop_backing *ret);

/*
 * Does a loop device stand on this regular file or block device?  The kernel's list is asked
 * (/sys/block, or /dev where that is not mounted).
 */
bool loop_stands_on(const struct stat *st);

/*
 * Is one of them, or one that stands on it in turn, mounted or part of something that is active?
 * Of a loop device also: what it stands on, or another loop device that has the same bytes of that.
 * True also where that cannot be told, because its node in /dev cannot be opened.
 */
bool loop_in_use(const struct stat *st);

#endif
