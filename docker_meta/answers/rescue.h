/* SPDX-License-Identifier: MIT
 * rescue.h: how to look into a device without changing it: commands to copy, which nobody runs.
 *
 * A second thin device of the same id, read-only and as large as the first, and a mount that
 * neither recovers the journal nor minds the same UUID twice.  Nothing that a file says stands in a
 * command but numbers, and the name of the pool where it has no characters but those of a plain
 * name; paths that the user gave are quoted.
 */
#ifndef DOCKER_META_ANSWERS_RESCUE_H
#define DOCKER_META_ANSWERS_RESCUE_H

#include "docker_meta/view.h"

struct rescue_line {
	bool is_command; /* else it explains */
	char *text;      /* owned */
};

struct rescue {
	const char *refused;       /* why there is no recipe; NULL: there is one */
	uint64_t sectors;          /* of the device */
	bool guessed;              /* its file does not tell the size */
	struct rescue_line *lines; /* owned */
	size_t nr, capacity;
};

/* 0 or -ENOMEM; to be destroyed in any case. */
must_check int rescue_make(const struct meta_view *v, const struct device_row *row,
			   struct rescue *ret_rescue);
void rescue_destroy(struct rescue *r);

/* Nothing in it means anything to a shell, nor to a table of device-mapper. */
bool is_plain_name(const char *name);

#endif
