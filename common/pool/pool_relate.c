/* SPDX-License-Identifier: MIT
 * pool_relate.c: which devices share data blocks with each other and with nobody else.
 */
#include <errno.h>

#include "common/base/alloc.h"
#include "common/pool/pool_owners.h"

struct relating {
	const struct pool_state *s;
	const uint32_t *class_of;
	uint32_t *first;            /* by device: another of its group, itself at the end */
	struct block_owners owners; /* classes */
	struct block_owners users;  /* of what a class has for itself: the device met first */
	uint32_t *def_user;         /* owned, by def: the device met first, and 1 */
	uint8_t *def_own;           /* owned, by def: its class has some of it for itself */
};

static uint32_t find(uint32_t *first, uint32_t i)
{
	while (first[i] != i) {
		first[i] = first[first[i]];
		i = first[i];
	}
	return i;
}

/* The smaller number is the first of both. */
static void unite(uint32_t *first, uint32_t a, uint32_t b)
{
	a = find(first, a);
	b = find(first, b);
	if (a < b)
		first[b] = a;
	else
		first[a] = b;
}

/* Blocks that the class of the device has for itself. */
static int meet(struct relating *q, uint32_t device, uint64_t begin, uint64_t end)
{
	int r = 0;

	for (uint64_t b = begin, next; b < end && !r; b = next) {
		uint32_t user = block_owners_at(&q->users, b, &next);

		if (next > end)
			next = end;
		if (user == OWNER_NOBODY)
			r = block_owners_add(&q->users, b, next - b, OWNER_FIRST + device);
		else
			unite(q->first, device, user - OWNER_FIRST);
	}
	return r;
}

static int walk(struct relating *q, uint32_t device, const struct pool_span *span, bool *ret_own)
{
	const uint32_t own = owner_of_set(q->class_of[device]);
	struct data_runs_cursor c = data_runs_read(&q->s->runs, span->begin, span->end);
	uint64_t begin, length;
	int r = 0;

	while (!r && data_runs_next(&c, &begin, &length)) {
		const uint64_t end = begin + length;

		for (uint64_t b = begin, next; b < end && !r; b = next) {
			uint32_t owner = block_owners_at(&q->owners, b, &next);

			if (next > end)
				next = end;
			if (owner != own)
				continue;
			*ret_own = true;
			r = meet(q, device, b, next);
		}
	}
	return r;
}

/* A def is walked once; whoever refers to it later has all of it in common with the first. */
static int walk_def(struct relating *q, uint32_t device, uint32_t def)
{
	bool own = false;
	int r;

	if (q->def_user[def]) {
		if (q->def_own[def] && q->class_of[q->def_user[def] - 1] == q->class_of[device])
			unite(q->first, device, q->def_user[def] - 1);
		return 0;
	}
	q->def_user[def] = device + 1;
	r = walk(q, device, &q->s->defs[def].runs, &own);
	q->def_own[def] = own;
	return r;
}

static int walk_devices(struct relating *q)
{
	int r = 0;

	for (size_t i = 0; i < q->s->nr_devices && !r; i++) {
		const struct pool_device *d = &q->s->devices[i];
		bool own;

		if (q->class_of[i] == NO_SET)
			continue;
		for (size_t k = d->refs_begin; k < d->refs_end && !r; k++)
			r = walk_def(q, (uint32_t)i, q->s->refs[k]);
		if (!r)
			r = walk(q, (uint32_t)i, &d->runs, &own);
	}
	return r;
}

int pool_sets_relate(const struct pool_state *s, const uint32_t *class_of, uint32_t nr_classes,
		     uint32_t *ret_first)
{
	struct relating q = { .s = s, .class_of = class_of, .first = ret_first };
	int r = s->nr_devices > POOL_MAX_SETS ? -EINVAL : 0;

	for (size_t i = 0; i < s->nr_devices && !r; i++)
		ret_first[i] = (uint32_t)i;
	if (!r)
		r = pool_owners_make(s, class_of, nr_classes, &q.owners);
	if (!r)
		r = block_owners_init(&q.users, s->data_end);
	if (!r) {
		q.def_user = alloc_array(s->nr_defs, sizeof(*q.def_user));
		q.def_own = alloc_array(s->nr_defs, 1);
		r = q.def_user && q.def_own ? 0 : -ENOMEM;
	}
	if (!r)
		r = walk_devices(&q);
	for (size_t i = 0; i < s->nr_devices && !r; i++)
		ret_first[i] = find(ret_first, (uint32_t)i);
	block_owners_destroy(&q.owners);
	block_owners_destroy(&q.users);
	alloc_free(q.def_user);
	alloc_free(q.def_own);
	return r;
}
