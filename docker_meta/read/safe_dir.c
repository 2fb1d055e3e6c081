/* SPDX-License-Identifier: MIT */
#include "docker_meta/read/safe_dir.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "common/base/alloc.h"
#include "common/io/fd_io.h"
#include "docker_meta/read/read_record.h"

#define OPEN_FILE (O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC)
#define OPEN_DIR (O_RDONLY | O_DIRECTORY | O_NONBLOCK | O_CLOEXEC)

/* That there is no descriptor left says nothing of what was to be opened. */
static int error_of_open(void)
{
	return errno == EMFILE || errno == ENFILE ? -ENOMEM : -errno;
}

/* ---- what is noted */

static struct read_record *record_of(const struct safe_dir *dir)
{
	return dir->rules ? dir->rules->record : NULL;
}

/* What came of reading it, handed back. */
static int noted(const struct safe_dir *dir, const char *name, int error)
{
	if (record_of(dir))
		read_record_note(record_of(dir), dir->path ? dir->path : "", name, error);
	return error;
}

static void look_out(const struct safe_dir *dir, const struct stat *st)
{
	struct read_record *r = record_of(dir);

	if (r && r->watched_inode && st->st_ino == r->watched_inode &&
	    st->st_dev == r->watched_device)
		r->met_watched = true;
}

/* The same of what is only looked for: whether it is there is not known without memory. */
static int looked_for(const struct safe_dir *dir, int error)
{
	return error == -ENOMEM ? noted(dir, "", error) : error;
}

/* A directory that is to be read is noted where it cannot be. */
static int entered(const struct safe_dir *dir, const char *name, int error)
{
	return error ? noted(dir, name, error) : 0;
}

int safe_dir_open(const char *path, const struct safe_rules *rules, struct safe_dir *ret_dir)
{
	const int fd = open(path, OPEN_DIR), r = fd < 0 ? error_of_open() : 0;

	*ret_dir = (struct safe_dir){ fd, fd, rules, NULL };
	return looked_for(ret_dir, r);
}

/* With O_DIRECTORY a symbolic link is told as something that is no directory. */
static int open_one(int fd, const char *name, int flags, int *ret_fd)
{
	struct stat st;

	*ret_fd = openat(fd, name, flags | O_NOFOLLOW);
	if (*ret_fd >= 0)
		return 0;
	if (errno == ENOTDIR && flags & O_DIRECTORY &&
	    !fstatat(fd, name, &st, AT_SYMLINK_NOFOLLOW) && S_ISLNK(st.st_mode))
		return -ELOOP;
	return error_of_open();
}

static int open_part_by_part(int fd, const char *path, int flags, int *ret_fd)
{
	char *parts = alloc_string(path), *state = NULL;
	char *part = parts ? strtok_r(parts, "/", &state) : NULL;
	int at = -1, r = parts ? 0 : -ENOMEM;

	while (part && !r) {
		char *next = strtok_r(NULL, "/", &state);
		int below = -1;

		r = open_one(at < 0 ? fd : at, part, next ? OPEN_DIR : flags, &below);
		if (at >= 0)
			close(at);
		at = below;
		part = next;
	}
	alloc_free(parts);
	*ret_fd = at;
	return r;
}

/* Linux 5.6 opens a path in one call; older kernels, and some containers, do not know it. */
static int open_path(int fd, const char *path, int flags, int *ret_fd)
{
#ifdef SYS_openat2
	const struct open_how how = { .flags = (uint64_t)(unsigned int)(flags | O_NOFOLLOW),
				      .resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS };

	*ret_fd = (int)syscall(SYS_openat2, fd, path, &how, sizeof(how));
	if (*ret_fd >= 0)
		return 0;
	/* Of a symbolic link it says ENOTDIR: part by part it is told from a file. */
	if (errno != ENOSYS && errno != EPERM && errno != ENOTDIR)
		return error_of_open();
#endif
	return open_part_by_part(fd, path, flags, ret_fd);
}

