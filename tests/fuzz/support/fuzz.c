/* SPDX-License-Identifier: MIT */
#include "tests/fuzz/support/fuzz.h"

#include <errno.h>
#include <jansson.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

void fuzz_fail(const char *file, int line, const char *format, ...)
{
	va_list args;

	dprintf(STDERR_FILENO, "%s:%d: property violated: ", file, line);
	va_start(args, format);
	vdprintf(STDERR_FILENO, format, args);
	va_end(args);
	dprintf(STDERR_FILENO, "\n");
	abort();
}

void fuzz_silence(void)
{
	static bool done;
	FILE *nowhere;

	if (done)
		return;
	nowhere = fopen("/dev/null", "we");
	fuzz_require(nowhere, "/dev/null: %s", strerror(errno));
	stdout = nowhere;
	stderr = nowhere;
	done = true;
}

uint64_t fuzz_take(struct fuzz_bytes *b, unsigned int bytes)
{
	uint64_t v = 0;

	for (unsigned int i = 0; i < bytes && b->p < b->end; i++)
		v |= (uint64_t)*b->p++ << 8 * i;
	return v;
}

uint64_t fuzz_below(struct fuzz_bytes *b, uint64_t limit)
{
	return fuzz_take(b, limit > 256 ? 2 : 1) % limit;
}

uint64_t fuzz_number(struct fuzz_bytes *b)
{
	uint64_t v = fuzz_take(b, 1);

	if (v < 0xf0)
		return v;
	switch (v) {
	case 0xf0:
		return fuzz_take(b, 2);
	case 0xf1:
		return fuzz_take(b, 4);
	case 0xf2:
		return fuzz_take(b, 8);
	case 0xf3:
		return UINT64_MAX - fuzz_take(b, 1);
	case 0xf4:
		return UINT32_MAX - fuzz_take(b, 1);
	default:
		return (UINT64_C(1) << fuzz_below(b, 64)) - (v & 1);
	}
}

struct fuzz_file fuzz_file_make(const void *content, size_t bytes)
{
	struct fuzz_file f = { .fd = memfd_create("fuzz", MFD_CLOEXEC) };

	fuzz_require(f.fd >= 0, "memfd_create: %s", strerror(errno));
	fuzz_require(write(f.fd, content, bytes) == (ssize_t)bytes, "write: %s", strerror(errno));
	fuzz_require(!lseek(f.fd, 0, SEEK_SET), "lseek: %s", strerror(errno));
	snprintf(f.path, sizeof(f.path), "/proc/self/fd/%d", f.fd);
	return f;
}

char *fuzz_file_read(const struct fuzz_file *f, size_t *ret_bytes)
{
	off_t size = lseek(f->fd, 0, SEEK_END);
	char *text;

	fuzz_require(size >= 0, "lseek: %s", strerror(errno));
	text = calloc((size_t)size + 1, 1);
	fuzz_require(text && pread(f->fd, text, (size_t)size, 0) == size, "pread");
	*ret_bytes = (size_t)size;
	return text;
}

void fuzz_file_close(struct fuzz_file *f)
{
	close(f->fd);
	f->fd = -1;
}

void fuzz_require_json(const char *text, size_t bytes)
{
	json_error_t error;
	json_t *value = json_loadb(text, bytes, JSON_ALLOW_NUL, &error);

	fuzz_require(value, "no JSON: line %d: %s: %.200s", error.line, error.text, text);
	json_decref(value);
}

uint64_t fuzz_hash(uint64_t hash, const void *data, size_t bytes)
{
	const uint8_t *p = data;

	while (bytes--)
		hash = (hash ^ *p++) * UINT64_C(0x100000001b3);
	return hash;
}
