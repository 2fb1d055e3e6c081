/* SPDX-License-Identifier: MIT
 * salvage_patch.c: the trees as they are to be read, from the leaves up.  A node that has lost a
 * child or got one is made anew in the overlay, in its old place, so that whoever shares it shares
 * it still.
 */
#include <errno.h>
#include <string.h>

#include "common/base/alloc.h"
#include "common/io/checksum.h"
#include "common/io/overlay_engine.h"
#include "common/pdata/btree_build.h"
#include "common/thin/salvage_internal.h"

enum { MAX_CHILDREN = 252, MAX_LEAF = 252 };

/* What a node comes to. */
struct resolved {
	uint8_t state; /* 0 not yet, 1 under way, 2 done */
	bool usable;
	uint8_t height;
	uint64_t first_key, last_key; /* when usable */
	uint64_t nr_values;
};

struct child {
	uint64_t key, end; /* the keys that its parent leaves for it */
	uint32_t node;
	bool kept;
};

struct children {
	struct child items[MAX_CHILDREN];
	uint32_t nr;
	bool changed; /* the node on disk says something else */
};

static int resolve(struct salvage *s, size_t node, unsigned int depth);

static struct node *node_at(const struct salvage *s, size_t i)
{
	return &s->table.nodes[i];
}

/* ---- what is lost */

static int note_loss(struct salvage *s, uint32_t node, uint64_t block, uint32_t owner,
		     uint64_t begin, uint64_t end)
{
	const struct salvage_loss loss = {
		.block = block,
		.device = owner < s->nr_devices ? s->devices[owner].id : NO_DEVICE,
		.begin = begin,
		.end = end,
	};

	return salvage_note_loss(s, node, &loss);
}

/* ---- leaves */

struct entries {
	uint64_t keys[MAX_LEAF], values[MAX_LEAF];
	bool kept[MAX_LEAF];
	uint32_t nr;
};

static void take_entries(const struct btree_node *leaf, struct entries *e)
{
	e->nr = leaf->nr_entries;
	for (uint32_t i = 0; i < e->nr; i++) {
		e->keys[i] = btree_node_key(leaf, i);
		e->values[i] = btree_node_u64(leaf, i);
		e->kept[i] = true;
	}
}

/*
 * Of keys out of order, keep those that stand in every longest ascending selection: where two
 * selections differ, nobody can tell which key is right.
 */
static void drop_disordered(struct entries *e)
{
	uint32_t up[MAX_LEAF] = { 0 }, down[MAX_LEAF] = { 0 }, at_level[MAX_LEAF + 1] = { 0 },
		 longest = 0;

	for (uint32_t i = 0; i < e->nr; i++) {
		up[i] = 1;
		for (uint32_t j = 0; j < i; j++) {
			if (e->keys[j] < e->keys[i] && up[j] + 1 > up[i])
				up[i] = up[j] + 1;
		}
		longest = up[i] > longest ? up[i] : longest;
	}
	for (uint32_t i = e->nr; i-- > 0;) {
		down[i] = 1;
		for (uint32_t j = i + 1; j < e->nr; j++) {
			if (e->keys[j] > e->keys[i] && down[j] + 1 > down[i])
				down[i] = down[j] + 1;
		}
	}
	for (uint32_t i = 0; i < e->nr; i++)
		at_level[up[i]] += up[i] + down[i] == longest + 1;
	for (uint32_t i = 0; i < e->nr; i++)
		e->kept[i] &= up[i] + down[i] == longest + 1 && at_level[up[i]] == 1;
}

static void drop_outside(const struct salvage *s, struct entries *e, uint64_t begin, uint64_t end)
{
	for (uint32_t i = 0; i < e->nr; i++) {
		if (mapping_data_block(e->values[i]) >= s->sb.data_space_map.nr_blocks ||
		    e->keys[i] >= superblock_max_thin_blocks(&s->sb) || e->keys[i] < begin ||
		    (end != RANGE_OPEN && e->keys[i] >= end))
			e->kept[i] = false;
	}
}

