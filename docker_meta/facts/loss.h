/* SPDX-License-Identifier: MIT
 * loss.h: what thin_repair said that it could not save (thin_repair --report FILE).
 */
#ifndef DOCKER_META_FACTS_LOSS_H
#define DOCKER_META_FACTS_LOSS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/base/compiler.h"

#define LOSS_OPEN UINT64_MAX /* end of a range: all above; a number that is not known */

struct lost_range {
	uint64_t device;
	uint64_t begin, end; /* thin blocks: within these some were mapped */
};

struct repaired_device {
	uint64_t id;
	uint64_t nr_expected; /* mappings; LOSS_OPEN: not known */
	uint64_t nr_kept;
	bool details_rebuilt; /* times and transaction are not its own */
};

struct loss {
	struct lost_range *ranges; /* owned, by device, then by begin; of a device none overlap */
	size_t nr_ranges, ranges_capacity;
	struct repaired_device *devices; /* owned, by id */
	size_t nr_devices, devices_capacity;
	bool truncated;         /* the report did not list all of it */
	uint64_t nr_unassigned; /* losses of which nobody knows whose they are */
	bool older;             /* an earlier commit was taken */
};

/*
 * Read the report.  0; -EBADMSG for what is none, -errno of reading, -ENOMEM; with text filled but
 * for the last.  To be destroyed in any case.
 */
must_check int loss_read(const char *path, struct loss *ret_loss, char *text, size_t size);
void loss_destroy(struct loss *l);

/* What the report says of a device, or NULL. */
const struct repaired_device *loss_find(const struct loss *l, uint64_t id);

/* The ranges of a device: how many, from *ret_first on. */
size_t loss_ranges(const struct loss *l, uint64_t id, const struct lost_range **ret_first);

#endif
