/* SPDX-License-Identifier: MIT
 * out_file.h: a file that is written whole or not at all: without a name, or beside its place, then
 * renamed.  Whatever ends the tool, what stood there stays, and nothing else is left; but a signal
 * other than SIGINT, SIGTERM and SIGHUP may leave the name beside: at the very end, or, where the
 * file system cannot make files without a name, at any time.  Other hard links of what stood there
 * keep it.
 */
#ifndef THINMEND_TOOL_OUT_FILE_H
#define THINMEND_TOOL_OUT_FILE_H

#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <sys/stat.h>

#include "common/base/compiler.h"

struct out_file {
	FILE *stream;     /* to write to */
	int dir;          /* owned: descriptor of the directory; -1: closed */
	char *name;       /* owned: in it */
	bool exists;      /* something stands there */
	bool own;         /* and is ours: its permissions stay */
	bool replaces;    /* and has bytes */
	struct stat seen; /* and this */
	mode_t mode;      /* to be made with */
	int unnamed; /* owned: the file, where it can be made without a name; -1: not yet, or not so
		      */
	char *beside;  /* owned: the file's name until it is in its place; NULL: it has none */
	bool held;     /* signals are held back while it has one */
	sigset_t mask; /* of before */
};

/* Why it cannot be, for one line. */
struct out_fault {
	char text[120];
};

/* Fill it, and return error. */
int out_fault_fill(struct out_fault *fault, int error, const char *text);

/* An out_file of which nothing is there. */
#define NO_OUT_FILE ((struct out_file){ .dir = -1, .unnamed = -1 })

/*
 * Find the place of a file, and that one can be made there; nothing is to be seen of it yet.  What
 * stands there may only be a regular file that no active loop device stands on.  0; -EPERM with
 * fault filled: not to be written; or another -errno, with fault filled too.  *ret_file is to be
 * abandoned or committed in any case.
 */
must_check int out_file_place(const char *path, struct out_file *ret_file, struct out_fault *fault);

/*
 * The same, but one after the other: who comes while another one is at it in that directory waits
 * until that has ended, for half a minute at most, and sees what it has left.
 */
must_check int out_file_place_in_turn(const char *path, struct out_file *ret_file,
				      struct out_fault *fault);

/* From out_file_place() on no file has to be opened any more: it has to get its name alone. */
bool out_file_is_open(const struct out_file *f);

/* The same file, and nobody has written to it since. */
bool out_file_is_as_seen(const struct stat *seen, const struct stat *now);

/*
 * Begin to write it.  Where the file has a name meanwhile, signals are held back until the end
 * (hold_signals.h).  0 or -errno, with fault filled.
 */
must_check int out_file_begin(struct out_file *f, struct out_fault *fault);

/*
 * Put it to its place, and let go.  What came there or was written to meanwhile stays (-EEXIST).  0
 * or -errno: then all is as it was before.
 */
must_check int out_file_commit(struct out_file *f);

/* Why its stream could not be written: 0 or -errno. */
int out_file_error(const struct out_file *f);

/* Why it could not be put there, for people. */
const char *out_file_why(int error);

/* Where signals are held back for it: the mask of before; else NULL. */
const sigset_t *out_file_held(const struct out_file *f);

/* Nothing is left of it. */
void out_file_abandon(struct out_file *f);

#endif
