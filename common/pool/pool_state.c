/* SPDX-License-Identifier: MIT */
#include "common/pool/pool_state.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/alloc.h"
#include "common/base/u64_map.h"
#include "common/pdata/space_map.h"
#include "common/pool/pool_sets.h"

/* No leaf of 4096 bytes has more entries.  (What XML claims beyond, no metadata device can hold.)
 */
#define MAX_LEAF_ENTRIES 252u
#define MAX_MAPPINGS (METADATA_MAX_BLOCKS * MAX_LEAF_ENTRIES)

struct builder {
	struct metadata_visitor base;
	struct pool_state *state;
	struct u64_map def_of; /* by name: number of the def, and 1 */
	uint64_t nr_stored;    /* mappings in runs */
	bool in_def;
	bool too_many;
};

static struct builder *to_builder(struct metadata_visitor *v)
{
	return (struct builder *)v;
}

static void raise_u64(uint64_t *to, uint64_t value)
{
	if (*to < value)
		*to = value;
}

static void raise_u32(uint32_t *to, uint32_t value)
{
	if (*to < value)
		*to = value;
}

static int on_superblock(struct metadata_visitor *v, const struct pool_header *header)
{
	struct pool_state *s = to_builder(v)->state;

	s->header = *header;
	return 0;
}

static int on_end(struct metadata_visitor *v)
{
	(void)v;
	return 0;
}

static int on_def(struct metadata_visitor *v, uint64_t name)
{
	struct builder *b = to_builder(v);
	struct pool_state *s = b->state;
	struct pool_def *grown = alloc_grow(s->defs, &s->defs_capacity, s->nr_defs, sizeof(*grown));
	uint64_t *number = u64_map_at(&b->def_of, name);

	if (grown)
		s->defs = grown;
	if (!grown || !number || s->nr_defs >= UINT32_MAX)
		return -ENOMEM;
	grown[s->nr_defs++] = (struct pool_def){ .runs = { s->runs.used, s->runs.used } };
	*number = s->nr_defs;
	data_runs_begin(&s->runs);
	b->in_def = true;
	return 0;
}

static int on_def_end(struct metadata_visitor *v)
{
	struct builder *b = to_builder(v);

	b->state->defs[b->state->nr_defs - 1].runs.end = b->state->runs.used;
	b->in_def = false;
	return 0;
}

static int on_device(struct metadata_visitor *v, uint64_t id, const struct device_details *details)
{
	struct pool_state *s = to_builder(v)->state;
	struct pool_device *grown =
		alloc_grow(s->devices, &s->devices_capacity, s->nr_devices, sizeof(*grown));

	if (!grown)
		return -ENOMEM;
	s->devices = grown;
	grown[s->nr_devices++] = (struct pool_device){ .id = id,
						       .details = *details,
						       .runs = { s->runs.used, s->runs.used },
						       .refs_begin = s->nr_refs,
						       .refs_end = s->nr_refs };
	data_runs_begin(&s->runs);
	return 0;
}

static int on_device_end(struct metadata_visitor *v)
{
	struct pool_state *s = to_builder(v)->state;
	struct pool_device *d = &s->devices[s->nr_devices - 1];

	d->runs.end = s->runs.used;
	d->refs_end = s->nr_refs;
	d->complete = true;
	s->nr_mapped += d->nr_mapped;
	return 0;
}

static int on_map(struct metadata_visitor *v, const struct mapping_run *run)
{
	struct builder *b = to_builder(v);
	struct pool_state *s = b->state;

	if (run->length > MAX_MAPPINGS - b->nr_stored) {
		b->too_many = true;
		return -EINVAL;
	}
	b->nr_stored += run->length;
	raise_u64(&s->data_end, run->data_begin + run->length);
	if (b->in_def) {
		struct pool_def *def = &s->defs[s->nr_defs - 1];

		def->nr_mapped += run->length;
		def->nr_thin_blocks = run->thin_begin + run->length;
		raise_u32(&def->newest_time, run->time);
		if (!run->thin_begin) {
			def->has_first = true;
			def->first_block = run->data_begin;
		}
	} else {
		struct pool_device *d = &s->devices[s->nr_devices - 1];

		d->nr_mapped += run->length;
		d->nr_thin_blocks = run->thin_begin + run->length;
		raise_u32(&d->newest_time, run->time);
		if (!run->thin_begin) {
			d->has_first = true;
			d->first_block = run->data_begin;
		}
	}
	return data_runs_add(&s->runs, run->data_begin, run->length);
}

static int on_ref(struct metadata_visitor *v, uint64_t name)
{
	struct builder *b = to_builder(v);
	struct pool_state *s = b->state;
	struct pool_device *d = &s->devices[s->nr_devices - 1];
	uint32_t *grown = alloc_grow(s->refs, &s->refs_capacity, s->nr_refs, sizeof(*grown));
	const uint64_t *number = u64_map_find(&b->def_of, name);
	const struct pool_def *def;

	if (!grown)
		return -ENOMEM;
	s->refs = grown;
	if (!number)
		return -EINVAL;
	def = &s->defs[*number - 1];
	d->nr_mapped += def->nr_mapped;
	raise_u64(&d->nr_thin_blocks, def->nr_thin_blocks);
	raise_u32(&d->newest_time, def->newest_time);
	if (def->has_first) {
		d->has_first = true;
		d->first_block = def->first_block;
	}
	grown[s->nr_refs++] = (uint32_t)(*number - 1);
	return 0;
}

