/* SPDX-License-Identifier: MIT
 * pool_find.h: where a thin block leads to, and who uses a data block.
 *
 * Each is one pass over the source, in memory that only grows with what is found; of raw metadata
 * the first reads one device alone.
 */
#ifndef THINMEND_POOL_POOL_FIND_H
#define THINMEND_POOL_POOL_FIND_H

#include "common/pool/pool_source.h"

struct pool_mapping {
	bool mapped; /* else the rest is 0 */
	uint64_t data_block;
	uint32_t time;
};

/* 0; or as pool_source_run(): -ENODATA where there is no such device, with *ret_fault filled. */
must_check int pool_find_mapping(struct pool_source *s, uint64_t device, uint64_t thin_block,
				 struct pool_mapping *ret_mapping, struct pool_fault *ret_fault);

struct pool_user {
	uint64_t device, thin_block;
	uint32_t time;
};

struct pool_users {
	struct pool_user *users; /* owned, by ascending device and thin block */
	size_t nr_users, capacity;
};

/*
 * Who maps it, among these devices alone, by ascending id: all where nr_ids is 0.  0; or as
 * pool_source_run(), and then with those that were found before.  *ret_users may be destroyed
 * whatever is returned.
 */
must_check int pool_find_users(struct pool_source *s, const uint64_t *ids, size_t nr_ids,
			       uint64_t data_block, struct pool_users *ret_users,
			       struct pool_fault *ret_fault);
void pool_users_destroy(struct pool_users *u);

#endif
