/* SPDX-License-Identifier: MIT
 * open_metadata.h: open what the user named, or say in one line why it is not what a tool can read.
 */
#ifndef THINMEND_TOOL_OPEN_METADATA_H
#define THINMEND_TOOL_OPEN_METADATA_H

#include "common/io/block_io.h"
#include "common/tool/tool.h"

/*
 * Returns STATUS_NONE with *ret_engine the caller's, or STATUS_BAD; then one line was printed,
 * unless quiet.  What has a superblock's magic number or a right checksum is accepted as metadata,
 * however damaged it is; so is what cannot be read.
 */
must_check int open_metadata(const struct tool *tool, const char *path, enum open_mode mode,
			     bool quiet, struct block_engine **ret_engine);

/* The same, but a superblock may be missing altogether, unless the file is clearly something else.
 */
must_check int open_any_blocks(const struct tool *tool, const char *path, enum open_mode mode,
			       bool quiet, struct block_engine **ret_engine);

/*
 * One line about what stands at path, where that is clearly no metadata: a text, XML, what is
 * compressed, a file system, nothing at all.  NULL for what has a superblock's magic number or a
 * right checksum, for damage, and for what cannot be read.
 */
const char *what_no_metadata_is(const char *path);

/* Say that what should be changed in place is read-only, and what can be done. */
void explain_read_only(const struct tool *tool, const char *path);

/* Open what is to be overwritten: it has to exist, and nobody may use it.  As above. */
must_check int open_output(const struct tool *tool, const char *path, bool quiet,
			   struct block_engine **ret_engine);

#endif
