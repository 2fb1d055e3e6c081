/* SPDX-License-Identifier: MIT
 * docker_host.h: what Docker left on a host (tests/fixtures/docker), in a directory of its own, and
 * what the host's kernel said, in files.
 */
#ifndef THINMEND_TESTS_DOCKER_HOST_H
#define THINMEND_TESTS_DOCKER_HOST_H

#include "docker_meta/options.h"

struct docker_host {
	char place[64];     /* the directory; it goes with docker_host_forget() */
	char root[96];      /* Docker's data-root */
	char metadata[128]; /* a copy of the pool's */
	char table[96], status[96], mountinfo[96];
};

/* NAME.tar.xz, and build/fixtures/NAME.raw.  Aborts the test when it cannot. */
void docker_host_make(const char *name, struct docker_host *ret_host);
void docker_host_forget(const struct docker_host *h);

/* As the kernel of docker-live said it: two containers run. */
void docker_host_kernel_says(const struct docker_host *h);

/* A shell command in the data-root.  Aborts the test when it fails. */
void docker_host_do(const struct docker_host *h, const char *command);

/* Options that look at nothing but these files; in the sandbox a test could not go on. */
struct docker_meta_options docker_host_options(const struct docker_host *h);

#endif
