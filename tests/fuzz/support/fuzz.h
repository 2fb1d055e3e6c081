/* SPDX-License-Identifier: MIT
 * fuzz.h: what the fuzz targets share: bytes to choose by, files in memory, and properties.
 *
 * A target is LLVMFuzzerTestOneInput() in tests/fuzz/TARGET.c.  libFuzzer and AFL++ drive it;
 * replay.c does so for files.  It returns 0, or aborts where a property does not hold.
 */
#ifndef THINMEND_FUZZ_FUZZ_H
#define THINMEND_FUZZ_FUZZ_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/base/compiler.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Standard output and standard error of stdio go nowhere: what tools print is not looked at. */
void fuzz_silence(void);

/* Say it on file descriptor 2, and abort. */
void fuzz_fail(const char *file, int line, const char *format, ...) printf_like(3, 4)
	__attribute__((noreturn));

/* A property. */
#define fuzz_require(condition, ...)                                \
	do {                                                        \
		if (!(condition))                                   \
			fuzz_fail(__FILE__, __LINE__, __VA_ARGS__); \
	} while (0)

/* ---- bytes of the input; behind the end there are zeros */

struct fuzz_bytes {
	const uint8_t *p, *end;
};

uint64_t fuzz_take(struct fuzz_bytes *b, unsigned int bytes); /* little endian, at most 8 */
uint64_t fuzz_below(struct fuzz_bytes *b, uint64_t limit); /* of one byte, or of two; limit > 0 */
uint64_t fuzz_number(struct fuzz_bytes *b);                /* mostly small, or of the edges */

static inline size_t fuzz_left(const struct fuzz_bytes *b)
{
	return (size_t)(b->end - b->p);
}

/* ---- files in memory */

struct fuzz_file {
	int fd;
	char path[32]; /* "/proc/self/fd/N" */
};

struct fuzz_file fuzz_file_make(const void *content, size_t bytes);
/* All that stands in it, and a NUL behind; free() it. */
char *fuzz_file_read(const struct fuzz_file *f, size_t *ret_bytes);
void fuzz_file_close(struct fuzz_file *f);

/* The text is one JSON value. */
void fuzz_require_json(const char *text, size_t bytes);

/* FNV-1a, to compare runs by. */
uint64_t fuzz_hash(uint64_t hash, const void *data, size_t bytes);
#define FUZZ_HASH_SEED UINT64_C(0xcbf29ce484222325)

#endif
