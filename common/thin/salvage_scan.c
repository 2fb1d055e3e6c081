/* SPDX-License-Identifier: MIT
 * salvage_scan.c: all trees: those that the superblock leads to, those of the metadata snapshot,
 * and those that nothing leads to although the last commit counted them.
 */
#include <errno.h>
#include <stdlib.h>

#include "common/base/alloc.h"
#include "common/thin/salvage_internal.h"

/* An internal node that poses as a leaf: as mappings its values lead to data block 0, all of them.
 */
static bool refuse_mapping_leaf(const struct btree_node *leaf, uint64_t nr_blocks,
				struct node_fault *ret_fault)
{
	(void)nr_blocks;
	for (uint32_t i = 0; i < leaf->nr_entries; i++) {
		if (mapping_data_block(btree_node_u64(leaf, i)))
			return false;
	}
	*ret_fault = (struct node_fault){ .id = FINDING_NODE_FLAGS };
	return leaf->nr_entries > 1;
}

static bool refuse_top_level_leaf(const struct btree_node *leaf, uint64_t nr_blocks,
				  struct node_fault *ret_fault)
{
	*ret_fault = (struct node_fault){ .id = FINDING_BLOCK_KIND, .found = KIND_MAPPING };
	return btree_node_leads_nowhere(leaf, nr_blocks);
}

/* Data blocks come in no order that a cache could guess: ask for them ahead. */
static void ask_ahead(const struct salvage *s, const struct btree_node *leaf)
{
	for (uint32_t i = 0; i < leaf->nr_entries; i++) {
		uint64_t block = mapping_data_block(btree_node_u64(leaf, i));

		if (block < s->ledger.claims.nr_blocks)
			__builtin_prefetch(ref_counts_place(&s->ledger.claims, block), 1);
	}
}

/* A leaf of the top level: as mappings its values lead to data block 0, at times that never were.
 */
static bool is_top_level(const struct salvage *s, const struct btree_node *leaf)
{
	if (s->shapes[leaf->block] != SHAPE_TOP_LEVEL_LEAF || s->time_lost)
		return false;
	for (uint32_t i = 0; i < leaf->nr_entries; i++) {
		if (mapping_time(btree_node_u64(leaf, i)) <= s->sb.time)
			return false;
	}
	return leaf->nr_entries;
}

static int refuse_leaf(struct node_table *t, struct node *node)
{
	struct fault f = { .id = FINDING_BLOCK_KIND, .slot = WHOLE_NODE, .end = RANGE_OPEN };

	node->bad = true;
	node->nr_values = 0;
	return node_table_fault(t, (size_t)(node - t->nodes), &f);
}

/* What is wrong with single mappings is marked, so that the leaf is looked at again. */
static int visit_mapping_leaf(void *context, struct node_table *t, struct node *node,
			      const struct btree_node *leaf)
{
	struct salvage *s = context;
	struct fault f = { .id = FINDING_MAPPING_DATA_BLOCK,
			   .slot = WHOLE_NODE,
			   .end = RANGE_OPEN };
	uint64_t nr_beyond = 0;

	if (is_top_level(s, leaf))
		return refuse_leaf(t, node);
	ask_ahead(s, leaf);
	for (uint32_t i = 0; i < leaf->nr_entries; i++) {
		uint64_t value = btree_node_u64(leaf, i);

		if (mapping_time(value) > node->max_time)
			node->max_time = mapping_time(value);
		if (mapping_data_block(value) > s->highest_data_block)
			s->highest_data_block = mapping_data_block(value);
		if (mapping_data_block(value) >= s->sb.data_space_map.nr_blocks)
			nr_beyond++;
		else if (ref_counts_add(&s->ledger.claims, mapping_data_block(value), false))
			return -ENOMEM;
	}
	if (leaf->nr_entries)
		nr_beyond += btree_node_key(leaf, leaf->nr_entries - 1u) >=
			     superblock_max_thin_blocks(&s->sb);
	return nr_beyond ? node_table_fault(t, (size_t)(node - t->nodes), &f) : 0;
}