static void make_leaf(const struct entries *e, uint64_t block, void *raw)
{
	uint8_t *keys = (uint8_t *)raw + sizeof(struct node_header);
	uint8_t *values = keys + 8 * (size_t)MAX_LEAF;
	struct node_header h = { .flags = cpu_to_le32(BTREE_LEAF_NODE),
				 .blocknr = cpu_to_le64(block),
				 .max_entries = cpu_to_le32(MAX_LEAF),
				 .value_size = cpu_to_le32(MAPPING_VALUE_SIZE) };
	uint32_t nr = 0;

	memset(raw, 0, MD_BLOCK_SIZE);
	for (uint32_t i = 0; i < e->nr; i++) {
		__le64 key = cpu_to_le64(e->keys[i]), value = cpu_to_le64(e->values[i]);

		if (!e->kept[i])
			continue;
		memcpy(keys + 8 * (size_t)nr, &key, sizeof(key));
		memcpy(values + 8 * (size_t)nr++, &value, sizeof(value));
	}
	h.nr_entries = cpu_to_le32(nr);
	memcpy(raw, &h, sizeof(h));
	block_checksum_set(raw, SALT_BTREE_NODE);
}

static uint32_t nr_kept(const struct entries *e)
{
	uint32_t nr = 0;

	for (uint32_t i = 0; i < e->nr; i++)
		nr += e->kept[i];
	return nr;
}

static void summarise(const struct entries *e, struct resolved *ret)
{
	ret->nr_values = 0;
	for (uint32_t i = 0; i < e->nr; i++) {
		if (!e->kept[i])
			continue;
		if (!ret->nr_values++)
			ret->first_key = e->keys[i];
		ret->last_key = e->keys[i];
	}
	ret->usable = ret->nr_values != 0;
}

/* Read the leaf again, and leave out what is wrong or outside of [begin, end). */
static int clean_leaf(struct salvage *s, size_t node, uint64_t begin, uint64_t end)
{
	const uint64_t block = node_at(s, node)->block;
	struct resolved *ret = &s->resolved[node];
	struct node_fault ignored;
	struct btree_node leaf;
	struct entries e;
	void *raw = alloc_aligned(MD_BLOCK_SIZE);
	int r;

	if (!raw)
		return -ENOMEM;
	r = block_read(s->overlay, block, raw);
	if (!r && btree_node_decode(raw, block, MAPPING_VALUE_SIZE, &leaf, &ignored))
		r = -EIO;
	if (!r) {
		take_entries(&leaf, &e);
		drop_disordered(&e);
		drop_outside(s, &e, begin, end);
		s->result->nr_dropped += e.nr - nr_kept(&e);
		summarise(&e, ret);
		make_leaf(&e, block, raw);
		r = overlay_engine_put(s->overlay, block, raw);
	}
	alloc_free(raw);
	return r;
}

static int resolve_leaf(struct salvage *s, size_t node)
{
	const struct node *n = node_at(s, node);
	struct resolved *ret = &s->resolved[node];

	ret->height = 0;
	if (n->first_fault || n->unsorted)
		return clean_leaf(s, node, 0, RANGE_OPEN);
	*ret = (struct resolved){ .state = ret->state,
				  .usable = n->nr_values != 0,
				  .first_key = n->first_key,
				  .last_key = n->last_key,
				  .nr_values = n->nr_values };
	return 0;
}

/* ---- internal nodes */

static void add_child(struct children *c, uint64_t key, uint64_t end, uint32_t node)
{
	if (c->nr < MAX_CHILDREN)
		c->items[c->nr++] = (struct child){ key, end, node, true };
}

static int lose_slot(struct salvage *s, size_t node, struct children *c, uint64_t block,
		     uint64_t begin, uint64_t end)
{
	c->changed = true;
	return note_loss(s, (uint32_t)node, block, node_at(s, node)->owner, begin, end);
}

/* The children that a whole node has, with what was adopted in place of those that are lost. */
static int gather(struct salvage *s, size_t node, struct children *c)
{
	struct btree_node p = node_table_decoded(&s->table, node_at(s, node));
	int r = 0;

	for (uint32_t i = 0; i < p.nr_entries && !r; i++) {
		uint64_t block = btree_node_u64(&p, i), begin = btree_node_key(&p, i);
		uint64_t end = i + 1 < p.nr_entries ? btree_node_key(&p, i + 1) : RANGE_OPEN;
		int64_t child = node_table_find(&s->table, block, KIND_MAPPING);
		const struct hole *h = hole_at(s, node, i);

		if (h && h->filled) {
			c->changed = true;
			add_child(c, begin, end, h->children[0]);
		} else if (h || child < 0) {
			r = lose_slot(s, node, c, block, begin, end);
		} else {
			add_child(c, begin, end, (uint32_t)child);
		}
	}
	c->changed |= node_at(s, node)->unsorted;
	return r;
}

