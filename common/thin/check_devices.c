/* SPDX-License-Identifier: MIT
 * check_devices.c: which devices there are: the details tree and the top level of the mapping tree,
 * joined by device id.
 */
#include <errno.h>
#include <stdlib.h>

#include "common/base/alloc.h"
#include "common/thin/check_internal.h"
#include "common/thin/describe.h"

static struct check_device *add_device(struct device_set *set, uint64_t id)
{
	struct check_device *grown;

	grown = alloc_grow(set->devices, &set->capacity, set->nr, sizeof(*grown));
	if (!grown)
		return NULL;
	set->devices = grown;
	grown[set->nr] = (struct check_device){ .id = id, .node = -1 };
	return &grown[set->nr++];
}

static int add_details(void *context, uint64_t block, uint64_t key, const void *value)
{
	struct check_device *d = add_device(context, key);

	if (!d)
		return -ENOMEM;
	d->has_details = true;
	d->details_block = block;
	d->details = device_details_decode(value);
	return 0;
}

static int add_root(void *context, uint64_t block, uint64_t key, const void *value)
{
	struct check_device *d = add_device(context, key);
	__le64 root;

	if (!d)
		return -ENOMEM;
	memcpy(&root, value, sizeof(root));
	d->has_root = true;
	d->root_block = block;
	d->root = le64_to_cpu(root);
	return 0;
}

/* Details before root, so that a pair stands together. */
static int compare_devices(const void *a, const void *b)
{
	const struct check_device *da = a, *db = b;

	if (da->id != db->id)
		return da->id < db->id ? -1 : 1;
	return (int)da->has_root - (int)db->has_root;
}

/* Entries of both trees into one entry for each id; of a key that stands there twice the first
 * wins. */
static void join_devices(struct device_set *set)
{
	size_t out = 0;

	if (set->nr)
		qsort(set->devices, set->nr, sizeof(*set->devices), compare_devices);
	for (size_t i = 0; i < set->nr; i++) {
		struct check_device *d = &set->devices[i], *last;

		if (!out || set->devices[out - 1].id != d->id) {
			set->devices[out++] = *d;
			continue;
		}
		last = &set->devices[out - 1];
		if (d->has_root && !last->has_root) {
			last->has_root = true;
			last->root = d->root;
			last->root_block = d->root_block;
		}
	}
	set->nr = out;
}

/* A leaf of a mapping tree has as many values as this tree's, and may stand in its place. */
static bool refuse_top_level_leaf(const struct btree_node *leaf, uint64_t nr_blocks,
				  struct node_fault *ret_fault)
{
	*ret_fault = (struct node_fault){ .id = FINDING_BLOCK_KIND, .found = KIND_MAPPING };
	return btree_node_leads_nowhere(leaf, nr_blocks);
}

/* References count once for each leaf, and the metadata snapshot may share leaves with the live
 * tree. */
static int visit_top_level_leaf(void *context, struct node_table *t, struct node *node,
				const struct btree_node *leaf)
{
	struct check *c = context;
	int r = 0;

	(void)node;
	for (uint32_t i = 0; i < leaf->nr_entries && !r; i++) {
		uint64_t root = btree_node_u64(leaf, i);
		enum reference ref;

		r = node_table_refer(t, root, KIND_MAPPING, &ref);
		if (!r && ref == REFERENCE_NEW)
			bitset_set(&c->new_roots, root);
	}
	return r;
}

/* Read one of the two trees.  *ret_node is its root, or -1 when the superblock leads nowhere. */
static int read_tree(struct check *c, uint64_t root, enum block_kind kind, uint32_t value_size,
		     int64_t *ret_node)
{
	struct scan scan = { .kind = kind,
			     .value_size = value_size,
			     .keep_leaves = true,
			     .refuse = kind == KIND_TOP_LEVEL ? refuse_top_level_leaf : NULL,
			     .fn = kind == KIND_TOP_LEVEL ? visit_top_level_leaf : NULL,
			     .context = c };
	struct bitset frontier;
	enum reference ref;
	int r = node_table_refer(&c->table, root, kind, &ref);

	*ret_node = -1;
	if (r || ref == REFERENCE_OUT_OF_RANGE)
		return r;
	if (ref == REFERENCE_WRONG_KIND) {
		if (root != SUPERBLOCK_LOCATION)
			check_block_finding(c, kind, root, FINDING_CHILD_KIND, c->table.kinds[root],
					    root, NULL);
		return 0;
	}
	r = bitset_init(&frontier, c->table.nr_blocks);
	if (!r && ref == REFERENCE_NEW) {
		bitset_set(&frontier, root);
		r = node_table_scan(&c->table, &scan, &frontier);
	}
	bitset_destroy(&frontier);
	if (r)
		return r;
	*ret_node = node_table_find(&c->table, root, kind);
	return node_table_link(&c->table, (size_t)*ret_node);
}

static bool tree_complete(const struct check *c, int64_t node)
{
	return node >= 0 && !c->table.nodes[node].incomplete;
}

