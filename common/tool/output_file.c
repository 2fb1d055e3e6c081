/* SPDX-License-Identifier: MIT */
#include "common/tool/output_file.h"

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <limits.h>
#include <linux/magic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <unistd.h>

#include "common/base/alloc.h"
#include "common/io/loop.h"

/* The standard stream that path leads to, such as /dev/stdout, or -1. */
static int stream_of(const struct stat *st)
{
	for (int fd = STDOUT_FILENO; fd <= STDERR_FILENO; fd++) {
		const int flags = fcntl(fd, F_GETFL);
		struct stat own;

		if (flags >= 0 && (flags & O_ACCMODE) != O_RDONLY && !fstat(fd, &own) &&
		    own.st_dev == st->st_dev && own.st_ino == st->st_ino)
			return fd;
	}
	return -1;
}

/* As /dev/fd/5 is: whoever has it open looks for what comes there. */
static bool is_descriptor(const char *path)
{
	const int fd = open(path, O_PATH | O_NOFOLLOW | O_CLOEXEC);
	struct statfs fs;
	const bool found = fd >= 0 && !fstatfs(fd, &fs) && fs.f_type == PROC_SUPER_MAGIC;

	if (fd >= 0)
		(void)close(fd);
	return found;
}

/* In such a directory only its owner or the directory's may put another file in its place. */
static bool may_not_be_renamed(const struct stat *dir, const struct stat *st)
{
	return geteuid() && dir->st_mode & S_ISVTX && st->st_uid != geteuid() &&
	       dir->st_uid != geteuid();
}

/*
 * Whoever put it there waits for what comes: the rule of fs.protected_regular (Linux:
 * Documentation/admin-guide/sysctl/fs.rst), whatever this host has it set to.
 */
static bool is_bait(const char *path, const struct stat *st)
{
	char parent[PATH_MAX];
	struct stat dir;

	(void)snprintf(parent, sizeof(parent), "%s", path);
	return S_ISREG(st->st_mode) && !stat(dirname(parent), &dir) &&
	       may_not_be_renamed(&dir, st) && dir.st_mode & (S_IWOTH | S_IWGRP) &&
	       st->st_uid != dir.st_uid;
}

/*
 * A file that another one cannot be put in the place of: its name is mounted, as containers have
 * it, is not ours to take away, or stands where nothing can be made.
 */
static bool is_fixed(const char *path, const struct stat *st)
{
	char parent[PATH_MAX];
	struct statx x;
	struct stat dir;

	if (!statx(AT_FDCWD, path, 0, 0, &x) && x.stx_attributes & STATX_ATTR_MOUNT_ROOT)
		return true;
	(void)snprintf(parent, sizeof(parent), "%s", path);
	if (stat(dirname(parent), &dir) || access(path, W_OK))
		return false;
	if (may_not_be_renamed(&dir, st))
		return true;
	(void)snprintf(parent, sizeof(parent), "%s", path);
	return faccessat(AT_FDCWD, dirname(parent), W_OK | X_OK, AT_EACCESS) && errno == EACCES;
}

/*
 * Of what is no file nothing is there to be kept, or it is to be overwritten.  Or what was printed
 * to it so far is to be kept.
 */
static bool is_direct(const char *path, const struct stat *st)
{
	return S_ISCHR(st->st_mode) || S_ISFIFO(st->st_mode) || S_ISBLK(st->st_mode) ||
	       stream_of(st) >= 0 ||
	       (S_ISREG(st->st_mode) && (is_descriptor(path) || is_fixed(path, st)));
}

/* What path leads to is what was looked at; nothing of it is lost yet. */
static int open_direct(const char *path, const struct stat *seen)
{
	const int own = stream_of(seen);
	int fd, flags = O_WRONLY | O_CLOEXEC | O_NOCTTY;
	struct stat st;

	if (own >= 0)
		return fcntl(own, F_DUPFD_CLOEXEC, 3);
	/* A device that somebody uses must not be written over. */
	if (S_ISBLK(seen->st_mode))
		flags |= O_EXCL;
	if (!is_descriptor(path))
		flags |= O_NOFOLLOW;
	fd = open(path, flags);
	if (fd < 0)
		return -1;
	if (!fstat(fd, &st) && st.st_dev == seen->st_dev && st.st_ino == seen->st_ino)
		return fd;
	(void)close(fd);
	errno = EAGAIN;
	return -1;
}

/* Where the kernel says that a descriptor of it is, if it is still there. */
static bool real_path(int fd, char real[PATH_MAX])
{
	struct stat here, there;
	char link[64];
	ssize_t n;

	(void)snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
	n = readlink(link, real, PATH_MAX - 1);
	real[n < 0 ? 0 : n] = '\0';
	return *real == '/' && !fstat(fd, &here) && !lstat(real, &there) &&
	       here.st_dev == there.st_dev && here.st_ino == there.st_ino;
}

/*
 * A link that the kernel does not follow for us (fs.protected_symlinks), or that leads nowhere, is
 * refused as a link.  It is followed once: it may be another one the next time.
 */
