/* SPDX-License-Identifier: MIT
 * describe.h: what is wrong, in words.
 */
#ifndef THINMEND_THIN_DESCRIBE_H
#define THINMEND_THIN_DESCRIBE_H

#include <stddef.h>

#include "common/base/report.h"

/*
 * The text for a finding with these two numbers, in buffer, or constant.  For FINDING_CHILD_KIND
 * `expected` is the enum block_kind that the block already is.
 */
const char *finding_describe(enum finding_id id, uint64_t expected, uint64_t found, char *buffer,
			     size_t size);

#endif