static int scan(struct salvage *s, enum block_kind kind, struct bitset *frontier)
{
	struct scan what = { .kind = kind, .value_size = MAPPING_VALUE_SIZE, .context = s };

	if (kind == KIND_MAPPING) {
		what.refuse = refuse_mapping_leaf;
		what.fn = visit_mapping_leaf;
	} else {
		what.keep_leaves = true;
	}
	if (kind == KIND_TOP_LEVEL)
		what.refuse = refuse_top_level_leaf;
	if (kind == KIND_DETAILS)
		what.value_size = DETAILS_SIZE;
	return node_table_scan(&s->table, &what, frontier);
}

/* Something leads to block. */
static int refer(struct salvage *s, uint64_t block, enum block_kind kind, struct bitset *frontier)
{
	enum reference ref;
	int r = node_table_refer(&s->table, block, kind, &ref);

	if (!r && ref == REFERENCE_NEW)
		bitset_set(frontier, block);
	return r;
}

static int scan_from(struct salvage *s, uint64_t root, enum block_kind kind,
		     struct bitset *frontier)
{
	int r = refer(s, root, kind, frontier);

	return r ? r : scan(s, kind, frontier);
}

/* The mapping trees of all top-level leaves that were read since there were `from` nodes. */
static int scan_mappings(struct salvage *s, size_t from, struct bitset *frontier)
{
	size_t nr = s->table.nr_nodes;
	int r = 0;

	for (size_t i = from; i < nr && !r; i++) {
		struct btree_node leaf;

		if (s->table.nodes[i].kind != KIND_TOP_LEVEL || !s->table.nodes[i].leaf ||
		    s->table.nodes[i].bad)
			continue;
		leaf = node_table_decoded(&s->table, &s->table.nodes[i]);
		for (uint32_t e = 0; e < leaf.nr_entries && !r; e++)
			r = refer(s, btree_node_u64(&leaf, e), KIND_MAPPING, frontier);
	}
	return r ? r : scan(s, KIND_MAPPING, frontier);
}

static int scan_live(struct salvage *s, struct bitset *frontier)
{
	int r = scan_from(s, s->sb.details_root, KIND_DETAILS, frontier);

	if (!r)
		r = scan_from(s, s->sb.mapping_root, KIND_TOP_LEVEL, frontier);
	if (!r)
		r = scan_mappings(s, 0, frontier);
	s->nr_live = s->table.nr_nodes;
	/* A pool is as old as its youngest mapping. */
	for (size_t i = 0; i < s->nr_live && s->time_lost; i++) {
		if (s->table.nodes[i].max_time > s->sb.time)
			s->sb.time = s->table.nodes[i].max_time;
	}
	return r;
}

static int scan_held(struct salvage *s, struct bitset *frontier)
{
	uint64_t held = s->sb.held_root;
	struct superblock snap;
	void *raw;
	int r = 0;

	s->nr_held = s->table.nr_nodes;
	if (!held || held >= s->nr_blocks || s->shapes[held] != SHAPE_SUPERBLOCK)
		return 0;
	raw = alloc_aligned(MD_BLOCK_SIZE);
	if (!raw)
		return -ENOMEM;
	if (!block_read(s->overlay, held, raw)) {
		snap = superblock_decode(raw);
		r = scan_from(s, snap.details_root, KIND_DETAILS, frontier);
		if (!r)
			r = scan_from(s, snap.mapping_root, KIND_TOP_LEVEL, frontier);
		if (!r)
			r = scan_mappings(s, s->nr_live, frontier);
	}
	s->nr_held = s->table.nr_nodes;
	alloc_free(raw);
	return r;
}

/* ---- what nothing leads to */

