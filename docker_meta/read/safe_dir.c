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

#define OPEN_FILE (O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC)
#define OPEN_DIR (O_RDONLY | O_DIRECTORY | O_NONBLOCK | O_CLOEXEC)

/* That there is no descriptor left says nothing of what was to be opened. */
static int error_of_open(void)
{
	return errno == EMFILE || errno == ENFILE ? -ENOMEM : -errno;
}

int safe_dir_open(const char *path, struct safe_dir *ret_dir)
{
	ret_dir->fd = open(path, OPEN_DIR);
	return ret_dir->fd < 0 ? error_of_open() : 0;
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

int safe_dir_enter(const struct safe_dir *dir, const char *name, struct safe_dir *ret_dir)
{
	return open_below(dir->fd, name, OPEN_DIR, &ret_dir->fd);
}

const char *safe_dir_fault(int error)
{
	switch (error) {
	case -ELOOP:
		return "it is a symbolic link";
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
}

/* Neither does a fifo block, nor a terminal become ours. */
int safe_dir_open_file(const struct safe_dir *dir, const char *name, int *ret_fd)
{
	struct stat st;
	int fd, r = open_below(dir->fd, name, OPEN_FILE, &fd);

	if (r)
		return r == -ENXIO ? -EINVAL : r; /* a socket, a device without driver */
	r = fstat(fd, &st) ? -errno : 0;
	if (!r && !S_ISREG(st.st_mode))
		r = -EINVAL;
	if (r) {
		close(fd);
		return r;
	}
	*ret_fd = fd;
	return 0;
}

int safe_dir_stat(const struct safe_dir *dir, const char *name, struct safe_stat *ret_stat)
{
	struct stat st;

	*ret_stat = (struct safe_stat){ 0 };
	if (!leads_below(name))
		return -EXDEV;
	if (fstatat(dir->fd, name, &st, AT_SYMLINK_NOFOLLOW))
		return -errno;
	if (S_ISLNK(st.st_mode))
		return -ELOOP;
	if (!S_ISREG(st.st_mode))
		return -EINVAL;
	*ret_stat = (struct safe_stat){ (uint64_t)st.st_size, st.st_mtime };
	return 0;
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

/* A file of size bytes, or of what it has become since. */
static int read_all(int fd, size_t size, char **ret_text, size_t *ret_size)
{
	char *text = alloc_array(size + 1, 1);
	int r = text ? fd_read_up_to(fd, text, size, ret_size) : -ENOMEM;

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
	if (fstat(fd, &st))
		return -errno;
	return st.st_size < 0 || (uint64_t)st.st_size > max
		       ? -EFBIG
		       : read_all(fd, (size_t)st.st_size, ret_text, ret_size);
}

int safe_dir_read(const struct safe_dir *dir, const char *name, size_t max, char **ret_text,
		  size_t *ret_size)
{
	int fd = -1, r = safe_dir_open_file(dir, name, &fd);

	*ret_text = NULL;
	*ret_size = 0;
	if (r)
		return r;
	r = safe_file_read(fd, max, ret_text, ret_size);
	close(fd);
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

int safe_dir_list(const struct safe_dir *dir, struct dir_list *ret_list)
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

void dir_list_destroy(struct dir_list *list)
{
	for (size_t i = 0; i < list->nr; i++)
		alloc_free(list->items[i].name);
	alloc_free(list->items);
	*list = (struct dir_list){ 0 };
}
