/* SPDX-License-Identifier: MIT
 * problems.h: files of Docker's that could not be used, and why.  They become findings; the rest is
 * read all the same.
 */
#ifndef DOCKER_META_SOURCE_PROBLEMS_H
#define DOCKER_META_SOURCE_PROBLEMS_H

#include <stdbool.h>
#include <stddef.h>

#include "common/base/compiler.h"
#include "docker_meta/catalogue/rows.h"

struct problem {
	enum meta_row_id row;
	bool fatal;   /* Docker does not start, whatever the row says */
	bool unread;  /* it is not ours to read: for Docker it may be in order */
	char *object; /* owned: the layer, container, … that it is of, or the file's name */
	char *path;   /* owned: below the root */
	char *text;   /* owned: one line */
};

struct problem_list {
	struct problem *items; /* owned */
	size_t nr, capacity;
};

must_check int problem_add(struct problem_list *list, enum meta_row_id row, const char *object,
			   const char *path, const char *format, ...) printf_like(5, 6);

/*
 * It could not be read: 0.  That memory was not to be had is no error of what was to be read:
 * -ENOMEM, and no problem is noted.
 */
must_check int problem_unread(struct problem_list *list, enum meta_row_id row, const char *object,
			      const char *path, int error);

/* The last one keeps Docker from starting. */
void problem_is_fatal(struct problem_list *list);

/* What the last one is of could not be read: of another's files, and of what a symbolic link leads
 * to, that proves nothing. */
void problem_of_error(struct problem_list *list, int error);
/* It could not be read, and for Docker it may be in order. */
void problem_is_unread(struct problem_list *list);
void problem_list_destroy(struct problem_list *list);

#endif
