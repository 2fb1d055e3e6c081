/* SPDX-License-Identifier: MIT */
#include "tests/support/content.h"

#include <stdlib.h>
#include <string.h>

#include "common/base/alloc.h"
#include "common/thin/metadata_read.h"

struct def {
	uint64_t name;
	size_t first, nr; /* in shared */
};

struct collector {
	struct metadata_visitor base;
	struct content *out;
	struct content shared; /* mappings of defs */
	struct def *defs;
	size_t nr_defs, defs_capacity;
	int in_def;
	uint64_t device;
};

static struct collector *to_collector(struct metadata_visitor *v)
{
	return (struct collector *)v;
}

static int append(struct content *c, const struct content_mapping *m)
{
	struct content_mapping *grown =
		alloc_grow(c->mappings, &c->capacity, c->nr, sizeof(*grown));

	if (!grown)
		abort();
	c->mappings = grown;
	grown[c->nr++] = *m;
	return 0;
}

static int ignore_superblock(struct metadata_visitor *v, const struct pool_header *h)
{
	(void)v;
	(void)h;
	return 0;
}

static int ignore(struct metadata_visitor *v)
{
	(void)v;
	return 0;
}

static int on_def(struct metadata_visitor *v, uint64_t name)
{
	struct collector *c = to_collector(v);
	struct def *grown = alloc_grow(c->defs, &c->defs_capacity, c->nr_defs, sizeof(*grown));

	if (!grown)
		abort();
	c->defs = grown;
	grown[c->nr_defs++] = (struct def){ .name = name, .first = c->shared.nr };
	c->in_def = 1;
	return 0;
}

static int on_def_end(struct metadata_visitor *v)
{
	struct collector *c = to_collector(v);

	c->defs[c->nr_defs - 1].nr = c->shared.nr - c->defs[c->nr_defs - 1].first;
	c->in_def = 0;
	return 0;
}

static int on_device(struct metadata_visitor *v, uint64_t id, const struct device_details *d)
{
	(void)d;
	to_collector(v)->device = id;
	to_collector(v)->out->nr_devices++;
	return 0;
}

static int on_map(struct metadata_visitor *v, const struct mapping_run *run)
{
	struct collector *c = to_collector(v);

	for (uint64_t i = 0; i < run->length; i++) {
		struct content_mapping m = { c->device, run->thin_begin + i, run->data_begin + i,
					     run->time };

		append(c->in_def ? &c->shared : c->out, &m);
	}
	return 0;
}

static int on_ref(struct metadata_visitor *v, uint64_t name)
{
	struct collector *c = to_collector(v);

	for (size_t d = 0; d < c->nr_defs; d++) {
		for (size_t i = 0; c->defs[d].name == name && i < c->defs[d].nr; i++) {
			struct content_mapping m = c->shared.mappings[c->defs[d].first + i];

			m.device = c->device;
			append(c->out, &m);
		}
	}
	return 0;
}

int content_read(struct block_engine *e, uint64_t nr_blocks, struct content *ret)
{
	struct collector c = {
		.base = { ignore_superblock, ignore, on_def, on_def_end, on_device, ignore, on_map,
			  on_ref },
		.out = ret,
	};
	struct read_options options = { .nr_blocks = nr_blocks };
	struct metadata_reader *reader;
	struct read_fault fault;
	int r;

	*ret = (struct content){ 0 };
	r = metadata_reader_open(e, &options, &reader, &fault);
	if (r)
		return r;
	r = metadata_reader_run(reader, &c.base, NULL, &fault);
	metadata_reader_destroy(reader);
	content_destroy(&c.shared);
	alloc_free(c.defs);
	return r;
}

void content_destroy(struct content *c)
{
	alloc_free(c->mappings);
	*c = (struct content){ 0 };
}

static int compare_place(const struct content_mapping *a, const struct content_mapping *b)
{
	if (a->device != b->device)
		return a->device < b->device ? -1 : 1;
	return (a->thin > b->thin) - (a->thin < b->thin);
}

struct content_difference content_compare(const struct content *truth, const struct content *got)
{
	struct content_difference d = { 0 };
	size_t t = 0, g = 0;

	while (t < truth->nr || g < got->nr) {
		int order = t == truth->nr ? 1
			    : g == got->nr ? -1
					   : compare_place(&truth->mappings[t], &got->mappings[g]);

		if (order < 0) {
			d.lost++;
			t++;
		} else if (order > 0) {
			d.wrong++;
			g++;
		} else {
			if (truth->mappings[t].data == got->mappings[g].data &&
			    truth->mappings[t].time == got->mappings[g].time)
				d.kept++;
			else
				d.wrong++;
			t++;
			g++;
		}
	}
	return d;
}
