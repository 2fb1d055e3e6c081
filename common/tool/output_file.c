/* SPDX-License-Identifier: MIT */
#include "common/tool/output_file.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/base/alloc.h"
#include "common/io/loop.h"

static int refuse(struct out_fault *fault, int error, const char *text)
{
	(void)snprintf(fault->text, sizeof(fault->text), "%s", text);
	return error;
}

/* The standard stream that path leads to, such as /dev/stdout, or -1. */
static int stream_of(const struct stat *st)
{
	for (int fd = STDOUT_FILENO; fd <= STDERR_FILENO; fd++) {
		struct stat own;

		if (!fstat(fd, &own) && own.st_dev == st->st_dev && own.st_ino == st->st_ino)
			return fd;
	}
	return -1;
}

/*
 * Of what is no file nothing is there to be kept, or it is to be overwritten.  Or what was printed
 * to it so far is to be kept.
 */
static bool is_direct(const struct stat *st)
{
	return S_ISCHR(st->st_mode) || S_ISFIFO(st->st_mode) || S_ISBLK(st->st_mode) ||
	       stream_of(st) >= 0;
}

static FILE *open_direct(const char *path)
{
	struct stat st;
	int fd = stat(path, &st) ? -1 : stream_of(&st);

	if (fd >= 0)
		return fdopen(fcntl(fd, F_DUPFD_CLOEXEC, 3), "w");
	/* A device that somebody uses must not be written over. */
	fd = open(path, O_WRONLY | O_CLOEXEC | (S_ISBLK(st.st_mode) ? O_EXCL : 0));
	return fd < 0 ? NULL : fdopen(fd, "w");
}

/* A link that the kernel does not follow for us, or that leads nowhere, is refused as a link. */
static char *behind_links(const char *path)
{
	char real[PATH_MAX];
	struct stat st;
	const bool leads = !lstat(path, &st) && S_ISLNK(st.st_mode) && !stat(path, &st);

	return alloc_string(leads && realpath(path, real) ? real : path);
}

static int place_file(struct output_file *f, bool forced, const struct output_mark *marks,
		      size_t nr_marks, struct out_fault *fault)
{
	int r = out_file_place(f->path, &f->file, fault);

	if (!r && !forced && !output_may_replace(f->path, marks, nr_marks))
		r = refuse(fault, -EEXIST, output_refusal());
	return r;
}

int output_file_place(const char *path, bool forced, const struct output_mark *marks,
		      size_t nr_marks, struct output_file *ret_file, struct out_fault *fault)
{
	struct stat st;

	*fault = (struct out_fault){ "" };
	*ret_file = NO_OUTPUT_FILE;
	ret_file->path = behind_links(path);
	if (!ret_file->path)
		return refuse(fault, -ENOMEM, strerror(ENOMEM));
	ret_file->direct = !stat(path, &st) && is_direct(&st);
	if (!ret_file->direct)
		return place_file(ret_file, forced, marks, nr_marks, fault);
	if (S_ISBLK(st.st_mode) && !forced)
		return refuse(fault, -EEXIST, OUTPUT_IS_DEVICE);
	return loop_in_use(&st) ? refuse(fault, -EPERM, "it is in use through a loop device") : 0;
}

void output_file_let_through(const struct output_file *f, struct sandbox *s)
{
	s->make[0] = out_file_is_open(&f->file) ? NULL : f->path;
	s->name[0] = out_file_is_open(&f->file) ? f->path : NULL;
}

int output_file_begin(struct output_file *f, struct out_fault *fault)
{
	int r;

	if (!f->direct) {
		r = out_file_begin(&f->file, fault);
		f->stream = f->file.stream;
		return r;
	}
	f->stream = open_direct(f->path);
	return f->stream ? 0 : refuse(fault, -errno, strerror(errno));
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

int output_file_end(struct output_file *f, int r)
{
	if (f->direct && f->stream)
		r = end_direct(f->stream, r);
	else if (!f->direct && f->stream && !r)
		r = out_file_commit(&f->file);
	else if (!f->direct)
		out_file_abandon(&f->file);
	alloc_free(f->path);
	*f = NO_OUTPUT_FILE;
	return r;
}
