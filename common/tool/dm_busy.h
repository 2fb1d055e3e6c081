/* SPDX-License-Identifier: MIT
 * dm_busy.h: who uses a device.
 */
#ifndef THINMEND_TOOL_DM_BUSY_H
#define THINMEND_TOOL_DM_BUSY_H

#include <stddef.h>

/*
 * Put into text, for the end of a sentence, what device-mapper knows of the one that uses path:
 * " as the metadata of pool NAME", or "" where it knows nothing.
 */
void dm_who_uses(const char *path, char *text, size_t size);

#endif
