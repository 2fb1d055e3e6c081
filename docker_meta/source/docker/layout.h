/* SPDX-License-Identifier: MIT
 * layout.h: where things are below Docker's data-root.
 */
#ifndef DOCKER_META_SOURCE_DOCKER_LAYOUT_H
#define DOCKER_META_SOURCE_DOCKER_LAYOUT_H

/* A pool in loop files, which the driver makes where nobody gives it another one. */
#define LOOP_METADATA "devicemapper/devicemapper/metadata"
#define LOOP_DATA "devicemapper/devicemapper/data"

/* The directories that are read, each before what is in it: somebody may have put a link to another
 * disk in its place. */
enum { NR_LAYOUT_DIRECTORIES = 17 };
extern const char *const layout_directories[NR_LAYOUT_DIRECTORIES];

#endif
