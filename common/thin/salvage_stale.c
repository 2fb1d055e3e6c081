/* SPDX-License-Identifier: MIT
 * salvage_stale.c: blocks that are whole, but not those of the last commit, because a write of
 * theirs was lost.
 *
 * They lead to nodes, or to data blocks, that the last commit does not count, or counts for others.
 * A space map may be wrong as well, and what is reached and whole is not given up for that alone:
 * something must be missed elsewhere, or a device must not have as many mappings as its details
 * say.  Of several that lead to the same data block those are stale whose mapping is the older one.
 */
#include <errno.h>
#include <stdlib.h>

#include "common/base/alloc.h"
#include "common/io/checksum.h"
#include "common/io/overlay_engine.h"
#include "common/thin/salvage_internal.h"

#define MAX_CLAIMS (UINT64_C(1) << 22)

#define MAX_COMPARISONS (UINT64_C(1) << 26) /* of missed nodes with those that are not counted */

/* More nodes than this that nothing but one block of a space map speaks against: it is wrong. */
#define MAX_ACCUSED 2u

/* What the number of mappings says of a device, and of all nodes that it has. */
enum { VOUCHED = 1, DOUBTED = 2 };

/* A mapping to a data block that more leaves lead to than were counted. */
struct claim {
	uint64_t data, key;
	uint32_t time, node;
};

struct trial {
	struct salvage *s;
	uint8_t *says;         /* owned, by node: VOUCHED, DOUBTED */
	uint32_t *nr_definite; /* owned, by node: claims, or children, that are not current */
	uint32_t *nr_excess;   /* owned, by node: those that may not be */
	uint32_t *source;      /* owned, by node: the block that says so */
	uint32_t *worst;       /* owned, by node: the most nr_excess of a parent */
	uint8_t *explained;    /* owned, by node: not in use, and an old parent leads there */
	uint32_t *missed;      /* owned: nodes that somebody leads to who is not there */
	size_t nr_missed;
	uint64_t budget;
	struct claim *claims; /* owned */
	size_t nr_claims, claims_capacity;
	bool found;
};

static struct node *node_at(const struct trial *t, size_t i)
{
	return &t->s->table.nodes[i];
}

static bool accused(const struct trial *t, size_t node)
{
	return (t->says[node] & DOUBTED) && !(t->says[node] & VOUCHED);
}

/* ---- what the devices' details say */

static void judge_devices(struct trial *t)
{
	for (size_t i = 0; i < t->s->nr_devices; i++) {
		const struct salvage_device *d = &t->s->devices[i];
		int64_t root =
			d->has_root ? node_table_find(&t->s->table, d->root, KIND_MAPPING) : -1;

		if (root < 0 || !d->has_details || node_at(t, (size_t)root)->incomplete ||
		    node_at(t, (size_t)root)->bad)
			continue;
		t->says[root] |= node_at(t, (size_t)root)->nr_values == d->details.mapped_blocks
					 ? VOUCHED
					 : DOUBTED;
	}
}

static void tell_children(struct trial *t, size_t node)
{
	const struct node *n = node_at(t, node);
	struct btree_node p;

	if (n->bad || n->leaf || !t->says[node])
		return;
	p = node_table_decoded(&t->s->table, n);
	for (uint32_t i = 0; i < p.nr_entries; i++) {
		int64_t child = node_table_find(&t->s->table, btree_node_u64(&p, i), KIND_MAPPING);

		if (child >= 0)
			t->says[child] |= t->says[node];
	}
}

static void tell_all(struct trial *t)
{
	for (int height = BTREE_MAX_DEPTH; height > 0; height--) {
		for (size_t i = 0; i < t->s->table.nr_nodes; i++) {
			if (node_at(t, i)->height == height && node_at(t, i)->kind == KIND_MAPPING)
				tell_children(t, i);
		}
	}
}

/* ---- out with it */

