/* SPDX-License-Identifier: MIT
 * content.h: what metadata means, mapping by mapping, to be compared.
 */
#ifndef THINMEND_TESTS_CONTENT_H
#define THINMEND_TESTS_CONTENT_H

#include <stddef.h>
#include <stdint.h>

#include "common/io/block_io.h"

struct content_mapping {
	uint64_t device, thin, data;
	uint32_t time;
};

struct content {
	struct content_mapping *mappings; /* by ascending device and thin block */
	size_t nr, capacity;
	uint64_t nr_devices;
};

/* Everything that the strict reader finds in so many blocks (0: as the device has).  0, or its
 * -errno. */
int content_read(struct block_engine *e, uint64_t nr_blocks, struct content *ret);
void content_destroy(struct content *c);

struct content_difference {
	uint64_t kept, lost,
		wrong; /* wrong: not in the truth, or with another data block or time */
};

struct content_difference content_compare(const struct content *truth, const struct content *got);

#endif
