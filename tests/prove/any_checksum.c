/* SPDX-License-Identifier: MIT
 * any_checksum.c: in place of common/io/checksum.c, whose own proof is prove_checksum(): a checksum
 * that may be any number, right or wrong.
 */
#include <string.h>

#include "common/base/endian.h"
#include "common/io/block_io.h"
#include "common/io/checksum.h"
#include "tests/prove/prove.h"

bool block_checksum_ok(const void *block, uint32_t salt)
{
	/*@ assert \valid_read((const char *)block + (0 .. 4095)); */
	(void)block;
	(void)salt;
	return Frama_C_interval(0, 1) != 0;
}

void block_checksum_set(void *block, uint32_t salt)
{
	__le32 csum = cpu_to_le32(Frama_C_unsigned_int_interval(0, UINT32_MAX));

	/*@ assert \valid_read((const char *)block + (0 .. 4095)); */
	(void)salt;
	memcpy(block, &csum, sizeof(csum));
}
