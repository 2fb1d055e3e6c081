/* SPDX-License-Identifier: MIT */
#include "docker_meta/config/text_file.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/base/alloc.h"
#include "common/io/fd_io.h"

/* Until the end; a file of /proc has no size. */
static int read_to_end(int fd, char **text, size_t *nr)
{
	size_t capacity = 0;
	size_t got = 1;

	*nr = 0;
	while (got) {
		char *grown = *text;
		int r;

		if (*nr > TEXT_FILE_MAX)
			return -EFBIG;
		if (*nr + 4096 > capacity) {
			grown = alloc_grow(*text, &capacity, *nr + 4096, 1);
			if (!grown)
				return -ENOMEM;
			*text = grown;
		}
		r = fd_read_up_to(fd, grown + *nr, capacity - *nr - 1, &got);
		if (r)
			return r;
		*nr += got;
	}
	(*text)[*nr] = '\0';
	return 0;
}

int text_file_read(const char *path, bool named, char **ret_text, size_t *ret_size)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | (named ? 0 : O_NONBLOCK)), r;
	struct stat st;

	*ret_text = NULL;
	*ret_size = 0;
	if (fd < 0)
		return -errno;
	r = fstat(fd, &st) ? -errno : 0;
	if (!r && !S_ISREG(st.st_mode) && !(named && S_ISFIFO(st.st_mode)))
		r = S_ISDIR(st.st_mode) ? -EISDIR : -EINVAL;
	if (!r)
		r = read_to_end(fd, ret_text, ret_size);
	close(fd);
	if (r) {
		alloc_free(*ret_text);
		*ret_text = NULL;
	}
	return r;
}
