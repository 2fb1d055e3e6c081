/* SPDX-License-Identifier: MIT */
#include "docker_meta/data/file_system.h"

#include <stdio.h>
#include <string.h>

#include "common/base/endian.h"

static uint64_t be(const uint8_t *at, unsigned int bytes)
{
	uint64_t value = 0;

	while (bytes--)
		value = value << 8 | *at++;
	return value;
}

static uint64_t le(const uint8_t *at, unsigned int bytes)
{
	uint64_t value = 0;

	while (bytes--)
		value = value << 8 | at[bytes];
	return value;
}

static void take_uuid(struct file_system *fs, const uint8_t *u)
{
	(void)snprintf(fs->uuid, sizeof(fs->uuid),
		       "%02x%02x%02x%02x-%02x%02x-%02x%02x-%02x%02x-%02x%02x%02x%02x%02x%02x", u[0],
		       u[1], u[2], u[3], u[4], u[5], u[6], u[7], u[8], u[9], u[10], u[11], u[12],
		       u[13], u[14], u[15]);
}

static void take_label(struct file_system *fs, const uint8_t *label, size_t size)
{
	(void)snprintf(fs->label, sizeof(fs->label), "%.*s", (int)size, (const char *)label);
}

/* ---- xfs: all big-endian */

enum {
	XFS_BLOCK_SIZE = 4,
	XFS_BLOCKS = 8,
	XFS_UUID = 32,
	XFS_LABEL = 108,
	XFS_LABEL_SIZE = 12,
	XFS_BLOCK_LOG = 120,
	XFS_MIN_LOG = 9,
	XFS_MAX_LOG = 16,
};

static bool probe_xfs(const uint8_t *head, struct file_system *fs)
{
	const uint64_t block = be(head + XFS_BLOCK_SIZE, 4), nr = be(head + XFS_BLOCKS, 8);
	const unsigned int log = head[XFS_BLOCK_LOG];

	if (memcmp(head, "XFSB", 4) != 0 || log < XFS_MIN_LOG || log > XFS_MAX_LOG ||
	    block != UINT64_C(1) << log || !nr || nr >> (63 - log))
		return false;
	*fs = (struct file_system){ .type = "xfs",
				    .bytes = nr << log,
				    .block_size = (uint32_t)block };
	take_uuid(fs, head + XFS_UUID);
	take_label(fs, head + XFS_LABEL, XFS_LABEL_SIZE);
	return true;
}

/* ---- ext2, ext3, ext4: all little-endian, from byte 1024 on */

enum {
	EXT_BEGIN = 1024,
	EXT_BLOCKS = 4,
	EXT_BLOCK_LOG = 24, /* of 1024 */
	EXT_MAGIC = 56,
	EXT_COMPAT = 92,
	EXT_INCOMPAT = 96,
	EXT_RO_COMPAT = 100,
	EXT_UUID = 104,
	EXT_LABEL = 120,
	EXT_LABEL_SIZE = 16,
	EXT_BLOCKS_HIGH = 336,
	EXT_MAX_LOG = 6,
};

#define EXT_MAGIC_VALUE 0xef53u
#define EXT_HAS_JOURNAL 0x4u
#define EXT_64BIT 0x80u
/* What ext3 knows: file types, recovery, meta groups; sparse superblocks, large files, directories.
 */
#define EXT3_INCOMPAT 0x16u
#define EXT3_RO_COMPAT 0x7u

static const char *ext_type(uint64_t compat, uint64_t incompat, uint64_t ro_compat)
{
	if (incompat & ~EXT3_INCOMPAT || ro_compat & ~EXT3_RO_COMPAT)
		return "ext4";
	return compat & EXT_HAS_JOURNAL ? "ext3" : "ext2";
}

static bool probe_ext(const uint8_t *head, struct file_system *fs)
{
	const uint8_t *sb = head + EXT_BEGIN;
	const uint64_t incompat = le(sb + EXT_INCOMPAT, 4), log = le(sb + EXT_BLOCK_LOG, 4);
	uint64_t nr = le(sb + EXT_BLOCKS, 4);

	if (incompat & EXT_64BIT)
		nr |= le(sb + EXT_BLOCKS_HIGH, 4) << 32;
	if (le(sb + EXT_MAGIC, 2) != EXT_MAGIC_VALUE || log > EXT_MAX_LOG || !nr ||
	    nr >> (53 - log))
		return false;
	*fs = (struct file_system){
		.type = ext_type(le(sb + EXT_COMPAT, 4), incompat, le(sb + EXT_RO_COMPAT, 4)),
		.bytes = nr << (10 + log),
		.block_size = UINT32_C(1024) << log,
	};
	take_uuid(fs, sb + EXT_UUID);
	take_label(fs, sb + EXT_LABEL, EXT_LABEL_SIZE);
	return true;
}

struct file_system file_system_probe(const void *head, size_t size)
{
	struct file_system fs = { .type = NULL };

	if (size >= FILE_SYSTEM_HEAD && !probe_xfs(head, &fs))
		(void)probe_ext(head, &fs);
	return fs;
}
