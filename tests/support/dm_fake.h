/* SPDX-License-Identifier: MIT
 * dm_fake.h: a device-mapper that has what a test says.  Unit tests are linked so that the calls of
 * dm_busy.c go through here (Makefile: WRAPPED).
 */
#ifndef THINMEND_TESTS_DM_FAKE_H
#define THINMEND_TESTS_DM_FAKE_H

#include <stdbool.h>
#include <stddef.h>

struct dm_fake_device {
	const char *name;
	const char *target, *parameters; /* NULL: its table cannot be read */
};

/* From now on there are these, the test's, instead of those of the kernel. */
void dm_fake_devices(const struct dm_fake_device *devices, size_t nr);

/* Tasks can be made, but none runs; or none can be made. */
extern bool dm_fake_runs, dm_fake_makes; /* true */

/* Tasks that were made and not destroyed. */
extern size_t dm_fake_nr_tasks;

#endif
