/* SPDX-License-Identifier: MIT
 * u64_map.h: a hash map from 64-bit numbers to 64-bit numbers, for the few that a flat array
 * would be too large for.  24 bytes an entry at most full; every operation is O(1).
 */
#ifndef THINMEND_BASE_U64_MAP_H
#define THINMEND_BASE_U64_MAP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/base/compiler.h"

struct u64_map_slot {
	uint64_t key_plus_1; /* 0: free.  Key 2^64-1 is not allowed. */
	uint64_t value;
};

/* All zero bytes is an empty map. */
struct u64_map {
	struct u64_map_slot *slots; /* owned; a power of two of them */
	size_t nr_slots;
	size_t nr_used;
};

void u64_map_destroy(struct u64_map *m);

/*
 * The value of key, which is 0 when it was not there yet; NULL when there is no memory or the key
 * is 2^64-1.  The pointer holds until the next u64_map_at().
 */
must_check uint64_t *u64_map_at(struct u64_map *m, uint64_t key);

/* The value of key, or NULL. */
must_check uint64_t *u64_map_find(const struct u64_map *m, uint64_t key);

#endif
