/* SPDX-License-Identifier: MIT
 * fullness.h: when a pool is called nearly full: of data or of metadata blocks, whoever asks.
 *
 * LVM extends a pool at 70 % where it is told to (lvm.conf(5): thin_pool_autoextend_threshold, in
 * the profiles that Docker's documents have: 80); dm.min_free_space, below which Docker makes no
 * device, is 10 % unless it is given.
 */
#ifndef DOCKER_META_FACTS_FULLNESS_H
#define DOCKER_META_FACTS_FULLNESS_H

#include <stdbool.h>
#include <stdint.h>

/* Thousandths of a per cent in use, beyond which it is a warning, and an error. */
#define FULL_WARNING UINT64_C(80000)
#define FULL_ERROR UINT64_C(90000)

/* Thousandths of a per cent, 0 where total is 0; exact below 2^40. */
uint64_t per_cent(uint64_t part, uint64_t total);

/* Beyond FULL_WARNING. */
bool is_nearly_full(uint64_t used, uint64_t total);

#endif
