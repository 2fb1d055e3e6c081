/* SPDX-License-Identifier: MIT
 * thin_repair.h: what the command line asked for, and doing it.
 */
#ifndef THINMEND_THIN_REPAIR_THIN_REPAIR_H
#define THINMEND_THIN_REPAIR_THIN_REPAIR_H

#include "common/thin/salvage.h"
#include "common/tool/tool.h"

struct thin_repair_options {
	struct salvage_options salvage;
	bool quiet, strict;
	bool batch; /* do not ask */
	bool force; /* overwrite what is no earlier report */
	bool no_sandbox;
	bool candidates; /* list them only */
	const char *input, *output;
	const char *report; /* where to write the loss report as JSON, or NULL */
};

extern const struct tool thin_repair_tool;

/* STATUS_NONE, or the status to end with. */
must_check int thin_repair_parse(int argc, char **argv, struct thin_repair_options *ret_options);

/* Lists the pairs of roots that are left on the input.  Returns the exit status. */
must_check int thin_repair_list(const struct thin_repair_options *o, struct block_engine *input);

/* Returns the exit status. */
must_check int thin_repair_run(const struct thin_repair_options *options);

#endif
