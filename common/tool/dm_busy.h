/* SPDX-License-Identifier: MIT
 * dm_busy.h: who uses a device.
 */
#ifndef THINMEND_TOOL_DM_BUSY_H
#define THINMEND_TOOL_DM_BUSY_H

#include <stddef.h>
#include <sys/types.h>

/*
 * Put into text, for the end of a sentence, what device-mapper knows of the one that uses path:
 * " as the metadata of pool NAME", or "" where it knows nothing.
 */
void dm_who_uses(const char *path, char *text, size_t size);

/* The same for a device by its number; device-mapper is there. */
void dm_pool_on(dev_t device, char *text, size_t size);

/* From here on libdevmapper prints nothing of its own. */
void dm_be_quiet(void);

#endif
