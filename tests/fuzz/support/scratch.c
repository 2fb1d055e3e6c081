/* SPDX-License-Identifier: MIT */
#include "tests/fuzz/support/scratch.h"

#include <errno.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tests/fuzz/support/fuzz.h"

static char directory[256];
static pid_t owner;

static int remove_one(const char *path, const struct stat *st, int kind, struct FTW *ftw)
{
	(void)st;
	(void)kind;
	(void)ftw;
	(void)remove(path);
	return 0;
}

static void remove_all(void)
{
	if (owner == getpid())
		(void)nftw(directory, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

const char *fuzz_scratch(void)
{
	const char *parent = getenv("TMPDIR");

	if (*directory)
		return directory;
	snprintf(directory, sizeof(directory), "%.200s/thinmend-fuzz.XXXXXX",
		 parent && *parent ? parent : "/tmp");
	fuzz_require(mkdtemp(directory), "%s: %s", directory, strerror(errno));
	owner = getpid();
	atexit(remove_all);
	return directory;
}

struct fuzz_path fuzz_path_of(const char *in, const char *name)
{
	struct fuzz_path p;
	int n = snprintf(p.text, sizeof(p.text), "%s/%s", in, name);

	fuzz_require(n > 0 && (size_t)n < sizeof(p.text), "a long path");
	return p;
}

void fuzz_write(const char *path, const void *content, size_t bytes)
{
	FILE *f = fopen(path, "wb");

	fuzz_require(f && fwrite(content, 1, bytes, f) == bytes && !fclose(f), "%s: %s", path,
		     strerror(errno));
}

char *fuzz_read(const char *path, size_t *ret_bytes)
{
	FILE *f = fopen(path, "rb");
	char *text = NULL;
	size_t room = 0;

	fuzz_require(f, "%s: %s", path, strerror(errno));
	*ret_bytes = 0;
	do {
		room += 65536;
		text = realloc(text, room + 1);
		fuzz_require(text, "no memory");
		*ret_bytes += fread(text + *ret_bytes, 1, room - *ret_bytes, f);
	} while (*ret_bytes == room);
	fclose(f);
	text[*ret_bytes] = '\0';
	return text;
}