/* The children of a lost node are those that were adopted. */
static void gather_adopted(const struct hole *h, const struct salvage *s, struct children *c)
{
	for (uint32_t i = 0; i < h->nr_children; i++)
		add_child(c, node_at(s, h->children[i])->first_key, RANGE_OPEN, h->children[i]);
	c->changed = true;
}

/* NOLINTNEXTLINE(misc-no-recursion): at most BTREE_MAX_DEPTH deep */
static int resolve_children(struct salvage *s, struct children *c, unsigned int depth)
{
	int r = 0;

	for (uint32_t i = 0; i < c->nr && !r; i++)
		r = resolve(s, c->items[i].node, depth + 1);
	return r;
}

/* The height that most of the usable children have. */
static uint8_t common_height(const struct salvage *s, const struct children *c)
{
	uint32_t nr[BTREE_MAX_DEPTH + 1] = { 0 };
	uint8_t best = 0;

	for (uint32_t i = 0; i < c->nr; i++) {
		const struct resolved *r = &s->resolved[c->items[i].node];

		if (r->state == 2 && r->usable && r->height <= BTREE_MAX_DEPTH)
			nr[r->height]++;
	}
	for (uint8_t h = 0; h <= BTREE_MAX_DEPTH; h++)
		best = nr[h] > nr[best] ? h : best;
	return best;
}

/* Lost nodes say so themselves, when they are resolved: the rest is told here. */
static int drop_child(struct salvage *s, size_t node, struct children *c, uint32_t i)
{
	const struct child *child = &c->items[i];
	bool told = node_at(s, child->node)->bad;

	c->items[i].kept = false;
	c->changed = true;
	return told ? 0
		    : note_loss(s, (uint32_t)node, node_at(s, child->node)->block,
				node_at(s, node)->owner, child->key, child->end);
}

static int drop_unusable(struct salvage *s, size_t node, struct children *c, uint8_t height)
{
	int r = 0;

	for (uint32_t i = 0; i < c->nr && !r; i++) {
		const struct resolved *child = &s->resolved[c->items[i].node];

		if (child->state != 2 || !child->usable || child->height != height)
			r = drop_child(s, node, c, i);
	}
	return r;
}

static bool in_order(const struct salvage *s, const struct children *c)
{
	const struct resolved *last = NULL;

	for (uint32_t i = 0; i < c->nr; i++) {
		const struct resolved *r = &s->resolved[c->items[i].node];

		if (!c->items[i].kept)
			continue;
		if (last && r->first_key <= last->last_key)
			return false;
		last = r;
	}
	return true;
}

/*
 * Children that do not fit beside each other: the node says which keys each may have.  A leaf that
 * has most of its keys there has lost its way with the others; any other child is not the one that
 * belongs there.
 */
static int trim_child(struct salvage *s, size_t node, struct children *c, uint32_t i)
{
	const struct child *child = &c->items[i];
	const struct resolved *r = &s->resolved[child->node];
	uint64_t before = r->nr_values;
	int e;

	if (r->first_key >= child->key && (child->end == RANGE_OPEN || r->last_key < child->end))
		return 0;
	if (r->height || !node_at(s, child->node)->leaf)
		return drop_child(s, node, c, i);
	e = clean_leaf(s, child->node, child->key, child->end);
	if (!e && (!r->usable || r->nr_values < before / 2))
		e = drop_child(s, node, c, i);
	return e;
}

static int drop_overlapping(struct salvage *s, size_t node, struct children *c)
{
	const struct resolved *last = NULL;
	int r = 0;

	for (uint32_t i = 0; i < c->nr && !r; i++) {
		const struct resolved *child = &s->resolved[c->items[i].node];

		if (!c->items[i].kept)
			continue;
		if (last && child->first_key <= last->last_key)
			r = drop_child(s, node, c, i);
		else
			last = child;
	}
	return r;
}

