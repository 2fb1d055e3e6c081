/* SPDX-License-Identifier: MIT
 * check_sharing.c: will the kernel copy what it has to copy?
 *
 * A device takes a mapping for its own when the mapping is not older than the device's
 * snapshotted_time; a write then goes to the data block in place (Linux: dm-thin-metadata.c,
 * __snapshotted_since).  If the block is mapped elsewhere too, that write destroys somebody else's
 * data, and no checksum ever tells.
 *
 * While the mapping leaves are read, each data block that some owner takes for its own is marked.
 * Only if a marked block is used twice, or a leaf that holds one has two owners, is more to be
 * done. The metadata snapshot does not count: it protects metadata, not data.
 */
#include <errno.h>
#include <stdlib.h>

#include "common/base/alloc.h"
#include "common/thin/check_internal.h"

enum {
	MAX_USES = 1 << 20, /* what is looked at once something is wrong: memory is bounded */
	NO_LIMIT = 1 << 20, /* visits of a node: more than there can be devices counted */
};

/* A leaf entry whose data block is used elsewhere while somebody takes it for his own. */
struct use {
	uint64_t data_block, key;
	uint32_t node, time;
};

/* The same, as seen by one device. */
struct claim {
	uint64_t data_block, key;
	uint32_t device;
	bool exposed; /* the device would overwrite in place */
	uint32_t other;
};

struct sharing {
	struct check *c;
	struct use *uses;
	size_t nr_uses, uses_capacity;
	struct u64_map first_use; /* by node: 1 + index of its first use */
	struct claim *claims;
	size_t nr_claims, claims_capacity;
};

typedef int (*device_leaf_fn)(struct sharing *s, uint32_t device, uint32_t leaf);

struct place {
	uint32_t node, slot;
};

/* Calls fn for each leaf below the device's root once, but not below nodes visited max_visits
 * times. */
static int for_each_leaf(struct sharing *s, uint32_t device, unsigned int max_visits,
			 device_leaf_fn fn)
{
	struct node_table *t = &s->c->table;
	struct place stack[BTREE_MAX_DEPTH];
	unsigned int depth = 0;
	int r = 0;

	stack[depth++] = (struct place){ .node = (uint32_t)s->c->live.devices[device].node };
	t->stamp++;
	while (depth && !r) {
		struct place *top = &stack[depth - 1];
		struct node *n = &t->nodes[top->node];
		struct btree_node d;
		int64_t child;

		if (!top->slot) {
			if (n->stamp == t->stamp || n->visits == max_visits) {
				depth--;
				continue;
			}
			n->stamp = t->stamp;
			if (n->visits < max_visits)
				n->visits++;
		}
		if (n->leaf || n->bad || top->slot >= n->nr_entries) {
			if (n->leaf)
				r = fn(s, device, top->node);
			depth--;
			continue;
		}
		d = node_table_decoded(t, n);
		child = node_table_find(t, btree_node_u64(&d, top->slot++), KIND_MAPPING);
		if (child >= 0 && depth < BTREE_MAX_DEPTH)
			stack[depth++] = (struct place){ .node = (uint32_t)child };
	}
	return r;
}

/* While leaves were read, not all of their owners were known: trees differ in height. */
static int settle_owner(struct sharing *s, uint32_t device, uint32_t leaf)
{
	struct node *n = &s->c->table.nodes[leaf];
	uint32_t time = s->c->live.devices[device].details.snapshotted_time;

	if (n->owner == NO_OWNER)
		n->owner = device;
	else if (n->owner != device)
		n->owner = MANY_OWNERS;
	if (time < n->snap_time) {
		n->snap_time = time;
		n->stale = true;
	}
	return 0;
}

static int compare_snap_times(const void *a, const void *b, void *context)
{
	const struct device_set *set = context;
	uint32_t ta = set->devices[*(const uint32_t *)a].details.snapshotted_time;
	uint32_t tb = set->devices[*(const uint32_t *)b].details.snapshotted_time;

	return (ta > tb) - (ta < tb);
}

static bool judged(const struct check_device *d)
{
	return d->node >= 0 && d->has_details;
}

/*
 * Devices come by ascending snapshotted_time: the first to visit a node brings the lowest time, the
 * second makes the owners many, and no later one changes anything.
 */
static int settle_owners(struct sharing *s)
{
	struct device_set *set = &s->c->live;
	uint32_t *order = alloc_array(set->nr, sizeof(*order));
	uint32_t nr = 0;
	int r = 0;

	if (!order)
		return -ENOMEM;
	for (size_t i = 0; i < set->nr; i++) {
		if (judged(&set->devices[i]))
			order[nr++] = (uint32_t)i;
	}
	qsort_r(order, nr, sizeof(*order), compare_snap_times, set);
	for (uint32_t i = 0; i < nr && !r; i++)
		r = for_each_leaf(s, order[i], 2, settle_owner);
	alloc_free(order);
	return r;
}

