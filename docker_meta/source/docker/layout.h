/* SPDX-License-Identifier: MIT
 * layout.h: the directories below Docker's data-root that are read.
 */
#ifndef DOCKER_META_SOURCE_DOCKER_LAYOUT_H
#define DOCKER_META_SOURCE_DOCKER_LAYOUT_H

/* Each before what is in it: somebody may have put a link to another disk in its place. */
enum { NR_LAYOUT_DIRECTORIES = 17 };
extern const char *const layout_directories[NR_LAYOUT_DIRECTORIES];

#endif
