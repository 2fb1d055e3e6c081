/* SPDX-License-Identifier: MIT
 * bolt_internal.h: what bolt.c and bolt_walk.c share.
 */
#ifndef DOCKER_META_SOURCE_DOCKER_BOLT_INTERNAL_H
#define DOCKER_META_SOURCE_DOCKER_BOLT_INTERNAL_H

#include <string.h>

#include "common/base/endian.h"
#include "docker_meta/source/docker/bolt.h"

enum { BOLT_PAGE_HEADER = 16 };

struct bolt_meta {
	uint32_t page_size;
	uint64_t root;     /* the page of the root bucket */
	uint64_t nr_pages; /* all pages in use are below */
	uint64_t txid;
	uint64_t checksum;
};

struct bolt {
	uint8_t *bytes; /* owned */
	size_t nr_bytes;
	struct bolt_meta meta;
};

static inline uint32_t bolt_u32(const uint8_t *p)
{
	__le32 v;

	memcpy(&v, p, sizeof(v));
	return le32_to_cpu(v);
}

static inline uint64_t bolt_u64(const uint8_t *p)
{
	__le64 v;

	memcpy(&v, p, sizeof(v));
	return le64_to_cpu(v);
}

#endif