/* Children that only changed places are put back. */
static void sort_children(const struct salvage *s, struct children *c)
{
	for (uint32_t i = 1; i < c->nr; i++) {
		struct child moved = c->items[i];
		uint32_t j = i;

		for (; j && s->resolved[c->items[j - 1].node].first_key >
				    s->resolved[moved.node].first_key;
		     j--)
			c->items[j] = c->items[j - 1];
		c->items[j] = moved;
	}
}

static int order_children(struct salvage *s, size_t node, struct children *c)
{
	struct children before = *c;
	int r = 0;

	if (in_order(s, c))
		return 0;
	c->changed = true;
	sort_children(s, c);
	if (in_order(s, c))
		return 0;
	*c = before;
	c->changed = true;
	for (uint32_t i = 0; i < c->nr && !r; i++) {
		if (c->items[i].kept)
			r = trim_child(s, node, c, i);
	}
	return r ? r : drop_overlapping(s, node, c);
}

/* Keys that do not part the children are made anew. */
static void correct_keys(const struct salvage *s, struct children *c)
{
	const struct resolved *last = NULL;

	for (uint32_t i = 0; i < c->nr; i++) {
		struct child *child = &c->items[i];
		const struct resolved *r = &s->resolved[child->node];

		if (!child->kept)
			continue;
		if (child->key > r->first_key || (last && child->key <= last->last_key)) {
			child->key = r->first_key;
			c->changed = true;
		}
		last = r;
	}
}

static int write_internal(struct salvage *s, size_t node, const struct children *c)
{
	const uint64_t block = node_at(s, node)->block;
	struct node_header h = { .flags = cpu_to_le32(BTREE_INTERNAL_NODE),
				 .blocknr = cpu_to_le64(block),
				 .max_entries = cpu_to_le32(MAX_CHILDREN),
				 .value_size = cpu_to_le32(BTREE_CHILD_SIZE) };
	uint8_t *raw = alloc_aligned(MD_BLOCK_SIZE), *keys;
	uint32_t nr = 0;
	int r;

	if (!raw)
		return -ENOMEM;
	keys = raw + sizeof(h);
	memset(raw, 0, MD_BLOCK_SIZE);
	for (uint32_t i = 0; i < c->nr; i++) {
		__le64 key = cpu_to_le64(c->items[i].key);
		__le64 child = cpu_to_le64(node_at(s, c->items[i].node)->block);

		if (!c->items[i].kept)
			continue;
		memcpy(keys + 8 * (size_t)nr, &key, sizeof(key));
		memcpy(keys + 8 * (size_t)(MAX_CHILDREN + nr++), &child, sizeof(child));
	}
	h.nr_entries = cpu_to_le32(nr);
	memcpy(raw, &h, sizeof(h));
	block_checksum_set(raw, SALT_BTREE_NODE);
	r = overlay_engine_put(s->overlay, block, raw);
	alloc_free(raw);
	return r;
}

static void sum_up(const struct salvage *s, const struct children *c, struct resolved *ret)
{
	for (uint32_t i = 0; i < c->nr; i++) {
		const struct resolved *r = &s->resolved[c->items[i].node];

		if (!c->items[i].kept)
			continue;
		if (!ret->usable)
			ret->first_key = r->first_key;
		ret->usable = true;
		ret->last_key = r->last_key;
		ret->nr_values += r->nr_values;
	}
}

/* NOLINTNEXTLINE(misc-no-recursion): at most BTREE_MAX_DEPTH deep */
static int resolve_internal(struct salvage *s, size_t node, struct children *c, unsigned int depth)
{
	struct resolved *ret = &s->resolved[node];
	uint8_t height;
	int r = resolve_children(s, c, depth);

	if (r)
		return r;
	for (uint32_t i = 0; i < c->nr; i++) {
		if (bitset_test(&s->lossy, c->items[i].node))
			bitset_set(&s->lossy, node);
	}
	height = common_height(s, c);
	r = drop_unusable(s, node, c, height);
	if (!r)
		r = order_children(s, node, c);
	if (r)
		return r;
	correct_keys(s, c);
	sum_up(s, c, ret);
	ret->height = (uint8_t)(height + 1);
	return c->changed && ret->usable ? write_internal(s, node, c) : 0;
}

