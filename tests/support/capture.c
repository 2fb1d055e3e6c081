/* SPDX-License-Identifier: MIT */
#include "tests/support/capture.h"

#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

struct capture capture_begin(FILE *stream)
{
	struct capture c = { .stream = stream };

	fflush(stream);
	c.saved = dup(fileno(stream));
	c.file = memfd_create("capture", 0);
	if (c.saved < 0 || c.file < 0 || dup2(c.file, fileno(stream)) < 0)
		abort();
	return c;
}

char *capture_end(struct capture *c)
{
	off_t bytes;
	char *text;

	fflush(c->stream);
	bytes = lseek(c->file, 0, SEEK_END);
	text = bytes < 0 ? NULL : calloc((size_t)bytes + 1, 1);
	if (!text || pread(c->file, text, (size_t)bytes, 0) != bytes ||
	    dup2(c->saved, fileno(c->stream)) < 0)
		abort();
	close(c->saved);
	close(c->file);
	return text;
}
