/* SPDX-License-Identifier: MIT
 * report_json.h: the whole report for programs.  Its form is described in docs/findings.md.
 */
#ifndef THINMEND_TOOL_REPORT_JSON_H
#define THINMEND_TOOL_REPORT_JSON_H

#include <stdio.h>

#include "common/base/report.h"
#include "common/thin/metadata_check.h"

struct json_report {
	const char *tool, *version, *input;
	const struct report *report;
	const struct check_result *result;
	int exit_status;
};

/* One object and a newline.  0, or -EIO, -ENOMEM. */
must_check int report_print_json(const struct json_report *j, FILE *out);

#endif