/* NOLINTNEXTLINE(misc-no-recursion): at most BTREE_MAX_DEPTH deep */
static int resolve_lost(struct salvage *s, size_t node, struct children *c, unsigned int depth)
{
	const struct hole *h = hole_at(s, node, WHOLE_NODE);

	if (!h)
		return 0;
	if (!h->filled)
		return note_loss(s, (uint32_t)node, node_at(s, node)->block, h->owner, h->begin,
				 h->end);
	gather_adopted(h, s, c);
	return resolve_internal(s, node, c, depth);
}

/* NOLINTNEXTLINE(misc-no-recursion): at most BTREE_MAX_DEPTH deep */
static int resolve_inside(struct salvage *s, size_t node, unsigned int depth)
{
	struct children *c = alloc_object(struct children);
	int r;

	if (!c)
		return -ENOMEM;
	if (node_at(s, node)->bad) {
		r = resolve_lost(s, node, c, depth);
	} else {
		r = gather(s, node, c);
		if (!r)
			r = resolve_internal(s, node, c, depth);
	}
	alloc_free(c);
	return r;
}

/* Once for each node; one that leads back to itself is not usable there. */
/* NOLINTNEXTLINE(misc-no-recursion): at most BTREE_MAX_DEPTH deep */
static int resolve(struct salvage *s, size_t node, unsigned int depth)
{
	const struct node *n = node_at(s, node);
	int r;

	if (s->resolved[node].state || depth > BTREE_MAX_DEPTH)
		return 0;
	s->resolved[node].state = 1;
	r = !n->bad && n->leaf ? resolve_leaf(s, node) : resolve_inside(s, node, depth);
	s->resolved[node].state = 2;
	return r;
}

/* ---- the trees above */

struct overlay_sink {
	struct block_sink base;
	struct salvage *s;
	uint64_t next;
};

static int sink_allocate(struct block_sink *sink, uint64_t *ret_block)
{
	*ret_block = ((struct overlay_sink *)sink)->next++;
	return 0;
}

static int sink_write(struct block_sink *sink, uint64_t block, void *raw, uint32_t salt)
{
	block_checksum_set(raw, salt);
	return overlay_engine_put(((struct overlay_sink *)sink)->s->overlay, block, raw);
}

static int sink_refer(struct block_sink *sink, uint64_t block)
{
	(void)sink;
	(void)block;
	return 0;
}

static int build_empty_tree(struct overlay_sink *sink, uint64_t *ret_root)
{
	struct btree_builder *b = NULL;
	int r = btree_builder_create(&sink->base, MAPPING_VALUE_SIZE, &b);

	if (!r)
		r = btree_builder_finish(b, ret_root);
	btree_builder_destroy(b);
	return r;
}

/* The device gets what the trees that may be its own agree on. */
static int settle_undecided(struct salvage *s, struct overlay_sink *sink, struct salvage_device *d)
{
	struct undecided *u = &s->undecided[d->undecided - 1];
	int r = 0;

	for (size_t i = 0; i < u->nr_roots && !u->built && !r; i++)
		r = resolve(s, u->roots[i], 0);
	if (!r && !u->built)
		r = salvage_agree(s, u, &sink->base);
	d->root = u->root;
	d->nr_mappings = u->nr_mappings;
	return r;
}

static int settle_device(struct salvage *s, struct overlay_sink *sink, struct salvage_device *d)
{
	int64_t root = d->has_root ? node_table_find(&s->table, d->root, KIND_MAPPING) : -1;
	int r = 0;

	if (d->undecided)
		return settle_undecided(s, sink, d);
	if (root >= 0) {
		r = resolve(s, (size_t)root, 0);
		d->nr_mappings = s->resolved[root].usable ? s->resolved[root].nr_values : 0;
	} else if (d->details.mapped_blocks) {
		r = note_loss(s, NO_NODE, NO_BLOCK, (uint32_t)(d - s->devices), 0, RANGE_OPEN);
		s->result->nr_lost_devices++;
	}
	return r;
}

