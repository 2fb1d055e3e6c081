/* SPDX-License-Identifier: MIT
 * about.h: which findings are about a thing: its devices, or what is called by its names.
 */
#ifndef DOCKER_META_ANSWERS_ABOUT_H
#define DOCKER_META_ANSWERS_ABOUT_H

#include "docker_meta/answers/subject.h"
#include "docker_meta/view.h"

struct about {
	const struct meta_finding **findings; /* owned, worst first */
	size_t nr, capacity;
	const char **names; /* owned: by which findings call it, sorted; borrowed each */
	size_t nr_names, names_capacity;
	bool *rows; /* owned: for each row of the table, whether it is part of it */
};

/* Cost: linear in findings and names but for a logarithm.  0 or -ENOMEM; to be destroyed in any
 * case. */
must_check int about_find(const struct meta_view *v, const struct subject *s,
			  struct about *ret_about);
void about_destroy(struct about *a);

/* The status to end with, by the worst of them; without a pool there may be worse ones. */
int about_status(const struct about *a, const struct device_table *t);

#endif
