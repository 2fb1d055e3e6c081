/* SPDX-License-Identifier: MIT
 * check_mappings.c: the lower level of the mapping tree: thin block to data block and time.
 */
#include <errno.h>

#include "common/thin/check_internal.h"
#include "common/thin/describe.h"

/* Entries of one leaf that break the same rule become one fault. */
struct tally {
	uint64_t nr, first_key, last_key, found;
};

static void note(struct tally *t, uint64_t key, uint64_t found)
{
	if (!t->nr++) {
		t->first_key = t->last_key = key;
		t->found = found;
	}
	if (key < t->first_key)
		t->first_key = key;
	if (key > t->last_key)
		t->last_key = key;
}

static int report_tally(struct node_table *t, const struct node *node, const struct tally *tally,
			enum finding_id id, uint64_t expected)
{
	struct fault f = { .id = id,
			   .slot = WHOLE_NODE,
			   .begin = tally->first_key,
			   .end = tally->last_key == UINT64_MAX ? RANGE_OPEN : tally->last_key + 1,
			   .expected = expected,
			   .found = tally->found,
			   .nr_values = tally->nr };

	return tally->nr ? node_table_fault(t, (size_t)(node - t->nodes), &f) : 0;
}

/*
 * An internal node that poses as a leaf: its values are metadata blocks, which read as mappings
 * lead to data block 0, all of them.
 */
static bool refuse_leaf(const struct btree_node *leaf, uint64_t nr_blocks,
			struct node_fault *ret_fault)
{
	(void)nr_blocks;
	for (uint32_t i = 0; i < leaf->nr_entries; i++) {
		if (mapping_data_block(btree_node_u64(leaf, i)))
			return false;
	}
	*ret_fault = (struct node_fault){ .id = FINDING_NODE_FLAGS,
					  .expected = BTREE_INTERNAL_NODE,
					  .found = BTREE_LEAF_NODE };
	return leaf->nr_entries > 1;
}

/* The loop that everything waits for: once for each mapping of the pool. */
static int visit_leaf(void *context, struct node_table *t, struct node *node,
		      const struct btree_node *leaf)
{
	struct check *c = context;
	const uint32_t snap_time = node->snap_time, now = c->now;
	const uint64_t nr_data_blocks = c->nr_data_blocks;
	struct tally beyond = { 0 }, future = { 0 }, unreachable = { 0 };
	uint32_t max_time = 0;
	int r;

	/*
	 * Data blocks come in no order that a cache could guess: asking for a leaf's worth of them
	 * ahead saves half of the whole check.  (In a function of its own gcc takes the loop for
	 * dead.)
	 */
	for (uint32_t i = 0; i < leaf->nr_entries; i++) {
		uint64_t block = mapping_data_block(btree_node_u64(leaf, i));

		if (block < nr_data_blocks)
			__builtin_prefetch(ref_counts_place(&c->data, block), 1);
	}
	for (uint32_t i = 0; i < leaf->nr_entries; i++) {
		uint64_t value = btree_node_u64(leaf, i), block = mapping_data_block(value);
		uint32_t time = mapping_time(value);

		if (time > max_time)
			max_time = time;
		if (time > now)
			note(&future, btree_node_key(leaf, i), time);
		if (block >= nr_data_blocks)
			note(&beyond, btree_node_key(leaf, i), block);
		else if (ref_counts_add(&c->data, block, time >= snap_time))
			return -ENOMEM;
	}
	node->max_time = max_time;
	if (leaf->nr_entries && node->last_key >= c->max_thin_blocks)
		note(&unreachable, node->last_key, node->last_key);
	r = report_tally(t, node, &beyond, FINDING_MAPPING_DATA_BLOCK, nr_data_blocks);
	if (!r)
		r = report_tally(t, node, &future, FINDING_MAPPING_TIME, now);
	return r ? r
		 : report_tally(t, node, &unreachable, FINDING_MAPPING_THIN_BLOCK,
				c->max_thin_blocks);
}

/* The root was referred to when the top level was read. */
static void find_root(struct check *c, const struct device_set *set, struct check_device *d)
{
	struct affected a = { .device = d->id,
			      .unit = RANGE_THIN_BLOCKS,
			      .end = RANGE_OPEN,
			      .mappings = d->has_details ? d->details.mapped_blocks : 0 };
	bool beyond = d->root >= c->table.nr_blocks;
	struct finding f = { .id = beyond ? FINDING_CHILD_RANGE : FINDING_CHILD_KIND,
			     .tree = check_tree_name(set, KIND_TOP_LEVEL),
			     .block = d->root_block,
			     .affected = &a,
			     .nr_affected = 1 };
	char text[160];

	d->node = node_table_find(&c->table, d->root, KIND_MAPPING);
	if (d->node >= 0)
		return;
	c->table.incomplete[KIND_MAPPING] = true;
	if (!check_is_shared(c, set, d))
		report_finding(c->report, &f, "%s",
			       finding_describe(
				       f.id, beyond ? c->table.nr_blocks : c->table.kinds[d->root],
				       d->root, text, sizeof(text)));
}

/* A live tree's nodes know whose they are, so that sharing can be judged. */
static void own_root(struct check *c, const struct device_set *set, size_t device)
{
	const struct check_device *d = &set->devices[device];
	struct node *root;

	if (d->node < 0)
		return;
	root = &c->table.nodes[d->node];
	root->owner = root->owner == NO_OWNER ? (uint32_t)device : MANY_OWNERS;
	if (d->has_details && d->details.snapshotted_time < root->snap_time)
		root->snap_time = d->details.snapshotted_time;
}

static void find_roots(struct check *c, struct device_set *set, bool live)
{
	for (size_t i = 0; i < set->nr; i++) {
		if (!set->devices[i].has_root)
			continue;
		find_root(c, set, &set->devices[i]);
		if (live)
			own_root(c, set, i);
	}
}

int check_mappings(struct check *c, struct device_set *set, bool live)
{
	struct scan scan = { .kind = KIND_MAPPING,
			     .value_size = MAPPING_VALUE_SIZE,
			     .refuse = refuse_leaf,
			     .fn = visit_leaf,
			     .context = c };
	int r;

	progress_phase(c->progress, live ? "mappings" : "mappings of the metadata snapshot");
	c->now = live ? c->sb.time : c->snap.time;
	c->max_thin_blocks = superblock_max_thin_blocks(&c->sb);
	find_roots(c, set, live);
	r = node_table_scan(&c->table, &scan, &c->new_roots);
	for (size_t i = 0; i < set->nr && !r; i++) {
		if (set->devices[i].node >= 0)
			r = node_table_link(&c->table, (size_t)set->devices[i].node);
	}
	return r;
}
