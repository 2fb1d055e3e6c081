/* SPDX-License-Identifier: MIT */
#include "docker_meta/catalogue/rows.h"

static const struct meta_row rows[] = {
#define ROW(id, severity, subject, traits, recipe, title, predicted, remedy) \
	{ #id, META_##severity, SUBJECT_##subject, traits, title, predicted, remedy },
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

const char *subject_kind_name(enum subject_kind kind)
{
	static const char *const names[] = {
		[SUBJECT_DEVICE] = "device",
		[SUBJECT_IMAGE] = "image",
		[SUBJECT_CONTAINER] = "container",
		[SUBJECT_LAYER] = "layer",
		[SUBJECT_MOUNT] = "mount",
		[SUBJECT_HOST] = "host",
		[SUBJECT_POOL] = "pool",
		[SUBJECT_FILE] = "file",
		[SUBJECT_TAG] = "tag",
		[SUBJECT_SNAPSHOT] = "snapshot",
		[SUBJECT_DRIVER] = "driver",
		[SUBJECT_OPTION] = "option",
		[SUBJECT_VOLUME] = "volume",
		[SUBJECT_ACTIVE] = "active",
		[SUBJECT_MNT_DIR] = "mount point",
		[SUBJECT_LOOP] = "loop",
	};

	return names[kind];
}
