/* SPDX-License-Identifier: MIT
 * digest.h: SHA-256 as hexadecimal text, the names of Docker's images and layers.
 */
#ifndef DOCKER_META_STATE_DIGEST_H
#define DOCKER_META_STATE_DIGEST_H

#include <stddef.h>

#include "docker_meta/state/names.h"

struct digest {
	char hex[HEX_NAME + 1];
};

struct digest digest_of(const void *data, size_t size);

/*
 * The chain id of a layer: of the bottom one its diff id, else the digest of "PARENT DIFF" (moby
 * layer/layer.go).  Both are hexadecimal names; parent is NULL for the bottom.
 */
struct digest chain_id(const char *parent, const char *diff);

#endif
