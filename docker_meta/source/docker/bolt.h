/* SPDX-License-Identifier: MIT
 * bolt.h: read databases of bbolt (go.etcd.io/bbolt), the key-value store of BuildKit and
 * containerd.
 *
 * On disk (bbolt: page.go, bucket.go, db.go, node.go), all little endian: pages of one size, each
 * with a header of 16 bytes (id, kind, number of elements, how many pages more belong to it).  A
 * bucket is a B+ tree of keys and values in the order of their bytes; a value may be a bucket
 * itself, which stands in the value where it is small.  The root bucket is named by the meta page,
 * of which there are two: a commit writes its pages to free room, then the older one of these.
 * Only they have checksums, so not every damage can be seen.
 */
#ifndef DOCKER_META_SOURCE_DOCKER_BOLT_H
#define DOCKER_META_SOURCE_DOCKER_BOLT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/base/compiler.h"

#define BOLT_MAX_BYTES (UINT64_C(1) << 30) /* of a file; all of it is held in memory */
#define BOLT_MAX_LEVELS 64u /* of pages, from the root to a key, through all buckets around it */
#define BOLT_NO_PAGE UINT64_MAX

/* Damage: how many faults there are, and the first of them.  All zero bytes: none. */
struct bolt_fault {
	uint64_t nr;
	uint64_t page;  /* BOLT_NO_PAGE: the file as a whole */
	char text[120]; /* one line: "page 7: …" */
};

/* Count a fault, and describe it if it is the first. */
void bolt_fault_add(struct bolt_fault *f, uint64_t page, const char *format, ...) printf_like(3, 4);

struct bolt;

/*
 * Read the file that fd is open on, which stays the caller's; its offset is neither used nor moved.
 * Faults are added to *fault: a broken meta page is one, for the last commit may be lost with it.
 *
 * The file is copied, not mapped: it may be cut, or unreadable in places, and what is mapped kills
 * whoever touches that.  No lock is taken, so that a daemon may write to it.  While the meta page
 * is the newest one, commits only write to what it does not use; so the copy is good if that has
 * not changed at its end.
 *
 * 0; -EAGAIN when it has: try again; -EUCLEAN when it is no database, or has no good meta page,
 * with a fault added; -EFBIG, -EINVAL when it is no regular file, -ENOMEM, or the -errno of
 * reading.
 */
must_check int bolt_open(int fd, struct bolt **ret_bolt, struct bolt_fault *fault);
void bolt_close(struct bolt *b);

/* Which commit it is; and the size of its pages in bytes, from 1024 to 65536. */
uint64_t bolt_txid(const struct bolt *b);
uint32_t bolt_page_size(const struct bolt *b);

/* Any bytes, not terminated. */
struct bolt_bytes {
	const uint8_t *at;
	size_t nr;
};

struct bolt_entry {
	unsigned int depth; /* how many buckets it is in; 0: the root bucket alone */
	bool is_bucket;     /* its entries are the next ones, with a larger depth */
	uint64_t page;      /* where it stands */
	struct bolt_bytes key;
	struct bolt_bytes value; /* empty for a bucket */
};

/* *e lives until it returns, the bytes it points to until bolt_close().  Not 0 ends the walk. */
typedef int (*bolt_entry_fn)(void *context, const struct bolt_entry *e);

/*
 * Call fn for each entry of all buckets, in the order of their keys.  A page is visited once at
 * most, whatever leads to it, and the time is that of reading the file once.  Each fault is added
 * to *fault, and the walk goes on with what can be read: an entry of which any part is doubtful is
 * given, unless its bytes do not lie in its page.
 *
 * 0, also when there were faults; -ENOMEM; or what fn returned.
 */
must_check int bolt_walk(const struct bolt *b, bolt_entry_fn fn, void *context,
			 struct bolt_fault *fault);

#endif
