/* SPDX-License-Identifier: MIT */
#include "common/tool/earlier_output.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/types.h>

#include "common/io/input.h"

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

static bool has_mark(const char *start, const struct output_mark *m)
{
	return !strncmp(start, m->begins, strlen(m->begins)) && (!m->has || strstr(start, m->has));
}

bool output_may_replace(const char *path, const struct output_mark *marks, size_t nr_marks)
{
	char start[OUTPUT_START + 1] = "";
	struct stat st;
	ssize_t got;

	if (stat(path, &st))
		return errno == ENOENT;
	if (!S_ISREG(st.st_mode))
		return true;
	got = read_file(path, start, OUTPUT_START);
	if (got < 0)
		return false;
	errno = 0;
	if (!got)
		return true;
	for (size_t i = 0; i < nr_marks; i++) {
		if (has_mark(start, &marks[i]))
			return true;
	}
	return false;
}

const char *output_refusal(void)
{
	return errno == ENOMEM ? strerror(ENOMEM) : OUTPUT_NOT_OURS;
}