static bool exposed(const struct node *leaf)
{
	return leaf->nr_values && leaf->max_time >= leaf->snap_time;
}

/* Read again the leaves that pick() chooses. */
static int read_leaves(struct sharing *s, bool (*pick)(const struct node *n), block_fn fn)
{
	struct node_table *t = &s->c->table;
	struct bitset wanted;
	int r = bitset_init(&wanted, t->nr_blocks);

	for (size_t i = 0; i < t->nr_nodes && !r; i++) {
		const struct node *n = &t->nodes[i];

		if (n->kind == KIND_MAPPING && n->leaf && n->owner != NO_OWNER && pick(n))
			bitset_set(&wanted, n->block);
	}
	if (!r && wanted.nr_set)
		r = block_reader_run(t->reader, &wanted, fn, s);
	bitset_destroy(&wanted);
	return r;
}

static bool is_stale(const struct node *n)
{
	return n->stale && exposed(n);
}

static bool any_leaf(const struct node *n)
{
	return n->nr_values != 0;
}

static int decode_again(const void *data, uint64_t block, struct btree_node *ret_leaf)
{
	struct node_fault ignored;

	if (!data)
		return -EIO;
	return btree_node_decode(data, block, MAPPING_VALUE_SIZE, ret_leaf, &ignored);
}

static int mark_again(void *context, uint64_t block, const void *data, int error)
{
	struct sharing *s = context;
	const struct node *n = &s->c->table.nodes[s->c->table.node_of[block] - 1];
	struct btree_node leaf;

	if (error || decode_again(data, block, &leaf))
		return 0;
	for (uint32_t i = 0; i < leaf.nr_entries; i++) {
		uint64_t value = btree_node_u64(&leaf, i);

		if (mapping_time(value) >= n->snap_time)
			ref_counts_mark(&s->c->data, mapping_data_block(value));
	}
	return 0;
}

static bool suspicious(const struct sharing *s)
{
	const struct node_table *t = &s->c->table;

	if (s->c->data.nr_marked_repeated)
		return true;
	for (size_t i = 0; i < t->nr_nodes; i++) {
		const struct node *n = &t->nodes[i];

		if (n->kind == KIND_MAPPING && n->leaf && n->owner == MANY_OWNERS && exposed(n))
			return true;
	}
	return false;
}

static int add_use(struct sharing *s, const struct use *u)
{
	struct use *grown;
	uint64_t *first;

	if (s->nr_uses >= MAX_USES)
		return 0;
	grown = alloc_grow(s->uses, &s->uses_capacity, s->nr_uses, sizeof(*grown));
	first = u64_map_at(&s->first_use, u->node);
	if (grown)
		s->uses = grown;
	if (!grown || !first)
		return -ENOMEM;
	s->uses[s->nr_uses++] = *u;
	if (!*first)
		*first = s->nr_uses;
	return 0;
}

static int find_uses(void *context, uint64_t block, const void *data, int error)
{
	struct sharing *s = context;
	uint32_t node = s->c->table.node_of[block] - 1;
	const struct node *n = &s->c->table.nodes[node];
	struct btree_node leaf;
	int r = 0;

	if (error || decode_again(data, block, &leaf))
		return 0;
	for (uint32_t i = 0; i < leaf.nr_entries && !r; i++) {
		uint64_t value = btree_node_u64(&leaf, i);
		struct use u = { .data_block = mapping_data_block(value),
				 .key = btree_node_key(&leaf, i),
				 .node = node,
				 .time = mapping_time(value) };

		if ((n->owner == MANY_OWNERS && u.time >= n->snap_time) ||
		    ref_counts_marked_repeated(&s->c->data, u.data_block))
			r = add_use(s, &u);
	}
	return r;
}

static int add_claims(struct sharing *s, uint32_t device, uint32_t leaf)
{
	const struct check_device *d = &s->c->live.devices[device];
	const uint64_t *first = u64_map_find(&s->first_use, leaf);

	if (!first)
		return 0;
	for (size_t i = *first - 1; i < s->nr_uses && s->uses[i].node == leaf; i++) {
		struct claim *grown;

		if (s->nr_claims >= MAX_USES)
			return 0;
		grown = alloc_grow(s->claims, &s->claims_capacity, s->nr_claims, sizeof(*grown));
		if (!grown)
			return -ENOMEM;
		s->claims = grown;
		grown[s->nr_claims++] = (struct claim){
			.data_block = s->uses[i].data_block,
			.key = s->uses[i].key,
			.device = device,
			.exposed = d->has_details && s->uses[i].time >= d->details.snapshotted_time,
		};
	}
	return 0;
}

static int compare_u64(uint64_t a, uint64_t b)
{
	return (a > b) - (a < b);
}

