/* SPDX-License-Identifier: MIT
 * capture.h: what is printed on standard output or standard error, to be looked at.
 */
#ifndef THINMEND_TESTS_CAPTURE_H
#define THINMEND_TESTS_CAPTURE_H

#include <stdio.h>

struct capture {
	FILE *stream; /* stdout or stderr */
	int saved, file;
};

/* What is printed from now on goes into a file without a name.  Aborts the test when it cannot. */
struct capture capture_begin(FILE *stream);

/* It is as before; what was printed meanwhile, for free(). */
char *capture_end(struct capture *c);

#endif
