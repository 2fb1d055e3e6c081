/* SPDX-License-Identifier: MIT
 * device_details.h: the values of the details tree and of the mapping tree.
 *
 * (Linux: drivers/md/dm-thin-metadata.c, struct disk_device_details, pack_block_time.)
 */
#ifndef THINMEND_THIN_DEVICE_DETAILS_H
#define THINMEND_THIN_DEVICE_DETAILS_H

#include <stdint.h>
#include <string.h>

#include "common/base/endian.h"

#define DETAILS_SIZE 24u      /* bytes of a value in the details tree */
#define MAPPING_VALUE_SIZE 8u /* bytes of a value in both levels of the mapping tree */

struct disk_device_details {
	__le64 mapped_blocks;
	__le64 transaction_id;
	__le32 creation_time;
	__le32 snapshotted_time;
};

struct device_details {
	uint64_t mapped_blocks;
	uint64_t transaction_id;   /* of the pool when the device was made */
	uint32_t creation_time;    /* of the pool when the device was made */
	uint32_t snapshotted_time; /* a mapping older than this is shared: a write copies it */
};

_Static_assert(sizeof(struct disk_device_details) == DETAILS_SIZE, "layout of device details");

static inline struct device_details device_details_decode(const void *raw)
{
	struct disk_device_details d;

	memcpy(&d, raw, sizeof(d));
	return (struct device_details){ .mapped_blocks = le64_to_cpu(d.mapped_blocks),
					.transaction_id = le64_to_cpu(d.transaction_id),
					.creation_time = le32_to_cpu(d.creation_time),
					.snapshotted_time = le32_to_cpu(d.snapshotted_time) };
}

static inline void device_details_encode(const struct device_details *details, void *raw)
{
	struct disk_device_details d = {
		.mapped_blocks = cpu_to_le64(details->mapped_blocks),
		.transaction_id = cpu_to_le64(details->transaction_id),
		.creation_time = cpu_to_le32(details->creation_time),
		.snapshotted_time = cpu_to_le32(details->snapshotted_time),
	};

	memcpy(raw, &d, sizeof(d));
}

/* A mapping: 40 bits of data block, 24 bits of time. */
static inline uint64_t mapping_data_block(uint64_t value)
{
	return value >> 24;
}

static inline uint32_t mapping_time(uint64_t value)
{
	return (uint32_t)(value & 0xffffff);
}

static inline uint64_t mapping_value(uint64_t data_block, uint32_t time)
{
	return data_block << 24 | time;
}

#endif
