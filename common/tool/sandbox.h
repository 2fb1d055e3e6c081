/* SPDX-License-Identifier: MIT
 * sandbox.h: walls around what parses bytes from strangers.
 *
 * From sandbox_enter() on, until it ends, this process and its children can
 *   - get no new privileges (PR_SET_NO_NEW_PRIVS);
 *   - open only the files that were named (Landlock, Linux 5.13 and later);
 *   - make only the system calls of a tool at work (seccomp; on x86-64, arm64 and riscv64): no
 *     execve, no socket, no ptrace, no mount.  What is refused fails with EPERM, from Landlock
 *     with EACCES.
 * What is open already stays as it is.
 *
 * What the kernel does not have is left out silently: the tools work everywhere.
 */
#ifndef THINMEND_TOOL_SANDBOX_H
#define THINMEND_TOOL_SANDBOX_H

#include <stdbool.h>

enum { SANDBOX_PATHS = 40 };

/* Paths are the caller's, and NULL ones are skipped; so are those of which there is nothing. */
struct sandbox {
	bool off; /* --no-sandbox: do nothing */
	/*
	 * The tool goes on looking for files: system calls that open, stat and fork are let
	 * through, and Landlock alone says what is opened.  Otherwise none is opened at all, unless
	 * some are named below.
	 */
	bool walks;
	const char *read[SANDBOX_PATHS];  /* files, and directories with all that is below them */
	const char *write[SANDBOX_PATHS]; /* the same, to be read and written too, but not made */
	/* Directories in which, and below which, files without a name are made. */
	const char *scratch[4];
	bool messages;       /* messages to targets of device-mapper are let through */
	const char *make[8]; /* files to be made or replaced: all of their directory is writable */
	/* Files that are open already, and get their names later: in their directories, and below
	 * them, names are made and removed. */
	const char *name[2];
};

/* May be entered again: what the first one forbids stays forbidden. */
void sandbox_enter(const struct sandbox *s);

#endif