/* The kind of tree that an internal node belongs to: that of the first whole leaf below. */
/* NOLINTNEXTLINE(misc-no-recursion): at most BTREE_MAX_DEPTH deep */
static enum block_kind kind_below(struct salvage *s, uint64_t block, unsigned int depth,
				  uint8_t *raws, uint64_t *budget)
{
	uint8_t *raw = raws + (size_t)depth * MD_BLOCK_SIZE;
	enum block_kind kind = KIND_UNUSED;
	struct node_fault ignored;
	struct btree_node n;

	if (block >= s->nr_blocks || !*budget)
		return KIND_UNUSED;
	--*budget;
	switch ((enum shape)s->shapes[block]) {
	case SHAPE_MAPPING_LEAF:
		return KIND_MAPPING;
	case SHAPE_TOP_LEVEL_LEAF:
		return KIND_TOP_LEVEL;
	case SHAPE_DETAILS_LEAF:
		return KIND_DETAILS;
	case SHAPE_INTERNAL:
		break;
	case SHAPE_NONE:
	case SHAPE_SUPERBLOCK:
	case SHAPE_INDEX:
	case SHAPE_BITMAP:
	case SHAPE_OTHER_LEAF:
		return KIND_UNUSED;
	}
	if (depth == BTREE_MAX_DEPTH - 1 || block_read(s->overlay, block, raw) ||
	    btree_node_decode(raw, block, MAPPING_VALUE_SIZE, &n, &ignored) || n.leaf)
		return KIND_UNUSED;
	for (uint32_t i = 0; i < n.nr_entries && kind == KIND_UNUSED; i++)
		kind = kind_below(s, btree_node_u64(&n, i), depth + 1, raws, budget);
	return kind;
}

enum block_kind salvage_kind_of(struct salvage *s, uint64_t block, void *raws)
{
	uint64_t budget = 1000;

	return kind_below(s, block, 0, raws, &budget);
}

/* NOLINTNEXTLINE(misc-no-recursion): at most BTREE_MAX_DEPTH deep */
uint64_t salvage_sum_below(struct salvage *s, uint64_t *sums, uint8_t *raws, uint64_t block,
			   unsigned int depth)
{
	uint8_t *raw = raws + (size_t)depth * MD_BLOCK_SIZE;
	struct node_fault ignored;
	struct btree_node n;
	uint64_t nr = 0;

	if (block >= s->nr_blocks || depth == BTREE_MAX_DEPTH)
		return 0;
	if (sums[block])
		return sums[block] - 1;
	sums[block] = 1;
	if ((s->shapes[block] != SHAPE_INTERNAL && s->shapes[block] != SHAPE_TOP_LEVEL_LEAF) ||
	    block_read(s->overlay, block, raw) ||
	    btree_node_decode(raw, block, MAPPING_VALUE_SIZE, &n, &ignored))
		return 0;
	for (uint32_t i = 0; i < n.nr_entries; i++)
		nr += salvage_sum_below(s, sums, raws, btree_node_u64(&n, i), depth + 1);
	sums[block] = nr + 1;
	return nr;
}

void salvage_sum_entries(const struct salvage *s, uint64_t *sums)
{
	for (uint64_t b = 0; b < s->nr_blocks; b++) {
		if (s->shapes[b] == SHAPE_MAPPING_LEAF)
			sums[b] = 1u + s->nr_entries[b];
	}
}

static bool counted(const struct salvage *s, uint64_t block)
{
	return s->counts[block] && s->counts[block] != COUNT_UNKNOWN;
}

/* They are referred to so that they are read; these references are taken back afterwards. */
static int scan_orphans_of(struct salvage *s, enum block_kind kind, uint8_t *raws,
			   struct bitset *frontier)
{
	struct bitset seeds;
	int r = bitset_init(&seeds, s->nr_blocks);

	for (uint64_t b = 0; b < s->nr_blocks && !r; b++) {
		if (!counted(s, b) || s->table.kinds[b] != KIND_UNUSED ||
		    salvage_kind_of(s, b, raws) != kind)
			continue;
		bitset_set(&seeds, b);
		r = refer(s, b, kind, frontier);
	}
	if (!r)
		r = scan(s, kind, frontier);
	for (uint64_t b = bitset_next(&seeds, 0); b < s->nr_blocks && !r;
	     b = bitset_next(&seeds, b + 1))
		ref_counts_remove(&s->table.refs, b);
	bitset_destroy(&seeds);
	return r;
}

