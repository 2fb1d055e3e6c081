/* SPDX-License-Identifier: MIT
 * digest.h: SHA-256 as hexadecimal text, the names of Docker's images and layers.
 */
#ifndef DOCKER_META_READ_DIGEST_H
#define DOCKER_META_READ_DIGEST_H

#include <stddef.h>
#include <stdint.h>

#include "common/base/compiler.h"

enum { DIGEST_HEX = 64 };

struct digest {
	char hex[DIGEST_HEX + 1];
};

struct digest digest_of(const void *data, size_t size);

/* The same of what comes piece by piece.  NULL: no memory. */
struct digest_stream;
must_check struct digest_stream *digest_begin(void);
void digest_add(struct digest_stream *s, const void *data, size_t size);
struct digest digest_end(struct digest_stream *s); /* and let go of it */

/*
 * Of what fd is open on, from where it stands to its end, of a mebibyte at once: fd may be a device
 * that is read directly.  0, -EFBIG where there are more than max bytes, or another -errno.
 */
must_check int digest_of_file(int fd, uint64_t max, struct digest *ret_digest, uint64_t *ret_bytes);

/*
 * The chain id of a layer: of the bottom one its diff id, else the digest of "PARENT DIFF" (moby
 * layer/layer.go).  Both are hexadecimal names; parent is NULL for the bottom.
 */
struct digest chain_id(const char *parent, const char *diff);

#endif
