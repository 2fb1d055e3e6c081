/* SPDX-License-Identifier: MIT
 * leaks.h: a leak does not fail a Criterion test by itself: the test's process ends without the
 * sanitizer's last look.  A suite with `.fini = fail_on_leaks` looks itself.
 */
#ifndef THINMEND_TESTS_LEAKS_H
#define THINMEND_TESTS_LEAKS_H

#include <stdlib.h>

#if defined(__SANITIZE_ADDRESS__)
#include <sanitizer/lsan_interface.h>
#endif

static inline void fail_on_leaks(void)
{
#if defined(__SANITIZE_ADDRESS__)
	if (__lsan_do_recoverable_leak_check())
		abort();
#endif
}

#endif