static int by_data_block(const void *a, const void *b)
{
	const struct claim *ca = a, *cb = b;
	int d = compare_u64(ca->data_block, cb->data_block);

	if (!d)
		d = compare_u64(ca->device, cb->device);
	return d ? d : compare_u64(ca->key, cb->key);
}

/* The exposed ones first, by device and thin block. */
static int by_device(const void *a, const void *b)
{
	const struct claim *ca = a, *cb = b;
	int d = (int)cb->exposed - (int)ca->exposed;

	if (!d)
		d = compare_u64(ca->device, cb->device);
	return d ? d : compare_u64(ca->key, cb->key);
}

/* Everyone in a group of equal data blocks learns of another one; who is alone is not exposed. */
static void name_others(struct sharing *s)
{
	for (size_t i = 0; i < s->nr_claims; i++) {
		struct claim *c = &s->claims[i];
		bool before = i && s->claims[i - 1].data_block == c->data_block;
		bool after = i + 1 < s->nr_claims && s->claims[i + 1].data_block == c->data_block;

		if (!before && !after)
			c->exposed = false;
		else
			c->other = s->claims[after ? i + 1 : i - 1].device;
	}
}

struct affected_list {
	struct affected *items;
	size_t nr, capacity;
};

static int append(struct affected_list *list, const struct affected *a)
{
	struct affected *grown;

	if (list->nr >= REPORT_MAX_AFFECTED)
		return 0;
	grown = alloc_grow(list->items, &list->capacity, list->nr, sizeof(*grown));
	if (!grown)
		return -ENOMEM;
	list->items = grown;
	grown[list->nr++] = *a;
	return 0;
}

static int append_key(struct affected_list *list, uint64_t device, uint64_t key)
{
	struct affected *last = list->nr ? &list->items[list->nr - 1] : NULL;
	struct affected a = { .device = device,
			      .unit = RANGE_THIN_BLOCKS,
			      .begin = key,
			      .end = key + 1,
			      .mappings = 1 };

	if (last && last->device == device && last->end == key) {
		last->end++;
		last->mappings++;
		return 0;
	}
	return append(list, &a);
}

/* All claims of one device, from i to end, become one finding. */
static int report_device(struct sharing *s, size_t i, size_t end)
{
	const struct check_device *devices = s->c->live.devices;
	struct finding f = { .id = FINDING_MAPPING_SHARED,
			     .tree = block_kind_name(KIND_MAPPING),
			     .block = NO_BLOCK };
	uint64_t id = devices[s->claims[i].device].id, other = id;
	struct affected_list list = { 0 };
	size_t nr = end - i;
	int r = 0;

	for (; i < end && !r; i++) {
		r = append_key(&list, id, s->claims[i].key);
		if (other == id)
			other = devices[s->claims[i].other].id;
	}
	if (!r && other != id)
		r = append(&list, &(struct affected){ .device = other });
	f.affected = list.items;
	f.nr_affected = list.nr;
	if (!r && other != id)
		report_finding(s->c->report, &f,
			       "a write of device %llu would overwrite %zu data blocks that are "
			       "mapped elsewhere too, for one by device %llu",
			       (unsigned long long)id, nr, (unsigned long long)other);
	else if (!r)
		report_finding(s->c->report, &f,
			       "device %llu maps %zu data blocks at two places, and a write to one "
			       "would overwrite the other",
			       (unsigned long long)id, nr);
	alloc_free(list.items);
	return r;
}

static int report_claims(struct sharing *s)
{
	size_t i = 0, end;
	int r = 0;

	if (!s->nr_claims)
		return 0;
	qsort(s->claims, s->nr_claims, sizeof(*s->claims), by_data_block);
	name_others(s);
	qsort(s->claims, s->nr_claims, sizeof(*s->claims), by_device);
	while (i < s->nr_claims && s->claims[i].exposed && !r) {
		end = i + 1;
		while (end < s->nr_claims && s->claims[end].exposed &&
		       s->claims[end].device == s->claims[i].device)
			end++;
		r = report_device(s, i, end);
		i = end;
	}
	return r;
}

static int explain(struct sharing *s)
{
	const struct device_set *set = &s->c->live;
	int r = read_leaves(s, any_leaf, find_uses);

	for (uint32_t i = 0; i < set->nr && !r; i++) {
		if (set->devices[i].node >= 0)
			r = for_each_leaf(s, i, NO_LIMIT, add_claims);
	}
	return r ? r : report_claims(s);
}

int check_sharing(struct check *c)
{
	struct sharing s = { .c = c };
	int r;

	progress_phase(c->progress, "sharing");
	r = settle_owners(&s);
	if (!r)
		r = read_leaves(&s, is_stale, mark_again);
	if (!r && suspicious(&s))
		r = explain(&s);
	alloc_free(s.uses);
	alloc_free(s.claims);
	u64_map_destroy(&s.first_use);
	return r;
}
