/* SPDX-License-Identifier: MIT */
#include "common/tool/report_file.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

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

/* Neither a file nor a disk: nothing is there to be kept.  Or what was printed so far is to be
 * kept. */
static bool is_direct(const char *path)
{
	struct stat st;

	return !stat(path, &st) &&
	       (S_ISCHR(st.st_mode) || S_ISFIFO(st.st_mode) || stream_of(&st) >= 0);
}

static FILE *open_direct(const char *path)
{
	struct stat st;
	const int fd = stat(path, &st) ? -1 : stream_of(&st);

	return fd < 0 ? fopen(path, "we") : fdopen(fcntl(fd, F_DUPFD_CLOEXEC, 3), "w");
}

static int open_file(const char *path, struct out_file *f, struct out_fault *fault)
{
	int r = out_file_place(path, f, fault);

	return r ? r : out_file_begin(f, fault);
}

int report_file_try(const char *path, bool forced, const struct output_mark *marks, size_t nr_marks,
		    struct out_fault *fault)
{
	struct out_file f;
	int r;

	if (is_direct(path))
		return 0;
	r = open_file(path, &f, fault);
	out_file_abandon(&f);
	if (r || forced || output_may_replace(path, marks, nr_marks))
		return r;
	(void)snprintf(fault->text, sizeof(fault->text), "%s", output_refusal());
	return -EEXIST;
}

int report_file_begin(const char *path, struct report_file *ret_file, struct out_fault *fault)
{
	int r;

	*ret_file = (struct report_file){ .direct = is_direct(path), .file = { .dir = -1 } };
	if (!ret_file->direct) {
		r = open_file(path, &ret_file->file, fault);
		ret_file->stream = ret_file->file.stream;
		return r;
	}
	ret_file->stream = open_direct(path);
	r = ret_file->stream ? 0 : -errno;
	if (r)
		(void)snprintf(fault->text, sizeof(fault->text), "%s", strerror(-r));
	return r;
}

int report_file_end(struct report_file *f, int r)
{
	if (f->direct && f->stream && fclose(f->stream) && !r)
		r = errno ? -errno : -EIO;
	if (!f->direct && !r)
		return out_file_commit(&f->file);
	if (!f->direct)
		out_file_abandon(&f->file);
	return r;
}