static bool leads_below(const char *path)
{
	if (!*path || *path == '/')
		return false;
	for (const char *part = path; part; part = strchr(part, '/')) {
		part += *part == '/';
		if (!strncmp(part, "..", 2) && (part[2] == '/' || !part[2]))
			return false;
	}
	return true;
}

static int open_below(int fd, const char *path, int flags, int *ret_fd)
{
	*ret_fd = -1;
	if (!leads_below(path))
		return -EXDEV;
	return strchr(path, '/') ? open_path(fd, path, flags, ret_fd)
				 : open_one(fd, path, flags, ret_fd);
}

/* ---- links to directories */

enum { MAX_LEVELS = 4096 };

static bool same(const struct stat *a, const struct stat *b)
{
	return a->st_dev == b->st_dev && a->st_ino == b->st_ino;
}

/* The kernel has resolved every link on the way to dir: what is above it is where it really is. */
int safe_dir_is_below(int dir, const struct stat *top, bool *ret_below)
{
	int fd = openat(dir, ".", O_PATH | O_DIRECTORY | O_CLOEXEC), r = 0;
	struct stat here = { 0 }, above = { 0 };

	*ret_below = false;
	if (fd < 0 || fstat(fd, &here))
		r = -errno;
	for (int n = 0; !r && n < MAX_LEVELS; n++) {
		int up;

		*ret_below = same(&here, top);
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

static int follow(const struct safe_dir *dir, const char *name, int *ret_fd);

/* It is missing where the links lead to; or a link leads nowhere, which is told as leading out. */
/* NOLINTNEXTLINE(misc-no-recursion): once for each part of the name */
static int why_not(const struct safe_dir *dir, const char *name, int error)
{
	const char *slash = strrchr(name, '/');
	char *parent = slash ? alloc_printf("%.*s", (int)(slash - name), name) : NULL;
	struct stat st;
	int fd = -1, r = -EXDEV;

	if (slash && !parent)
		return -ENOMEM;
	if (parent)
		r = follow(dir, parent, &fd);
	if (!r)
		r = fstatat(fd, slash + 1, &st, AT_SYMLINK_NOFOLLOW) ? -errno
		    : S_ISLNK(st.st_mode)                            ? -EXDEV
								     : error;
	if (fd >= 0)
		close(fd);
	alloc_free(parent);
	return r;
}

/* NOLINTNEXTLINE(misc-no-recursion): as above */
static int follow(const struct safe_dir *dir, const char *name, int *ret_fd)
{
	const int place = openat(dir->fd, name, O_PATH | O_DIRECTORY | O_CLOEXEC);
	int r = place < 0 ? error_of_open() : 0;
	bool below = dir->rules && dir->rules->follows;
	struct stat top;

	*ret_fd = -1;
	if (!r && !below && !fstat(dir->top, &top))
		r = safe_dir_is_below(place, &top, &below);
	if (!r && !below)
		r = -EXDEV;
	if (!r) {
		*ret_fd = openat(place, ".", OPEN_DIR);
		r = *ret_fd < 0 ? error_of_open() : 0;
	}
	if (place >= 0)
		close(place);
	return r == -ENOENT || r == -ENOTDIR ? why_not(dir, name, r) : r;
}

static bool keeps_names(const struct safe_dir *dir)
{
	return record_of(dir) && record_of(dir)->keeps_names;
}

static char *path_below(const struct safe_dir *dir, const char *name)
{
	return dir->path ? alloc_printf("%s/%s", dir->path, name) : alloc_string(name);
}

int safe_dir_enter(const struct safe_dir *dir, const char *name, struct safe_dir *ret_dir)
{
	int fd, r = open_below(dir->fd, name, OPEN_DIR, &fd);

	if (r == -ELOOP)
		r = follow(dir, name, &fd);
	*ret_dir = (struct safe_dir){ .fd = fd, .top = dir->top, .rules = dir->rules };
	if (!r && keeps_names(dir)) {
		ret_dir->path = path_below(dir, name);
		r = ret_dir->path ? 0 : -ENOMEM;
	}
	if (r)
		safe_dir_close(ret_dir);
	return entered(dir, name, r);
}

/* Of a name of several parts: the directory that those in front lead to.  To be closed. */
static int enter_parent(const struct safe_dir *dir, const char *name, struct safe_dir *ret_parent,
			const char **ret_last)
{
	const char *slash = strrchr(name, '/');
	char *parent = slash ? alloc_printf("%.*s", (int)(slash - name), name) : alloc_string(".");
	int r = parent ? safe_dir_enter(dir, parent, ret_parent) : -ENOMEM;

	if (!parent)
		*ret_parent = (struct safe_dir){ .fd = -1 };
	alloc_free(parent);
	*ret_last = slash ? slash + 1 : name;
	return r;
}

const char *safe_dir_fault(int error)
{
	switch (error) {
	case -ELOOP:
		return "it is a symbolic link";
	case -EXDEV:
		return "it is a symbolic link that leads out of the root: --follow reads it";
	case -EINVAL:
		return "it is no regular file";
	case -EFBIG:
		return "it is too large";
	default:
		return strerror(-error);
	}
}

void safe_dir_close(struct safe_dir *dir)
{
	if (dir->fd >= 0)
		close(dir->fd);
	dir->fd = -1;
	alloc_free(dir->path);
	dir->path = NULL;
}

/* Neither does a fifo block, nor a terminal become ours. */
static int open_file(const struct safe_dir *dir, const char *name, int *ret_fd,
		     struct stat *ret_stat)
{
	struct safe_dir parent;
	const char *last;
	int fd, r = open_below(dir->fd, name, OPEN_FILE, &fd);

	if (r == -ELOOP && strchr(name, '/')) {
		r = enter_parent(dir, name, &parent, &last);
		if (!r)
			r = open_below(parent.fd, last, OPEN_FILE, &fd);
		safe_dir_close(&parent);
	}
	if (r)
		return r == -ENXIO ? -EINVAL : r; /* a socket, a device without driver */
	r = fstat(fd, ret_stat) ? -errno : 0;
	if (!r && !S_ISREG(ret_stat->st_mode))
		r = -EINVAL;
	if (r) {
		close(fd);
		return r;
	}
	look_out(dir, ret_stat);
	*ret_fd = fd;
	return 0;
}

int safe_dir_open_file(const struct safe_dir *dir, const char *name, int *ret_fd)
{
	struct stat ignored;

	return noted(dir, name, open_file(dir, name, ret_fd, &ignored));
}

static int stat_one(int fd, const char *name, struct safe_stat *ret_stat)
{
	struct stat st;

	if (fstatat(fd, name, &st, AT_SYMLINK_NOFOLLOW))
		return -errno;
	if (S_ISLNK(st.st_mode))
		return -ELOOP;
	if (!S_ISREG(st.st_mode))
		return -EINVAL;
	*ret_stat = (struct safe_stat){ (uint64_t)st.st_size, st.st_mtime };
	return 0;
}

int safe_dir_stat(const struct safe_dir *dir, const char *name, struct safe_stat *ret_stat)
{
	struct safe_dir parent;
	const char *last;
	int r;

	*ret_stat = (struct safe_stat){ 0 };
	if (!leads_below(name))
		return -EXDEV;
	if (!strchr(name, '/'))
		return stat_one(dir->fd, name, ret_stat);
	r = enter_parent(dir, name, &parent, &last);
	if (!r)
		r = stat_one(parent.fd, last, ret_stat);
	safe_dir_close(&parent);
	return looked_for(dir, r);
}

int safe_dir_has_file(const struct safe_dir *dir, const char *name)
{
	struct safe_stat ignored;

	return safe_dir_stat(dir, name, &ignored);
}

bool safe_dir_is_immutable(const struct safe_dir *dir, const char *name)
{
	const uint64_t flags = STATX_ATTR_IMMUTABLE | STATX_ATTR_APPEND;
	struct statx st;

	return leads_below(name) && !statx(dir->fd, name, AT_SYMLINK_NOFOLLOW, STATX_TYPE, &st) &&
	       st.stx_attributes & flags;
}

/* A file of so many bytes, or of what it has become since. */
static int read_all(int fd, const struct stat *st, size_t max, char **ret_text, size_t *ret_size)
{
	const size_t size = (size_t)st->st_size;
	char *text;
	int r;

	if (st->st_size < 0 || (uint64_t)st->st_size > max)
		return -EFBIG;
	text = alloc_array(size + 1, 1);
	r = text ? fd_read_up_to(fd, text, size, ret_size) : -ENOMEM;
	if (r) {
		alloc_free(text);
		return r;
	}
	*ret_text = text;
	return 0;
}

int safe_file_read(int fd, size_t max, char **ret_text, size_t *ret_size)
{
	struct stat st;

	*ret_text = NULL;
	*ret_size = 0;
	return fstat(fd, &st) ? -errno : read_all(fd, &st, max, ret_text, ret_size);
}

int safe_dir_read(const struct safe_dir *dir, const char *name, size_t max, char **ret_text,
		  size_t *ret_size)
{
	struct stat st;
	int fd = -1, r = open_file(dir, name, &fd, &st);

	*ret_text = NULL;
	*ret_size = 0;
	if (!r)
		r = read_all(fd, &st, max, ret_text, ret_size);
	if (fd >= 0)
		close(fd);
	r = noted(dir, name, r);
	if (!r && record_of(dir))
		read_record_content(record_of(dir), *ret_text, *ret_size);
	return r;
}

static bool has_type(int fd, const struct dirent *e, mode_t type)
{
	struct stat st;

	if (e->d_type != DT_UNKNOWN)
		return e->d_type == (type == S_IFDIR ? DT_DIR : DT_REG);
	return !fstatat(fd, e->d_name, &st, AT_SYMLINK_NOFOLLOW) && (st.st_mode & S_IFMT) == type;
}

static int add_entry(struct dir_list *list, int fd, const struct dirent *e)
{
	struct dir_entry *grown =
		alloc_grow(list->items, &list->capacity, list->nr, sizeof(*grown));
	char *name = alloc_string(e->d_name);

	if (grown)
		list->items = grown;
	if (!grown || !name) {
		alloc_free(name);
		return -ENOMEM;
	}
	grown[list->nr++] =
		(struct dir_entry){ name, has_type(fd, e, S_IFDIR), has_type(fd, e, S_IFREG) };
	return 0;
}

static int by_name(const void *a, const void *b)
{
	return strcmp(((const struct dir_entry *)a)->name, ((const struct dir_entry *)b)->name);
}

static int list_entries(const struct safe_dir *dir, struct dir_list *ret_list)
{
	int fd = openat(dir->fd, ".", OPEN_DIR), r = 0;
	struct dirent *e;
	DIR *d;

	*ret_list = (struct dir_list){ 0 };
	if (fd < 0)
		return error_of_open();
	d = fdopendir(fd);
	if (!d) {
		r = -errno;
		close(fd);
		return r;
	}
	errno = 0;
	while (!r && (e = readdir(d))) {
		if (strcmp(e->d_name, ".") != 0 && strcmp(e->d_name, "..") != 0)
			r = add_entry(ret_list, dirfd(d), e);
		errno = 0;
	}
	if (!r && errno)
		r = -errno;
	closedir(d);
	if (r != -ENOMEM && ret_list->nr)
		qsort(ret_list->items, ret_list->nr, sizeof(*ret_list->items), by_name);
	return r;
}

int safe_dir_list(const struct safe_dir *dir, struct dir_list *ret_list)
{
	return entered(dir, ".", list_entries(dir, ret_list));
}

void dir_list_destroy(struct dir_list *list)
{
	for (size_t i = 0; i < list->nr; i++)
		alloc_free(list->items[i].name);
	alloc_free(list->items);
	*list = (struct dir_list){ 0 };
}