static const struct metadata_visitor builder_calls = {
	.superblock = on_superblock,
	.superblock_end = on_end,
	.def = on_def,
	.def_end = on_def_end,
	.device = on_device,
	.device_end = on_device_end,
	.map = on_map,
	.ref = on_ref,
};

/* ---- what damage leaves */

/*
 * The reader ends at the first damage, and that may stand before all devices.  So the others are
 * read once more, in parts, of which those that fail are halved until the devices at fault are
 * alone.  What parts share is read, and kept, for each of them: that changes no result.
 */
enum {
	MAX_PARTS = 256,   /* are read; what is left then stays incomplete */
	MAX_WAITING = 130, /* halves of halves: two for each bit of a number */
};

struct part {
	size_t first, nr; /* of the list of devices */
};

struct rescue {
	struct pool_source *source;
	struct builder *b;
	struct pool_state list; /* owned: all devices, without mappings */
	uint64_t *ids;          /* owned: theirs */
	struct part waiting[MAX_WAITING];
	size_t nr_waiting;
};

static struct builder builder_on(struct pool_state *s)
{
	return (struct builder){ .base = builder_calls, .state = s };
}

static void note_reading(struct pool_state *s, const struct pool_reading *reading)
{
	if (reading->torn || s->reading.transaction_after != reading->transaction_before)
		s->reading.torn = true;
	s->reading.transaction_after = reading->transaction_after;
}

/* What was collected for devices that did not come to their end is dropped. */
static void drop_partial(struct builder *b, const struct pool_state *before, uint64_t nr_stored)
{
	struct pool_state *s = b->state;

	if (s->nr_devices && !s->devices[s->nr_devices - 1].complete)
		s->nr_devices--;
	if (s->nr_devices > before->nr_devices) {
		s->runs.used = s->devices[s->nr_devices - 1].runs.end;
		s->nr_refs = s->devices[s->nr_devices - 1].refs_end;
	} else {
		s->runs.used = before->runs.used;
		s->nr_refs = before->nr_refs;
		s->nr_defs = before->nr_defs;
		b->nr_stored = nr_stored;
	}
	b->in_def = false;
	u64_map_destroy(&b->def_of);
}

/* Read a part: *ret_nr of its devices, from the first, are there then.  0 or -errno of our own. */
static int read_part(struct rescue *rescue, const struct part *part, size_t *ret_nr)
{
	struct pool_state *s = rescue->b->state;
	const struct pool_state before = *s;
	const uint64_t nr_stored = rescue->b->nr_stored;
	const struct pool_selection selection = { .dev_ids = rescue->ids + part->first,
						  .nr_dev_ids = part->nr };
	struct pool_reading reading;
	struct pool_fault fault;
	int r = pool_source_run(rescue->source, &selection, &rescue->b->base, NULL, &reading,
				&fault);

	note_reading(s, &reading);
	drop_partial(rescue->b, &before, nr_stored);
	*ret_nr = s->nr_devices - before.nr_devices;
	return r && !*fault.text ? r : 0;
}

static void put_off(struct rescue *rescue, size_t first, size_t nr)
{
	if (nr && rescue->nr_waiting < MAX_WAITING)
		rescue->waiting[rescue->nr_waiting++] = (struct part){ first, nr };
}

/* The first half comes next: devices have to come by ascending id. */
static int read_parts(struct rescue *rescue)
{
	int r = 0;

	for (unsigned int i = 0; i < MAX_PARTS && rescue->nr_waiting && !r; i++) {
		struct part part = rescue->waiting[--rescue->nr_waiting];
		size_t nr = 0, half;

		r = read_part(rescue, &part, &nr);
		part.first += nr;
		part.nr -= nr;
		if (!part.nr || (part.nr == 1 && !nr))
			continue;
		half = (part.nr + 1) / 2;
		put_off(rescue, part.first + half, part.nr - half);
		put_off(rescue, part.first, half);
	}
	return r;
}

static int add_incomplete(struct rescue *rescue)
{
	struct pool_state *s = rescue->b->state;
	const size_t nr_complete = s->nr_devices;
	size_t k = 0;
	int r = 0;

	for (size_t i = 0; i < rescue->list.nr_devices && !r; i++) {
		const struct pool_device *d = &rescue->list.devices[i];

		if (k < nr_complete && s->devices[k].id == d->id)
			k++;
		else
			r = on_device(&rescue->b->base, d->id, &d->details);
	}
	return r;
}

