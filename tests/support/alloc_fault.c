/* SPDX-License-Identifier: MIT */
#include "tests/support/alloc_fault.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/alloc.h"

#define NEVER UINT64_MAX

static uint64_t until_failure = NEVER; /* successful allocations before it */
static uint64_t set_to;
static bool failed;

static bool fails(void)
{
	if (until_failure == NEVER)
		return false;
	if (until_failure--)
		return false;
	until_failure = NEVER;
	failed = true;
	return true;
}

/*
 * The linker's --wrap=SYMBOL sends calls of SYMBOL to __wrap_SYMBOL, and those of __real_SYMBOL to
 * SYMBOL.  Weak: what is linked without --wrap has this file too.
 */
#define WRAPPER(symbol) __asm__("__wrap_" #symbol)
#define REAL(symbol) __asm__("__real_" #symbol) __attribute__((weak))

void *real_array(size_t n, size_t size) REAL(alloc_array);
void *real_grow(void *array, size_t *capacity, size_t used, size_t size) REAL(alloc_grow);
void *real_aligned(size_t bytes) REAL(alloc_aligned);
char *real_string(const char *text) REAL(alloc_string);
char *real_vprintf(const char *format, va_list args) REAL(alloc_vprintf) printf_like(1, 0);

void *wrapped_array(size_t n, size_t size) WRAPPER(alloc_array);
void *wrapped_grow(void *array, size_t *capacity, size_t used, size_t size) WRAPPER(alloc_grow);
void *wrapped_aligned(size_t bytes) WRAPPER(alloc_aligned);
char *wrapped_string(const char *text) WRAPPER(alloc_string);
char *wrapped_vprintf(const char *format, va_list args) WRAPPER(alloc_vprintf) printf_like(1, 0);
char *wrapped_printf(const char *format, ...) WRAPPER(alloc_printf) printf_like(1, 2);

/*
 * Memory is zero where it comes fresh from the kernel, and what reads it before it was written, or
 * reads behind the end, gets away with that.  Here it finds 0xff.
 */
enum { FILLER = 0xff };

/* AddressSanitizer sees what is read behind the end, but not where something stands there. */
#if defined(__SANITIZE_ADDRESS__)
enum { TAIL = 0 };
#else
enum { TAIL = 256 };
#endif

/* The bytes of an array with its tail; SIZE_MAX, which nobody has, where they overflow. */
static size_t with_tail(size_t n, size_t size)
{
	size_t bytes;

	return __builtin_mul_overflow(n, size, &bytes) ||
			       __builtin_add_overflow(bytes, (size_t)TAIL, &bytes)
		       ? SIZE_MAX
		       : bytes;
}

void *wrapped_array(size_t n, size_t size)
{
	const size_t bytes = with_tail(n, size);
	char *array = fails() ? NULL : real_array(bytes, 1);

	if (array)
		memset(array + bytes - TAIL, FILLER, TAIL);
	return array;
}

void *wrapped_grow(void *array, size_t *capacity, size_t used, size_t size)
{
	char *grown;

	if (array && used < *capacity)
		return real_grow(array, capacity, used, size);
	grown = fails() ? NULL : real_grow(array, capacity, used, size);
	if (grown)
		memset(grown + used * size, FILLER, (*capacity - used) * size);
	return grown;
}

void *wrapped_aligned(size_t bytes)
{
	const size_t all = with_tail(bytes, 1);
	void *p = fails() ? NULL : real_aligned(all);

	if (p)
		memset(p, FILLER, all);
	return p;
}

char *wrapped_string(const char *text)
{
	return fails() ? NULL : real_string(text);
}

char *wrapped_vprintf(const char *format, va_list args)
{
	return fails() ? NULL : real_vprintf(format, args);
}

char *wrapped_printf(const char *format, ...)
{
	va_list args;
	char *text;

	va_start(args, format);
	text = wrapped_vprintf(format, args);
	va_end(args);
	return text;
}

void alloc_fault_set(uint64_t n)
{
	until_failure = set_to = n;
	failed = false;
}

uint64_t alloc_fault_count(void)
{
	return set_to - until_failure;
}

bool alloc_fault_clear(void)
{
	until_failure = NEVER;
	return failed;
}

uint64_t alloc_fault_sweep(int (*run)(void *context), void *context, uint64_t step)
{
	for (uint64_t n = 0;; n++) {
		int r;

		alloc_fault_set(n * step);
		r = run(context);
		if (!alloc_fault_clear() && !r)
			return n;
		if (r != -ENOMEM || !failed) {
			fprintf(stderr, "allocation %llu %s, and %d was returned\n",
				(unsigned long long)(n * step), failed ? "failed" : "did not fail",
				r);
			abort();
		}
	}
}
