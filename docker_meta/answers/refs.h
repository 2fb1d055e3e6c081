/* SPDX-License-Identifier: MIT
 * refs.h: devices as answers mention them.
 */
#ifndef DOCKER_META_ANSWERS_REFS_H
#define DOCKER_META_ANSWERS_REFS_H

#include "docker_meta/text/json_build.h"
#include "docker_meta/view.h"

/* "device 4, layer of app:tagged". */
void describe_row(const struct device_table *t, const struct device_row *row, char *text,
		  size_t size);

/* "layer of app:tagged", in so many columns at most. */
void print_role_owner(const struct device_table *t, const struct device_row *row, size_t width,
		      FILE *out);

/* Its id, the times of its making and of its last snapshot, and whose it is; then a remark. */
void print_lineage_line(const struct device_table *t, const struct device_row *row,
			const char *remark, FILE *out);

/* id, hash, role, owner, created and snapshotted (times; null: not in the pool). */
json_t *json_device_ref(const struct device_table *t, const struct device_row *row, bool *failed);

#endif
