/* SPDX-License-Identifier: MIT
 * foreign.h: devices of the pool that something else than Docker made.
 *
 * Docker makes one device in each transaction of the pool: three or more in one are another's
 * (containerd makes all of its in transaction 0, dmsetup in the current one).  LVM opens a
 * transaction for each of its thin volumes, too: of these lvs tells, or that they are active.
 */
#ifndef DOCKER_META_FACTS_FOREIGN_H
#define DOCKER_META_FACTS_FOREIGN_H

#include "docker_meta/config/config.h"
#include "docker_meta/facts/devices.h"
#include "docker_meta/host/host.h"

/*
 * Note in the rows which of LVM's volumes has the device, by lvs or because it is active: it refers
 * to it; and how many were made in its transaction, where those are too many.  What nobody of
 * Docker's needs gets the role; or is unproven, where there may be volumes that nobody told of.
 * Both must outlive the table.  O(n log n).  0 or -ENOMEM.
 */
must_check int device_table_find_foreign(struct device_table *t, const struct config *c,
					 const struct host *h);

/* Of pointers to rows that the pool has, for qsort(): by the transaction that it made them in. */
int compare_pool_transactions(const void *a, const void *b);

#endif
