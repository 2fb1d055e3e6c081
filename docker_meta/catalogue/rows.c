/* SPDX-License-Identifier: MIT */
#include "docker_meta/catalogue/rows.h"

static const struct meta_row rows[] = {
#define ROW(id, severity, traits, recipe, title, predicted, remedy) \
	{ #id, META_##severity, traits, title, predicted, remedy },
#include "docker_meta/catalogue/rows.def"
#undef ROW
};

const char *meta_severity_name(enum meta_severity severity)
{
	static const char *const names[] = { [META_INFO] = "info",
					     [META_WARNING] = "warning",
					     [META_ERROR] = "error",
					     [META_FATAL] = "fatal" };

	return names[severity];
}

const struct meta_row *meta_row(enum meta_row_id id)
{
	return &rows[id];
}
