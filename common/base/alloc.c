/* SPDX-License-Identifier: MIT */
#include "common/base/alloc.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void *alloc_array(size_t n, size_t size)
{
	return calloc(n ? n : 1, size ? size : 1);
}

void *alloc_grow(void *array, size_t *capacity, size_t used, size_t size)
{
	size_t want = *capacity ? *capacity : 16;
	size_t bytes;
	void *grown;

	if (array && used < *capacity)
		return array;
	while (want <= used) {
		if (__builtin_mul_overflow(want, (size_t)2, &want))
			return NULL;
	}
	if (__builtin_mul_overflow(want, size, &bytes))
		return NULL;
	grown = realloc(array, bytes);
	if (grown)
		*capacity = want;
	return grown;
}

void *alloc_aligned(size_t bytes)
{
	void *p = NULL;

	if (posix_memalign(&p, 4096, bytes ? bytes : 1))
		return NULL;
	return p;
}

char *alloc_string(const char *text)
{
	return strdup(text);
}

char *alloc_vprintf(const char *format, va_list args)
{
	char *text = NULL;

	return vasprintf(&text, format, args) < 0 ? NULL : text;
}

char *alloc_printf(const char *format, ...)
{
	va_list args;
	char *text;

	va_start(args, format);
	text = alloc_vprintf(format, args);
	va_end(args);
	return text;
}

void alloc_free(const void *p)
{
	void *owned;

	memcpy(&owned, &p, sizeof(owned)); /* the one place where const is dropped */
	free(owned);
}
