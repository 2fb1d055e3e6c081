/* SPDX-License-Identifier: MIT
 * thin_check.h: what the command line asked for, and doing it.
 */
#ifndef THINMEND_THIN_CHECK_THIN_CHECK_H
#define THINMEND_THIN_CHECK_THIN_CHECK_H

#include "common/thin/metadata_check.h"
#include "common/tool/tool.h"

struct thin_check_options {
	struct check_options check;
	bool quiet;
	bool no_sandbox;
	bool json;
	bool strict; /* suspect findings are damage too */
	bool ignore_non_fatal;
	bool auto_repair;       /* free leaked blocks, then clear needs_check */
	bool clear_needs_check; /* the same: thin-provisioning-tools 1.0.9 made it so */
	const char *undo;       /* file to note what is changed, or NULL */
	const char *input;
};

extern const struct tool thin_check_tool;

/* STATUS_NONE, or the status to end with. */
must_check int thin_check_parse(int argc, char **argv, struct thin_check_options *ret_options);

/* Returns the exit status. */
must_check int thin_check_run(const struct thin_check_options *options);

#endif
