/* SPDX-License-Identifier: MIT
 * shell.h: text as one word of sh(1)'s.
 */
#ifndef DOCKER_META_TEXT_SHELL_H
#define DOCKER_META_TEXT_SHELL_H

#include "common/base/compiler.h"

/*
 * Whatever bytes text has: quoted, unless nothing in it means anything to a shell.  To be freed by
 * the caller; NULL: there is no memory.
 */
must_check char *shell_word(const char *text);

enum { SHELL_WORD_MAX = 2048 };

/*
 * The same for commands that people are to run.  0, -ENOMEM; -EILSEQ for what is not printable
 * ASCII, which nobody should copy; -ENAMETOOLONG for more than SHELL_WORD_MAX bytes.
 */
must_check int shell_quote(const char *text, char **ret_word);

#endif
