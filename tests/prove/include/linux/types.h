/* SPDX-License-Identifier: MIT
 * types.h: for Frama-C, whose headers lack it: what common/base/endian.h uses of this header and of
 * <endian.h>, on a little-endian machine (-machdep gcc_x86_64).
 */
#ifndef THINMEND_PROVE_LINUX_TYPES_H
#define THINMEND_PROVE_LINUX_TYPES_H

#include <stdint.h>

typedef uint32_t __le32;
typedef uint64_t __le64;

#define le32toh(x) (x)
#define le64toh(x) (x)
#define htole32(x) (x)
#define htole64(x) (x)

#endif
