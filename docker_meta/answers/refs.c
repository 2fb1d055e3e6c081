/* SPDX-License-Identifier: MIT */
#include "docker_meta/answers/refs.h"

#include <inttypes.h>
#include <string.h>

#include "docker_meta/answers/subject.h"
#include "docker_meta/text/human.h"

void describe_row(const struct device_table *t, const struct device_row *row, char *text,
		  size_t size)
{
	const struct subject s = { .kind = SUBJECT_DEVICE, .device = row };

	subject_describe(t, &s, text, size);
}

void print_role_owner(const struct device_table *t, const struct device_row *row, size_t width,
		      FILE *out)
{
	char owner[120], text[180];

	device_owner_name(t, row, owner, sizeof(owner));
	(void)snprintf(text, sizeof(text), "%s%s%s", role_name(row->role),
		       strcmp(owner, "-") ? " of " : "", strcmp(owner, "-") ? owner : "");
	(void)print_fitting(out, text, width);
}

void print_lineage_line(const struct device_table *t, const struct device_row *row,
			const char *remark, FILE *out)
{
	const struct pool_device *p = row->pool;

	(void)fprintf(out, "%18" PRIu64, row->id);
	if (p)
		(void)fprintf(out, " %6" PRIu32 " %6" PRIu32 "  ", p->details.creation_time,
			      p->details.snapshotted_time);
	else
		(void)fprintf(out, " %6s %6s  ", "-", "-");
	print_role_owner(t, row, 30, out);
	(void)fprintf(out, "%s%s%s\n", p || !t->pool ? "" : ", not in the pool",
		      *remark ? " <- " : "", remark);
}

json_t *json_device_ref(const struct device_table *t, const struct device_row *row, bool *failed)
{
	json_t *object = json_object();
	char owner[120];

	device_owner_name(t, row, owner, sizeof(owner));
	json_put(object, "id", json_number(row->id), failed);
	json_put(object, "hash", json_text(row->hash), failed);
	json_put(object, "role", json_string(role_name(row->role)), failed);
	json_put(object, "owner", strcmp(owner, "-") ? json_text(owner) : json_null(), failed);
	json_put(object, "created",
		 row->pool ? json_number(row->pool->details.creation_time) : json_null(), failed);
	json_put(object, "snapshotted",
		 row->pool ? json_number(row->pool->details.snapshotted_time) : json_null(),
		 failed);
	return object;
}