static char *behind_links(const char *path)
{
	char real[PATH_MAX];
	struct stat st;
	bool leads = !lstat(path, &st) && S_ISLNK(st.st_mode) && !is_descriptor(path);
	const int fd = leads ? open(path, O_PATH | O_CLOEXEC) : -1;

	leads = fd >= 0 && real_path(fd, real);
	if (fd >= 0)
		(void)close(fd);
	return alloc_string(leads ? real : path);
}

static int place_file(struct output_file *f, bool forced, const struct output_mark *marks,
		      size_t nr_marks, struct out_fault *fault)
{
	int r = out_file_place(f->path, &f->file, fault);

	if (!r && !forced && !output_may_replace(f->path, marks, nr_marks))
		r = out_fault_fill(fault, -EEXIST, output_refusal());
	return r;
}

static int place_direct(struct output_file *f, const struct stat *st, bool forced,
			struct out_fault *fault)
{
	const bool fixed = S_ISREG(st->st_mode) && stream_of(st) < 0;

	if (loop_in_use(st))
		return out_fault_fill(fault, -EPERM, "it is in use through a loop device");
	if (S_ISBLK(st->st_mode) && !forced)
		return out_fault_fill(fault, -EEXIST, OUTPUT_IS_DEVICE);
	if (fixed && st->st_size && !forced)
		return out_fault_fill(fault, -EEXIST, OUTPUT_IS_FIXED);
	f->seen = *st;
	/* To open a pipe waits for its reader. */
	if (S_ISFIFO(st->st_mode))
		return 0;
	f->descriptor = open_direct(f->path, st);
	return f->descriptor < 0 ? out_fault_fill(fault, -errno, strerror(errno)) : 0;
}

int output_file_place(const char *path, bool forced, const struct output_mark *marks,
		      size_t nr_marks, struct output_file *ret_file, struct out_fault *fault)
{
	struct stat st;

	*fault = (struct out_fault){ "" };
	*ret_file = NO_OUTPUT_FILE;
	ret_file->path = behind_links(path);
	if (!ret_file->path)
		return out_fault_fill(fault, -ENOMEM, strerror(ENOMEM));
	if (stat(ret_file->path, &st))
		return place_file(ret_file, forced, marks, nr_marks, fault);
	if (is_bait(ret_file->path, &st))
		return out_fault_fill(fault, -EACCES, OUTPUT_IS_BAIT);
	if (!is_direct(ret_file->path, &st))
		return place_file(ret_file, forced, marks, nr_marks, fault);
	ret_file->direct = true;
	return place_direct(ret_file, &st, forced, fault);
}

void output_file_let_through(const struct output_file *f, struct sandbox *s)
{
	const bool open = out_file_is_open(&f->file);

	s->make[0] = open || f->descriptor >= 0 ? NULL : f->path;
	s->name[0] = open ? f->path : NULL;
}

/* What is written in place. */
static int empty(const struct output_file *f)
{
	struct stat now;

	if (fstat(f->descriptor, &now))
		return -errno;
	if (!out_file_is_as_seen(&f->seen, &now))
		return -EEXIST;
	return ftruncate(f->descriptor, 0) ? -errno : 0;
}

/* Of a standard stream what is there stays. */
static int begin_direct(struct output_file *f, struct out_fault *fault)
{
	if (f->descriptor < 0)
		f->descriptor = open_direct(f->path, &f->seen);
	if (f->descriptor < 0)
		return out_fault_fill(fault, -errno, strerror(errno));
	if (S_ISREG(f->seen.st_mode) && stream_of(&f->seen) < 0) {
		int r = empty(f);

		if (r)
			return out_fault_fill(fault, r, out_file_why(r));
	}
	f->stream = fdopen(f->descriptor, "w");
	if (!f->stream)
		return out_fault_fill(fault, -errno, strerror(errno));
	f->descriptor = -1;
	return 0;
}

int output_file_begin(struct output_file *f, struct out_fault *fault)
{
	int r;

	if (f->direct)
		return begin_direct(f, fault);
	r = out_file_begin(&f->file, fault);
	f->stream = f->file.stream;
	return r;
}

bool output_file_replaces(const struct output_file *f)
{
	return !f->direct && f->file.replaces;
}

/* Pipes and terminals cannot be synced, which is no error. */
static int end_direct(FILE *stream, int r)
{
	errno = 0;
	if (fflush(stream) || (fsync(fileno(stream)) && errno != EINVAL && errno != EROFS))
		r = r ? r : -errno;
	if (fclose(stream) && !r)
		r = errno ? -errno : -EIO;
	return r;
}

const sigset_t *output_file_held(const struct output_file *f)
{
	return out_file_held(&f->file);
}

int output_file_end(struct output_file *f, int r)
{
	if (f->direct && f->stream)
		r = end_direct(f->stream, r);
	else if (!f->direct && f->stream && !r)
		r = out_file_commit(&f->file);
	else if (!f->direct)
		out_file_abandon(&f->file);
	if (f->descriptor >= 0)
		(void)close(f->descriptor);
	alloc_free(f->path);
	*f = NO_OUTPUT_FILE;
	return r;
}
