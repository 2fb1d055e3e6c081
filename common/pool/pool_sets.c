/* SPDX-License-Identifier: MIT */
#include "common/pool/pool_sets.h"

#include <errno.h>

#include "common/base/alloc.h"
#include "common/pool/pool_owners.h"

static int check_sets(const struct pool_state *s, const uint32_t *set_of, uint32_t nr_sets)
{
	if (nr_sets > POOL_MAX_SETS)
		return -EINVAL;
	for (size_t i = 0; i < s->nr_devices; i++) {
		if (set_of[i] != NO_SET && set_of[i] >= nr_sets)
			return -EINVAL;
	}
	return 0;
}

/* Runs whose owners are on their way from memory: most are far from the last one. */
enum { AHEAD = 16 };

struct run {
	uint64_t begin, length;
};

static int mark_span(const struct pool_state *s, const struct pool_span *span, uint32_t owner,
		     struct block_owners *owners)
{
	struct data_runs_cursor c = data_runs_read(&s->runs, span->begin, span->end);
	struct run ring[AHEAD], next;
	size_t nr = 0, done = 0;
	int r = 0;

	while (!r && data_runs_next(&c, &next.begin, &next.length)) {
		__builtin_prefetch(block_owners_place(owners, next.begin), 1);
		if (nr - done == AHEAD) {
			const struct run *oldest = &ring[done++ % AHEAD];

			r = block_owners_add(owners, oldest->begin, oldest->length, owner);
		}
		ring[nr++ % AHEAD] = next;
	}
	for (; done < nr && !r; done++)
		r = block_owners_add(owners, ring[done % AHEAD].begin, ring[done % AHEAD].length,
				     owner);
	return r;
}

/* Whose is each def?  A def that nobody refers to is nobody's. */
static uint32_t *owners_of_defs(const struct pool_state *s, const uint32_t *owner_by,
				const struct block_owners *owners)
{
	uint32_t *owner = alloc_array(s->nr_defs, sizeof(*owner));

	if (!owner)
		return NULL;
	for (size_t i = 0; i < s->nr_devices; i++) {
		for (size_t k = s->devices[i].refs_begin; k < s->devices[i].refs_end; k++) {
			uint32_t *def = &owner[s->refs[k]];

			*def = block_owners_merge(owners, *def, owner_by[i]);
		}
	}
	return owner;
}

int pool_owners_mark(const struct pool_state *s, const uint32_t *owner_by,
		     struct block_owners *owners)
{
	uint32_t *def_owner = owners_of_defs(s, owner_by, owners);
	int r = def_owner ? 0 : -ENOMEM;

	for (size_t i = 0; i < s->nr_defs && !r; i++) {
		if (def_owner[i] != OWNER_NOBODY)
			r = mark_span(s, &s->defs[i].runs, def_owner[i], owners);
	}
	for (size_t i = 0; i < s->nr_devices && !r; i++)
		r = mark_span(s, &s->devices[i].runs, owner_by[i], owners);
	alloc_free(def_owner);
	return r;
}

int pool_owners_make(const struct pool_state *s, const uint32_t *set_of, uint32_t nr_sets,
		     struct block_owners *owners)
{
	int r = check_sets(s, set_of, nr_sets);
	uint32_t *owner_by;

	*owners = (struct block_owners){ 0 };
	if (r)
		return r;
	owner_by = alloc_array(s->nr_devices + 1, sizeof(*owner_by));
	if (!owner_by)
		return -ENOMEM;
	for (size_t i = 0; i < s->nr_devices; i++)
		owner_by[i] = owner_of_set(set_of[i]);
	r = block_owners_init(owners, s->data_end);
	if (!r)
		r = pool_owners_mark(s, owner_by, owners);
	alloc_free(owner_by);
	return r;
}

int pool_sets_count(const struct pool_state *s, const uint32_t *set_of, uint32_t nr_sets,
		    uint64_t *ret_blocks, struct pool_set_totals *ret_totals)
{
	struct pool_set_totals t = { 0 };
	struct block_owners owners;
	int r = pool_owners_make(s, set_of, nr_sets, &owners);

	for (uint32_t i = 0; i < nr_sets && !r; i++)
		ret_blocks[i] = 0;
	for (uint64_t b = 0, end; b < owners.nr_blocks && !r; b = end) {
		uint32_t owner = block_owners_at(&owners, b, &end);

		if (owner == OWNER_NOBODY)
			continue;
		t.nr_mapped += end - b;
		if (owner == OWNER_SEVERAL)
			t.nr_between += end - b;
		else if (owner == OWNER_NO_SET)
			t.nr_no_set += end - b;
		else
			ret_blocks[owner - OWNER_SET_0] += end - b;
	}
	block_owners_destroy(&owners);
	*ret_totals = t;
	return r;
}

/* ---- the map */

/* nr_cells is at most 2^20 and data blocks are below 2^40: nothing overflows. */
static uint32_t cell_of(const struct pool_map *m, uint64_t block)
{
	return (uint32_t)(block * m->nr_cells / m->nr_data_blocks);
}

uint64_t pool_map_begin(const struct pool_map *m, uint32_t cell)
{
	return (cell * m->nr_data_blocks + m->nr_cells - 1) / m->nr_cells;
}

static uint32_t column_of(const struct pool_map *m, uint32_t owner)
{
	if (owner == OWNER_SEVERAL)
		return m->nr_sets + POOL_MAP_BETWEEN;
	if (owner == OWNER_NO_SET)
		return m->nr_sets + POOL_MAP_NO_SET;
	return owner - OWNER_SET_0;
}

static void add_to_cells(struct pool_map *m, uint64_t begin, uint64_t end, uint32_t owner)
{
	size_t columns = m->nr_sets + NR_POOL_MAP_COLUMNS;

	while (begin < end) {
		uint32_t cell = cell_of(m, begin);
		uint64_t stop = pool_map_begin(m, cell + 1);

		if (stop > end)
			stop = end;
		m->blocks[cell * columns + column_of(m, owner)] += stop - begin;
		begin = stop;
	}
}

int pool_map_make(const struct pool_state *s, const uint32_t *set_of, uint32_t nr_sets,
		  uint32_t nr_cells, struct pool_map *ret_map)
{
	struct block_owners owners = { 0 };
	int r = nr_cells && nr_cells <= POOL_MAX_CELLS ? 0 : -EINVAL;

	*ret_map = (struct pool_map){ .nr_cells = nr_cells,
				      .nr_sets = nr_sets,
				      .nr_data_blocks = s->nr_data_blocks };
	if (!r)
		r = pool_owners_make(s, set_of, nr_sets, &owners);
	if (!r) {
		ret_map->blocks =
			alloc_array((size_t)nr_cells * ((size_t)nr_sets + NR_POOL_MAP_COLUMNS),
				    sizeof(uint64_t));
		r = ret_map->blocks ? 0 : -ENOMEM;
	}
	for (uint64_t b = 0, end; b < owners.nr_blocks && !r; b = end) {
		uint32_t owner = block_owners_at(&owners, b, &end);

		if (owner != OWNER_NOBODY)
			add_to_cells(ret_map, b, end, owner);
	}
	block_owners_destroy(&owners);
	return r;
}

void pool_map_destroy(struct pool_map *m)
{
	alloc_free(m->blocks);
	*m = (struct pool_map){ 0 };
}
