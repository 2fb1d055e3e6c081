/* SPDX-License-Identifier: MIT */
#include "docker_meta/answers/block.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "common/base/alloc.h"
#include "common/base/number.h"
#include "docker_meta/answers/refs.h"
#include "docker_meta/docker_meta.h"

const char *write_kind_name(enum write_kind kind)
{
	static const char *const names[] = {
		[WRITE_UNKNOWN] = "unknown",     [WRITE_FAILS] = "fails",
		[WRITE_ALLOCATES] = "allocates", [WRITE_COPIES] = "copies",
		[WRITE_IN_PLACE] = "in place",
	};

	return names[kind];
}

enum write_kind write_kind_of(const struct pool_device *device, uint32_t time)
{
	return device->details.snapshotted_time > time ? WRITE_COPIES : WRITE_IN_PLACE;
}

/* ---- what is asked for */

static bool parse_block(const char *text, uint64_t *ret_block)
{
	const char *digits = text + 2;
	uint64_t value = 0;

	if (strncmp(text, "0x", 2) != 0 && strncmp(text, "0X", 2) != 0)
		return parse_u64(text, ret_block);
	if (!*digits || strspn(digits, "0123456789abcdefABCDEF") != strlen(digits))
		return false;
	for (; *digits; digits++) {
		const char c = *digits;

		if (value >> 60)
			return false;
		value = value << 4 | (uint64_t)(c <= '9' ? c - '0' : (c | 0x20) - 'a' + 10);
	}
	*ret_block = value;
	return true;
}

int block_accept(const struct docker_meta_options *o)
{
	const bool has_place = o->has_byte || o->has_sector;
	uint64_t block;

	if (o->has_data_block && o->words[0])
		return tool_usage_error(&docker_meta_tool,
					"--data-block is of the pool: no name goes with it");
	if (o->has_data_block)
		return STATUS_NONE;
	if (!o->words[0] || !*o->words[0])
		return tool_usage_error(&docker_meta_tool, "block of what?  A name is missing");
	if (has_place && o->words[1])
		return tool_usage_error(&docker_meta_tool,
					"either a block, or --byte, or --sector");
	if (!has_place && !o->words[1])
		return tool_usage_error(&docker_meta_tool,
					"which block of %s?  A number, --byte or --sector is "
					"missing",
					o->words[0]);
	if (!has_place && !parse_block(o->words[1], &block))
		return tool_usage_error(&docker_meta_tool,
					"'%s' is no block: a decimal number, or 0x and digits",
					o->words[1]);
	return STATUS_NONE;
}

static uint64_t asked_block(const struct docker_meta_options *o, uint64_t bytes)
{
	uint64_t block = 0;

	if (o->has_byte)
		return bytes ? o->byte / bytes : 0;
	if (o->has_sector)
		return bytes ? o->sector / (bytes / 512) : 0;
	(void)parse_block(o->words[1], &block);
	return block;
}

/* ---- the device */

static int find_device(struct block_answer *a)
{
	struct subject subject;
	const char *hash;
	char text[300];
	int status = subject_resolve(a->t, a->name, &subject);

	if (status != STATUS_NONE)
		return status;
	a->row = subject_device(a->t, &subject, &hash);
	if (a->row)
		return STATUS_NONE;
	subject_describe(a->t, &subject, text, sizeof(text));
	if (hash)
		tool_error(&docker_meta_tool,
			   "%s: its device should be %s, of which devicemapper/metadata has "
			   "nothing",
			   text, hash);
	else
		tool_error(&docker_meta_tool, "%s: nothing tells which device it has", text);
	return META_STATUS_ERROR;
}

static void find_size(struct block_answer *a, uint64_t bytes)
{
	if (!a->row->record || !bytes)
		return;
	a->has_size = true;
	a->nr_blocks = a->row->record->size / bytes + (a->row->record->size % bytes != 0);
	a->beyond = a->thin_block >= a->nr_blocks;
}

/* ---- the pool */

/* What cannot be read is told in the answer.  0 or -ENOMEM. */
static int find_mapping(const struct meta_view *v, struct block_answer *a)
{
	struct pool_mapping mapping;
	int r;

	if (!a->row->pool || !v->source) {
		(void)snprintf(
			a->fault.text, sizeof(a->fault.text), "%s",
			a->t->pool ? "the pool has no such device" : "the pool was not looked at");
		a->write = a->t->pool ? WRITE_FAILS : WRITE_UNKNOWN;
		return 0;
	}
	r = pool_find_mapping(v->source, a->row->id, a->thin_block, &mapping, &a->fault);
	if (r)
		return r == -ENOMEM ? r : 0;
	a->known = true;
	a->mapped = mapping.mapped;
	a->data_block = mapping.data_block;
	a->time = mapping.time;
	a->write = a->beyond   ? WRITE_FAILS
		   : a->mapped ? write_kind_of(a->row->pool, a->time)
			       : WRITE_ALLOCATES;
	return 0;
}

