/* SPDX-License-Identifier: MIT
 * progress_terminal.h: progress as a line on the terminal.
 */
#ifndef THINMEND_TOOL_PROGRESS_TERMINAL_H
#define THINMEND_TOOL_PROGRESS_TERMINAL_H

#include <stdbool.h>
#include <time.h>

#include "common/base/progress.h"

struct progress_terminal {
	struct progress base; /* hand this to whoever makes progress */
	const char *tool;
	struct timespec started, last;
	bool shown;
};

/*
 * The progress to hand on: &p->base, or NULL where nobody looks: standard error is no terminal, or
 * quiet.  Nothing is drawn in the first half second.
 */
struct progress *progress_terminal_begin(struct progress_terminal *p, const char *tool, bool quiet);

/* Wipe the line, so that what follows stands alone. */
void progress_terminal_end(struct progress_terminal *p);

#endif
