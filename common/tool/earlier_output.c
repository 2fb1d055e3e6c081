/* SPDX-License-Identifier: MIT */
#include "common/tool/earlier_output.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/base/compiler.h"
#include "common/io/input.h"
#include "common/tool/known_content.h"

/* The start of a file, gunzipped where it is gzip.  Bytes, or -1. */
static ssize_t read_file(const char *path, char *start, size_t size)
{
	struct input *in;
	size_t got = 0;
	int r = input_open(path, &in);

	if (!r) {
		r = input_read(in, start, size, &got);
		input_close(in);
	}
	errno = -r;
	return r && (r == -ENOMEM || !got) ? -1 : (ssize_t)got;
}

static ssize_t read_device(const char *path, char *start, size_t size)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	ssize_t got = fd < 0 ? -1 : pread(fd, start, size, 0);

	if (fd >= 0)
		(void)close(fd);
	return got;
}

static bool has_mark(const char *start, const struct output_mark *m)
{
	return !strncmp(start, m->begins, strlen(m->begins)) && (!m->has || strstr(start, m->has));
}

static bool is_blank(const char *path, const char *start, size_t nr)
{
	char what[KNOWN_CONTENT_MAX];

	for (size_t i = 0; i < nr; i++) {
		if (start[i])
			return false;
	}
	return !known_content(path, what);
}

bool output_may_replace(const char *path, const struct output_mark *marks, size_t nr_marks)
{
	char start[OUTPUT_START + 1] = "";
	struct stat st;
	ssize_t got;

	if (stat(path, &st))
		return errno == ENOENT;
	if (!S_ISREG(st.st_mode) && !S_ISBLK(st.st_mode))
		return true;
	got = S_ISREG(st.st_mode) ? read_file(path, start, OUTPUT_START)
				  : read_device(path, start, OUTPUT_START);
	if (got < 0)
		return false;
	errno = 0;
	if (!got)
		return true;
	for (size_t i = 0; i < nr_marks; i++) {
		if (has_mark(start, &marks[i]))
			return true;
	}
	return S_ISBLK(st.st_mode) && is_blank(path, start, (size_t)got);
}

const char *output_refusal(void)
{
	return errno == ENOMEM ? strerror(ENOMEM) : OUTPUT_NOT_OURS;
}