/* As if it had never been there. */
static int discard(struct trial *t, uint64_t block)
{
	void *zeros = alloc_aligned(MD_BLOCK_SIZE);
	int r;

	if (!zeros)
		return -ENOMEM;
	memset(zeros, 0, MD_BLOCK_SIZE);
	r = overlay_engine_put(t->s->overlay, block, zeros);
	alloc_free(zeros);
	t->s->shapes[block] = SHAPE_NONE;
	t->s->nr_entries[block] = 0;
	t->s->result->nr_stale++;
	t->found = true;
	return r;
}

/* The entry of a leaf with this mapping, or -1. */
static int64_t find_entry(const struct btree_node *leaf, const struct claim *c)
{
	for (uint32_t i = 0; i < leaf->nr_entries; i++) {
		uint64_t value = btree_node_u64(leaf, i);

		if (btree_node_key(leaf, i) == c->key && mapping_data_block(value) == c->data &&
		    mapping_time(value) == c->time)
			return i;
	}
	return -1;
}

static void remove_entry(uint8_t *raw, const struct btree_node *leaf, uint32_t i)
{
	const size_t width = sizeof(__le64), nr_behind = leaf->nr_entries - i - 1u;
	uint8_t *key = raw + sizeof(struct node_header) + i * width;
	uint8_t *value = key + (size_t)btree_max_entries(MAPPING_VALUE_SIZE) * width;
	__le32 nr = cpu_to_le32(leaf->nr_entries - 1u);

	memmove(key, key + width, nr_behind * width);
	memmove(value, value + width, nr_behind * width);
	memcpy(raw + offsetof(struct node_header, nr_entries), &nr, sizeof(nr));
	block_checksum_set(raw, SALT_BTREE_NODE);
}

/* Take a mapping out of a leaf in the overlay. */
static int drop_mapping(struct trial *t, const struct claim *c)
{
	const uint64_t block = node_at(t, c->node)->block;
	uint8_t *raw = alloc_aligned(MD_BLOCK_SIZE);
	struct node_fault ignored;
	struct btree_node leaf;
	int64_t entry = -1;
	int r;

	if (!raw)
		return -ENOMEM;
	r = block_read(t->s->overlay, block, raw);
	if (!r && !btree_node_decode(raw, block, MAPPING_VALUE_SIZE, &leaf, &ignored))
		entry = find_entry(&leaf, c);
	if (entry >= 0) {
		remove_entry(raw, &leaf, (uint32_t)entry);
		r = overlay_engine_put(t->s->overlay, block, raw);
		t->s->result->nr_dropped++;
		t->found = true;
	}
	alloc_free(raw);
	return r == -EIO ? 0 : r;
}

/* A leaf that had to be mended first may have entries that are none: only these go. */
static int drop_claims_of(struct trial *t, size_t node)
{
	int r = 0;

	for (size_t i = 0; i < t->nr_claims && !r; i++) {
		if (t->claims[i].node == node)
			r = drop_mapping(t, &t->claims[i]);
	}
	return r;
}

static int expel(struct trial *t, size_t node)
{
	const struct node *n = node_at(t, node);

	return n->leaf && n->kind == KIND_MAPPING && bitset_test(&t->s->mended, n->block)
		       ? drop_claims_of(t, node)
		       : discard(t, n->block);
}

static int by_source(const void *a, const void *b, void *context)
{
	const struct trial *t = context;
	uint32_t sa = t->source[*(const uint32_t *)a], sb = t->source[*(const uint32_t *)b];

	return (sa > sb) - (sa < sb);
}

