/* SPDX-License-Identifier: MIT
 * alloc.h: memory.  The only place that calls malloc and its kin.
 *
 * Every function returns NULL when there is no memory or when the size overflows; nothing aborts.
 */
#ifndef THINMEND_BASE_ALLOC_H
#define THINMEND_BASE_ALLOC_H

#include <stdarg.h>
#include <stddef.h>

#include "common/base/compiler.h"

/* n zeroed elements.  Large arrays come straight from the kernel: pages never touched cost nothing.
 */
must_check void *alloc_array(size_t n, size_t size);

/* One zeroed object. */
#define alloc_object(type) ((type *)alloc_array(1, sizeof(type)))

/*
 * Grow an array so that it has room for element number `used`, at least doubling it.
 * *capacity is updated on success; on failure the old array stays valid and is still owned.
 */
must_check void *alloc_grow(void *array, size_t *capacity, size_t used, size_t size);

/* Uninitialised bytes aligned to 4096, as O_DIRECT wants them. */
must_check void *alloc_aligned(size_t bytes);

must_check char *alloc_string(const char *text);
must_check char *alloc_printf(const char *format, ...) printf_like(1, 2);
must_check char *alloc_vprintf(const char *format, va_list args) printf_like(1, 0);

/* Whoever owns it may free it, also through a pointer to const.  NULL is allowed. */
void alloc_free(const void *p);

#endif
