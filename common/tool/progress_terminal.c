/* SPDX-License-Identifier: MIT */
#include "common/tool/progress_terminal.h"

#include <stdio.h>
#include <unistd.h>

static double seconds_since(const struct timespec *then, const struct timespec *now)
{
	return (double)(now->tv_sec - then->tv_sec) + (double)(now->tv_nsec - then->tv_nsec) / 1e9;
}

static void show(struct progress *base, const char *phase, uint64_t done, uint64_t total)
{
	struct progress_terminal *p = (struct progress_terminal *)base;
	struct timespec now;

	(void)clock_gettime(CLOCK_MONOTONIC, &now);
	if (seconds_since(&p->started, &now) < 0.5 || seconds_since(&p->last, &now) < 0.2)
		return;
	p->last = now;
	p->shown = true;
	if (total)
		(void)fprintf(stderr, "\r\033[K%s: %s: %llu of %llu blocks", p->tool, phase,
			      (unsigned long long)done, (unsigned long long)total);
	else
		(void)fprintf(stderr, "\r\033[K%s: %s", p->tool, phase);
	(void)fflush(stderr);
}

struct progress *progress_terminal_begin(struct progress_terminal *p, const char *tool, bool quiet)
{
	*p = (struct progress_terminal){ .base = { .show = show, .phase = "" }, .tool = tool };
	(void)clock_gettime(CLOCK_MONOTONIC, &p->started);
	return !quiet && isatty(STDERR_FILENO) ? &p->base : NULL;
}

void progress_terminal_end(struct progress_terminal *p)
{
	if (p->shown)
		(void)fprintf(stderr, "\r\033[K");
	p->shown = false;
}
