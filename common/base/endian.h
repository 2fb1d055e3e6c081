/* SPDX-License-Identifier: MIT
 * endian.h: little-endian on-disk integers.
 *
 * On-disk fields are __le32 and __le64 and are touched only through these functions, so that sparse
 * proves that no field is used in the wrong byte order.  This is the only file that casts them.
 */
#ifndef THINMEND_BASE_ENDIAN_H
#define THINMEND_BASE_ENDIAN_H

#include <endian.h>
#include <linux/types.h>
#include <stdint.h>

#ifdef __CHECKER__
#define le_force __attribute__((force))
#else
#define le_force
#endif

static inline uint32_t le32_to_cpu(__le32 v)
{
	return le32toh((le_force uint32_t)v);
}

static inline uint64_t le64_to_cpu(__le64 v)
{
	return le64toh((le_force uint64_t)v);
}

static inline __le32 cpu_to_le32(uint32_t v)
{
	return (le_force __le32)htole32(v);
}

static inline __le64 cpu_to_le64(uint64_t v)
{
	return (le_force __le64)htole64(v);
}

#endif
