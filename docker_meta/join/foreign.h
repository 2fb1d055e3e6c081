/* SPDX-License-Identifier: MIT
 * foreign.h: devices of the pool that something else than Docker made.
 *
 * Docker makes one device in each transaction of the pool: three or more in one are another's
 * (containerd makes all of its in transaction 0, dmsetup in the current one).  LVM opens a
 * transaction for each of its thin volumes, too: of these lvs alone tells.
 */
#ifndef DOCKER_META_JOIN_FOREIGN_H
#define DOCKER_META_JOIN_FOREIGN_H

#include "docker_meta/config/lvm.h"
#include "docker_meta/join/devices.h"

/*
 * Note in the rows which volume of pool's has the device, and how many were made in its transaction
 * where those are too many; what has no name of Docker's gets the role.  pool is of the report, as
 * Docker's; NULL: not known.  The report must outlive the table.  O(n log n).  0 or -ENOMEM.
 */
must_check int device_table_find_foreign(struct device_table *t, const struct lvm_report *report,
					 const struct lvm_volume *pool);

#endif
