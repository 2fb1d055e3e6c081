/* SPDX-License-Identifier: MIT
 * out_place.h: where -o and --state may write.
 */
#ifndef DOCKER_META_SAY_OUT_PLACE_H
#define DOCKER_META_SAY_OUT_PLACE_H

#include "common/tool/out_file.h"
#include "docker_meta/config/config.h"
#include "docker_meta/options.h"

/* Where -o and --state go. */
struct out_places {
	struct out_file output, state;
	int old_state; /* owned: what stands at the state's place; -1: nothing */
};

#define NO_OUT_PLACES ((struct out_places){ NO_OUT_FILE, NO_OUT_FILE, -1 })

/* What was found without being named; what the command line names, tool_parse() has compared
 * already. */
struct out_inputs {
	const struct docker_meta_options *options;
	const char *root;     /* Docker's data-root */
	const char *metadata; /* NULL: none */
	const struct config *config;
	struct out_places *places;
};

/* As out_file_place(); and no loop device at all may stand on path. */
must_check int out_place_find(const char *path, struct out_file *ret_file, struct out_fault *fault);

/* The same for the state, which is opened as it stands, by one after the other.  *places is to be
 * abandoned in any case. */
must_check int out_place_find_state(const char *path, struct out_places *places,
				    struct out_fault *fault);

/* Two names of one place. */
bool out_place_is_same(const struct out_file *a, const struct out_file *b);
void out_places_abandon(struct out_places *places);

/*
 * Nothing may be written below Docker's root, by whatever way path leads there (a root that there
 * is not has nothing below it), and nothing over what was read.  0; -EPERM with fault filled: not
 * to be written; or another -errno, with fault filled too.  As out_file_begin().
 */
must_check int out_place_begin(struct out_file *f, const char *path,
			       const struct out_inputs *inputs, struct out_fault *fault);

/*
 * May what is said go to standard output: what it is, before the walls stand; and what it leads to,
 * when it is known what was read.  0; -EPERM or -ENOMEM, with fault filled.
 */
must_check int out_place_find_stdout(struct out_fault *fault);
must_check int out_place_accept_stdout(const struct out_inputs *inputs, struct out_fault *fault);

/* May -o write over what stands at path?  0; -EPERM with fault filled. */
must_check int out_place_may_replace(const struct docker_meta_options *o, struct out_fault *fault);

#endif
