/* SPDX-License-Identifier: MIT */
#include "common/pool/pool_lineage.h"

#include <errno.h>

#include "common/base/alloc.h"
#include "common/pool/pool_owners.h"

/*
 * Devices are numbered so that descendants follow each other: 0 stands for having nothing in
 * common, and is the parent of all that have none.
 */
struct forest {
	uint32_t nr;      /* numbers, 0 included */
	uint32_t *number; /* owned, by device */
	/* Owned, by number: the parent; an ancestor farther up; the last descendant. */
	uint32_t *parent, *jump, *last;
	uint32_t *depth, *first_child, *next; /* owned; the latter two by device and 1 */
};

static int forest_alloc(struct forest *f, size_t nr_devices)
{
	uint32_t **const arrays[] = { &f->number, &f->parent,      &f->jump, &f->last,
				      &f->depth,  &f->first_child, &f->next };

	if (nr_devices >= POOL_MAX_SETS)
		return -EINVAL;
	f->nr = (uint32_t)nr_devices + 1;
	for (size_t i = 0; i < ARRAY_SIZE(arrays); i++) {
		*arrays[i] = alloc_array(f->nr, sizeof(uint32_t));
		if (!*arrays[i])
			return -ENOMEM;
	}
	return 0;
}

static void forest_destroy(struct forest *f)
{
	alloc_free(f->number);
	alloc_free(f->parent);
	alloc_free(f->jump);
	alloc_free(f->last);
	alloc_free(f->depth);
	alloc_free(f->first_child);
	alloc_free(f->next);
}

/* Jumps of a length that makes any ancestor a logarithm of steps away (skew-binary numbers). */
static void set_parent(struct forest *f, uint32_t n, uint32_t parent)
{
	const uint32_t jump = f->jump[parent], far = f->jump[jump];

	f->parent[n] = parent;
	f->depth[n] = f->depth[parent] + 1;
	f->last[n] = n;
	f->jump[n] =
		f->depth[parent] - f->depth[jump] == f->depth[jump] - f->depth[far] ? far : parent;
}

static int forest_make(struct forest *f, const uint32_t *parent_of, size_t nr_devices)
{
	uint32_t nr = 1, at = 0;
	int r = forest_alloc(f, nr_devices);

	for (size_t i = nr_devices; i > 0 && !r; i--) {
		const uint32_t parent = parent_of[i - 1] == NO_PARENT ? 0 : parent_of[i - 1] + 1;

		if (parent >= f->nr)
			return -EINVAL;
		f->next[i] = f->first_child[parent];
		f->first_child[parent] = (uint32_t)i;
	}
	/* `at` is a device and 1; the children that are left to go to are taken off its list. */
	while (!r) {
		const uint32_t child = f->first_child[at];

		if (child) {
			f->first_child[at] = f->next[child];
			f->number[child - 1] = nr;
			set_parent(f, nr++, at ? f->number[at - 1] : 0);
			at = child;
		} else if (at) {
			at = parent_of[at - 1] == NO_PARENT ? 0 : parent_of[at - 1] + 1;
		} else {
			break;
		}
	}
	if (!r && nr != f->nr)
		return -EINVAL;
	for (uint32_t n = nr; n-- > 1 && !r;) {
		if (f->last[f->parent[n]] < f->last[n])
			f->last[f->parent[n]] = f->last[n];
	}
	return r;
}

static bool is_above(const struct forest *f, uint32_t n, uint32_t below)
{
	return n <= below && below <= f->last[n];
}

static uint32_t nearest_common(const void *context, uint32_t a, uint32_t b)
{
	const struct forest *f = context;
	uint32_t n = a - OWNER_FIRST, other = b - OWNER_FIRST;

	if (a == OWNER_SEVERAL || b == OWNER_SEVERAL)
		return OWNER_SEVERAL;
	while (!is_above(f, n, other))
		n = is_above(f, f->jump[n], other) ? f->parent[n] : f->jump[n];
	return n ? OWNER_FIRST + n : OWNER_SEVERAL;
}

static int count(const struct pool_state *s, const struct forest *f, uint64_t *by_number,
		 struct pool_lineage_totals *totals)
{
	uint32_t *owner_by = alloc_array(s->nr_devices + 1, sizeof(*owner_by));
	struct block_owners owners = { 0 };
	int r = owner_by ? block_owners_init(&owners, s->data_end) : -ENOMEM;

	owners.merge = nearest_common;
	owners.context = f;
	for (size_t i = 0; i < s->nr_devices && !r; i++)
		owner_by[i] = OWNER_FIRST + f->number[i];
	if (!r)
		r = pool_owners_mark(s, owner_by, &owners);
	for (uint64_t b = 0, end; b < owners.nr_blocks && !r; b = end) {
		uint32_t owner = block_owners_at(&owners, b, &end);

		if (owner == OWNER_NOBODY)
			continue;
		totals->nr_mapped += end - b;
		by_number[owner == OWNER_SEVERAL ? 0 : owner - OWNER_FIRST] += end - b;
	}
	block_owners_destroy(&owners);
	alloc_free(owner_by);
	return r;
}

int pool_lineage_count(const struct pool_state *s, const uint32_t *parent_of, uint64_t *ret_blocks,
		       uint64_t *ret_with, struct pool_lineage_totals *ret_totals)
{
	struct forest f = { 0 };
	uint64_t *by_number = alloc_array(s->nr_devices + 1, sizeof(*by_number));
	int r = by_number ? forest_make(&f, parent_of, s->nr_devices) : -ENOMEM;

	*ret_totals = (struct pool_lineage_totals){ 0 };
	if (!r)
		r = count(s, &f, by_number, ret_totals);
	if (!r)
		ret_totals->nr_apart = by_number[0];
	for (size_t i = 0; i < s->nr_devices && !r; i++)
		ret_blocks[i] = by_number[f.number[i]];
	for (uint32_t n = f.nr; n-- > 1 && !r;)
		by_number[f.parent[n]] += by_number[n];
	for (size_t i = 0; i < s->nr_devices && !r; i++)
		ret_with[i] = by_number[f.number[i]];
	forest_destroy(&f);
	alloc_free(by_number);
	return r;
}