/* A device whose root is lost, or has nothing left below, keeps its place with no mappings. */
static int settle_empty(struct salvage *s, struct overlay_sink *sink)
{
	int r = 0;

	for (size_t i = 0; i < s->nr_devices && !r; i++) {
		struct salvage_device *d = &s->devices[i];

		if (!d->undecided && !d->nr_mappings)
			r = build_empty_tree(sink, &d->root);
	}
	return r;
}

static uint32_t newest_time(const struct salvage *s)
{
	uint32_t newest = s->sb.time;

	for (size_t i = 0; i < s->nr_live; i++) {
		if (s->table.nodes[i].max_time > newest)
			newest = s->table.nodes[i].max_time;
	}
	return newest;
}

/* No device is newer than the pool and all mappings: that protects whatever is shared. */
static void limit_times(struct device_details *details, uint32_t newest)
{
	if (details->creation_time > newest)
		details->creation_time = newest;
	if (details->snapshotted_time > newest)
		details->snapshotted_time = newest;
}

/* What it shares is copied before it is written to, from now on. */
static void protect_shares(struct salvage *s, uint64_t id, uint32_t newest,
			   struct device_details *details)
{
	const struct salvage_options *o = s->options;

	for (size_t i = 0; i < o->nr_exposing; i++) {
		if (o->exposing[i] != id)
			continue;
		details->snapshotted_time = newest;
		s->result->nr_raised++;
		return;
	}
}

static int build_details(struct salvage *s, struct overlay_sink *sink, uint64_t *ret_root)
{
	const uint32_t newest = newest_time(s);
	struct btree_builder *b = NULL;
	int r = btree_builder_create(&sink->base, DETAILS_SIZE, &b);

	for (size_t i = 0; i < s->nr_devices && !r; i++) {
		struct device_details details = s->devices[i].details;
		struct disk_device_details raw;

		details.mapped_blocks = s->devices[i].nr_mappings;
		limit_times(&details, newest);
		protect_shares(s, s->devices[i].id, newest, &details);
		device_details_encode(&details, &raw);
		r = btree_builder_add(b, s->devices[i].id, &raw);
	}
	if (!r)
		r = btree_builder_finish(b, ret_root);
	btree_builder_destroy(b);
	return r;
}

static int build_top_level(struct salvage *s, struct overlay_sink *sink, uint64_t *ret_root)
{
	struct btree_builder *b = NULL;
	int r = btree_builder_create(&sink->base, MAPPING_VALUE_SIZE, &b);

	for (size_t i = 0; i < s->nr_devices && !r; i++) {
		__le64 root = cpu_to_le64(s->devices[i].root);

		r = btree_builder_add(b, s->devices[i].id, &root);
	}
	if (!r)
		r = btree_builder_finish(b, ret_root);
	btree_builder_destroy(b);
	return r;
}

static int put_superblock(struct salvage *s)
{
	void *raw = alloc_aligned(MD_BLOCK_SIZE);
	int r;

	if (!raw)
		return -ENOMEM;
	s->sb.flags = 0;
	if (s->nr_data_blocks_lost && s->highest_data_block < s->sb.data_space_map.nr_blocks)
		s->sb.data_space_map.nr_blocks = s->highest_data_block + 1;
	superblock_encode(&s->sb, raw);
	r = overlay_engine_put(s->overlay, SUPERBLOCK_LOCATION, raw);
	alloc_free(raw);
	return r;
}

int salvage_patch(struct salvage *s)
{
	struct overlay_sink sink = { .base = { sink_allocate, sink_write, sink_refer },
				     .s = s,
				     .next = s->nr_blocks };
	int r = 0;

	s->resolved = alloc_array(s->table.nr_nodes, sizeof(*s->resolved));
	if (!s->resolved || bitset_init(&s->lossy, s->table.nr_nodes))
		return -ENOMEM;
	for (size_t i = 0; i < s->nr_devices && !r; i++)
		r = settle_device(s, &sink, &s->devices[i]);
	if (!r)
		r = salvage_share_losses(s); /* by the roots that they had */
	if (!r)
		r = settle_empty(s, &sink);
	if (!r)
		r = build_details(s, &sink, &s->sb.details_root);
	if (!r)
		r = build_top_level(s, &sink, &s->sb.mapping_root);
	s->result->nr_blocks = sink.next;
	return r ? r : put_superblock(s);
}
