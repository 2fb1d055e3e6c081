/* SPDX-License-Identifier: MIT
 * other_format.h: what a file is that was taken for metadata, by its first bytes.
 */
#ifndef THINMEND_TOOL_OTHER_FORMAT_H
#define THINMEND_TOOL_OTHER_FORMAT_H

#include <stdbool.h>
#include <stddef.h>

/*
 * One line about what the file is whose first bytes these are, with a zero behind them, and what to
 * do; NULL where they are none of what is known.
 */
const char *other_format(const char *p, size_t bytes);

bool is_all_zero(const void *data, size_t bytes);

#endif
