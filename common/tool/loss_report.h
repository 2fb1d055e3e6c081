/* SPDX-License-Identifier: MIT
 * loss_report.h: what a salvage kept, found again and lost, for people and for programs.
 */
#ifndef THINMEND_TOOL_LOSS_REPORT_H
#define THINMEND_TOOL_LOSS_REPORT_H

#include <stdio.h>

#include "common/thin/salvage.h"
#include "common/tool/tool.h"

struct loss_totals {
	uint64_t nr_mappings; /* that there are now */
	uint64_t nr_lost;     /* by what the device details say */
	uint64_t nr_devices_hit;
	uint64_t nr_devices_over; /* that have more than they say */
	bool anything_lost;
};

struct loss_totals loss_totals(const struct salvage_result *result);

/* The summary, on stderr. */
void loss_report_text(const struct tool *tool, const char *input,
		      const struct salvage_result *result);

/* All of it, as one JSON object.  0 or -errno. */
must_check int loss_report_json(const struct tool *tool, const char *input,
				const struct salvage_result *result, FILE *out);

/* That nothing could be made, and why: an object with "error".  0 or -errno. */
must_check int loss_report_json_failure(const struct tool *tool, const char *input,
					const char *reason, FILE *out);

#endif
