/* SPDX-License-Identifier: MIT
 * known_content.h: what is on a device or in a file already.
 */
#ifndef THINMEND_TOOL_KNOWN_CONTENT_H
#define THINMEND_TOOL_KNOWN_CONTENT_H

#include <stdbool.h>

#include "common/base/compiler.h"

#define KNOWN_CONTENT_MAX 200

/*
 * Put into text, behind "it holds ", what libblkid finds: "an ext4 file system (label root)",
 * "an LVM2_member", "a gpt partition table".  Returns whether there is anything of that kind; what
 * cannot be read holds nothing that is known.
 */
must_check bool known_content(const char *path, char text[KNOWN_CONTENT_MAX]);

#endif
