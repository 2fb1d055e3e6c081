/* SPDX-License-Identifier: MIT
 * alloc_fault.h: memory that runs out when a test says so, and is never zero by chance.
 *
 * Unit tests are linked so that every allocation of the project goes through here (Makefile:
 * FAULTY).  Libraries have their own.
 */
#ifndef THINMEND_TESTS_ALLOC_FAULT_H
#define THINMEND_TESTS_ALLOC_FAULT_H

#include <stdbool.h>
#include <stdint.h>

/* Allocation number n from now on, counted from 0, fails; those before and after it do not. */
void alloc_fault_set(uint64_t n);
/* No more failures.  Did one happen? */
bool alloc_fault_clear(void);
/* How many allocations there were since alloc_fault_set(), none of which failed yet. */
uint64_t alloc_fault_count(void);

/*
 * Run something again and again, while its first, second, third, … allocation fails, until one run
 * has no allocation left that could.  Of the many allocations of something large only each `step`th
 * fails (1: all).  Returns how many runs met a failure.
 *
 * run() returns what the code under test returned, after it freed all that it was given: that must
 * be -ENOMEM in each run that met a failure, and 0 in the last.  Aborts the test otherwise.
 */
uint64_t alloc_fault_sweep(int (*run)(void *context), void *context, uint64_t step);

#endif
