/* SPDX-License-Identifier: MIT
 * pair.h: one device of the pool without a file, and one name without a usable file: they belong
 * together, if the device can be a snapshot of what Docker made that name's from.
 */
#ifndef DOCKER_META_ANSWERS_PAIR_H
#define DOCKER_META_ANSWERS_PAIR_H

#include "docker_meta/answers/deletion.h"

/* Borrowed of the table; row is NULL where there is more than one, or none. */
struct lonely_pair {
	const struct device_row *row;
	const char *hash; /* NULL: more than one name may be the device's, or none */
};

/* O(n log n). */
void lonely_pair_find(const struct deletion *d, struct lonely_pair *ret_pair);

/* By elimination this is the name of pair->row. */
bool lonely_pair_has(const struct lonely_pair *pair, const char *hash);

#endif
