/* SPDX-License-Identifier: MIT
 * salvage_stale_nodes.c: nodes that lead to nodes which the last commit does not count.
 */
#include "common/thin/salvage_stale.h"

#include <errno.h>
#include <stdlib.h>

#include "common/base/alloc.h"

#define MAX_COMPARISONS (UINT64_C(1) << 26) /* of missed nodes with those that are not counted */

/* More often than it was counted, by a bitmap that can be believed. */
static bool in_excess(const struct trial *t, uint64_t block)
{
	const struct salvage *s = t->s;

	return s->counts[block] < COUNT_MANY &&
	       bitset_test(&s->sound_bitmaps, block / BITMAP_ENTRIES) &&
	       ref_counts_get(&s->table.refs, block) > s->counts[block];
}

/* What could have stood in the place of a child. */
enum place {
	PLACE_CHILD,
	PLACE_ANY_HEIGHT, /* the parent may be of another height than the one that belongs there */
	PLACE_ROOT,       /* any tree, as that of a device */
};

static bool may_replace(const struct node *n, const struct node *child, enum place place)
{
	if (n == child || n->kind != child->kind)
		return false;
	if (place == PLACE_ROOT)
		return true;
	return (n->height == child->height || place == PLACE_ANY_HEIGHT) &&
	       (child->bad || !child->nr_values ||
		(n->first_key <= child->last_key && n->last_key >= child->first_key));
}

static bool replaceable(struct trial *t, const struct node *child, enum place place)
{
	for (size_t i = 0; i < t->nr_missed && t->budget; i++, t->budget--) {
		if (may_replace(node_at(t, t->missed[i]), child, place))
			return true;
	}
	return false;
}

static bool leads_to_nodes(const struct node *n)
{
	return !n->bad && (!n->leaf || n->kind == KIND_TOP_LEVEL);
}

/* What a node that is not in use leads to: not because of that. */
static void discount_children(struct trial *t, const struct node *n, uint32_t *nr_in_vain)
{
	enum block_kind kind = n->leaf ? KIND_MAPPING : (enum block_kind)n->kind;
	struct btree_node p = node_table_decoded(&t->s->table, n);

	for (uint32_t i = 0; i < p.nr_entries; i++) {
		int64_t child = node_table_find(&t->s->table, btree_node_u64(&p, i), kind);

		if (child >= 0)
			nr_in_vain[child]++;
	}
}

static bool is_missed(const struct trial *t, size_t node, uint32_t nr_in_vain)
{
	uint64_t block = node_at(t, node)->block, count = t->s->counts[block];
	uint64_t known = ref_counts_get(&t->s->table.refs, block);

	known -= known < nr_in_vain ? known : nr_in_vain;
	if (count == COUNT_UNKNOWN || node_at(t, node)->bad || !node_at(t, node)->nr_values)
		return false;
	return known < (count == COUNT_MANY ? 3 : count);
}

/* Nodes that the last commit counted more often than any node in use leads to them. */
int trial_find_missed(struct trial *t)
{
	uint32_t *nr_in_vain = alloc_array(t->s->table.nr_nodes, sizeof(*nr_in_vain));

	if (!nr_in_vain)
		return -ENOMEM;
	for (size_t i = 0; i < t->s->table.nr_nodes; i++) {
		if (leads_to_nodes(node_at(t, i)) && !t->s->counts[node_at(t, i)->block])
			discount_children(t, node_at(t, i), nr_in_vain);
	}
	for (size_t i = 0; i < t->s->table.nr_nodes; i++) {
		if (is_missed(t, i, nr_in_vain[i]))
			t->missed[t->nr_missed++] = (uint32_t)i;
	}
	t->budget = MAX_COMPARISONS;
	alloc_free(nr_in_vain);
	return 0;
}

/* An entry that leads to a node that is used more often than it was counted. */
struct overuse {
	size_t parent, child; /* nodes */
	uint64_t key;
};

typedef void (*overuse_fn)(struct trial *t, const struct overuse *o);

static void each_overuse_of(struct trial *t, size_t parent, overuse_fn fn)
{
	const struct node *n = node_at(t, parent);
	enum block_kind kind = n->leaf ? KIND_MAPPING : (enum block_kind)n->kind;
	struct btree_node p = node_table_decoded(&t->s->table, n);

	for (uint32_t i = 0; i < p.nr_entries; i++) {
		uint64_t block = btree_node_u64(&p, i);
		int64_t child = node_table_find(&t->s->table, block, kind);
		struct overuse o = { parent, (size_t)child, btree_node_key(&p, i) };

		if (child >= 0 && in_excess(t, block))
			fn(t, &o);
	}
}

static void each_overuse(struct trial *t, overuse_fn fn)
{
	for (size_t i = 0; i < t->s->table.nr_nodes; i++) {
		if (leads_to_nodes(node_at(t, i)))
			each_overuse_of(t, i, fn);
	}
}

static int by_id(const void *id, const void *device)
{
	uint64_t a = *(const uint64_t *)id, b = ((const struct salvage_device *)device)->id;

	return (a > b) - (a < b);
}

