/* SPDX-License-Identifier: MIT
 * state_file.h: what was told the last time, so that only changes are told: check --state FILE.
 *
 * A finding is the same as long as its row, its object and its devices are; it is new again when it
 * has become worse.  So is a threshold that is passed.  FILE is JSON, made whole or not at all;
 * runs at the same time compare with what stands there, and the last one's stays.  A file that is
 * not such a state, or is of another root, is never replaced.
 */
#ifndef DOCKER_META_SAY_STATE_FILE_H
#define DOCKER_META_SAY_STATE_FILE_H

#include "docker_meta/judge/verdict.h"
#include "docker_meta/say/out_place.h"

struct told {
	char key[65];
	char *id;   /* owned: the row, or "threshold" */
	char *what; /* owned: one line */
	enum meta_severity severity;
};

struct told_list {
	struct told *items; /* owned, by key */
	size_t nr, capacity;
};

struct changes {
	bool first;                /* there was no state: all is new */
	struct meta_findings news; /* copies that own nothing but their array */
	struct told_list now, gone;
};

/*
 * What changed since the file at v's place for the state was written; verdict's thresholds learn
 * what was told before.  0; -EBADMSG with fault filled: the file is not of this; -ENOMEM, or
 * another -errno with fault filled. To be destroyed in any case.
 */
must_check int changes_find(const struct meta_view *v, struct verdict *verdict,
			    struct changes *ret_changes, struct out_fault *fault);

/* Write what stands now.  As out_place_begin() and out_file_commit(). */
must_check int changes_save(const struct changes *c, const char *path,
			    const struct out_inputs *inputs, struct out_fault *fault);
void changes_destroy(struct changes *c);

#endif
