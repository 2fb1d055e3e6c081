/* SPDX-License-Identifier: MIT
 * report_text.h: findings for people.
 */
#ifndef THINMEND_TOOL_REPORT_TEXT_H
#define THINMEND_TOOL_REPORT_TEXT_H

#include <stdio.h>

#include "common/base/report.h"

/* Print all findings, those of one id up to a limit, each with what it harms. */
void report_print_text(const struct report *report, FILE *out);

#endif
