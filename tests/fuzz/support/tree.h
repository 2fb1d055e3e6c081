/* SPDX-License-Identifier: MIT
 * tree.h: what Docker left on a host, of which the input changes some files.
 */
#ifndef THINMEND_FUZZ_TREE_H
#define THINMEND_FUZZ_TREE_H

#include "tests/fuzz/support/fuzz.h"

/*
 * Directories and files below the scratch directory: host/ is Docker's root, of the fixture
 * docker-pool-full; beside it are metadata.xml, daemon.json, lvs.json, mountinfo, table, status and
 * loss.json of that host.  Made when it is first asked for.
 */
struct fuzz_path fuzz_tree_path(const char *name);

/* Take changes until the bytes end: cut, replaced, patched, removed, linked, swapped. */
void fuzz_tree_change(struct fuzz_bytes *in);

/* Names, kinds, sizes, times, owners and modes of all that there is, but for `out` and `state`. */
uint64_t fuzz_tree_digest(void);

/* Everything as it was in the beginning. */
void fuzz_tree_restore(void);

/* A name, an id or a hash that occurs there, for show and block. */
const char *fuzz_tree_word(struct fuzz_bytes *in);

#endif
