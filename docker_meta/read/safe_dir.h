/* SPDX-License-Identifier: MIT
 * safe_dir.h: directories that somebody else writes, from which nothing is wanted but their files.
 *
 * Names are opened below the directory's descriptor; they may have several parts, "a/b", but none
 * leads upward (-EXDEV).  A symbolic link to a directory is followed where it leads below the
 * directory that the user named, or where the user allows any (-EXDEV); one to a file is not
 * (-ELOOP).  No fifo blocks, nothing but regular files is read, and nothing is ever created or
 * changed.  Memory or descriptors that are not to be had are -ENOMEM, which is no error of what was
 * to be read.
 */
#ifndef DOCKER_META_READ_SAFE_DIR_H
#define DOCKER_META_READ_SAFE_DIR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <time.h>

#include "common/base/compiler.h"
#include "docker_meta/options.h"

struct safe_dir {
	int fd;                         /* owned; -1: closed */
	int top;                        /* borrowed: the directory that the user named */
	const struct safe_rules *rules; /* borrowed; NULL: no link leads out, nothing is noted */
	char *path;                     /* owned: below the top; NULL: nothing is noted */
};

/* The directory that the user named: this one may be a symbolic link.  0 or -errno. */
must_check int safe_dir_open(const char *path, const struct safe_rules *rules,
			     struct safe_dir *ret_dir);

/*
 * One below another.  0, -ENOENT, -EXDEV for a symbolic link that leads out, or another -errno:
 * then there is nothing to close.
 */
must_check int safe_dir_enter(const struct safe_dir *dir, const char *name,
			      struct safe_dir *ret_dir);
void safe_dir_close(struct safe_dir *dir);

/* What an -errno of these functions says, for people. */
const char *safe_dir_fault(int error);

/*
 * The whole of a regular file, to be freed by the caller; a NUL stands behind it that *ret_size
 * does not count.  0; -ELOOP for a symbolic link, -EINVAL for what is no regular file, -EFBIG for
 * more than max bytes, or another -errno.
 */
must_check int safe_dir_read(const struct safe_dir *dir, const char *name, size_t max,
			     char **ret_text, size_t *ret_size);

/* A descriptor of a regular file, for whoever reads it himself.  Errors as above. */
must_check int safe_dir_open_file(const struct safe_dir *dir, const char *name, int *ret_fd);

/* Its content, from where it stands: as safe_dir_read(). */
must_check int safe_file_read(int fd, size_t max, char **ret_text, size_t *ret_size);

struct safe_stat {
	uint64_t size; /* bytes */
	time_t changed;
};

/* Whether dir, wherever it really is, is the directory with this number, or below it. 0 or -errno.
 */
struct stat;
must_check int safe_dir_is_below(int dir, const struct stat *top, bool *ret_below);

/* Whether there is a regular file of that name: 0, or as above. */
must_check int safe_dir_stat(const struct safe_dir *dir, const char *name,
			     struct safe_stat *ret_stat);

/* The same, where that is all that is wanted. */
must_check int safe_dir_has_file(const struct safe_dir *dir, const char *name);

/* Whether nobody, not even root, may change it, by a flag of its file system (chattr +i, +a). */
bool safe_dir_is_immutable(const struct safe_dir *dir, const char *name);

struct dir_entry {
	char *name; /* owned by the list */
	bool is_dir, is_file;
};

struct dir_list {
	struct dir_entry *items; /* owned, by name */
	size_t nr, capacity;
};

/* What a directory has but . and .. .  0 or -errno; to be destroyed in any case. */
must_check int safe_dir_list(const struct safe_dir *dir, struct dir_list *ret_list);
void dir_list_destroy(struct dir_list *list);

#endif
