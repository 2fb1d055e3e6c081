/* SPDX-License-Identifier: MIT */
#include "common/pool/pool_find.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/alloc.h"
#include "common/base/u64_map.h"

/* A mapping in a def that is what is looked for. */
struct hit {
	uint64_t def, thin_block, data_block;
	uint32_t time;
};

struct finder {
	struct metadata_visitor base;
	bool by_data;    /* look for data_block; else for thin_block of wanted_device */
	uint64_t block;  /* thin or data block */
	uint64_t wanted; /* device, unless by_data */
	bool in_def;
	uint64_t current; /* def or device */
	bool device_found;
	struct hit *hits; /* owned: those in defs, def by def */
	size_t nr_hits, hits_capacity;
	struct u64_map first_hit; /* by name of the def: number of its first hit, and 1 */
	struct pool_mapping mapping;
	struct pool_users *users;
};

static struct finder *to_finder(struct metadata_visitor *v)
{
	return (struct finder *)v;
}

static int on_superblock(struct metadata_visitor *v, const struct pool_header *header)
{
	(void)v;
	(void)header;
	return 0;
}

static int on_end(struct metadata_visitor *v)
{
	(void)v;
	return 0;
}

static int on_def(struct metadata_visitor *v, uint64_t name)
{
	to_finder(v)->in_def = true;
	to_finder(v)->current = name;
	return 0;
}

static int on_def_end(struct metadata_visitor *v)
{
	to_finder(v)->in_def = false;
	return 0;
}

static int on_device(struct metadata_visitor *v, uint64_t id, const struct device_details *details)
{
	struct finder *f = to_finder(v);

	(void)details;
	f->current = id;
	if (id == f->wanted)
		f->device_found = true;
	return 0;
}

static int note_in_def(struct finder *f, const struct hit *hit)
{
	struct hit *grown = alloc_grow(f->hits, &f->hits_capacity, f->nr_hits, sizeof(*grown));
	uint64_t *first = u64_map_at(&f->first_hit, f->current);

	if (grown)
		f->hits = grown;
	if (!grown || !first)
		return -ENOMEM;
	grown[f->nr_hits++] = *hit;
	if (!*first)
		*first = f->nr_hits;
	return 0;
}

static int note_in_device(struct finder *f, const struct hit *hit)
{
	struct pool_users *u = f->users;
	struct pool_user *grown;

	if (!f->by_data) {
		if (f->current == f->wanted)
			f->mapping = (struct pool_mapping){ true, hit->data_block, hit->time };
		return 0;
	}
	grown = alloc_grow(u->users, &u->capacity, u->nr_users, sizeof(*grown));
	if (!grown)
		return -ENOMEM;
	u->users = grown;
	grown[u->nr_users++] = (struct pool_user){ f->current, hit->thin_block, hit->time };
	return 0;
}

static int on_map(struct metadata_visitor *v, const struct mapping_run *run)
{
	struct finder *f = to_finder(v);
	uint64_t begin = f->by_data ? run->data_begin : run->thin_begin;
	struct hit hit;

	if (f->block < begin || f->block - begin >= run->length)
		return 0;
	hit = (struct hit){ .def = f->current,
			    .thin_block = run->thin_begin + (f->block - begin),
			    .data_block = run->data_begin + (f->block - begin),
			    .time = run->time };
	return f->in_def ? note_in_def(f, &hit) : note_in_device(f, &hit);
}

static int on_ref(struct metadata_visitor *v, uint64_t name)
{
	struct finder *f = to_finder(v);
	const uint64_t *first = u64_map_find(&f->first_hit, name);
	int r = 0;

	if (!first)
		return 0;
	for (size_t i = *first - 1; i < f->nr_hits && f->hits[i].def == name && !r; i++)
		r = note_in_device(f, &f->hits[i]);
	return r;
}

static const struct metadata_visitor finder_calls = {
	.superblock = on_superblock,
	.superblock_end = on_end,
	.def = on_def,
	.def_end = on_def_end,
	.device = on_device,
	.device_end = on_end,
	.map = on_map,
	.ref = on_ref,
};

static int run(struct pool_source *s, const struct pool_selection *selection, struct finder *f,
	       struct pool_fault *fault)
{
	struct pool_reading reading;
	int r = pool_source_run(s, selection, &f->base, NULL, &reading, fault);

	if (r && !*fault->text)
		(void)snprintf(fault->text, sizeof(fault->text), "%s", strerror(-r));
	alloc_free(f->hits);
	u64_map_destroy(&f->first_hit);
	return r;
}

int pool_find_mapping(struct pool_source *s, uint64_t device, uint64_t thin_block,
		      struct pool_mapping *ret_mapping, struct pool_fault *ret_fault)
{
	const struct pool_selection one = { .dev_ids = &device, .nr_dev_ids = 1 };
	struct finder f = { .base = finder_calls, .block = thin_block, .wanted = device };
	int r = run(s, &one, &f, ret_fault);

	*ret_mapping = f.mapping;
	if (r || f.device_found)
		return r;
	(void)snprintf(ret_fault->text, sizeof(ret_fault->text), "there is no device %" PRIu64,
		       device);
	return -ENODATA;
}

static int compare_users(const void *a, const void *b)
{
	const struct pool_user *x = a, *y = b;

	if (x->device != y->device)
		return x->device < y->device ? -1 : 1;
	return (x->thin_block > y->thin_block) - (x->thin_block < y->thin_block);
}

int pool_find_users(struct pool_source *s, const uint64_t *ids, size_t nr_ids, uint64_t data_block,
		    struct pool_users *ret_users, struct pool_fault *ret_fault)
{
	const struct pool_selection selection = { .dev_ids = ids, .nr_dev_ids = nr_ids };
	struct finder f = {
		.base = finder_calls, .by_data = true, .block = data_block, .users = ret_users
	};
	int r;

	*ret_users = (struct pool_users){ 0 };
	r = run(s, &selection, &f, ret_fault);
	if (ret_users->nr_users)
		qsort(ret_users->users, ret_users->nr_users, sizeof(*ret_users->users),
		      compare_users);
	return r;
}

void pool_users_destroy(struct pool_users *u)
{
	alloc_free(u->users);
	*u = (struct pool_users){ 0 };
}
