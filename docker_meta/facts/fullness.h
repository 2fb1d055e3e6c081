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

/* Per cent in use, beyond which it is a warning, and an error. */
#define FULL_WARNING UINT64_C(80)
#define FULL_ERROR UINT64_C(90)

static inline bool is_nearly_full(uint64_t used, uint64_t total)
{
	return total &&
	       (used >= total || total - used < total / 100 * (100 - FULL_WARNING) +
							total % 100 * (100 - FULL_WARNING) / 100);
}

#endif