/* Those of whom nothing is damaged: else the first damage would hide all behind it. */
static int whole_devices(const struct pool_state *pool, uint64_t **ret_ids, size_t *ret_nr)
{
	uint64_t *ids = alloc_array(pool->nr_devices + 1, sizeof(*ids));
	size_t nr = 0;

	*ret_ids = ids;
	for (size_t i = 0; ids && i < pool->nr_devices; i++) {
		if (pool->devices[i].complete)
			ids[nr++] = pool->devices[i].id;
	}
	*ret_nr = nr;
	return ids ? 0 : -ENOMEM;
}

static int find_users(const struct meta_view *v, struct block_answer *a)
{
	const struct pool_state *pool = a->t->pool;
	struct pool_fault fault = { "" };
	uint64_t *ids = NULL;
	size_t nr = 0;
	int r = 0;

	if (!v->source || !pool)
		return 0;
	if (pool->incomplete)
		r = whole_devices(pool, &ids, &nr);
	if (!r && (nr || !pool->incomplete))
		r = pool_find_users(v->source, ids, nr, a->data_block, &a->users, &fault);
	alloc_free(ids);
	a->users_known = !r && !pool->incomplete;
	if (!a->users_known && !*a->fault.text)
		a->fault = *fault.text ? fault : pool->fault;
	return r == -ENOMEM ? r : 0;
}

enum write_kind block_write_of(const struct block_answer *a, const struct pool_user *u)
{
	const struct pool_device *d = pool_state_find(a->t->pool, u->device);

	return d ? write_kind_of(d, u->time) : WRITE_UNKNOWN;
}

bool block_is_own(const struct block_answer *a, const struct pool_user *u)
{
	return a->row && u->device == a->row->id && u->thin_block == a->thin_block;
}

static void judge_users(struct block_answer *a)
{
	bool own = false;

	for (size_t i = 0; i < a->users.nr_users; i++) {
		const struct pool_user *u = &a->users.users[i];

		own |= block_is_own(a, u) && u->time == a->time;
		a->unsafe |= a->users.nr_users > 1 && block_write_of(a, u) == WRITE_IN_PLACE;
		if (a->writer && u->device == a->writer->id && u->thin_block == a->thin_block &&
		    u->time == a->time)
			a->writer_maps = true;
	}
	a->torn = a->mapped && a->users_known && !own;
}

/* ---- where it comes from */

static int find_writer(struct block_answer *a)
{
	int r = lineage_make(a->t, a->row, &a->lineage);

	if (r || !a->mapped || a->lineage.circle || !lineage_fits_times(&a->lineage))
		return r;
	a->writer = lineage_at(&a->lineage, a->time);
	for (size_t i = 0; i < a->lineage.nr && a->lineage.devices[i] != a->writer; i++) {
		if (!a->lineage.devices[i]->pool)
			a->gone = a->lineage.devices[i];
	}
	return 0;
}

static int find_of_device(const struct meta_view *v, struct block_answer *a)
{
	const uint64_t bytes = device_table_bytes(a->t, 1);
	int r;

	a->thin_block = asked_block(v->options, bytes);
	find_size(a, bytes);
	r = find_mapping(v, a);
	if (!r)
		r = find_writer(a);
	return !r && a->mapped ? find_users(v, a) : r;
}

int block_find(const struct meta_view *v, struct block_answer *ret_answer)
{
	struct block_answer *a = ret_answer;
	int status, r;

	*a = (struct block_answer){ .t = v->devices, .name = v->options->words[0] };
	if (!v->options->has_data_block) {
		status = find_device(a);
		if (status != STATUS_NONE)
			return status;
		r = find_of_device(v, a);
	} else {
		a->data_block = v->options->data_block;
		r = find_users(v, a);
	}
	if (r) {
		tool_error(&docker_meta_tool, "%s", strerror(-r));
		return META_STATUS_BLIND;
	}
	judge_users(a);
	return STATUS_NONE;
}

void block_destroy(struct block_answer *a)
{
	lineage_destroy(&a->lineage);
	pool_users_destroy(&a->users);
	*a = (struct block_answer){ 0 };
}

/* ---- what it comes to */

bool block_free(const struct block_answer *a, uint64_t *ret_nr)
{
	const struct pool_state *p = a->t->pool;

	if (!p || !p->header.nr_data_blocks || p->data_blocks_used > p->header.nr_data_blocks)
		return false;
	*ret_nr = p->header.nr_data_blocks - p->data_blocks_used;
	return true;
}

bool block_beyond_pool(const struct block_answer *a)
{
	const struct pool_state *p = a->t->pool;

	return p && p->header.nr_data_blocks && a->data_block >= p->header.nr_data_blocks;
}

int block_status(const struct block_answer *a)
{
	if (a->unsafe || (a->row && a->t->pool && !a->row->pool))
		return META_STATUS_ERROR;
	if ((a->row && !a->known) || ((a->mapped || !a->row) && !a->users_known) || a->torn)
		return META_STATUS_BLIND;
	if (a->beyond || (!a->row && block_beyond_pool(a)))
		return META_STATUS_WARNING;
	return META_STATUS_OK;
}