static int scan_orphans(struct salvage *s, struct bitset *frontier)
{
	uint8_t *raws = alloc_aligned((size_t)BTREE_MAX_DEPTH * MD_BLOCK_SIZE);
	size_t from = s->table.nr_nodes;
	int r = raws ? 0 : -ENOMEM;

	if (!r)
		r = scan_orphans_of(s, KIND_DETAILS, raws, frontier);
	if (!r)
		r = scan_orphans_of(s, KIND_TOP_LEVEL, raws, frontier);
	if (!r)
		r = scan_mappings(s, from, frontier);
	if (!r)
		r = scan_orphans_of(s, KIND_MAPPING, raws, frontier);
	alloc_free(raws);
	return r;
}

static int link_all(struct salvage *s)
{
	int r = 0;

	for (size_t i = 0; i < s->table.nr_nodes && !r; i++)
		r = node_table_link(&s->table, i);
	return r;
}

/* ---- which devices there are */

static int by_id(const void *a, const void *b)
{
	const struct salvage_device *da = a, *db = b;

	if (da->id != db->id)
		return da->id < db->id ? -1 : 1;
	/* Of several the one that was added first, which the superblock leads to. */
	return (da->nr_mappings > db->nr_mappings) - (da->nr_mappings < db->nr_mappings);
}

static void forget_reference(struct salvage *s, uint64_t block)
{
	if (block < s->nr_blocks && ref_counts_get(&s->table.refs, block))
		ref_counts_remove(&s->table.refs, block);
}

static int add_entry(struct salvage *s, enum block_kind kind, const struct btree_node *leaf,
		     uint32_t i)
{
	struct salvage_device *grown =
		alloc_grow(s->devices, &s->devices_capacity, s->nr_devices, sizeof(*grown));
	struct salvage_device d = { .id = btree_node_key(leaf, i) };

	if (!grown)
		return -ENOMEM;
	s->devices = grown;
	if (d.id > MAX_DEV_ID) {
		/* No device is called so: its tree is somebody else's, or nobody's. */
		if (kind == KIND_TOP_LEVEL)
			forget_reference(s, btree_node_u64(leaf, i));
		return 0;
	}
	d.nr_mappings = s->nr_devices; /* the order in which they came */
	d.has_details = kind == KIND_DETAILS;
	d.has_root = d.has_entry = !d.has_details;
	if (d.has_details)
		d.details = device_details_decode(btree_node_value(leaf, i));
	else
		d.root = btree_node_u64(leaf, i);
	grown[s->nr_devices++] = d;
	return 0;
}

static int add_entries(struct salvage *s, size_t node)
{
	const struct node *n = &s->table.nodes[node];
	struct btree_node leaf;
	int r = 0;

	if (n->bad || !n->leaf || (n->kind != KIND_DETAILS && n->kind != KIND_TOP_LEVEL))
		return 0;
	leaf = node_table_decoded(&s->table, n);
	for (uint32_t i = 0; i < leaf.nr_entries && !r; i++)
		r = add_entry(s, (enum block_kind)n->kind, &leaf, i);
	return r;
}

/* One entry for each id. */
void salvage_join_devices(struct salvage *s)
{
	size_t nr = 0;

	if (s->nr_devices)
		qsort(s->devices, s->nr_devices, sizeof(*s->devices), by_id);
	for (size_t i = 0; i < s->nr_devices; i++) {
		struct salvage_device d = s->devices[i], *last = nr ? &s->devices[nr - 1] : NULL;

		d.nr_mappings = 0;
		if (!last || last->id != d.id) {
			s->devices[nr++] = d;
		} else if (d.has_details && !last->has_details) {
			last->has_details = true;
			last->details = d.details;
		} else if (d.has_root && !last->has_root) {
			last->has_root = last->has_entry = true;
			last->root = d.root;
		}
	}
	s->nr_devices = nr;
}

/* Is something of the tree lost that the superblock leads to? */
static bool tree_lost(const struct salvage *s, uint64_t root, enum block_kind kind)
{
	int64_t node = node_table_find(&s->table, root, kind);

	return node < 0 || s->table.nodes[node].bad || s->table.nodes[node].incomplete;
}

static bool snapshot_lost(const struct salvage *s)
{
	uint64_t held = s->sb.held_root;

	return held && (held >= s->nr_blocks || s->shapes[held] != SHAPE_SUPERBLOCK);
}

/* Where a tree is whole, what nothing leads to belongs to something else, such as a lost snapshot.
 */
