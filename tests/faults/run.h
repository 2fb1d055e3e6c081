/* SPDX-License-Identifier: MIT
 * run.h: run a tool once, with something that fails.
 */
#ifndef THINMEND_TESTS_RUN_H
#define THINMEND_TESTS_RUN_H

#include <stdbool.h>
#include <stddef.h>

#include "tests/faults/faults.h"

struct fault {
	enum fault_call call;
	uint32_t nth; /* 0: nothing fails */
	const char *how, *lose;
	long file_limit; /* bytes that a file may have (RLIMIT_FSIZE), or -1 */
};

struct outcome {
	int status; /* of exit, or -1 */
	int signal; /* that ended it, or 0 */
	bool hung;
	bool fired;      /* what was to fail did */
	char *out, *err; /* owned, with a 0 at the end */
	size_t out_bytes, err_bytes;
};

/* Where the tools are: build/bin; the library to preload; a directory of our own. */
void run_setup(const char *tools, const char *library, const char *work);

/*
 * argv[0] is the tool's name, in the work directory; its standard input is a pipe that gives what
 * is in the file `input`, or /dev/null where that is NULL.
 */
void run_tool(char *const *argv, const char *input, const struct fault *fault,
	      struct outcome *ret_outcome);
void outcome_destroy(struct outcome *o);

/* What the last run did: how many calls, and for each that took memory the place. */
const struct fault_state *run_state(void);

/* A program that is no tool of ours, judging; its exit status, or -1. */
int run_judge(const char *program, const char *file);

/* How the run can be repeated by hand, in the work directory. */
void run_print(char *const *argv, const char *input, const struct fault *fault);

#endif
