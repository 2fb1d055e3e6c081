/* SPDX-License-Identifier: MIT
 * cases.h: the command lines that are run with something that fails.
 */
#ifndef THINMEND_TESTS_FAULT_CASES_H
#define THINMEND_TESTS_FAULT_CASES_H

#include <stdbool.h>

enum case_kind {
	KIND_READS,      /* nothing is written but standard output */
	KIND_METADATA,   /* the first output is metadata */
	KIND_IN_PLACE,   /* … that were there before */
	KIND_TEXT,       /* the outputs are text, which may come to an end too early */
	KIND_WHOLE_TEXT, /* … which is whole, or not there */
};

struct fault_case {
	const char *name, *tool, *arguments;
	const char *standard_input; /* a file, or NULL */
	const char *inputs;         /* files that stay as they are */
	const char *outputs;        /* NAME=TEMPLATE: what it is before */
	enum case_kind kind;
	int success, failure; /* exit status */
	bool by_place;        /* of calls that take memory: each place in the code */
	bool degrades;        /* what cannot be read is a finding, and the run goes on */
	bool gathered;        /* another case lets what is read fail: this one does not */
	bool sandbox;         /* in it, and nothing fails but memory and opening files */
	bool talks;           /* a failure is told, and so is what was found before it */
	/* Said of what the run outlives, a second output or a block; or NULL. */
	const char *optional[2];
};

/* Ends with one without a name. */
extern const struct fault_case fault_cases[];

#endif
