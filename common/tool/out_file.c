/* SPDX-License-Identifier: MIT */
#include "common/tool/out_file.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <string.h>
#include <sys/file.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "common/base/alloc.h"
#include "common/io/fd_io.h"
#include "common/io/loop.h"
#include "common/tool/hold_signals.h"

enum {
	MAX_TRIES = 100,
	NAME_PART = 200,
	PAUSE = 50000000, /* nanoseconds */
	MAX_PAUSES = 600,
};

/* What one group may is not given to another. */
#define GROUP_BITS ((mode_t)070)

int out_fault_fill(struct out_fault *fault, int error, const char *text)
{
	(void)snprintf(fault->text, sizeof(fault->text), "%s", text);
	return error;
}

static int refuse(struct out_fault *fault, const char *text)
{
	return out_fault_fill(fault, -EPERM, text);
}

static int fail(struct out_fault *fault, int error)
{
	return error && !*fault->text ? out_fault_fill(fault, error, strerror(-error)) : error;
}

/* ---- the place */

/* Only of a file of our own the permissions stay as they are. */
static int accept_what_is_there(struct out_file *f, struct out_fault *fault)
{
	struct stat *st = &f->seen;

	f->exists = !fstatat(f->dir, f->name, st, AT_SYMLINK_NOFOLLOW);
	if (!f->exists)
		return errno == ENOENT ? 0 : -errno;
	if (!S_ISREG(st->st_mode))
		return refuse(fault, S_ISLNK(st->st_mode)   ? "it is a symbolic link"
				     : S_ISDIR(st->st_mode) ? "it is a directory"
				     : S_ISBLK(st->st_mode) ? "it is a block device"
							    : "it is no regular file");
	if (loop_in_use(st))
		return refuse(fault, "it is in use through a loop device");
	f->replaces = st->st_size > 0;
	f->own = st->st_uid == geteuid();
	/* What was private stays so, whoever has it then. */
	f->mode = f->own ? st->st_mode & 0777 : 0666 & st->st_mode;
	return 0;
}

/* ---- the file */

/* A name beside its place that nothing has.  try_name gives 0 or -errno. */
static int find_name_beside(struct out_file *f, int (*try_name)(const struct out_file *f, int fd),
			    int fd)
{
	int r = -EEXIST;

	for (unsigned int n = 0; n < MAX_TRIES && r == -EEXIST; n++) {
		uint32_t any = n;

		/* Nobody can have taken what nobody can guess. */
		(void)!getrandom(&any, sizeof(any), GRND_NONBLOCK);
		alloc_free(f->beside);
		f->beside = alloc_printf(".%.*s.%08" PRIx32, NAME_PART, f->name, any);
		r = f->beside ? try_name(f, fd) : -ENOMEM;
	}
	if (r >= 0)
		return r;
	alloc_free(f->beside);
	f->beside = NULL;
	return r;
}

static int create_beside(const struct out_file *f, int fd)
{
	const mode_t mode = f->own && f->seen.st_gid != getegid() ? f->mode & ~GROUP_BITS : f->mode;

	(void)fd;
	fd = openat(f->dir, f->beside, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, mode);
	if (fd < 0)
		return -errno;
	/* The permissions of a file of our own stay, whatever the umask. */
	if (f->own)
		(void)fchmod(fd, mode);
	return fd;
}

static void take_name_away(struct out_file *f)
{
	if (f->beside)
		(void)unlinkat(f->dir, f->beside, 0);
	alloc_free(f->beside);
	f->beside = NULL;
	if (f->held)
		signals_release(&f->mask);
	f->held = false;
}

/* No signal may leave the name behind. */
static int open_named(struct out_file *f)
{
	signals_hold(&f->mask);
	f->held = true;
	return find_name_beside(f, create_beside, -1);
}

/* To give it a name later takes root, or /proc. */
static int open_unnamed(const struct out_file *f)
{
	const bool can_be_named = !geteuid() || !access("/proc/self/fd", F_OK);
	const int fd =
		can_be_named ? openat(f->dir, ".", O_WRONLY | O_TMPFILE | O_CLOEXEC, f->mode) : -1;

	if (fd >= 0 && f->own)
		(void)fchmod(fd, fchown(fd, (uid_t)-1, f->seen.st_gid) ? f->mode & ~GROUP_BITS
								       : f->mode);
	return fd;
}

/* Where files without names cannot be made, the directory is asked alone: a name would be seen. */
static int open_or_ask(struct out_file *f)
{
	f->unnamed = open_unnamed(f);
	if (f->unnamed >= 0)
		return 0;
	return faccessat(f->dir, ".", W_OK | X_OK, AT_EACCESS) ? -errno : 0;
}

/*
 * The directory's lock, which goes with its descriptor.  Any user who can list the directory can
 * hold it.  So after a time the tool writes without it, and out_file_commit() sees what another run
 * has put there.
 */
