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
	MAX_RUNS = 1 << 22, /* what is looked at once something is wrong: memory is bounded */
	MAX_USERS = 1 << 20,
	MAX_VICTIMS = 64,   /* that are named */
	NO_LIMIT = 1 << 20, /* visits of a node: more than there can be devices counted */
};

/*
 * Neighbouring entries of a leaf whose data blocks are used elsewhere too, while somebody takes
 * them for his own.
 */
struct use_run {
	uint64_t key, data_block; /* of the first */
	uint32_t length, time, node;
};

struct affected_list {
	struct affected *items;
	size_t nr, capacity;
	size_t nr_left_out;
};

struct sharing {
	struct check *c;
	struct use_run *runs;
	size_t nr_runs, runs_capacity;
	bool truncated;            /* there are more */
	struct u64_map first_run;  /* by node: 1 + index of its first run */
	struct u64_map first_user; /* by data block: 1 + the first device that uses it, and above 32
				      bits another */
	bool reporting;            /* all devices were met once */
	struct affected_list list; /* of the device that is looked at */
	uint64_t nr_exposed;       /* its mappings */
	uint32_t other;            /* somebody else who uses one of its blocks, or NO_OWNER */
	uint32_t victims[MAX_VICTIMS]; /* some of those, each once */
	size_t nr_victims;
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

/*
 * While leaves were read, not all of their owners were known: trees differ in height.  A leaf that
 * gets a lower time here has two owners, and is looked at whatever was marked.
 */
static int settle_owner(struct sharing *s, uint32_t device, uint32_t leaf)
{
	struct node *n = &s->c->table.nodes[leaf];
	uint32_t time = s->c->live.devices[device].details.snapshotted_time;

	if (n->owner == NO_OWNER)
		n->owner = device;
	else if (n->owner != device)
		n->owner = MANY_OWNERS;
	if (time < n->snap_time)
		n->snap_time = time;
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

/* Read again all leaves that belong to somebody. */
static int read_leaves(struct sharing *s, block_fn fn)
{
	struct node_table *t = &s->c->table;
	struct bitset wanted;
	int r = bitset_init(&wanted, t->nr_blocks);

	for (size_t i = 0; i < t->nr_nodes && !r; i++) {
		const struct node *n = &t->nodes[i];

		if (n->kind == KIND_MAPPING && n->leaf && n->owner != NO_OWNER && n->nr_values)
			bitset_set(&wanted, n->block);
	}
	if (!r && wanted.nr_set)
		r = block_reader_run(t->reader, &wanted, fn, s);
	bitset_destroy(&wanted);
	return r;
}

static int decode_again(const void *data, uint64_t block, struct btree_node *ret_leaf)
{
	struct node_fault ignored;

	if (!data)
		return -EIO;
	return btree_node_decode(data, block, MAPPING_VALUE_SIZE, ret_leaf, &ignored);
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

static int add_use(struct sharing *s, uint32_t node, uint64_t key, uint64_t value)
{
	struct use_run *last = s->nr_runs ? &s->runs[s->nr_runs - 1] : NULL, *grown;
	uint64_t block = mapping_data_block(value), *first;
	uint32_t time = mapping_time(value);

	if (last && last->node == node && last->key + last->length == key &&
	    last->data_block + last->length == block && last->time == time) {
		last->length++;
		return 0;
	}
	if (s->nr_runs >= MAX_RUNS) {
		s->truncated = true;
		return 0;
	}
	grown = alloc_grow(s->runs, &s->runs_capacity, s->nr_runs, sizeof(*grown));
	first = u64_map_at(&s->first_run, node);
	if (grown)
		s->runs = grown;
	if (!grown || !first)
		return -ENOMEM;
	s->runs[s->nr_runs++] = (struct use_run){
		.key = key, .data_block = block, .length = 1, .time = time, .node = node
	};
	if (!*first)
		*first = s->nr_runs;
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
		bool shared_leaf = n->owner == MANY_OWNERS && mapping_time(value) >= n->snap_time &&
				   mapping_data_block(value) < s->c->nr_data_blocks;

		if (shared_leaf ||
		    ref_counts_marked_repeated(&s->c->data, mapping_data_block(value)))
			r = add_use(s, node, btree_node_key(&leaf, i), value);
	}
	return r;
}

/* First every device leaves its name at the blocks it uses, so that others can be told of it. */
static int note_users(struct sharing *s, uint32_t device, const struct use_run *run)
{
	for (uint32_t i = 0; i < run->length; i++) {
		uint64_t block = run->data_block + i, *user;

		/* Of those that are known already, the others are still noted. */
		if (s->first_user.nr_used >= MAX_USERS && !u64_map_find(&s->first_user, block))
			continue;
		user = u64_map_at(&s->first_user, block);
		if (!user)
			return -ENOMEM;
		if (!*user)
			*user = device + 1u;
		else if (*user >> 32 == 0 && *user != device + 1u)
			*user |= (uint64_t)(device + 1u) << 32;
	}
	return 0;
}

static void add_victim(struct sharing *s, uint32_t device)
{
	if (s->other == NO_OWNER)
		s->other = device;
	for (size_t i = 0; i < s->nr_victims; i++) {
		if (s->victims[i] == device)
			return;
	}
	if (s->nr_victims < MAX_VICTIMS)
		s->victims[s->nr_victims++] = device;
}

static void find_others(struct sharing *s, uint32_t device, const struct use_run *run)
{
	for (uint32_t i = 0; i < run->length; i++) {
		const uint64_t *user = u64_map_find(&s->first_user, run->data_block + i);

		if (!user)
			continue;
		if ((uint32_t)*user != device + 1u)
			add_victim(s, (uint32_t)*user - 1);
		else if (*user >> 32)
			add_victim(s, (uint32_t)(*user >> 32) - 1);
	}
}

static int append(struct affected_list *list, const struct affected *a)
{
	struct affected *grown;

	if (list->nr >= REPORT_MAX_AFFECTED - MAX_VICTIMS && a->unit != RANGE_NONE) {
		list->nr_left_out++;
		return 0;
	}
	grown = alloc_grow(list->items, &list->capacity, list->nr, sizeof(*grown));
	if (!grown)
		return -ENOMEM;
	list->items = grown;
	grown[list->nr++] = *a;
	return 0;
}

/* The device would overwrite this run in place. */
static int expose(struct sharing *s, uint32_t device, const struct use_run *run)
{
	struct affected a = { .device = s->c->live.devices[device].id,
			      .unit = RANGE_THIN_BLOCKS,
			      .begin = run->key,
			      .end = run->key + run->length,
			      .mappings = run->length };

	s->nr_exposed += run->length;
	find_others(s, device, run);
	return append(&s->list, &a);
}

static int visit_runs(struct sharing *s, uint32_t device, uint32_t leaf)
{
	const struct check_device *d = &s->c->live.devices[device];
	const uint64_t *first = u64_map_find(&s->first_run, leaf);
	int r = 0;

	if (!first)
		return 0;
	for (size_t i = *first - 1; i < s->nr_runs && s->runs[i].node == leaf && !r; i++) {
		const struct use_run *run = &s->runs[i];

		if (!s->reporting)
			r = note_users(s, device, run);
		else if (d->has_details && run->time >= d->details.snapshotted_time)
			r = expose(s, device, run);
	}
	return r;
}

static int by_begin(const void *a, const void *b)
{
	const struct affected *x = a, *y = b;

	return (x->begin > y->begin) - (x->begin < y->begin);
}

static void sort_affected(struct sharing *s)
{
	qsort(s->list.items, s->list.nr, sizeof(*s->list.items), by_begin);
}

/* Whose data it is, after the ranges of the device that would write. */
static int append_victims(struct sharing *s)
{
	int r = 0;

	for (size_t i = 0; i < s->nr_victims && !r; i++) {
		struct affected a = { .device = s->c->live.devices[s->victims[i]].id };

		r = append(&s->list, &a);
	}
	return r;
}

static void report_exposed(struct sharing *s, uint32_t device)
{
	const struct check_device *devices = s->c->live.devices;
	const unsigned long long id = devices[device].id, nr = s->nr_exposed;
	const char *more = s->truncated ? "at least " : "";
	struct finding f = { .id = FINDING_MAPPING_SHARED,
			     .tree = block_kind_name(KIND_MAPPING),
			     .block = NO_BLOCK,
			     .affected = s->list.items };

	f.nr_affected = s->list.nr;
	f.nr_affected_left_out = s->list.nr_left_out;
	if (s->other == NO_OWNER)
		report_finding(s->c->report, &f,
			       "device %llu would overwrite in place %s%llu data blocks that are "
			       "mapped at another place too",
			       id, more, nr);
	else
		report_finding(s->c->report, &f,
			       "device %llu would overwrite in place %s%llu data blocks that are "
			       "mapped elsewhere too, for one by device %llu",
			       id, more, nr, (unsigned long long)devices[s->other].id);
}

static int explain_device(struct sharing *s, uint32_t device)
{
	int r;

	s->nr_exposed = 0;
	s->list.nr = 0;
	s->list.nr_left_out = 0;
	s->other = NO_OWNER;
	s->nr_victims = 0;
	r = for_each_leaf(s, device, NO_LIMIT, visit_runs);
	if (!r && s->nr_exposed) {
		sort_affected(s);
		r = append_victims(s);
	}
	if (!r && s->nr_exposed)
		report_exposed(s, device);
	return r;
}

static int explain(struct sharing *s)
{
	const struct device_set *set = &s->c->live;
	int r = read_leaves(s, find_uses);

	for (int pass = 0; pass < 2; pass++) {
		s->reporting = pass == 1;
		for (uint32_t i = 0; i < set->nr && !r; i++) {
			if (set->devices[i].node >= 0)
				r = explain_device(s, i);
		}
	}
	return r;
}

int check_sharing(struct check *c)
{
	struct sharing s = { .c = c };
	int r;

	progress_phase(c->progress, "sharing");
	r = settle_owners(&s);
	if (!r && suspicious(&s))
		r = explain(&s);
	alloc_free(s.runs);
	alloc_free(s.list.items);
	u64_map_destroy(&s.first_run);
	u64_map_destroy(&s.first_user);
	return r;
}
