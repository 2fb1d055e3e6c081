/* SPDX-License-Identifier: MIT
 * columns.h: which columns list has, and in which order its rows stand.
 */
#ifndef DOCKER_META_SAY_COLUMNS_H
#define DOCKER_META_SAY_COLUMNS_H

#include <stdbool.h>
#include <stddef.h>

#include "docker_meta/view.h"

enum column {
	COLUMN_ID,
	COLUMN_HASH,
	COLUMN_ROLE,
	COLUMN_OWNER,
	COLUMN_SIZE,
	COLUMN_MAPPED,
	COLUMN_EXCLUSIVE,
	COLUMN_TRANSACTION,
	COLUMN_STATE,
	NR_COLUMNS
};

struct list_layout {
	enum column columns[NR_COLUMNS]; /* each at most once */
	size_t nr;
	enum column sort;
	bool downward;
};

/* Of --sort and --columns.  STATUS_NONE, or usage after saying what there is. */
must_check int list_layout_parse(const struct docker_meta_options *o,
				 struct list_layout *ret_layout);

/*
 * The rows in their order, the table's own where they are equal; what is not known is least.  0 or
 * -ENOMEM; the array is to be freed.
 */
must_check int list_sort(const struct meta_view *v, const struct list_layout *layout,
			 const struct device_row ***ret_rows);

/* One value for people. */
struct cell {
	char text[120];
};
struct cell list_cell(const struct meta_view *v, const struct device_row *row, enum column column);

const char *list_heading(enum column column);
bool column_is_number(enum column column);

#endif
