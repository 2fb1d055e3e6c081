/* SPDX-License-Identifier: MIT
 * check_findings.c: from a fault in a node to a finding that names the devices and ranges it harms.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "common/base/alloc.h"
#include "common/thin/check_internal.h"

enum { MAX_HARMS = 1 << 20 }; /* over all faults: memory is bounded */

struct harm {
	size_t fault;
	struct affected affected;
};

struct harms {
	struct check *c;
	struct harm *items;
	size_t nr, capacity;
	uint64_t device; /* whose tree is traced, or NO_DEVICE */
	uint32_t *node_of_fault;
};

const char *check_describe(enum finding_id id, uint64_t expected, uint64_t found, char *buffer,
			   size_t size)
{
	const unsigned long long e = expected, f = found;

	switch (id) {
#define TEXT(name, ...)                                      \
	case FINDING_##name:                                 \
		(void)snprintf(buffer, size, __VA_ARGS__);   \
		return buffer;
	TEXT(SUPERBLOCK_UNREADABLE, "the superblock cannot be read")
	TEXT(SUPERBLOCK_CHECKSUM, "bad checksum in superblock")
	TEXT(SUPERBLOCK_BLOCKNR, "the superblock says that it is block %llu, not %llu", f, e)
	TEXT(SUPERBLOCK_MAGIC, "the magic number is %llu, not %llu", f, e)
	TEXT(SUPERBLOCK_VERSION, "version %llu is not known", f)
	TEXT(SUPERBLOCK_FLAGS, "unknown flags are set: 0x%llx", f)
	TEXT(SUPERBLOCK_DATA_BLOCK_SIZE, "%llu sectors is no data block size: a multiple of %llu, at most %u, is", f, e, DATA_BLOCK_SIZE_MAX)
	TEXT(SUPERBLOCK_METADATA_BLOCK_SIZE, "the metadata block size is %llu sectors, not %llu", f, e)
	TEXT(SUPERBLOCK_METADATA_NR_BLOCKS, "the pool was made with %llu metadata blocks, but has %llu", f, e)
	TEXT(SUPERBLOCK_INCOMPAT, "unknown incompatible features: 0x%llx", f)
	TEXT(SUPERBLOCK_COMPAT_RO, "unknown features that forbid writing: 0x%llx", f)
	TEXT(SUPERBLOCK_COMPAT, "unknown compatible features: 0x%llx", f)
	TEXT(SUPERBLOCK_TRAILING, "there is something behind the last field")
	TEXT(SUPERBLOCK_ROOT, "a tree's root is at block %llu, outside 1 to %llu", f, e - 1)
	TEXT(SNAPSHOT_ROOT, "the metadata snapshot is at block %llu, which cannot be", f)
	TEXT(SNAPSHOT_SPACE_MAP, "the metadata snapshot has space map roots")
	TEXT(BLOCK_UNREADABLE, "I/O error")
	TEXT(BLOCK_CHECKSUM, "bad checksum")
	TEXT(BLOCK_BLOCKNR, "the block says that it is block %llu, not %llu", f, e)
	TEXT(NODE_FLAGS, "flags 0x%llx are neither an internal node's nor a leaf's", f)
	TEXT(NODE_VALUE_SIZE, "values of %llu bytes instead of %llu", f, e)
	TEXT(NODE_MAX_ENTRIES, "room for %llu entries instead of %llu", f, e)
	TEXT(NODE_NR_ENTRIES, "%llu entries where 1 to %llu can be", f, e)
	TEXT(NODE_PADDING, "the padding is 0x%llx, not 0", f)
	TEXT(NODE_KEY_ORDER, "key %llu follows key %llu", f, e)
	TEXT(NODE_UNDERFULL, "only %llu entries, less than a third of the room", f)
	TEXT(LEAF_UNDERFULL, "only %llu entries, less than a third of the room", f)
	TEXT(CHILD_RANGE, "an entry leads to block %llu, but the last block is %llu", f, e - 1)
	TEXT(CHILD_LOOP, "an entry leads back to block %llu, above it", f)
	TEXT(CHILD_KIND, "an entry leads to block %llu, which is used as %s", f, block_kind_name(expected < NR_BLOCK_KINDS ? (enum block_kind)expected : KIND_UNUSED))
	TEXT(CHILD_KEYS, "key %llu stands on the wrong side of key %llu, which parts two children", f, e)
	TEXT(CHILD_HEIGHT, "a child of height %llu among children of height %llu", f, e)
	TEXT(TREE_DEPTH, "more than %llu levels", e)
	TEXT(DEVICE_ID, "device id %llu is above %llu", f, e)
	TEXT(DEVICE_NO_DETAILS, "the device has mappings but no details")
	TEXT(DEVICE_NO_MAPPINGS, "the device has details but no mapping tree")
	TEXT(DEVICE_MAPPED_BLOCKS, "the details say %llu mapped blocks, the mapping tree has %llu", f, e)
	TEXT(DEVICE_TRANSACTION, "the device is of transaction %llu, the pool of %llu", f, e)
	TEXT(DEVICE_TIME, "the last snapshot was at time %llu, the pool is at %llu", f, e)
	TEXT(DEVICE_CREATION_TIME, "created at time %llu, after its last snapshot at %llu", f, e)
	TEXT(MAPPING_DATA_BLOCK, "data block %llu is beyond the last, %llu", f, e - 1)
	TEXT(MAPPING_TIME, "a mapping of time %llu, the pool is at %llu", f, e)
	TEXT(SPACE_MAP_NR_BLOCKS, "the space map has %llu blocks, which %llu contradicts", f, e)
	TEXT(SPACE_MAP_NR_ALLOCATED, "the space map says %llu blocks are in use, its bitmaps say %llu", f, e)
	TEXT(SPACE_MAP_ROOT, "the root is at block %llu, which cannot be", f)
	TEXT(INDEX_MISSING, "a bitmap is missing in the index")
	TEXT(INDEX_EXTRA, "an entry for bitmap %llu, but there are %llu bitmaps", f, e)
	TEXT(INDEX_NR_FREE, "the index says %llu free, the bitmap %llu", f, e)
	TEXT(INDEX_NONE_FREE_BEFORE, "the index says that nothing is free before entry %llu, but %llu is", f, e)
	TEXT(BITMAP_PADDING, "the unused field is 0x%llx, not 0", f)
	TEXT(BITMAP_TAIL, "%llu entries behind the end are in use", f)
	TEXT(OVERFLOW_MISSING, "the bitmap refers to a reference count that is not there")
	TEXT(OVERFLOW_EXTRA, "a reference count of %llu that no bitmap refers to", f)
	TEXT(OVERFLOW_VALUE, "a reference count of %llu, below %llu", f, e)
	TEXT(REF_COUNT_LOW, "used %llu times, but counted as %llu", e, f)
	TEXT(REF_COUNT_HIGH, "used %llu times, but counted as %llu", e, f)
	TEXT(BLOCK_LEAKED, "used by nobody, but counted as %llu", f)
#undef TEXT
	case FINDING_MAPPING_SHARED: /* has a text of its own */
	case NR_FINDINGS:
		break;
	}
	return finding_type(id)->id;
}

