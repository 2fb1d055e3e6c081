/* SPDX-License-Identifier: MIT
 * recorder.h: a visitor that remembers what it was called with as a digest, to be compared.
 */
#ifndef THINMEND_FUZZ_RECORDER_H
#define THINMEND_FUZZ_RECORDER_H

#include "common/thin/metadata_visitor.h"

enum { RECORDER_DEFS = 1024 };

/* Names of defs are any numbers: what counts is which def it is. */
struct recorder {
	struct metadata_visitor base;
	uint64_t digest, nr_calls;
	uint64_t fail_at; /* the call that fails with -EIO; 0: none */
	uint64_t names[RECORDER_DEFS];
	uint64_t nr_defs;
};

struct recorder recorder_make(void);

#endif
