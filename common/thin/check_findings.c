/* SPDX-License-Identifier: MIT
 * check_findings.c: from a fault in a node to a finding that names the devices and ranges it harms.
 */
#include <errno.h>
#include <stdlib.h>

#include "common/base/alloc.h"
#include "common/thin/check_internal.h"
#include "common/thin/describe.h"

enum { MAX_HARMS = 1 << 20 }; /* over all faults: memory is bounded */

struct harm {
	size_t fault;
	bool held; /* met below the metadata snapshot */
	struct affected affected;
};

struct harms {
	struct check *c;
	struct harm *items;
	size_t nr, capacity;
	bool held;               /* what hangs below the metadata snapshot is traced */
	uint64_t device;         /* whose tree is traced, or NO_DEVICE */
	uint32_t *node_of_fault; /* owned, by fault, likewise: */
	uint32_t *nr_dropped;    /* harms that there was no room for */
};

void check_block_finding(struct check *c, enum block_kind kind, uint64_t block, enum finding_id id,
			 uint64_t expected, uint64_t found, const struct affected *affected)
{
	struct finding f = { .id = id,
			     .tree = block_kind_name(kind),
			     .block = block,
			     .expected = expected,
			     .found = found,
			     .affected = affected,
			     .nr_affected = affected ? 1 : 0 };
	char text[160];

	report_finding(c->report, &f, "%s",
		       finding_describe(id, expected, found, text, sizeof(text)));
}

/* In which unit a tree's keys count, and how many of them one key stands for. */
static enum range_unit key_unit(const struct node *n, uint64_t *ret_scale)
{
	*ret_scale = 1;
	switch ((enum block_kind)n->kind) {
	case KIND_DETAILS:
	case KIND_TOP_LEVEL:
		return RANGE_DEVICE_IDS;
	case KIND_MAPPING:
		return RANGE_THIN_BLOCKS;
	case KIND_DATA_INDEX:
		*ret_scale = BITMAP_ENTRIES;
		return RANGE_DATA_BLOCKS;
	case KIND_DATA_REF_COUNTS:
		return RANGE_DATA_BLOCKS;
	case KIND_METADATA_REF_COUNTS:
		return RANGE_METADATA_BLOCKS;
	case KIND_UNUSED:
	case KIND_SUPERBLOCK:
	case KIND_SNAPSHOT_SUPERBLOCK:
	case KIND_DATA_BITMAP:
	case KIND_METADATA_INDEX:
	case KIND_METADATA_BITMAP:
	case NR_BLOCK_KINDS:
		break;
	}
	return RANGE_NONE;
}

static uint64_t scaled(uint64_t key, uint64_t scale)
{
	return key > UINT64_MAX / scale ? UINT64_MAX : key * scale;
}

static int note_harm(void *context, const struct node *node, size_t fault, uint64_t begin,
		     uint64_t end, uint64_t nr_values)
{
	struct harms *h = context;
	struct harm *grown;
	uint64_t scale;

	if (h->nr >= MAX_HARMS) {
		h->nr_dropped[fault]++;
		return 0;
	}
	grown = alloc_grow(h->items, &h->capacity, h->nr, sizeof(*grown));
	if (!grown)
		return -ENOMEM;
	h->items = grown;
	grown[h->nr].fault = fault;
	grown[h->nr].held = h->held;
	grown[h->nr].affected = (struct affected){
		.device = h->device, .unit = key_unit(node, &scale), .begin = begin, .end = end
	};
	grown[h->nr].affected.begin = scaled(begin, scale);
	grown[h->nr].affected.end = scaled(end, scale);
	if (h->device != NO_DEVICE)
		grown[h->nr].affected.mappings = nr_values;
	h->nr++;
	return 0;
}

static bool cuts_off(const struct harms *h, const struct harm *harm)
{
	const struct fault *f = &h->c->table.faults[harm->fault];
	const struct node *n = &h->c->table.nodes[h->node_of_fault[harm->fault]];

	return n->bad || (f->slot != WHOLE_NODE && n->incomplete);
}

/*
 * The details tell how many mappings the device should have: where one hole is all that is wrong,
 * what is missing is what stood there.
 */
static void correct_guess(struct harms *h, size_t first, const struct check_device *d,
			  const struct node *root)
{
	struct harm *hole = NULL;

	for (size_t i = first; i < h->nr; i++) {
		if (!cuts_off(h, &h->items[i]))
			continue;
		if (hole)
			return;
		hole = &h->items[i];
	}
	if (hole && d->has_details && d->details.mapped_blocks > root->nr_values)
		hole->affected.mappings = d->details.mapped_blocks - root->nr_values;
}

static int trace_devices(struct harms *h, const struct device_set *set)
{
	int r = 0;

	for (size_t i = 0; i < set->nr && !r; i++) {
		const struct check_device *d = &set->devices[i];
		size_t first = h->nr;

		if (d->node < 0)
			continue;
		h->device = d->id;
		r = node_table_trace(&h->c->table, (size_t)d->node, note_harm, h);
		correct_guess(h, first, d, &h->c->table.nodes[d->node]);
	}
	h->device = NO_DEVICE;
	return r;
}