/* Does the entry of the top level lead to a tree that its device cannot have? */
static bool entry_accused(const struct trial *t, const struct overuse *o)
{
	const struct node *root = node_at(t, o->child);
	const struct salvage_device *d;

	if (node_at(t, o->parent)->kind != KIND_TOP_LEVEL || root->kind != KIND_MAPPING ||
	    o->parent >= t->s->nr_live || !t->s->nr_devices)
		return false;
	d = bsearch(&o->key, t->s->devices, t->s->nr_devices, sizeof(*d), by_id);
	return d && d->has_details && !root->bad && !root->incomplete && d->root == root->block &&
	       root->nr_values != d->details.mapped_blocks;
}

static void accuse(struct trial *t, const struct overuse *o)
{
	const struct node *child = node_at(t, o->child), *parent = node_at(t, o->parent);
	const enum place place = parent->kind == KIND_TOP_LEVEL && child->kind == KIND_MAPPING
					 ? PLACE_ROOT
					 : PLACE_ANY_HEIGHT;

	t->source[o->parent] = child->block / BITMAP_ENTRIES;
	if (accused(t, o->parent) || entry_accused(t, o) ||
	    (!t->s->counts[child->block] && replaceable(t, child, place)))
		t->nr_definite[o->parent]++;
	else if (t->s->counts[child->block])
		t->nr_excess[o->parent]++;
}

/* Of several that lead to the same node those that lead to more of the kind. */
static void find_worst(struct trial *t, const struct overuse *o)
{
	if (t->nr_excess[o->parent] > t->worst[o->child])
		t->worst[o->child] = t->nr_excess[o->parent];
}

static void accuse_worst(struct trial *t, const struct overuse *o)
{
	if (t->nr_excess[o->parent] && t->nr_excess[o->parent] == t->worst[o->child] &&
	    replaceable(t, node_at(t, o->child), PLACE_CHILD))
		t->nr_definite[o->parent]++;
}

/* What is old below an old node does not speak against the counts once more. */
static void explain(struct trial *t, const struct overuse *o)
{
	if (t->nr_definite[o->parent] && !t->s->counts[node_at(t, o->child)->block])
		t->explained[o->child] = true;
}

/* ---- a top level that does not know the devices that there are */

static bool is_odd(const struct trial *t, const struct salvage_device *d)
{
	int64_t root = node_table_find(&t->s->table, d->root, KIND_MAPPING);
	const struct node *n = root < 0 ? NULL : node_at(t, (size_t)root);

	return d->has_root && d->has_details &&
	       (!n || n->bad || n->incomplete || n->nr_values != d->details.mapped_blocks);
}

/* The two trees of a commit know the same devices. */
static bool is_in_one_tree(const struct salvage_device *d)
{
	return d->has_details != d->has_entry;
}

/* Something below the top level that cannot be read, and so may be what trees are missed for. */
static bool mappings_lost(const struct trial *t)
{
	for (size_t i = 0; i < t->s->nr_live; i++) {
		if (node_at(t, i)->kind == KIND_MAPPING && node_at(t, i)->bad)
			return true;
	}
	return false;
}

/*
 * It does not know the devices that the details know, and there are trees that nobody leads to:
 * because of it, where a device has a tree that is not right, or where nothing else is lost.  Only
 * a top level of one leaf is judged: of more, each may have lost one.
 */
static int64_t find_stale_top_level(const struct trial *t)
{
	int64_t root = node_table_find(&t->s->table, t->s->sb.mapping_root, KIND_TOP_LEVEL);
	const bool any_gone = t->s->result->nr_gone != 0;
	bool differ = any_gone, odd = any_gone;

	if (root < 0 || !node_at(t, (size_t)root)->leaf || node_at(t, (size_t)root)->bad ||
	    !t->nr_missed || t->s->details_lost)
		return -1;
	for (size_t i = 0; i < t->s->nr_devices; i++) {
		differ |= is_in_one_tree(&t->s->devices[i]);
		odd |= is_odd(t, &t->s->devices[i]);
	}
	return differ && (odd || !mappings_lost(t)) ? root : -1;
}

static bool any_definite(const struct trial *t)
{
	for (size_t i = 0; i < t->s->table.nr_nodes; i++) {
		if (t->nr_definite[i])
			return true;
	}
	return false;
}

int trial_judge_nodes(struct trial *t)
{
	const size_t nr_nodes = t->s->table.nr_nodes;
	uint32_t *nodes = alloc_array(nr_nodes, sizeof(*nodes));
	int64_t top_level = find_stale_top_level(t);
	size_t nr = 0;
	int r = 0;

	if (top_level >= 0) {
		alloc_free(nodes);
		return trial_discard(t, node_at(t, (size_t)top_level)->block);
	}
	if (!nodes)
		return -ENOMEM;
	each_overuse(t, accuse);
	if (!any_definite(t)) {
		each_overuse(t, find_worst);
		each_overuse(t, accuse_worst);
	}
	each_overuse(t, explain);
	for (size_t i = 0; i < nr_nodes; i++) {
		if (t->nr_definite[i] && !t->explained[i])
			nodes[nr++] = (uint32_t)i;
	}
	r = trial_discard_all(t, nodes, nr);
	alloc_free(nodes);
	return r;
}
