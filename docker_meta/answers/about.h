/* SPDX-License-Identifier: MIT
 * about.h: which findings are about a thing: about its devices, or about a part of it.
 */
#ifndef DOCKER_META_ANSWERS_ABOUT_H
#define DOCKER_META_ANSWERS_ABOUT_H

#include "docker_meta/answers/subject.h"
#include "docker_meta/view.h"

struct about {
	const struct meta_finding **findings; /* owned, worst first */
	size_t nr, capacity;
	struct subject *parts; /* owned: what it consists of, by kind and id */
	size_t nr_parts, parts_capacity;
	bool *rows; /* owned: for each row of the table, whether it is part of it */
};

/* Cost: linear in findings and parts but for a logarithm.  0 or -ENOMEM; to be destroyed in any
 * case. */
must_check int about_find(const struct meta_view *v, const struct subject *s,
			  struct about *ret_about);
void about_destroy(struct about *a);

/* The status to end with, by the worst of them; without a pool there may be worse ones. */
int about_status(const struct about *a, const struct device_table *t);

#endif
