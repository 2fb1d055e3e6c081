/* SPDX-License-Identifier: MIT */
#include "docker_meta/output/out_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/base/alloc.h"

enum { MAX_TRIES = 100, MAX_LEVELS = 4096, NAME_PART = 200 };

static int refuse(struct out_fault *fault, const char *text)
{
	(void)snprintf(fault->text, sizeof(fault->text), "%s", text);
	return -EPERM;
}

static bool same(const struct stat *a, const struct stat *b)
{
	return a->st_dev == b->st_dev && a->st_ino == b->st_ino;
}

/* The kernel has resolved every link on the way to dir: what is above it is where it really is. */
static int is_below(int dir, const struct stat *root, bool *ret_below)
{
	int fd = openat(dir, ".", O_PATH | O_DIRECTORY | O_CLOEXEC), r = 0;
	struct stat here = { 0 }, above = { 0 };

	*ret_below = false;
	if (fd < 0 || fstat(fd, &here))
		r = -errno;
	for (int n = 0; !r && n < MAX_LEVELS; n++) {
		int up;

		*ret_below = same(&here, root);
		if (*ret_below)
			break;
		up = openat(fd, "..", O_PATH | O_DIRECTORY | O_CLOEXEC);
		if (up < 0 || fstat(up, &above))
			r = -errno;
		close(fd);
		fd = up;
		if (!r && same(&above, &here))
			break;
		here = above;
	}
	if (fd >= 0)
		close(fd);
	return r;
}

static int accept_place(const struct out_file *f, const char *root, struct out_fault *fault)
{
	bool below = false;
	struct stat st;
	int r = 0;

	if (!stat(root, &st))
		r = is_below(f->dir, &st, &below);
	if (below)
		return refuse(fault, "it is below Docker's root, where nothing is written");
	if (!r && !fstatat(f->dir, f->name, &st, AT_SYMLINK_NOFOLLOW) && !S_ISREG(st.st_mode))
		return refuse(fault, S_ISLNK(st.st_mode)   ? "it is a symbolic link"
				     : S_ISDIR(st.st_mode) ? "it is a directory"
							   : "it is no regular file");
	return r;
}

static int open_beside(struct out_file *f)
{
	int fd = -1;

	for (unsigned int n = 0; n < MAX_TRIES && fd < 0; n++) {
		alloc_free(f->beside);
		f->beside = alloc_printf(".%.*s.%ld.%u", NAME_PART, f->name, (long)getpid(), n);
		if (!f->beside)
			return -ENOMEM;
		fd = openat(f->dir, f->beside, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC,
			    0600);
		if (fd < 0 && errno != EEXIST)
			break;
	}
	if (fd < 0) {
		int r = -errno;

		alloc_free(f->beside);
		f->beside = NULL;
		return r;
	}
	f->stream = fdopen(fd, "w");
	if (f->stream)
		return 0;
	close(fd);
	return -ENOMEM;
}

static int open_dir(struct out_file *f, const char *path)
{
	const char *slash = strrchr(path, '/');
	char *parent =
		slash ? alloc_printf("%.*s", (int)(slash - path + 1), path) : alloc_string(".");
	int r = 0;

	f->name = alloc_string(slash ? slash + 1 : path);
	if (!parent || !f->name)
		r = -ENOMEM;
	else if (!*f->name || !strcmp(f->name, ".") || !strcmp(f->name, ".."))
		r = -EISDIR;
	else
		f->dir = open(parent, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (!r && f->dir < 0)
		r = -errno;
	alloc_free(parent);
	return r;
}

int out_file_open(const char *path, const char *root, struct out_file *ret_file,
		  struct out_fault *fault)
{
	int r;

	*ret_file = (struct out_file){ .dir = -1 };
	*fault = (struct out_fault){ "" };
	r = open_dir(ret_file, path);
	if (!r)
		r = accept_place(ret_file, root, fault);
	if (!r)
		r = open_beside(ret_file);
	if (!r)
		return 0;
	if (!*fault->text)
		(void)snprintf(fault->text, sizeof(fault->text), "%s", strerror(-r));
	out_file_abandon(ret_file);
	return r;
}

static mode_t mode_of_new_files(void)
{
	const mode_t mask = umask(077);

	(void)umask(mask);
	return 0666 & ~mask;
}

static int put_in_place(struct out_file *f)
{
	const int fd = fileno(f->stream);
	bool failed = fflush(f->stream) != 0;

	if (failed || ferror(f->stream))
		return failed && errno ? -errno : -EIO;
	if (fchmod(fd, mode_of_new_files()) || fsync(fd))
		return -errno;
	if (renameat(f->dir, f->beside, f->dir, f->name))
		return -errno;
	alloc_free(f->beside);
	f->beside = NULL;
	/* Some file systems cannot; the file is there all the same. */
	(void)fsync(f->dir);
	return 0;
}

int out_file_commit(struct out_file *f)
{
	int r;

	errno = 0;
	r = put_in_place(f);
	out_file_abandon(f);
	return r;
}

void out_file_abandon(struct out_file *f)
{
	if (f->stream)
		(void)fclose(f->stream);
	if (f->beside)
		(void)unlinkat(f->dir, f->beside, 0);
	if (f->dir >= 0)
		close(f->dir);
	alloc_free(f->name);
	alloc_free(f->beside);
	*f = (struct out_file){ .dir = -1 };
}
