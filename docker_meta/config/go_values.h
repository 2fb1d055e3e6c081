/* SPDX-License-Identifier: MIT
 * go_values.h: numbers, sizes and truth in texts, as Docker takes them.
 */
#ifndef DOCKER_META_CONFIG_GO_VALUES_H
#define DOCKER_META_CONFIG_GO_VALUES_H

#include <stdbool.h>
#include <stdint.h>

#include "common/base/compiler.h"

/*
 * docker/go-units, RAMInBytes(): a number, perhaps with a fraction, perhaps one blank, perhaps one
 * of kmgtp (times 1024 each) and b or ib, in either case.  What only some versions take is refused.
 */
must_check bool go_size(const char *text, uint64_t *ret_bytes);

/* strconv.ParseBool(): 1, t, T, true, True, TRUE, and the same of false. */
must_check bool go_bool(const char *text, bool *ret_value);

/* strconv.ParseUint() of so many bits. */
must_check bool go_uint(const char *text, unsigned int bits, uint64_t *ret_value);

/* How many letters it takes to make one of the other: for "did you mean"; large where it is far. */
unsigned int name_distance(const char *a, const char *b);

#endif
