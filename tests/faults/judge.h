/* SPDX-License-Identifier: MIT
 * judge.h: what is on a file that was to be metadata, after a run.
 */
#ifndef THINMEND_TESTS_JUDGE_H
#define THINMEND_TESTS_JUDGE_H

#include "common/base/report.h"
#include "tests/support/content.h"

struct bytes {
	char *data; /* owned; NULL: there is no such file */
	size_t nr;
};

struct bytes bytes_read(const char *path);
void bytes_write(const char *path, const struct bytes *b);
bool bytes_equal(const struct bytes *a, const struct bytes *b);
void bytes_free(struct bytes *b);

struct state {
	bool has_superblock; /* with a right checksum */
	bool sound;          /* a check finds nothing at all */
	uint64_t per_finding[NR_FINDINGS];
	struct content content; /* where it can be read; else has_content is false */
	bool has_content;
};

struct state state_of(const struct bytes *metadata);
bool state_same_content(const struct state *a, const struct state *b);
bool state_same_findings(const struct state *a, const struct state *b);
void state_destroy(struct state *s);

#endif
