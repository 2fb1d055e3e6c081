/* SPDX-License-Identifier: MIT
 * names.h: the names that Docker gives to devices, layers, images and containers.
 */
#ifndef DOCKER_META_SOURCE_DOCKER_NAMES_H
#define DOCKER_META_SOURCE_DOCKER_NAMES_H

#include <stdbool.h>
#include <stddef.h>

enum { HEX_NAME = 64, BUILDKIT_NAME = 25 };

/* 64 digits of lower-case hexadecimal: an image, a container, a layer's cache-id. */
bool is_hex_name(const char *text);

/* 25 digits of base 36: a snapshot of BuildKit's (Docker 18.06 and later). */
bool is_buildkit_name(const char *text);

/* "base", a hexadecimal name, the same with "-init", or BuildKit's. */
bool is_device_name(const char *text);

/* "sha256:" and a hexadecimal name: that name, else NULL. */
const char *digest_hex(const char *text);

/* For qsort() and bsearch(): of two const char *. */
int compare_names(const void *a, const void *b);

bool has_suffix(const char *text, const char *suffix);

#endif
