/* SPDX-License-Identifier: MIT
 * number.h: decimal numbers from outside.
 */
#ifndef THINMEND_BASE_NUMBER_H
#define THINMEND_BASE_NUMBER_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "common/base/compiler.h"

/* A decimal number and nothing else: no sign, no blank, no overflow. */
must_check bool parse_u64(const char *text, uint64_t *ret_value);

/* The decimal number that text begins with: what stands behind it, or NULL where none does. */
must_check const char *parse_u64_prefix(const char *text, uint64_t *ret_value);

/* "MAJOR:MINOR", as the kernel writes the number of a device.  Likewise. */
must_check const char *parse_device_prefix(const char *text, dev_t *ret_device);

#endif