static int list_devices(struct rescue *rescue)
{
	const struct pool_selection details_only = { .skip_mappings = true };
	struct builder b = builder_on(&rescue->list);
	struct pool_reading reading;
	struct pool_fault fault;
	int r = pool_source_run(rescue->source, &details_only, &b.base, NULL, &reading, &fault);

	u64_map_destroy(&b.def_of);
	if (r)
		return r;
	note_reading(rescue->b->state, &reading);
	rescue->b->state->header = rescue->list.header;
	rescue->ids = alloc_array(rescue->list.nr_devices, sizeof(*rescue->ids));
	if (!rescue->ids)
		return -ENOMEM;
	for (size_t i = 0; i < rescue->list.nr_devices; i++)
		rescue->ids[i] = rescue->list.devices[i].id;
	return 0;
}

/* 0: there is a list of all devices, and as many as can be are complete. */
static int read_rest(struct pool_source *source, struct builder *b)
{
	struct rescue rescue = { .source = source, .b = b };
	const struct pool_state nothing = { .nr_devices = 0 };
	size_t nr;
	int r = list_devices(&rescue);

	drop_partial(b, &nothing, 0);
	nr = b->state->nr_devices;
	/* While the pool was active, a device may have gone. */
	if (!r && nr > rescue.list.nr_devices)
		r = -EUCLEAN;
	if (!r) {
		put_off(&rescue, nr, rescue.list.nr_devices - nr);
		r = read_parts(&rescue);
	}
	if (!r)
		r = add_incomplete(&rescue);
	alloc_free(rescue.ids);
	pool_state_destroy(&rescue.list);
	return r;
}

/* ---- all of it */

static int compare_ids(const void *a, const void *b)
{
	const struct pool_device *x = a, *y = b;

	return (x->id > y->id) - (x->id < y->id);
}

static int count_exclusive(struct pool_state *s)
{
	uint32_t *own = alloc_array(s->nr_devices, sizeof(*own));
	uint64_t *blocks = alloc_array(s->nr_devices, sizeof(*blocks));
	struct pool_set_totals totals = { 0 };
	int r = own && blocks ? 0 : -ENOMEM;

	for (size_t i = 0; i < s->nr_devices && !r; i++)
		own[i] = (uint32_t)i;
	if (!r)
		r = pool_sets_count(s, own, (uint32_t)s->nr_devices, blocks, &totals);
	for (size_t i = 0; i < s->nr_devices && !r; i++)
		s->devices[i].nr_exclusive = blocks[i];
	s->data_blocks_mapped = totals.nr_mapped;
	alloc_free(own);
	alloc_free(blocks);
	return r;
}

static int finish(struct pool_state *s)
{
	int r;

	s->nr_data_blocks = s->header.nr_data_blocks;
	raise_u64(&s->nr_data_blocks, s->data_end);
	/* XML may name them in any order. */
	if (s->nr_devices)
		qsort(s->devices, s->nr_devices, sizeof(*s->devices), compare_ids);
	r = count_exclusive(s);
	s->data_blocks_used =
		s->reading.raw ? s->reading.data_blocks_allocated : s->data_blocks_mapped;
	return r;
}

static int read_state(struct pool_source *source, struct progress *progress, struct builder *b,
		      struct pool_fault *fault)
{
	struct pool_state *s = b->state;
	int r = pool_source_run(source, NULL, &b->base, progress, &s->reading, fault);

	if (b->too_many)
		(void)snprintf(fault->text, sizeof(fault->text),
			       "more mappings than any metadata device has room for");
	/* No snapshot, not damage: -ENODATA leaves nothing. */
	if (!r || !s->reading.raw || r == -ENODATA || !*fault->text)
		return r;
	if (read_rest(source, b))
		return r;
	s->incomplete = true;
	s->fault = *fault;
	return 0;
}

int pool_state_read(struct pool_source *s, struct progress *progress, struct pool_state *ret_state,
		    struct pool_fault *ret_fault)
{
	struct builder b = builder_on(ret_state);
	int r;

	*ret_state = (struct pool_state){ .from_snapshot = pool_source_of_snapshot(s) };
	r = read_state(s, progress, &b, ret_fault);
	u64_map_destroy(&b.def_of);
	if (!r)
		r = finish(ret_state);
	if (r && !*ret_fault->text)
		(void)snprintf(ret_fault->text, sizeof(ret_fault->text), "%s", strerror(-r));
	if (r) {
		struct pool_reading reading = ret_state->reading;

		pool_state_destroy(ret_state);
		ret_state->reading = reading;
	}
	return r;
}

void pool_state_destroy(struct pool_state *s)
{
	data_runs_destroy(&s->runs);
	alloc_free(s->devices);
	alloc_free(s->defs);
	alloc_free(s->refs);
	*s = (struct pool_state){ .nr_devices = 0 };
}

const struct pool_device *pool_state_find(const struct pool_state *s, uint64_t id)
{
	const struct pool_device key = { .id = id };

	if (!s->nr_devices)
		return NULL;
	return bsearch(&key, s->devices, s->nr_devices, sizeof(key), compare_ids);
}
