/* SPDX-License-Identifier: MIT
 * progress.h: how far a long walk has come, for whoever looks.
 *
 * A walk calls progress_phase() when it begins something and progress_at() now and then; both cost
 * nothing when nobody looks (p is NULL).
 */
#ifndef THINMEND_BASE_PROGRESS_H
#define THINMEND_BASE_PROGRESS_H

#include <stddef.h>
#include <stdint.h>

struct progress {
	/* phase: constant text such as "mapping tree"; total may grow while the walk goes on. */
	void (*show)(struct progress *p, const char *phase, uint64_t done, uint64_t total);
	const char *phase;
};

static inline void progress_at(struct progress *p, uint64_t done, uint64_t total)
{
	if (p)
		p->show(p, p->phase, done, total);
}

static inline void progress_phase(struct progress *p, const char *phase)
{
	if (!p)
		return;
	p->phase = phase;
	p->show(p, phase, 0, 0);
}

#endif
