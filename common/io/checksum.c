/* SPDX-License-Identifier: MIT */
#include "common/io/checksum.h"

#include <string.h>

#include "common/base/endian.h"
#include "common/io/block_io.h"

/*
 * Eight tables of 256, so that eight bytes are looked up at once.  Entry i of a table is the sum of
 * the entries of i's bits: eight constants make a table, and the compiler computes the rest.
 */
/* One line is one table. */
/* clang-format off */
static const uint32_t crc_tables[8][256] = {
#define ENTRY(i, c0, c1, c2, c3, c4, c5, c6, c7)                                              \
	(((i)&1 ? (c0) : 0) ^ ((i)&2 ? (c1) : 0) ^ ((i)&4 ? (c2) : 0) ^ ((i)&8 ? (c3) : 0) ^          \
	 ((i)&16 ? (c4) : 0) ^ ((i)&32 ? (c5) : 0) ^ ((i)&64 ? (c6) : 0) ^ ((i)&128 ? (c7) : 0))
#define FOUR(i, ...)                                                                          \
	ENTRY((i), __VA_ARGS__), ENTRY((i) + 1, __VA_ARGS__), ENTRY((i) + 2, __VA_ARGS__),    \
		ENTRY((i) + 3, __VA_ARGS__)
#define SIXTEEN(i, ...)                                                                       \
	FOUR((i), __VA_ARGS__), FOUR((i) + 4, __VA_ARGS__), FOUR((i) + 8, __VA_ARGS__),       \
		FOUR((i) + 12, __VA_ARGS__)
#define SIXTY_FOUR(i, ...)                                                                    \
	SIXTEEN((i), __VA_ARGS__), SIXTEEN((i) + 16, __VA_ARGS__),                            \
		SIXTEEN((i) + 32, __VA_ARGS__), SIXTEEN((i) + 48, __VA_ARGS__)
#define TABLE(...)                                                                            \
	{ SIXTY_FOUR(0, __VA_ARGS__), SIXTY_FOUR(64, __VA_ARGS__), SIXTY_FOUR(128, __VA_ARGS__), \
	  SIXTY_FOUR(192, __VA_ARGS__) }
	TABLE(0xf26b8303, 0xe13b70f7, 0xc79a971f, 0x8ad958cf, 0x105ec76f, 0x20bd8ede, 0x417b1dbc, 0x82f63b78),
	TABLE(0x13a29877, 0x274530ee, 0x4e8a61dc, 0x9d14c3b8, 0x3fc5f181, 0x7f8be302, 0xff17c604, 0xfbc3faf9),
	TABLE(0xa541927e, 0x4f6f520d, 0x9edea41a, 0x38513ec5, 0x70a27d8a, 0xe144fb14, 0xc76580d9, 0x8b277743),
	TABLE(0xdd45aab8, 0xbf672381, 0x7b2231f3, 0xf64463e6, 0xe964b13d, 0xd725148b, 0xaba65fe7, 0x52a0c93f),
	TABLE(0x38116fac, 0x7022df58, 0xe045beb0, 0xc5670b91, 0x8f2261d3, 0x1ba8b557, 0x37516aae, 0x6ea2d55c),
	TABLE(0xef306b19, 0xdb8ca0c3, 0xb2f53777, 0x6006181f, 0xc00c303e, 0x85f4168d, 0x0e045beb, 0x1c08b7d6),
	TABLE(0x68032cc8, 0xd0065990, 0xa5e0c5d1, 0x4e2dfd53, 0x9c5bfaa6, 0x3d5b83bd, 0x7ab7077a, 0xf56e0ef4),
	TABLE(0x493c7d27, 0x9278fa4e, 0x211d826d, 0x423b04da, 0x847609b4, 0x0d006599, 0x1a00cb32, 0x34019664),
};
/* clang-format on */

static uint64_t load_le64(const uint8_t *p)
{
	__le64 v;

	memcpy(&v, p, sizeof(v));
	return le64_to_cpu(v);
}

uint32_t crc32c_portable(uint32_t crc, const void *data, size_t bytes)
{
	const uint8_t *p = data;

	for (; bytes >= 8; bytes -= 8, p += 8) {
		uint64_t w = load_le64(p) ^ crc;

		crc = 0;
		for (unsigned int i = 0; i < 8; i++)
			crc ^= crc_tables[7 - i][(w >> (8 * i)) & 0xff];
	}
	for (; bytes; bytes--)
		crc = (crc >> 8) ^ crc_tables[0][(crc ^ *p++) & 0xff];
	return crc;
}

#define CRC_BYTES (MD_BLOCK_SIZE - 4)

