/* SPDX-License-Identifier: MIT */
#include "docker_meta/host/kernel_file.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/base/alloc.h"
#include "common/io/fd_io.h"

#define OPEN_TEXT (O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC)

enum { FIRST_ROOM = 4096 };

/* Room for at least one more byte and the NUL. */
static int make_room(char **text, size_t *capacity, size_t used)
{
	size_t wanted = *capacity ? 2 * *capacity : FIRST_ROOM;
	char *grown;

	if (used + 1 < *capacity)
		return 0;
	grown = alloc_array(wanted, 1);
	if (!grown)
		return -ENOMEM;
	if (used)
		memcpy(grown, *text, used);
	alloc_free(*text);
	*text = grown;
	*capacity = wanted;
	return 0;
}

static int read_to_end(int fd, size_t max, char **ret_text, size_t *ret_bytes)
{
	char *text = NULL;
	size_t capacity = 0, nr = 0, got = 1;
	int r = 0;

	while (got && !r) {
		r = make_room(&text, &capacity, nr);
		if (r)
			break;
		r = fd_read_up_to(fd, text + nr, capacity - 1 - nr, &got);
		nr += got;
		if (!r && nr > max)
			r = -EFBIG;
	}
	if (r) {
		alloc_free(text);
		return r;
	}
	text[nr] = '\0';
	*ret_text = text;
	*ret_bytes = nr;
	return 0;
}

int kernel_file_read(const char *path, size_t max, char **ret_text, size_t *ret_bytes)
{
	int fd = open(path, OPEN_TEXT), r = 0;
	struct stat st;

	*ret_text = NULL;
	*ret_bytes = 0;
	if (fd < 0)
		return -errno;
	/* A pipe has a writer who may be slow: that much the user asked for. */
	if (fstat(fd, &st) || (!S_ISREG(st.st_mode) && fcntl(fd, F_SETFL, 0)))
		r = -errno;
	else if (S_ISDIR(st.st_mode))
		r = -EISDIR;
	if (!r)
		r = read_to_end(fd, max, ret_text, ret_bytes);
	close(fd);
	return r;
}

int kernel_file_read_at(int dir_fd, const char *name, size_t max, char **ret_text,
			size_t *ret_bytes)
{
	int fd = openat(dir_fd, name, OPEN_TEXT | O_NOFOLLOW), r = 0;
	struct stat st;

	*ret_text = NULL;
	*ret_bytes = 0;
	if (fd < 0)
		return -errno;
	if (fstat(fd, &st))
		r = -errno;
	else if (!S_ISREG(st.st_mode))
		r = -EINVAL;
	if (!r)
		r = read_to_end(fd, max, ret_text, ret_bytes);
	close(fd);
	return r;
}

bool kernel_file_line_at(int dir_fd, const char *name, char *line, size_t size)
{
	int fd = openat(dir_fd, name, OPEN_TEXT | O_NOFOLLOW);
	struct stat st;
	size_t nr = 0;
	int r = -EINVAL;

	*line = '\0';
	if (fd < 0)
		return false;
	if (!fstat(fd, &st) && S_ISREG(st.st_mode))
		r = fd_read_up_to(fd, line, size - 1, &nr);
	close(fd);
	if (r)
		return false;
	line[nr] = '\0';
	line[strcspn(line, "\n")] = '\0';
	return true;
}
