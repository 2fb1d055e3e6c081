/* SPDX-License-Identifier: MIT
 * inputs.h: what was looked at, with its digests: whoever has the same files can prove it.
 *
 * A directory has one digest, of a list of its files and of theirs, which standard tools make again
 * (docs/monitoring.md): `command` is the line for sh(1) that does.
 */
#ifndef DOCKER_META_ANSWERS_INPUTS_H
#define DOCKER_META_ANSWERS_INPUTS_H

#include "docker_meta/view.h"

struct read_record;

struct meta_input {
	const char *kind;  /* "metadata", "xml", "driver", "layers", … */
	char *path;        /* owned */
	char *command;     /* owned: prints the sha256 and "  -" */
	uint64_t nr_files; /* that are in the digest */
	uint64_t bytes;    /* in these */
	char sha256[65];   /* "": there is none, and fault says why */
	char *fault;       /* owned: what is not in it; NULL: nothing */
};

struct meta_inputs {
	struct meta_input *items; /* owned: the pool's first, then Docker's, then the host's */
	size_t nr, capacity;
	const struct read_record *record; /* borrowed: what was read already; NULL: nothing */
};

/*
 * What readers read has the digest of what they read; the rest is read once more: of a pool that is
 * active it is what stands there now.  What is not there is not in the list; what cannot be read
 * is, with its fault.  Below the root only safe_dir.h opens anything.  0 or -ENOMEM; to be
 * destroyed in any case.
 */
must_check int meta_inputs_make(const struct meta_view *v, struct meta_inputs *ret_inputs);

/*
 * What may lead to a device, and is changed when Docker works: images, their names, BuildKit's
 * list, by the path below the root.  The digest of each, with a blank behind: "absent", "unread"
 * where it could not be read as a whole.  To be freed; NULL: -ENOMEM.
 */
#define META_REFERENCES                         \
	"image/devicemapper/imagedb "           \
	"image/devicemapper/repositories.json " \
	"buildkit/snapshots.db "                \
	"repositories-devicemapper"
char *meta_reference_digests(const struct meta_view *v);
void meta_inputs_destroy(struct meta_inputs *inputs);

#endif
