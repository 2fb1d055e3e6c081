/* SPDX-License-Identifier: MIT
 * thin_restore.h: what the command line asked for, and doing it.
 */
#ifndef THINMEND_THIN_RESTORE_THIN_RESTORE_H
#define THINMEND_THIN_RESTORE_THIN_RESTORE_H

#include "common/tool/tool.h"
#include "common/xml/parse.h"

struct thin_restore_options {
	struct xml_options xml;
	bool quiet;
	bool batch; /* do not ask */
	bool no_sandbox;
	const char *input; /* "-": standard input */
	const char *output;
	const char *undo; /* an undo file of thin_check, instead of XML; or NULL */
};

extern const struct tool thin_restore_tool;

/* STATUS_NONE, or the status to end with. */
must_check int thin_restore_parse(int argc, char **argv, struct thin_restore_options *ret_options);

/* Returns the exit status. */
must_check int thin_restore_run(const struct thin_restore_options *options);

#endif