/* sparse does not know the intrinsics: it looks at the portable code alone. */
#if defined(__x86_64__) && !defined(__CHECKER__)
#include <immintrin.h>

#define x86_crc __attribute__((target("sse4.2,pclmul")))

bool crc32c_has_hardware(void)
{
	return __builtin_cpu_supports("sse4.2") && __builtin_cpu_supports("pclmul");
}

x86_crc uint32_t crc32c_hardware(uint32_t crc, const void *data, size_t bytes)
{
	const uint8_t *p = data;
	uint64_t c = crc;

	for (; bytes >= 8; bytes -= 8, p += 8)
		c = _mm_crc32_u64(c, load_le64(p));
	crc = (uint32_t)c;
	for (; bytes; bytes--)
		crc = _mm_crc32_u8(crc, *p++);
	return crc;
}

/* crc followed by n zero bytes, where factor is x^(8n-33) modulo the polynomial, reflected. */
x86_crc static uint64_t append_zeros(uint64_t crc, uint32_t factor)
{
	__m128i product = _mm_clmulepi64_si128(_mm_cvtsi64_si128((long long)crc),
					       _mm_cvtsi64_si128((long long)factor), 0);

	return _mm_crc32_u64(0, (uint64_t)_mm_cvtsi128_si64(product));
}

/*
 * The instruction takes three cycles and one can start every cycle: three streams of a third of the
 * block each keep it busy, and are then joined.
 */
x86_crc static uint32_t block_crc_hardware(const uint8_t *p)
{
	enum { WORDS = (CRC_BYTES - 4) / 8, THIRD = WORDS / 3 };
	const uint32_t zeros_1368 = 0x79113270, zeros_2728 = 0x7b454cb3;
	const uint8_t *a = p + 4, *b = a + 8 * (size_t)THIRD, *c = b + 8 * (size_t)THIRD;
	uint64_t crc_a = crc32c_hardware(~UINT32_C(0), p, 4), crc_b = 0, crc_c = 0;

	_Static_assert(WORDS == 511 && THIRD == 170, "the factors belong to these lengths");
	for (size_t i = 0; i < THIRD; i++) {
		crc_a = _mm_crc32_u64(crc_a, load_le64(a + 8 * i));
		crc_b = _mm_crc32_u64(crc_b, load_le64(b + 8 * i));
		crc_c = _mm_crc32_u64(crc_c, load_le64(c + 8 * i));
	}
	crc_c = _mm_crc32_u64(crc_c, load_le64(c + 8 * (size_t)THIRD));
	return (uint32_t)(append_zeros(crc_a, zeros_2728) ^ append_zeros(crc_b, zeros_1368) ^
			  crc_c);
}

#elif defined(__aarch64__) && !defined(__CHECKER__)
#include <arm_acle.h>
#include <asm/hwcap.h>
#include <sys/auxv.h>

#define arm_crc __attribute__((target("+crc")))

bool crc32c_has_hardware(void)
{
	return (getauxval(AT_HWCAP) & HWCAP_CRC32) != 0;
}

arm_crc uint32_t crc32c_hardware(uint32_t crc, const void *data, size_t bytes)
{
	const uint8_t *p = data;

	for (; bytes >= 8; bytes -= 8, p += 8)
		crc = __crc32cd(crc, load_le64(p));
	for (; bytes; bytes--)
		crc = __crc32cb(crc, *p++);
	return crc;
}

static uint32_t block_crc_hardware(const uint8_t *p)
{
	return crc32c_hardware(~UINT32_C(0), p, CRC_BYTES);
}

#else

bool crc32c_has_hardware(void)
{
	return false;
}

uint32_t crc32c_hardware(uint32_t crc, const void *data, size_t bytes)
{
	return crc32c_portable(crc, data, bytes);
}

static uint32_t block_crc_hardware(const uint8_t *p)
{
	return crc32c_portable(~UINT32_C(0), p, CRC_BYTES);
}

#endif

uint32_t block_checksum(const void *block, uint32_t salt)
{
	const uint8_t *p = (const uint8_t *)block + 4;
	uint32_t crc = crc32c_has_hardware() ? block_crc_hardware(p)
					     : crc32c_portable(~UINT32_C(0), p, CRC_BYTES);

	return crc ^ salt;
}

bool block_checksum_ok(const void *block, uint32_t salt)
{
	__le32 stored;

	memcpy(&stored, block, sizeof(stored));
	return le32_to_cpu(stored) == block_checksum(block, salt);
}

void block_checksum_set(void *block, uint32_t salt)
{
	__le32 csum = cpu_to_le32(block_checksum(block, salt));

	memcpy(block, &csum, sizeof(csum));
}
