/* SPDX-License-Identifier: MIT
 * hold_signals.h: what must be done whole or not begun.
 *
 * SIGINT, SIGTERM and SIGHUP end a tool as they always do, but not between these two calls: a
 * signal that comes meanwhile takes effect at the second one.
 */
#ifndef THINMEND_TOOL_HOLD_SIGNALS_H
#define THINMEND_TOOL_HOLD_SIGNALS_H

#include <signal.h>

void signals_hold(sigset_t *ret_before);
void signals_release(const sigset_t *before);

#endif