static void wait_for_turn(const struct out_file *f)
{
	const struct timespec pause = { .tv_nsec = PAUSE };

	for (int n = 0; n < MAX_PAUSES; n++) {
		if (!flock(f->dir, LOCK_EX | LOCK_NB) || errno != EWOULDBLOCK)
			return;
		(void)nanosleep(&pause, NULL);
	}
}

static int place(const char *path, bool in_turn, struct out_file *ret_file, struct out_fault *fault)
{
	int r;

	*ret_file = NO_OUT_FILE;
	ret_file->mode = 0666;
	*fault = (struct out_fault){ "" };
	r = fd_open_parent(path, &ret_file->dir, &ret_file->name);
	if (!r && in_turn)
		wait_for_turn(ret_file);
	if (!r)
		r = accept_what_is_there(ret_file, fault);
	if (!r)
		r = open_or_ask(ret_file);
	return fail(fault, r);
}

int out_file_place(const char *path, struct out_file *ret_file, struct out_fault *fault)
{
	return place(path, false, ret_file, fault);
}

int out_file_place_in_turn(const char *path, struct out_file *ret_file, struct out_fault *fault)
{
	return place(path, true, ret_file, fault);
}

bool out_file_is_open(const struct out_file *f)
{
	return f->unnamed >= 0;
}

int out_file_begin(struct out_file *f, struct out_fault *fault)
{
	const int fd = f->unnamed >= 0 ? f->unnamed : open_named(f);
	int r;

	if (fd < 0)
		return fail(fault, fd);
	f->unnamed = -1;
	f->stream = fdopen(fd, "w");
	if (f->stream)
		return 0;
	r = -errno;
	(void)close(fd);
	return fail(fault, r);
}

/* ---- the end */

static int link_beside(const struct out_file *f, int fd)
{
	return fd_link(fd, f->dir, f->beside);
}

/* A link, unlike a new name, replaces nothing. */
static int put_where_nothing_is(const struct out_file *f, int fd)
{
	if (!f->beside)
		return fd_link(fd, f->dir, f->name);
	return linkat(f->dir, f->beside, f->dir, f->name, 0) ? -errno : 0;
}

static int replace(struct out_file *f, int fd)
{
	int r = f->beside ? 0 : find_name_beside(f, link_beside, fd);

	if (!r && renameat(f->dir, f->beside, f->dir, f->name))
		r = -errno;
	if (r)
		return r;
	alloc_free(f->beside);
	f->beside = NULL;
	return 0;
}

bool out_file_is_as_seen(const struct stat *seen, const struct stat *now)
{
	return now->st_dev == seen->st_dev && now->st_ino == seen->st_ino &&
	       now->st_size == seen->st_size && now->st_mtim.tv_sec == seen->st_mtim.tv_sec &&
	       now->st_mtim.tv_nsec == seen->st_mtim.tv_nsec;
}

/* What was looked at may be replaced, and nothing else that stands there by now. */
static int give_name(struct out_file *f, int fd)
{
	struct stat now;
	int r;

	if (!f->held)
		signals_hold(&f->mask);
	f->held = true;
	if (fstatat(f->dir, f->name, &now, AT_SYMLINK_NOFOLLOW))
		r = errno == ENOENT ? put_where_nothing_is(f, fd) : -errno;
	else
		r = f->exists && out_file_is_as_seen(&f->seen, &now) ? replace(f, fd) : -EEXIST;
	/* Some file systems cannot; the file is there all the same. */
	if (!r)
		(void)fsync(f->dir);
	return r;
}

/* The stream has forgotten it. */
static int why_it_fails(int fd)
{
	return write(fd, "\n", 1) < 0 ? -errno : -EIO;
}

int out_file_error(const struct out_file *f)
{
	bool failed;

	errno = 0;
	failed = fflush(f->stream) != 0;
	if (!failed && !ferror(f->stream))
		return 0;
	return failed && errno ? -errno : why_it_fails(fileno(f->stream));
}

static int put_in_place(struct out_file *f)
{
	const int fd = fileno(f->stream), r = out_file_error(f);

	if (r)
		return r;
	return fsync(fd) ? -errno : give_name(f, fd);
}

const char *out_file_why(int error)
{
	return error == -EEXIST
		       ? "another file came to its place, or it was written to, meanwhile: "
			 "that stays"
		       : strerror(-error);
}

const sigset_t *out_file_held(const struct out_file *f)
{
	return f->held ? &f->mask : NULL;
}

int out_file_commit(struct out_file *f)
{
	const int r = put_in_place(f);

	out_file_abandon(f);
	return r;
}

void out_file_abandon(struct out_file *f)
{
	if (f->stream)
		(void)fclose(f->stream);
	if (f->unnamed >= 0)
		(void)close(f->unnamed);
	take_name_away(f);
	if (f->dir >= 0)
		(void)close(f->dir);
	alloc_free(f->name);
	*f = NO_OUT_FILE;
}