void check_block_finding(struct check *c, enum block_kind kind, uint64_t block,
			 enum finding_id id, uint64_t expected, uint64_t found,
			 const struct affected *affected)
{
	struct finding f = { .id = id,
			     .tree = block_kind_name(kind),
			     .block = block,
			     .has_counts = expected != found,
			     .expected = expected,
			     .found = found,
			     .affected = affected,
			     .nr_affected = affected ? 1 : 0 };
	char text[160];

	/* For a block of another kind `expected` only carries the kind into the text. */
	f.has_counts &= id != FINDING_CHILD_KIND;
	report_finding(c->report, &f, "%s", check_describe(id, expected, found, text, sizeof(text)));
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

	if (h->nr >= MAX_HARMS)
		return 0;
	grown = alloc_grow(h->items, &h->capacity, h->nr, sizeof(*grown));
	if (!grown)
		return -ENOMEM;
	h->items = grown;
	grown[h->nr].fault = fault;
	grown[h->nr].affected = (struct affected){ .device = h->device,
						   .unit = key_unit(node, &scale),
						   .begin = begin,
						   .end = end };
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
 * The details tell how many mappings the device should have: where one hole is all that is wrong, what
 * is missing is what stood there.
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
		r = trace_devices(h, &c->held);
	if (!r)
		r = trace_root(h, c->live.details_node);
	if (!r)
		r = trace_root(h, c->live.top_level_node);
	if (!r)
		r = trace_root(h, c->held.details_node);
	if (!r)
		r = trace_root(h, c->held.top_level_node);
	if (!r)
		r = trace_space_map(h, &c->sb.data_space_map, KIND_DATA_INDEX,
				    KIND_DATA_REF_COUNTS);
	if (!r)
		r = trace_space_map(h, &c->sb.metadata_space_map, KIND_METADATA_INDEX,
				    KIND_METADATA_REF_COUNTS);
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

static int report_fault(struct harms *h, size_t fault, size_t first, size_t end)
{
	const struct fault *f = &h->c->table.faults[fault];
	const struct node *n = &h->c->table.nodes[h->node_of_fault[fault]];
	struct affected *list = alloc_array(end - first, sizeof(*list));
	struct finding finding = { .id = f->id,
				   .tree = block_kind_name((enum block_kind)n->kind),
				   .block = n->block,
				   .has_counts = f->expected != f->found &&
						 f->id != FINDING_CHILD_KIND,
				   .expected = f->expected,
				   .found = f->found,
				   .affected = list };
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
		       check_describe(f->id, f->expected, f->found, text, sizeof(text)));
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
	if (!h->node_of_fault)
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
	return r;
}