/* nodes: those that are to go.  One space map block against many of them is rather wrong itself. */
static int discard_all(struct trial *t, uint32_t *nodes, size_t nr)
{
	size_t last;
	int r = 0;

	qsort_r(nodes, nr, sizeof(*nodes), by_source, t);
	for (size_t first = 0; first < nr && !r; first = last) {
		size_t nr_not_accused = 0;

		for (last = first; last < nr && t->source[nodes[last]] == t->source[nodes[first]];
		     last++)
			nr_not_accused += !accused(t, nodes[last]);
		for (size_t i = first; i < last && !r; i++) {
			if (accused(t, nodes[i]) || nr_not_accused <= MAX_ACCUSED)
				r = expel(t, nodes[i]);
		}
	}
	return r;
}

/* ---- nodes that lead to nodes */

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
static int find_missed(struct trial *t)
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

static int judge_parents(struct trial *t)
{
	const size_t nr_nodes = t->s->table.nr_nodes;
	uint32_t *nodes = alloc_array(nr_nodes, sizeof(*nodes));
	int64_t top_level = find_stale_top_level(t);
	size_t nr = 0;
	int r = 0;

	if (top_level >= 0) {
		alloc_free(nodes);
		return discard(t, node_at(t, (size_t)top_level)->block);
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
	r = discard_all(t, nodes, nr);
	alloc_free(nodes);
	return r;
}

/* ---- leaves that lead to data blocks */

static const struct excess *excess_at(const struct trial *t, uint64_t data_block)
{
	const uint64_t *index = u64_map_find(&t->s->ledger.excess_at, data_block);

	return index && *index ? &t->s->ledger.excess[*index - 1] : NULL;
}

static int take_claims(void *context, uint64_t block, const void *raw, int error)
{
	struct trial *t = context;
	int64_t node = node_table_find(&t->s->table, block, KIND_MAPPING);
	struct node_fault ignored;
	struct btree_node leaf;

	if (error || node < 0 || btree_node_decode(raw, block, MAPPING_VALUE_SIZE, &leaf, &ignored))
		return 0;
	for (uint32_t i = 0; i < leaf.nr_entries; i++) {
		uint64_t value = btree_node_u64(&leaf, i);
		struct claim *grown;

		if (!excess_at(t, mapping_data_block(value)) || t->nr_claims >= MAX_CLAIMS)
			continue;
		grown = alloc_grow(t->claims, &t->claims_capacity, t->nr_claims, sizeof(*grown));
		if (!grown)
			return -ENOMEM;
		t->claims = grown;
		grown[t->nr_claims++] =
			(struct claim){ mapping_data_block(value), btree_node_key(&leaf, i),
					mapping_time(value), (uint32_t)node };
	}
	return 0;
}

/* By data block, the latest first, and those that say the same together. */
static int by_data_block(const void *a, const void *b)
{
	const struct claim *ca = a, *cb = b;

	if (ca->data != cb->data)
		return ca->data < cb->data ? -1 : 1;
	if (ca->time != cb->time)
		return ca->time > cb->time ? -1 : 1;
	if (ca->key != cb->key)
		return ca->key < cb->key ? -1 : 1;
	return (ca->node > cb->node) - (ca->node < cb->node);
}

static int collect_claims(struct trial *t)
{
	struct bitset leaves;
	int r = bitset_init(&leaves, t->s->nr_blocks);

	for (size_t i = 0; i < t->s->table.nr_nodes && !r; i++) {
		if (node_at(t, i)->kind == KIND_MAPPING && node_at(t, i)->leaf &&
		    !node_at(t, i)->bad)
			bitset_set(&leaves, node_at(t, i)->block);
	}
	if (!r)
		r = block_reader_run(t->s->reader, &leaves, take_claims, t);
	bitset_destroy(&leaves);
	if (t->nr_claims)
		qsort(t->claims, t->nr_claims, sizeof(*t->claims), by_data_block);
	return r;
}

/* Claims [first, last) are those of one data block. */
static size_t end_of_group(const struct trial *t, size_t first)
{
	size_t last = first;

	while (last < t->nr_claims && t->claims[last].data == t->claims[first].data)
		last++;
	return last;
}

static bool same_mapping(const struct claim *a, const struct claim *b)
{
	return a->time == b->time && a->key == b->key;
}

/* Of the latest claims those of one mapping, as many as were counted, are the current ones. */
static size_t nr_of_class(const struct trial *t, size_t first, size_t last)
{
	size_t nr = 1;

	while (first + nr < last && same_mapping(&t->claims[first], &t->claims[first + nr]))
		nr++;
	return nr;
}

/* Where the current ones stand in the group: [*ret_first, *ret_last); empty when nobody can tell.
 */
static void find_current(const struct trial *t, size_t first, size_t last, uint64_t stored,
			 size_t *ret_first, size_t *ret_last)
{
	size_t nr_fitting = 0, nr_classes = 0, nr;

	*ret_first = *ret_last = first;
	for (size_t i = first; i < last && t->claims[i].time == t->claims[first].time; i += nr) {
		nr = nr_of_class(t, i, last);
		nr_classes++;
		if (nr != stored)
			continue;
		nr_fitting++;
		*ret_first = i;
		*ret_last = i + nr;
	}
	/* A single one that is the latest, though there were more: some of them are lost. */
	if (nr_classes == 1 && !nr_fitting && nr_of_class(t, first, last) < stored)
		*ret_last = first + nr_of_class(t, first, last);
	else if (nr_fitting != 1)
		*ret_first = *ret_last = first;
}

static void judge_group(struct trial *t, size_t first, size_t last)
{
	const struct excess *e = excess_at(t, t->claims[first].data);
	size_t current_first = first, current_last = first;

	if (!e)
		return;
	if (e->stored)
		find_current(t, first, last, e->stored, &current_first, &current_last);
	for (size_t i = first; i < last; i++) {
		const struct claim *c = &t->claims[i];
		bool definite = !e->stored || c->time < t->claims[first].time ||
				current_first < current_last;

		if (i >= current_first && i < current_last)
			continue;
		t->source[c->node] = e->source;
		if (definite)
			t->nr_definite[c->node]++;
		else
			t->nr_excess[c->node]++;
	}
}

/* Stale, rather than that the space map is wrong? */
static bool convicted(const struct trial *t, size_t node)
{
	uint32_t nr = t->nr_definite[node];

	return nr && (accused(t, node) || t->s->ledger.nr_missing >= nr);
}

static uint64_t badness(const struct trial *t, size_t node)
{
	return (uint64_t)accused(t, node) << 32 | t->nr_excess[node];
}

/*
 * Of those that say the same more than there can be, some are stale.  One whose devices do not have
 * as many mappings as they should is, and one that is at odds with more than any other.  -1: none
 * is worse than all others.
 */
static int64_t worst_of_group(const struct trial *t, size_t first, size_t last)
{
	size_t worst = t->claims[first].node;
	bool rivalled = false, tied = false;

	for (size_t i = first + 1; i < last; i++) {
		size_t node = t->claims[i].node;

		if (node == worst)
			continue;
		rivalled = true;
		if (badness(t, node) >= badness(t, worst))
			tied = badness(t, node) == badness(t, worst);
		if (badness(t, node) > badness(t, worst))
			worst = node;
	}
	return rivalled && !tied ? (int64_t)worst : -1;
}

/*
 * What each block of the space map has too few of, all in all.  Whoever leads there in vain is
 * missed elsewhere; where fewer are missed than that, it is the block that is wrong.
 */
static int sum_by_source(const struct trial *t, struct u64_map *sums)
{
	size_t last;

	for (size_t first = 0; first < t->nr_claims; first = last) {
		const struct excess *e = excess_at(t, t->claims[first].data);
		uint64_t *sum = e ? u64_map_at(sums, e->source) : NULL;

		last = end_of_group(t, first);
		if (e && !sum)
			return -ENOMEM;
		if (e && last - first > e->stored)
			*sum += last - first - e->stored;
	}
	return 0;
}

static int settle_group(struct trial *t, size_t first, size_t last, const struct u64_map *sums,
			uint8_t *gone)
{
	const struct excess *e = excess_at(t, t->claims[first].data);
	int64_t worst = worst_of_group(t, first, last);
	bool settled = false, missed;
	int r = 0;

	for (size_t i = first; i < last; i++)
		settled |= gone[t->claims[i].node];
	if (!e || settled)
		return 0;
	missed = t->s->ledger.nr_missing >= *u64_map_find(sums, e->source);
	if (worst >= 0 && (missed || accused(t, (size_t)worst))) {
		gone[worst] = true;
		return expel(t, (size_t)worst);
	}
	for (size_t i = first; i < last && missed && !r; i++)
		r = drop_mapping(t, &t->claims[i]);
	return r;
}

/* Nothing is definite: what is left are claims that say the same. */
static int settle_rest(struct trial *t)
{
	uint8_t *gone = alloc_array(t->s->table.nr_nodes, 1);
	struct u64_map sums = { 0 };
	size_t last;
	int r = gone ? sum_by_source(t, &sums) : -ENOMEM;

	for (size_t first = 0; first < t->nr_claims && !r; first = last) {
		last = end_of_group(t, first);
		r = settle_group(t, first, last, &sums, gone);
	}
	u64_map_destroy(&sums);
	alloc_free(gone);
	return r;
}

static int judge_leaves(struct trial *t)
{
	uint32_t *nodes = alloc_array(t->s->table.nr_nodes, sizeof(*nodes));
	size_t last, nr = 0;
	int r = nodes ? collect_claims(t) : -ENOMEM;

	for (size_t first = 0; first < t->nr_claims && !r; first = last) {
		last = end_of_group(t, first);
		judge_group(t, first, last);
	}
	for (size_t i = 0; i < t->s->table.nr_nodes && !r; i++) {
		if (convicted(t, i))
			nodes[nr++] = (uint32_t)i;
	}
	if (!r)
		r = discard_all(t, nodes, nr);
	if (!r && !t->found)
		r = settle_rest(t);
	alloc_free(nodes);
	return r;
}

static int prepare(struct trial *t)
{
	const size_t nr = t->s->table.nr_nodes;

	t->says = alloc_array(nr, sizeof(*t->says));
	t->nr_definite = alloc_array(nr, sizeof(*t->nr_definite));
	t->nr_excess = alloc_array(nr, sizeof(*t->nr_excess));
	t->source = alloc_array(nr, sizeof(*t->source));
	t->missed = alloc_array(nr, sizeof(*t->missed));
	t->worst = alloc_array(nr, sizeof(*t->worst));
	t->explained = alloc_array(nr, sizeof(*t->explained));
	return t->says && t->nr_definite && t->nr_excess && t->source && t->missed && t->worst &&
			       t->explained
		       ? 0
		       : -ENOMEM;
}

/* Those above first: what they lead to is not needed any more, and leads to much. */
int salvage_discard_stale(struct salvage *s, bool *ret_found)
{
	struct trial t = { .s = s };
	int r = prepare(&t);

	if (!r) {
		judge_devices(&t);
		tell_all(&t);
		r = find_missed(&t);
	}
	if (!r)
		r = judge_parents(&t);
	if (!r && !t.found) {
		r = salvage_compare_data_counts(s);
		memset(t.nr_definite, 0, s->table.nr_nodes * sizeof(*t.nr_definite));
		memset(t.nr_excess, 0, s->table.nr_nodes * sizeof(*t.nr_excess));
		if (!r && s->ledger.nr_excess)
			r = judge_leaves(&t);
	}
	*ret_found = t.found;
	alloc_free(t.says);
	alloc_free(t.nr_definite);
	alloc_free(t.nr_excess);
	alloc_free(t.source);
	alloc_free(t.missed);
	alloc_free(t.worst);
	alloc_free(t.explained);
	alloc_free(t.claims);
	return r;
}
