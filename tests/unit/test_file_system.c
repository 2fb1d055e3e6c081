/* SPDX-License-Identifier: MIT
 * test_file_system.c: which file system begins with these bytes.
 */
#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/compiler.h"
#include "docker_meta/data/file_system.h"
#include "tests/support/leaks.h"

TestSuite(file_system, .fini = fail_on_leaks);

struct head {
	uint8_t bytes[FILE_SYSTEM_HEAD];
};

static void put_le(struct head *h, size_t at, unsigned int bytes, uint64_t value)
{
	for (; bytes--; value >>= 8)
		h->bytes[at++] = (uint8_t)value;
}

static void put_be(struct head *h, size_t at, unsigned int bytes, uint64_t value)
{
	while (bytes--)
		h->bytes[at++] = (uint8_t)(value >> 8 * bytes);
}

static struct head xfs(uint64_t blocks, unsigned int log)
{
	struct head h = { "XFSB" };

	put_be(&h, 4, 4, UINT64_C(1) << log);
	put_be(&h, 8, 8, blocks);
	for (uint8_t i = 0; i < 16; i++)
		h.bytes[32 + i] = (uint8_t)(0x11 * i);
	memcpy(h.bytes + 108, "abcdefghijkl", 12);
	h.bytes[120] = (uint8_t)log;
	return h;
}

static struct head ext(uint64_t blocks, unsigned int log, uint32_t compat, uint32_t incompat,
		       uint32_t ro_compat)
{
	struct head h = { "" };

	put_le(&h, 1024 + 4, 4, blocks);
	put_le(&h, 1024 + 336, 4, blocks >> 32);
	put_le(&h, 1024 + 24, 4, log);
	put_le(&h, 1024 + 56, 2, 0xef53);
	put_le(&h, 1024 + 92, 4, compat);
	put_le(&h, 1024 + 96, 4, incompat);
	put_le(&h, 1024 + 100, 4, ro_compat);
	memcpy(h.bytes + 1024 + 104, "0123456789abcdef", 16);
	memcpy(h.bytes + 1024 + 120, "label", 5);
	return h;
}

static struct file_system probe(const struct head *h)
{
	return file_system_probe(h->bytes, sizeof(h->bytes));
}

Test(file_system, xfs)
{
	const struct head h = xfs(2621440, 12), none = xfs(0, 12), small = xfs(1, 8),
			  large = xfs(1, 17), huge = xfs(UINT64_MAX, 12);
	struct head other = h;
	struct file_system fs = probe(&h);

	cr_assert_str_eq(fs.type, "xfs");
	cr_expect_eq(fs.bytes, UINT64_C(10737418240));
	cr_expect_eq(fs.block_size, 4096);
	cr_expect_str_eq(fs.uuid, "00112233-4455-6677-8899-aabbccddeeff");
	cr_expect_str_eq(fs.label, "abcdefghijkl");
	cr_expect_null(probe(&none).type);
	cr_expect_null(probe(&small).type);
	cr_expect_null(probe(&large).type);
	cr_expect_null(probe(&huge).type);
	put_be(&other, 4, 4, 2048);
	cr_expect_null(probe(&other).type);
	cr_expect_null(file_system_probe(h.bytes, sizeof(h.bytes) - 1).type);
}

Test(file_system, ext)
{
	const struct {
		uint32_t compat, incompat, ro_compat;
		const char *type;
	} cases[] = {
		{ 0, 0, 0, "ext2" },
		{ 0x38, 0x2, 0x3, "ext2" },
		{ 0x3c, 0x2, 0x3, "ext3" },
		{ 0x3c, 0x6, 0x7, "ext3" },
		{ 0x3c, 0x2c2, 0x46b, "ext4" },
		{ 0, 0x40, 0, "ext4" },
		{ 0x4, 0x2, 0x8, "ext4" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		const struct head h =
			ext(1000, 2, cases[i].compat, cases[i].incompat, cases[i].ro_compat);
		struct file_system fs = probe(&h);

		cr_assert_not_null(fs.type);
		cr_expect_str_eq(fs.type, cases[i].type);
		cr_expect_eq(fs.bytes, 4096000);
		cr_expect_str_eq(fs.uuid, "30313233-3435-3637-3839-616263646566");
		cr_expect_str_eq(fs.label, "label");
	}
}

Test(file_system, ext_sizes)
{
	/* The upper half counts with the feature alone. */
	const struct head wide = ext((UINT64_C(1) << 32) + 1, 2, 4, 0x80, 0),
			  narrow = ext((UINT64_C(1) << 32) + 1, 2, 4, 0, 0),
			  none = ext(0, 2, 4, 0, 0), log = ext(1, 7, 4, 0, 0),
			  huge = ext(UINT64_MAX, 2, 4, 0x80, 0);

	cr_expect_eq(probe(&wide).bytes, (UINT64_C(1) << 44) + 4096);
	cr_expect_eq(probe(&narrow).bytes, 4096);
	cr_expect_null(probe(&none).type);
	cr_expect_null(probe(&log).type);
	cr_expect_null(probe(&huge).type);
}

Test(file_system, anything)
{
	struct head h;

	srand(1);
	for (int round = 0; round < 100000; round++) {
		for (size_t i = 0; i < sizeof(h); i += sizeof(int)) {
			int value = rand();

			memcpy(h.bytes + i, &value, sizeof(value));
		}
		if (round % 2)
			memcpy(h.bytes, "XFSB", 4);
		else
			put_le(&h, 1024 + 56, 2, 0xef53);
		(void)probe(&h);
	}
}
