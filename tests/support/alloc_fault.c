/* SPDX-License-Identifier: MIT */
#include "tests/support/alloc_fault.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "common/base/alloc.h"

#define NEVER UINT64_MAX

static uint64_t until_failure = NEVER; /* successful allocations before it */
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

void *wrapped_array(size_t n, size_t size)
{
	return fails() ? NULL : real_array(n, size);
}

void *wrapped_grow(void *array, size_t *capacity, size_t used, size_t size)
{
	const bool has_room = array && used < *capacity;

	return !has_room && fails() ? NULL : real_grow(array, capacity, used, size);
}

void *wrapped_aligned(size_t bytes)
{
	return fails() ? NULL : real_aligned(bytes);
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
	until_failure = n;
	failed = false;
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
