/* SPDX-License-Identifier: MIT
 * compiler.h: attributes that let the compiler and the analysers check contracts.
 */
#ifndef THINMEND_BASE_COMPILER_H
#define THINMEND_BASE_COMPILER_H

/* The caller has to look at the result. */
#define must_check __attribute__((warn_unused_result))

/* Argument f is a printf format, its values begin at argument a. */
#define printf_like(f, a) __attribute__((format(printf, f, a)))

#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))

#endif
