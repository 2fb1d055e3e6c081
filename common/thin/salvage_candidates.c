/* SPDX-License-Identifier: MIT
 * salvage_candidates.c: pairs of roots that belong together.
 *
 * A top-level tree and a details tree are of one commit when they know the same devices with the
 * same numbers of mappings.  Each tree gets a signature, the sum of a hash for each device, and the
 * signatures are joined.
 */
#include "common/thin/salvage_candidates.h"

#include <errno.h>
#include <stdlib.h>

#include "common/base/alloc.h"
#include "common/thin/salvage_internal.h"

/* Above it, nobody counts what was reused: a bit for each data block. */
#define MAX_COUNTED_DATA_BLOCKS (UINT64_C(1) << 34)

/* What a tree of devices says. */
struct half {
	uint64_t block, signature;
	uint64_t nr_devices, nr_mappings, transaction_id;
	uint32_t time;
	bool whole;
};

struct halves {
	enum block_kind kind;
	struct half *items; /* owned */
	size_t nr, capacity;
	struct u64_map at; /* by block: 1 + index */
};

struct listing {
	struct salvage *s;
	struct candidate_list *list;
	struct halves mappings, details;
	uint64_t *values; /* owned, by block: 1 + mappings below */
	/* Owned, by block: 1 + mappings below to data blocks of others, and in outdated leaves. */
	uint64_t *reused, *outdated;
	uint8_t *raws;       /* owned: twice BTREE_MAX_DEPTH blocks */
	struct bitset older; /* data blocks that leaves lead to that are not live */
	struct u64_map
		live_at; /* of these, by data block: hash of a live mapping's thin block and time */
	struct bitset live; /* leaves */
	bool reuse_known;
};

/* ---- the two halves */

