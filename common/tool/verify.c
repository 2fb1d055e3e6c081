/* SPDX-License-Identifier: MIT */
#include "common/tool/verify.h"

#include <string.h>

#include "common/thin/metadata_check.h"

static int complain(const struct tool *tool, const char *name, const char *text, bool quiet)
{
	if (!quiet)
		tool_error(tool, "%s: %s", name, text);
	return STATUS_BAD;
}

int verify_salvaged(const struct tool *tool, struct block_engine *e, bool space_maps,
		    const char *name, bool quiet)
{
	const struct check_options options = { .skip_space_maps = !space_maps };
	struct check_result result;
	struct report report;
	int status = STATUS_OK, r;

	report_init(&report);
	r = metadata_check(e, &options, &report, NULL, &result);
	if (r)
		status = complain(tool, name, strerror(-r), quiet);
	else if (space_maps ? report_worst(&report) == SEVERITY_FATAL
			    : report.per_id[FINDING_MAPPING_SHARED] != 0)
		status = complain(tool, name,
				  "what was made contradicts itself: some of it is not current.  "
				  "thin_check tells which devices; do not use them",
				  quiet);
	check_result_destroy(&result);
	report_destroy(&report);
	return status;
}
