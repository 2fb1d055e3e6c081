/* SPDX-License-Identifier: MIT
 * block_json.c: the answer for programs.
 */
#include <stdio.h>

#include "common/tool/tool.h"
#include "docker_meta/answers/block.h"
#include "docker_meta/answers/refs.h"
#include "docker_meta/say/json_parts.h"

/* null beyond all numbers. */
static void put_bytes(json_t *object, uint64_t block, uint64_t bytes, bool *failed)
{
	const bool fits = bytes && block <= (INT64_MAX - bytes) / bytes;

	json_put(object, "first_byte", fits ? json_number(block * bytes) : json_null(), failed);
	json_put(object, "bytes", json_number(bytes), failed);
}

static json_t *row_ref(const struct block_answer *a, const struct device_row *row, bool *failed)
{
	return row ? json_device_ref(a->t, row, failed) : json_null();
}

static json_t *users(const struct block_answer *a, bool *failed)
{
	json_t *array = json_array();

	for (size_t i = 0; i < a->users.nr_users; i++) {
		const struct pool_user *u = &a->users.users[i];
		json_t *object = json_object();

		json_put(object, "id", json_number(u->device), failed);
		json_put(object, "device",
			 row_ref(a, device_table_find_id(a->t, u->device), failed), failed);
		json_put(object, "thin_block", json_number(u->thin_block), failed);
		json_put(object, "time", json_number(u->time), failed);
		json_put(object, "write", json_string(write_kind_name(block_write_of(a, u))),
			 failed);
		json_append(array, object, failed);
	}
	return array;
}

static json_t *lineage(const struct block_answer *a, bool *failed)
{
	json_t *array = json_array();

	for (size_t i = a->lineage.nr; i-- > 0;)
		json_append(array, json_device_ref(a->t, a->lineage.devices[i], failed), failed);
	return array;
}

static void put_mapping(const struct block_answer *a, json_t *object, bool *failed)
{
	json_t *data = a->mapped ? json_object() : json_null();

	if (a->mapped) {
		json_put(data, "block", json_number(a->data_block), failed);
		put_bytes(data, a->data_block, device_table_bytes(a->t, 1), failed);
	}
	json_put(object, "mapped", a->known ? json_boolean(a->mapped) : json_null(), failed);
	json_put(object, "data", data, failed);
	json_put(object, "time", a->mapped ? json_number(a->time) : json_null(), failed);
	json_put(object, "written_by", row_ref(a, a->writer, failed), failed);
	json_put(object, "writer_maps_it", a->writer ? json_boolean(a->writer_maps) : json_null(),
		 failed);
}

static void of_device(const struct block_answer *a, json_t *object, bool *failed)
{
	json_t *thin = json_object();

	json_put(thin, "block", json_number(a->thin_block), failed);
	put_bytes(thin, a->thin_block, device_table_bytes(a->t, 1), failed);
	json_put(thin, "device_blocks", a->has_size ? json_number(a->nr_blocks) : json_null(),
		 failed);
	json_put(thin, "beyond_end", a->has_size ? json_boolean(a->beyond) : json_null(), failed);
	json_put(object, "name", json_text(a->name), failed);
	json_put(object, "device", row_ref(a, a->row, failed), failed);
	json_put(object, "thin", thin, failed);
	put_mapping(a, object, failed);
	json_put(object, "lineage", lineage(a, failed), failed);
	json_put(object, "write", json_string(write_kind_name(a->write)), failed);
}

static void of_pool(const struct block_answer *a, json_t *object, bool *failed)
{
	json_t *data = json_object();

	json_put(data, "block", json_number(a->data_block), failed);
	put_bytes(data, a->data_block, device_table_bytes(a->t, 1), failed);
	json_put(data, "beyond_end",
		 a->t->pool && a->t->pool->header.nr_data_blocks
			 ? json_boolean(block_beyond_pool(a))
			 : json_null(),
		 failed);
	json_put(object, "data", data, failed);
}

int block_json(const struct meta_view *v, FILE *out, int *status)
{
	struct block_answer a;
	bool failed = false;
	json_t *object;
	uint64_t nr_free;
	int r = 0;

	*status = block_find(v, &a);
	if (*status == STATUS_NONE) {
		object = json_object();
		json_put_head(object, v, &failed);
		if (a.row)
			of_device(&a, object, &failed);
		else
			of_pool(&a, object, &failed);
		json_put(object, "users", users(&a, &failed), &failed);
		json_put(object, "users_complete", json_boolean(a.users_known), &failed);
		json_put(object, "unsafe", json_boolean(a.unsafe), &failed);
		json_put(object, "torn", json_boolean(a.torn), &failed);
		json_put(object, "fault", *a.fault.text ? json_text(a.fault.text) : json_null(),
			 &failed);
		json_put(object, "data_blocks_free",
			 block_free(&a, &nr_free) ? json_number(nr_free) : json_null(), &failed);
		*status = block_status(&a);
		r = json_finish(object, failed, out);
	}
	block_destroy(&a);
	return r;
}
