/* SPDX-License-Identifier: MIT
 * mutations.h: real metadata with one thing changed and all checksums made right again, one
 * mutation or more for each finding of the catalogue.  The unit tests check and repair them,
 * tests/kernel lets a kernel use them.
 */
#ifndef THINMEND_TESTS_MUTATIONS_H
#define THINMEND_TESTS_MUTATIONS_H

#include "common/base/report.h"
#include "tests/support/image.h"

struct mutation {
	const char *name; /* in several rows where several findings are expected */
	enum finding_id expected;
	const char *fixture; /* as image_load() takes it */
	void (*apply)(struct image *i);
	uint64_t wrong, lost; /* mappings, after a repair; lost: at most */
};

/* The n-th row; NULL behind the last one. */
const struct mutation *mutation_at(size_t n);

/* The first row of this name; NULL if there is none. */
const struct mutation *mutation_find(const char *name);

#endif
