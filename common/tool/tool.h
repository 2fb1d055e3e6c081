/* SPDX-License-Identifier: MIT
 * tool.h: what every tool's command line has in common.
 */
#ifndef THINMEND_TOOL_TOOL_H
#define THINMEND_TOOL_TOOL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/base/compiler.h"
#include "common/base/report.h"

/* LVM takes tools older than 0.9 for too old, and parses the first line of -V as three numbers. */
#define THINMEND_VERSION "1.0.0"

/* Never 2: LVM takes that for a missing tool and activates the pool unchecked. */
enum tool_status { STATUS_OK = 0, STATUS_BAD = 1, STATUS_USAGE = 64 };

/* As thin-provisioning-tools 1.x say it, which scripts look for. */
#define REQUIRED_MISSING "the following required arguments were not provided"

/* The parser goes on: no status yet. */
#define STATUS_NONE (-1)

/* An input is a file or device that is read and never written, an output one that is written. */
enum option_argument {
	ARGUMENT_NONE,
	ARGUMENT_REQUIRED,
	ARGUMENT_OPTIONAL,
	ARGUMENT_INPUT,
	ARGUMENT_OUTPUT
};

struct tool_option {
	int id; /* the tool's own, 1 … 63 */
	const char *name;
	char letter; /* or 0 */
	enum option_argument argument;
	const char *argument_name;
	const char *help; /* NULL: accepted for the sake of old scripts, and not told */
};

/* Two options that exclude each other, by id. */
struct tool_conflict {
	int a, b;
};

struct tool {
	const char *name;
	const char *summary;
	const char *input; /* the one positional argument, such as "{device|file}", or NULL: none */
	bool input_optional;
	bool input_is_words;     /* neither a file nor a device */
	unsigned int max_inputs; /* positional arguments; 0 is 1 */
	const char *usage;       /* what the usage line says instead of it */
	const struct tool_option *options;
	size_t nr_options;
	const struct tool_conflict *conflicts;
	size_t nr_conflicts;
	int failure;        /* status of a failure of ours; 0: STATUS_BAD */
	const char *footer; /* end of --help, or NULL */
};

/* Gets each option; argument is NULL where none was given.  STATUS_NONE, or the status to end with.
 */
typedef int (*take_option_fn)(void *context, const struct tool_option *option,
			      const char *argument);

/*
 * Parse a command line: long options by unambiguous prefixes too; -h and -V are dealt with here.
 * An output that is the same storage as an input or as another output is refused, whatever their
 * names (same_storage.h); so is a standard output that leads to an input. Returns STATUS_NONE with
 * *ret_input set (where the tool takes one; where it takes several, those that there are, in an
 * array of max_inputs), or the status to end with: then all has been said.
 */
must_check int tool_parse(const struct tool *tool, int argc, char **argv, take_option_fn take,
			  void *context, const char **ret_input);

/* For take_option_fn: the argument as a number in [min, max], or STATUS_USAGE after saying so. */
must_check int take_number(const struct tool *tool, const struct tool_option *option,
			   const char *argument, uint64_t min, uint64_t max, uint64_t *ret_value);

/* One line on stderr: "TOOL: message". */
void tool_error(const struct tool *tool, const char *format, ...) printf_like(2, 3);

/* A usage error: the same, with a pointer to --help.  Returns STATUS_USAGE. */
int tool_usage_error(const struct tool *tool, const char *format, ...) printf_like(2, 3);

/* Prepare the process: standard streams are open, output that breaks is an error code and no
 * signal. */
void tool_begin(void);

/* The status of a failure of ours. */
int tool_failure(const struct tool *tool);

/*
 * The last thing main does: what was printed must have got out.  Returns status, or that when
 * standard output could not be written; a reader that went away is not complained about.
 */
int tool_end(const struct tool *tool, int status);

#endif