int check_read_devices(struct check *c, const struct superblock *sb, bool snapshot,
		       struct device_set *set)
{
	struct node_table *t = &c->table;
	int r;

	set->snapshot = snapshot;
	progress_phase(c->progress, snapshot ? "devices of the metadata snapshot" : "devices");
	r = read_tree(c, sb->details_root, KIND_DETAILS, DETAILS_SIZE, &set->details_node);
	if (!r)
		r = read_tree(c, sb->mapping_root, KIND_TOP_LEVEL, MAPPING_VALUE_SIZE,
			      &set->top_level_node);
	if (!r && set->details_node >= 0)
		r = node_table_entries(t, (size_t)set->details_node, add_details, set);
	if (!r && set->top_level_node >= 0)
		r = node_table_entries(t, (size_t)set->top_level_node, add_root, set);
	if (r)
		return r;
	set->complete =
		tree_complete(c, set->details_node) && tree_complete(c, set->top_level_node);
	join_devices(set);
	return 0;
}

const char *check_tree_name(const struct device_set *set, enum block_kind kind)
{
	if (!set->snapshot)
		return block_kind_name(kind);
	return kind == KIND_DETAILS ? "device details tree of the metadata snapshot"
				    : "top-level mapping tree of the metadata snapshot";
}

static const struct check_device *find_device(const struct device_set *set, uint64_t id)
{
	size_t low = 0, high = set->nr;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (set->devices[middle].id < id)
			low = middle + 1;
		else
			high = middle;
	}
	return low < set->nr && set->devices[low].id == id ? &set->devices[low] : NULL;
}

bool check_is_shared(const struct check *c, const struct device_set *set,
		     const struct check_device *d)
{
	const struct check_device *live = set->snapshot ? find_device(&c->live, d->id) : NULL;

	return live && live->has_details == d->has_details && live->has_root == d->has_root &&
	       live->details_block == d->details_block && live->root_block == d->root_block;
}

/* One device set under judgement. */
struct judged_set {
	struct check *c;
	const struct device_set *set;
};

static void device_finding(const struct judged_set *j, enum block_kind kind,
			   const struct check_device *d, enum finding_id id, uint64_t expected,
			   uint64_t found)
{
	struct affected a = { .device = d->id };
	uint64_t block = kind == KIND_DETAILS ? d->details_block : d->root_block;
	struct finding f = { .id = id,
			     .tree = check_tree_name(j->set, kind),
			     .block = block ? block : NO_BLOCK,
			     .expected = expected,
			     .found = found,
			     .affected = &a,
			     .nr_affected = 1 };
	char text[160];

	report_finding(j->c->report, &f, "%s",
		       finding_describe(id, expected, found, text, sizeof(text)));
}

static void check_details(const struct judged_set *j, const struct superblock *sb,
			  const struct check_device *d)
{
	const struct device_details *details = &d->details;

	if (details->transaction_id > sb->transaction_id)
		device_finding(j, KIND_DETAILS, d, FINDING_DEVICE_TRANSACTION, sb->transaction_id,
			       details->transaction_id);
	if (details->snapshotted_time > sb->time)
		device_finding(j, KIND_DETAILS, d, FINDING_DEVICE_TIME, sb->time,
			       details->snapshotted_time);
	if (details->creation_time > details->snapshotted_time)
		device_finding(j, KIND_DETAILS, d, FINDING_DEVICE_CREATION_TIME,
			       details->snapshotted_time, details->creation_time);
}

void check_devices(struct check *c, const struct superblock *sb, const struct device_set *set)
{
	const struct judged_set j = { c, set };

	for (size_t i = 0; i < set->nr; i++) {
		const struct check_device *d = &set->devices[i];

		if (check_is_shared(c, set, d))
			continue;
		if (d->id > MAX_DEV_ID)
			device_finding(&j, d->has_root ? KIND_TOP_LEVEL : KIND_DETAILS, d,
				       FINDING_DEVICE_ID, MAX_DEV_ID, d->id);
		if (d->has_details)
			check_details(&j, sb, d);
		/* What stands in the part of a tree that is lost is not missing. */
		if (!d->has_details && tree_complete(c, set->details_node))
			device_finding(&j, KIND_DETAILS, d, FINDING_DEVICE_NO_DETAILS, 1, 0);
		if (!d->has_root && tree_complete(c, set->top_level_node))
			device_finding(&j, KIND_TOP_LEVEL, d, FINDING_DEVICE_NO_MAPPINGS, 1, 0);
	}
}

void check_mapped_blocks(struct check *c, const struct device_set *set)
{
	const struct judged_set j = { c, set };

	for (size_t i = 0; i < set->nr; i++) {
		const struct check_device *d = &set->devices[i];
		const struct node *root;

		if (!d->has_details || d->node < 0 || check_is_shared(c, set, d))
			continue;
		root = &c->table.nodes[d->node];
		if (!root->incomplete && root->nr_values != d->details.mapped_blocks)
			device_finding(&j, KIND_DETAILS, d, FINDING_DEVICE_MAPPED_BLOCKS,
				       root->nr_values, d->details.mapped_blocks);
	}
}
