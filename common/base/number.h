/* SPDX-License-Identifier: MIT
 * number.h: decimal numbers from outside.
 */
#ifndef THINMEND_BASE_NUMBER_H
#define THINMEND_BASE_NUMBER_H

#include <stdbool.h>
#include <stdint.h>

#include "common/base/compiler.h"

/* A decimal number and nothing else: no sign, no blank, no overflow. */
must_check bool parse_u64(const char *text, uint64_t *ret_value);

#endif