static int find_devices(struct salvage *s)
{
	int r = 0;

	s->details_lost = tree_lost(s, s->sb.details_root, KIND_DETAILS);
	s->top_level_lost = tree_lost(s, s->sb.mapping_root, KIND_TOP_LEVEL);
	for (size_t i = 0; i < s->nr_live && !r; i++)
		r = add_entries(s, i);
	/* What nothing leads to may be a lost metadata snapshot's, and older than it looks. */
	for (size_t i = s->nr_held; i < s->table.nr_nodes && !r && !snapshot_lost(s); i++) {
		if (s->table.nodes[i].kind == KIND_DETAILS ? s->details_lost : s->top_level_lost)
			r = add_entries(s, i);
	}
	salvage_join_devices(s);
	return r;
}

/*
 * The details, which are whole, do not know it, and the last commit does not count its tree, or
 * counts it for others.
 */
static bool is_gone(const struct salvage *s, const struct salvage_device *d)
{
	return d->has_root && !d->has_details && !s->details_lost && d->root < s->nr_blocks &&
	       s->counts[d->root] < COUNT_MANY &&
	       ref_counts_get(&s->table.refs, d->root) > s->counts[d->root] &&
	       bitset_test(&s->sound_bitmaps, d->root / BITMAP_ENTRIES);
}

/* A root that leads to no mapping tree is none; a device that was deleted is none. */
static void check_roots(struct salvage *s)
{
	size_t nr = 0;

	for (size_t i = 0; i < s->nr_devices; i++) {
		struct salvage_device *d = &s->devices[i];

		if (is_gone(s, d)) {
			forget_reference(s, d->root);
			s->result->nr_gone++;
			continue;
		}
		if (d->has_root && node_table_find(&s->table, d->root, KIND_MAPPING) < 0)
			d->has_root = false;
		s->devices[nr++] = *d;
	}
	s->nr_devices = nr;
}

/* ---- who misses them */

static int find_deficits(struct salvage *s)
{
	s->deficit = alloc_array(s->table.nr_nodes, sizeof(*s->deficit));
	if (!s->deficit)
		return -ENOMEM;
	for (size_t i = 0; i < s->table.nr_nodes; i++) {
		uint32_t block = s->table.nodes[i].block, count = s->counts[block];
		uint64_t known = ref_counts_get(&s->table.refs, block);

		if (count == COUNT_UNKNOWN)
			continue;
		if (count == COUNT_MANY)
			s->deficit[i] = known < 3 ? (uint32_t)(3 - known) : 0;
		else if (count > known)
			s->deficit[i] = count - (uint32_t)known;
	}
	return 0;
}

int salvage_reset_scan(struct salvage *s)
{
	node_table_destroy(&s->table);
	ref_counts_destroy(&s->ledger.claims);
	u64_map_destroy(&s->ledger.excess_at);
	s->ledger.nr_excess = 0;
	s->ledger.nr_missing = 0;
	alloc_free(s->deficit);
	s->deficit = NULL;
	alloc_free(s->latest_shared);
	s->latest_shared = NULL;
	s->nr_devices = 0;
	s->result->nr_gone = 0;
	return node_table_init(&s->table, s->overlay, s->reader, NULL, s->nr_blocks);
}

int salvage_scan(struct salvage *s)
{
	struct bitset frontier;
	int r = bitset_init(&frontier, s->nr_blocks);

	/* No node is there, and none may be put back there: the superblock would be lost, or the
	 * node. */
	s->table.kinds[SUPERBLOCK_LOCATION] = KIND_SUPERBLOCK;
	if (!r)
		r = ref_counts_init(&s->ledger.claims, s->sb.data_space_map.nr_blocks);
	if (!r)
		r = scan_live(s, &frontier);
	if (!r)
		r = scan_held(s, &frontier);
	if (!r && !s->result->older && s->index_lost)
		r = salvage_search_counts(s);
	if (!r)
		r = salvage_distrust_counts(s);
	if (!r)
		r = scan_orphans(s, &frontier);
	bitset_destroy(&frontier);
	if (!r)
		r = link_all(s);
	if (!r)
		r = find_devices(s);
	if (r)
		return r;
	check_roots(s);
	return find_deficits(s);
}