static uint64_t hash(uint64_t id, uint64_t nr_mappings)
{
	uint64_t x = id * UINT64_C(0x9e3779b97f4a7c15) + nr_mappings + 1;

	x = (x ^ x >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
	x = (x ^ x >> 27) * UINT64_C(0x94d049bb133111eb);
	return x ^ x >> 31;
}

static void add_device(struct half *h, uint64_t id, uint64_t nr_mappings)
{
	h->signature += hash(id, nr_mappings);
	h->nr_devices++;
	h->nr_mappings += nr_mappings;
}

static void add_entry(struct listing *l, enum block_kind kind, const struct btree_node *leaf,
		      uint32_t i, struct half *h)
{
	struct device_details d;

	if (kind == KIND_TOP_LEVEL) {
		add_device(h, btree_node_key(leaf, i),
			   salvage_sum_below(l->s, l->values,
					     l->raws + (size_t)BTREE_MAX_DEPTH * MD_BLOCK_SIZE,
					     btree_node_u64(leaf, i), 0));
		return;
	}
	d = device_details_decode(btree_node_value(leaf, i));
	add_device(h, btree_node_key(leaf, i), d.mapped_blocks);
	if (d.transaction_id > h->transaction_id)
		h->transaction_id = d.transaction_id;
	if (d.snapshotted_time > h->time)
		h->time = d.snapshotted_time;
}

static void add_half(struct half *h, const struct half *child)
{
	h->whole &= child->whole;
	h->signature += child->signature;
	h->nr_devices += child->nr_devices;
	h->nr_mappings += child->nr_mappings;
	if (child->transaction_id > h->transaction_id)
		h->transaction_id = child->transaction_id;
	if (child->time > h->time)
		h->time = child->time;
}

/* The index of what the tree below block says, which may not be whole.  -ENOMEM. */
/* NOLINTNEXTLINE(misc-no-recursion): at most BTREE_MAX_DEPTH deep */
static int64_t read_half(struct listing *l, struct halves *halves, uint64_t block,
			 unsigned int depth)
{
	uint8_t *raw = l->raws + (size_t)depth * MD_BLOCK_SIZE;
	const uint32_t size = halves->kind == KIND_DETAILS ? DETAILS_SIZE : MAPPING_VALUE_SIZE;
	struct half h = { .block = block }, *grown;
	struct node_fault ignored;
	struct btree_node n;
	uint64_t *index = u64_map_at(&halves->at, block);

	if (!index)
		return -ENOMEM;
	if (*index)
		return (int64_t)*index - 1;
	h.whole = depth < BTREE_MAX_DEPTH && block < l->s->nr_blocks &&
		  (l->s->shapes[block] == SHAPE_INTERNAL ||
		   l->s->shapes[block] == (halves->kind == KIND_DETAILS ? SHAPE_DETAILS_LEAF
									: SHAPE_TOP_LEVEL_LEAF)) &&
		  !block_read(l->s->overlay, block, raw) &&
		  !btree_node_decode(raw, block, size, &n, &ignored) &&
		  n.first_unsorted == n.nr_entries;
	for (uint32_t i = 0; h.whole && i < n.nr_entries; i++) {
		int64_t child;

		if (n.leaf) {
			add_entry(l, halves->kind, &n, i, &h);
			continue;
		}
		child = read_half(l, halves, btree_node_u64(&n, i), depth + 1);
		if (child < 0)
			return child;
		add_half(&h, &halves->items[child]);
	}
	grown = alloc_grow(halves->items, &halves->capacity, halves->nr, sizeof(*grown));
	index = u64_map_at(&halves->at, block);
	if (grown)
		halves->items = grown;
	if (!grown || !index)
		return -ENOMEM;
	grown[halves->nr++] = h;
	*index = halves->nr;
	return (int64_t)halves->nr - 1;
}

static int read_halves(struct listing *l, struct halves *halves)
{
	for (uint64_t b = 1; b < l->s->nr_blocks; b++) {
		if (salvage_kind_of(l->s, b, l->raws) == halves->kind &&
		    read_half(l, halves, b, 0) < 0)
			return -ENOMEM;
	}
	return 0;
}

/* ---- what became of their data blocks */

typedef void (*value_fn)(struct listing *l, uint64_t block, uint64_t key, uint64_t value,
			 int *ret_error);

static void note_older(struct listing *l, uint64_t block, uint64_t key, uint64_t value,
		       int *ret_error)
{
	(void)block;
	(void)key;
	(void)ret_error;
	bitset_set(&l->older, mapping_data_block(value));
}

static void note_live(struct listing *l, uint64_t block, uint64_t key, uint64_t value,
		      int *ret_error)
{
	uint64_t *owner;

	(void)block;
	if (!bitset_test(&l->older, mapping_data_block(value)))
		return;
	owner = u64_map_at(&l->live_at, mapping_data_block(value));
	if (owner)
		*owner = hash(key, mapping_time(value));
	else
		*ret_error = -ENOMEM;
}

static void note_reused(struct listing *l, uint64_t block, uint64_t key, uint64_t value,
			int *ret_error)
{
	const uint64_t *owner = u64_map_find(&l->live_at, mapping_data_block(value));

	(void)ret_error;
	if (!l->reused[block])
		l->reused[block] = 1;
	l->reused[block] += owner && *owner != hash(key, mapping_time(value));
}

struct pass {
	struct listing *l;
	value_fn fn;
};

static int visit_leaf(void *context, uint64_t block, const void *raw, int error)
{
	struct pass *p = context;
	struct node_fault ignored;
	struct btree_node leaf;
	int r = 0;

	if (error || btree_node_decode(raw, block, MAPPING_VALUE_SIZE, &leaf, &ignored))
		return 0;
	for (uint32_t i = 0; i < leaf.nr_entries && !r; i++)
		p->fn(p->l, block, btree_node_key(&leaf, i), btree_node_u64(&leaf, i), &r);
	return r;
}

/* Every whole mapping leaf that is live, or that is not. */
static int visit_leaves(struct listing *l, bool live, value_fn fn)
{
	struct pass p = { l, fn };
	struct bitset leaves;
	int r = bitset_init(&leaves, l->s->nr_blocks);

	for (uint64_t b = 1; b < l->s->nr_blocks && !r; b++) {
		if (l->s->shapes[b] == SHAPE_MAPPING_LEAF && bitset_test(&l->live, b) == live)
			bitset_set(&leaves, b);
	}
	if (!r)
		r = block_reader_run(l->s->reader, &leaves, visit_leaf, &p);
	bitset_destroy(&leaves);
	return r;
}

static int count_reused(struct listing *l)
{
	const struct salvage *s = l->s;
	int r = bitset_init(&l->live, s->nr_blocks);

	for (size_t i = 0; i < s->nr_live && !r; i++) {
		if (s->table.nodes[i].kind == KIND_MAPPING && s->table.nodes[i].leaf)
			bitset_set(&l->live, s->table.nodes[i].block);
	}
	l->reuse_known =
		l->live.nr_set && s->sb.data_space_map.nr_blocks <= MAX_COUNTED_DATA_BLOCKS;
	if (r || !l->reuse_known)
		return r;
	r = bitset_init(&l->older, s->sb.data_space_map.nr_blocks);
	if (!r)
		r = visit_leaves(l, false, note_older);
	if (!r)
		r = visit_leaves(l, true, note_live);
	return r ? r : visit_leaves(l, false, note_reused);
}

static void find_outdated(struct listing *l)
{
	for (uint64_t b = 0; b < l->s->nr_blocks; b++) {
		if (l->s->shapes[b] == SHAPE_MAPPING_LEAF)
			l->outdated[b] = 1u + (l->s->counts[b] ? 0u : l->s->nr_entries[b]);
	}
}

/* ---- the pairs */

static int by_signature(const void *a, const void *b)
{
	const struct half *ha = a, *hb = b;

	if (ha->signature != hb->signature)
		return ha->signature < hb->signature ? -1 : 1;
	return (ha->block > hb->block) - (ha->block < hb->block);
}

static int add_pair(struct listing *l, const struct half *m, const struct half *d)
{
	const struct superblock *sb = &l->s->sb;
	struct candidate_list *list = l->list;
	struct candidate *grown;

	if (list->nr >= MAX_CANDIDATES) {
		list->nr_left_out++;
		return 0;
	}
	grown = alloc_grow(list->items, &list->capacity, list->nr, sizeof(*grown));
	if (!grown)
		return -ENOMEM;
	list->items = grown;
	grown[list->nr++] = (struct candidate){
		.mapping_root = m->block,
		.details_root = d->block,
		.transaction_id = d->transaction_id,
		.time = d->time,
		.nr_devices = d->nr_devices,
		.nr_mappings = d->nr_mappings,
		.nr_outdated = salvage_sum_below(l->s, l->outdated, l->raws, m->block, 0),
		.nr_reused = l->reuse_known
				     ? salvage_sum_below(l->s, l->reused, l->raws, m->block, 0)
				     : UINT64_MAX,
		.current = m->block == sb->mapping_root && d->block == sb->details_root &&
			   !l->s->result->superblock_found_out,
		.damaged = m->signature != d->signature || m->nr_mappings != d->nr_mappings,
	};
	return 0;
}

static const struct half *half_at(const struct halves *h, uint64_t block)
{
	const uint64_t *index = u64_map_find(&h->at, block);

	return index && *index && h->items[*index - 1].whole ? &h->items[*index - 1] : NULL;
}

/* What the superblock leads to, though something is lost below; before the halves are sorted. */
static int add_current(struct listing *l)
{
	const struct half *m = half_at(&l->mappings, l->s->sb.mapping_root);
	const struct half *d = half_at(&l->details, l->s->sb.details_root);

	return m && d && d->nr_devices ? add_pair(l, m, d) : 0;
}

static void sort_halves(struct halves *h)
{
	if (h->nr)
		qsort(h->items, h->nr, sizeof(*h->items), by_signature);
}

static bool is_current(const struct listing *l, const struct half *m, const struct half *d)
{
	return m->block == l->s->sb.mapping_root && d->block == l->s->sb.details_root;
}

static int join(struct listing *l)
{
	const struct halves *m = &l->mappings, *d = &l->details;
	size_t first = 0;
	int r = 0;

	for (size_t i = 0; i < m->nr && !r; i++) {
		while (first < d->nr && d->items[first].signature < m->items[i].signature)
			first++;
		for (size_t j = first;
		     j < d->nr && !r && d->items[j].signature == m->items[i].signature; j++) {
			if (m->items[i].whole && d->items[j].whole && d->items[j].nr_devices &&
			    m->items[i].nr_mappings == d->items[j].nr_mappings &&
			    !is_current(l, &m->items[i], &d->items[j]))
				r = add_pair(l, &m->items[i], &d->items[j]);
		}
	}
	return r;
}

static int newest_first(const void *a, const void *b)
{
	const struct candidate *ca = a, *cb = b;

	if (ca->current != cb->current)
		return ca->current ? -1 : 1;
	if (ca->time != cb->time)
		return ca->time > cb->time ? -1 : 1;
	if (ca->transaction_id != cb->transaction_id)
		return ca->transaction_id > cb->transaction_id ? -1 : 1;
	if (ca->nr_outdated != cb->nr_outdated)
		return ca->nr_outdated < cb->nr_outdated ? -1 : 1;
	if (ca->nr_reused != cb->nr_reused)
		return ca->nr_reused < cb->nr_reused ? -1 : 1;
	if (ca->nr_mappings != cb->nr_mappings)
		return ca->nr_mappings > cb->nr_mappings ? -1 : 1;
	return (ca->mapping_root > cb->mapping_root) - (ca->mapping_root < cb->mapping_root);
}

/* Commits with equal contents match crosswise: a pair whose both roots came before adds nothing. */
static int drop_crosswise(struct candidate_list *list)
{
	struct u64_map seen = { 0 };
	size_t nr = 0;
	int r = 0;

	for (size_t i = 0; i < list->nr && !r; i++) {
		const struct candidate c = list->items[i];
		uint64_t *details = u64_map_at(&seen, c.details_root);
		bool is_new = details && !*details;
		uint64_t *mapping;

		if (details)
			*details = 1;
		mapping = u64_map_at(&seen, c.mapping_root);
		if (!details || !mapping)
			r = -ENOMEM;
		else if (is_new || !*mapping)
			list->items[nr++] = c;
		if (mapping)
			*mapping = 1;
	}
	u64_map_destroy(&seen);
	list->nr = nr;
	return r;
}

static void close_halves(struct halves *h)
{
	alloc_free(h->items);
	u64_map_destroy(&h->at);
}

static void close_listing(struct listing *l)
{
	close_halves(&l->mappings);
	close_halves(&l->details);
	alloc_free(l->values);
	alloc_free(l->reused);
	alloc_free(l->outdated);
	alloc_free(l->raws);
	bitset_destroy(&l->older);
	bitset_destroy(&l->live);
	u64_map_destroy(&l->live_at);
}

int salvage_list_candidates(struct salvage *s, struct candidate_list *list)
{
	struct listing l = { .s = s,
			     .list = list,
			     .mappings = { .kind = KIND_TOP_LEVEL },
			     .details = { .kind = KIND_DETAILS } };
	int r = 0;

	l.values = alloc_array(s->nr_blocks, sizeof(*l.values));
	l.reused = alloc_array(s->nr_blocks, sizeof(*l.reused));
	l.outdated = alloc_array(s->nr_blocks, sizeof(*l.outdated));
	l.raws = alloc_aligned((size_t)2 * BTREE_MAX_DEPTH * MD_BLOCK_SIZE);
	if (!l.values || !l.reused || !l.outdated || !l.raws)
		r = -ENOMEM;
	if (!r) {
		salvage_sum_entries(s, l.values);
		r = read_halves(&l, &l.mappings);
	}
	if (!r)
		r = read_halves(&l, &l.details);
	if (!r) {
		find_outdated(&l);
		r = count_reused(&l);
	}
	if (!r)
		r = add_current(&l);
	if (!r) {
		sort_halves(&l.mappings);
		sort_halves(&l.details);
		r = join(&l);
	}
	if (list->nr)
		qsort(list->items, list->nr, sizeof(*list->items), newest_first);
	if (!r)
		r = drop_crosswise(list);
	close_listing(&l);
	return r;
}

void candidate_list_destroy(struct candidate_list *list)
{
	alloc_free(list->items);
	*list = (struct candidate_list){ 0 };
}