static int trace_root(struct harms *h, int64_t node)
{
	return node < 0 ? 0 : node_table_trace(&h->c->table, (size_t)node, note_harm, h);
}

static int trace_space_map(struct harms *h, const struct space_map_root *root,
			   enum block_kind index, enum block_kind ref_counts)
{
	const struct node_table *t = &h->c->table;
	int r = trace_root(h, node_table_find(t, root->ref_count_root, ref_counts));

	if (!r && index == KIND_DATA_INDEX)
		r = trace_root(h, node_table_find(t, root->bitmap_root, index));
	return r;
}

static int trace_all(struct harms *h)
{
	struct check *c = h->c;
	int r;

	r = trace_devices(h, &c->live);
	if (!r)
		r = trace_root(h, c->live.details_node);
	if (!r)
		r = trace_root(h, c->live.top_level_node);
	if (!r)
		r = trace_space_map(h, &c->sb.data_space_map, KIND_DATA_INDEX,
				    KIND_DATA_REF_COUNTS);
	if (!r)
		r = trace_space_map(h, &c->sb.metadata_space_map, KIND_METADATA_INDEX,
				    KIND_METADATA_REF_COUNTS);
	h->held = true;
	if (!r)
		r = trace_devices(h, &c->held);
	if (!r)
		r = trace_root(h, c->held.details_node);
	if (!r)
		r = trace_root(h, c->held.top_level_node);
	return r;
}

static int by_fault(const void *a, const void *b)
{
	const struct harm *ha = a, *hb = b;

	if (ha->fault != hb->fault)
		return ha->fault < hb->fault ? -1 : 1;
	if (ha->affected.device != hb->affected.device)
		return ha->affected.device < hb->affected.device ? -1 : 1;
	return (ha->affected.begin > hb->affected.begin) -
	       (ha->affected.begin < hb->affected.begin);
}

/* A device that stands in the live trees and in the metadata snapshot is named once. */
static bool same_place(const struct affected *a, const struct affected *b)
{
	return a->device == b->device && a->begin == b->begin && a->end == b->end;
}

/* Where nothing but the metadata snapshot leads there, it alone is lost. */
static enum snapshot_role role_of(const struct harms *h, size_t fault, size_t first, size_t end)
{
	for (size_t i = first; i < end; i++) {
		if (!h->items[i].held)
			return SNAPSHOT_NONE;
	}
	if (first == end || h->nr_dropped[fault])
		return SNAPSHOT_NONE;
	return h->c->options->metadata_snap ? SNAPSHOT_ASKED : SNAPSHOT_BESIDE;
}

static int report_fault(struct harms *h, size_t fault, size_t first, size_t end)
{
	const struct fault *f = &h->c->table.faults[fault];
	const struct node *n = &h->c->table.nodes[h->node_of_fault[fault]];
	struct affected *list = alloc_array(end - first, sizeof(*list));
	struct finding finding = { .id = f->id,
				   .tree = block_kind_name((enum block_kind)n->kind),
				   .block = n->block,
				   .snapshot = role_of(h, fault, first, end),
				   .expected = f->expected,
				   .found = f->found,
				   .affected = list,
				   .nr_affected_left_out = h->nr_dropped[fault] };
	char text[160];

	if (!list)
		return -ENOMEM;
	for (size_t i = first; i < end; i++) {
		const struct affected *a = &h->items[i].affected;

		if (finding.nr_affected && same_place(a, &list[finding.nr_affected - 1]))
			continue;
		list[finding.nr_affected++] = *a;
	}
	report_finding(h->c->report, &finding, "%s",
		       finding_describe(f->id, f->expected, f->found, text, sizeof(text)));
	alloc_free(list);
	return 0;
}

static int report_all(struct harms *h)
{
	size_t i = 0, end;
	int r = 0;

	if (h->nr)
		qsort(h->items, h->nr, sizeof(*h->items), by_fault);
	for (size_t fault = 0; fault < h->c->table.nr_faults && !r; fault++) {
		for (end = i; end < h->nr && h->items[end].fault == fault; end++)
			;
		r = report_fault(h, fault, i, end);
		i = end;
	}
	return r;
}

static int find_nodes(struct harms *h)
{
	const struct node_table *t = &h->c->table;

	h->node_of_fault = alloc_array(t->nr_faults, sizeof(*h->node_of_fault));
	h->nr_dropped = alloc_array(t->nr_faults, sizeof(*h->nr_dropped));
	if (!h->node_of_fault || !h->nr_dropped)
		return -ENOMEM;
	for (size_t n = 0; n < t->nr_nodes; n++) {
		for (uint32_t f = t->nodes[n].first_fault; f; f = t->faults[f - 1].next)
			h->node_of_fault[f - 1] = (uint32_t)n;
	}
	return 0;
}

int check_report_faults(struct check *c)
{
	struct harms h = { .c = c, .device = NO_DEVICE };
	int r;

	if (!c->table.nr_faults)
		return 0;
	r = find_nodes(&h);
	if (!r)
		r = trace_all(&h);
	if (!r)
		r = report_all(&h);
	alloc_free(h.items);
	alloc_free(h.node_of_fault);
	alloc_free(h.nr_dropped);
	return r;
}
