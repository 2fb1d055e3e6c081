/* SPDX-License-Identifier: MIT
 * salvage_adopt.c: what stood below nodes that are lost.
 *
 * The last commit counted every reference.  A node that is counted more often than anybody whom we
 * can read refers to it hung below a node that is lost: it is a candidate for the holes that its
 * keys and its height fit, and the number of mappings that a device should have is the proof.
 */
#include <errno.h>
#include <stdlib.h>

#include "common/base/alloc.h"
#include "common/thin/salvage_internal.h"

enum {
	MAX_HEIGHT = BTREE_MAX_DEPTH,
	MAX_WAYS = 1 << 26, /* sums that are looked at for one hole: bytes of memory */
};

struct key_range {
	uint64_t begin, end; /* end 0: nobody leads there */
};

struct adoption {
	struct salvage *s;
	struct key_range *ranges; /* owned, by node: the keys that its parents leave for it */
	uint32_t *holes_in;       /* owned, by device: how many holes its tree has */
	uint32_t *candidates;     /* owned: nodes that somebody misses, by first key */
	size_t nr_candidates;
	bool tangled;      /* the children of the node that is visited */
	uint32_t *fitting; /* owned: those that fit the hole under consideration */
	size_t nr_fitting;
};

static struct node *node_at(const struct adoption *a, size_t i)
{
	return &a->s->table.nodes[i];
}

/* ---- what is missing, and where */

static int by_first_key(const void *x, const void *y, void *context)
{
	const struct node *nodes = context;
	uint64_t kx = nodes[*(const uint32_t *)x].first_key;
	uint64_t ky = nodes[*(const uint32_t *)y].first_key;

	return (kx > ky) - (kx < ky);
}

static void push_down(struct adoption *a, size_t parent, size_t child, uint64_t begin, uint64_t end)
{
	struct key_range *range = &a->ranges[child];

	if (begin < a->ranges[parent].begin)
		begin = a->ranges[parent].begin;
	if (end > a->ranges[parent].end)
		end = a->ranges[parent].end;
	if (!range->end) {
		*range = (struct key_range){ begin, end };
	} else {
		range->begin = begin > range->begin ? begin : range->begin;
		range->end = end < range->end ? end : range->end;
	}
	node_table_inherit(&a->s->table, parent, child);
}

static int add_hole(struct adoption *a, const struct hole *h)
{
	struct salvage *s = a->s;
	struct hole *grown = alloc_grow(s->holes, &s->holes_capacity, s->nr_holes, sizeof(*grown));
	uint64_t *index;

	if (!grown)
		return -ENOMEM;
	s->holes = grown;
	grown[s->nr_holes++] = *h;
	index = u64_map_at(&s->hole_at, hole_key(h->node, h->slot));
	if (!index)
		return -ENOMEM;
	*index = s->nr_holes;
	return 0;
}

static int note_lost_node(struct adoption *a, size_t node, int height)
{
	struct hole h = { .node = (uint32_t)node, .slot = WHOLE_NODE, .height = height };
	struct hole *known = hole_at(a->s, node, WHOLE_NODE);

	if (!known)
		return add_hole(a, &h);
	if (known->height < 0)
		known->height = height;
	return 0;
}

/*
 * The entry leads to something that does not belong there: the block is whole but something else,
 * or its height or all of its keys are those of another place, or some keys are and the last commit
 * does not count it.
 */
static bool misled(const struct adoption *a, size_t parent, size_t child, uint64_t begin,
		   uint64_t end)
{
	const struct node *p = node_at(a, parent), *c = node_at(a, child);

	bool before = c->first_key < begin, behind = end != RANGE_OPEN && c->last_key >= end;

	if (!c->block || child == parent)
		return true;
	if (c->bad)
		return a->s->shapes[c->block] != SHAPE_NONE;
	if (p->height && c->height + 1 != p->height)
		return true;
	if (!c->nr_values)
		return false;
	if (!a->s->counts[c->block])
		return before || behind;
	return a->tangled && (c->last_key < begin || (end != RANGE_OPEN && c->first_key >= end));
}

static int visit_slot(struct adoption *a, size_t parent, const struct btree_node *p, uint32_t slot)
{
	int height = node_at(a, parent)->height ? node_at(a, parent)->height - 1 : -1;
	uint64_t begin = btree_node_key(p, slot), end = a->ranges[parent].end;
	int64_t child = node_table_find(&a->s->table, btree_node_u64(p, slot), KIND_MAPPING);

	if (slot + 1 < p->nr_entries && btree_node_key(p, slot + 1) < end)
		end = btree_node_key(p, slot + 1);
	if (child < 0 || misled(a, parent, (size_t)child, begin, end)) {
		struct hole h = { .node = (uint32_t)parent, .slot = slot, .height = height };

		h.begin = begin;
		h.end = end;
		if (child >= 0 && !node_at(a, (size_t)child)->bad)
			h.nr_foreign = node_at(a, (size_t)child)->nr_values;
		return add_hole(a, &h);
	}
	push_down(a, parent, (size_t)child, begin, end);
	return node_at(a, (size_t)child)->bad ? note_lost_node(a, (size_t)child, height) : 0;
}

/* Children that would not be in order even if they changed places: some are not those of this node.
 */
static bool is_tangled(const struct adoption *a, const struct btree_node *p)
{
	uint32_t children[BTREE_MAX_ENTRIES], nr = 0;

	for (uint32_t i = 0; i < p->nr_entries; i++) {
		int64_t child = node_table_find(&a->s->table, btree_node_u64(p, i), KIND_MAPPING);

		if (child >= 0 && !node_at(a, (size_t)child)->bad &&
		    node_at(a, (size_t)child)->nr_values)
			children[nr++] = (uint32_t)child;
	}
	qsort_r(children, nr, sizeof(*children), by_first_key, a->s->table.nodes);
	for (uint32_t i = 1; i < nr; i++) {
		if (node_at(a, children[i])->first_key <= node_at(a, children[i - 1])->last_key)
			return true;
	}
	return false;
}

static int visit_node(struct adoption *a, size_t node)
{
	const struct node *n = node_at(a, node);
	struct btree_node p;
	int r = 0;

	if (n->bad || n->leaf || n->kind != KIND_MAPPING || !a->ranges[node].end)
		return 0;
	p = node_table_decoded(&a->s->table, n);
	a->tangled = is_tangled(a, &p);
	for (uint32_t i = 0; i < p.nr_entries && !r; i++)
		r = visit_slot(a, node, &p, i);
	return r;
}

/* Parents come before children, so that each knows its range. */
static int visit_all(struct adoption *a)
{
	int r = 0;

	for (int height = MAX_HEIGHT; height >= 0 && !r; height--) {
		for (size_t i = 0; i < a->s->table.nr_nodes && !r; i++) {
			if (node_at(a, i)->height == height)
				r = visit_node(a, i);
		}
	}
	return r;
}

/* Nodes that nobody leads to are roots for now. */
static void begin_orphans(struct adoption *a)
{
	for (size_t i = a->s->nr_held; i < a->s->table.nr_nodes; i++) {
		if (node_at(a, i)->kind == KIND_MAPPING &&
		    !ref_counts_get(&a->s->table.refs, node_at(a, i)->block))
			a->ranges[i] = (struct key_range){ 0, RANGE_OPEN };
	}
}

static int begin_roots(struct adoption *a)
{
	int r = 0;

	for (size_t d = 0; d < a->s->nr_devices && !r; d++) {
		const struct salvage_device *device = &a->s->devices[d];
		int64_t root;

		if (!device->has_root)
			continue;
		root = node_table_find(&a->s->table, device->root, KIND_MAPPING);
		a->ranges[root] = (struct key_range){ 0, RANGE_OPEN };
		node_at(a, (size_t)root)->owner =
			node_at(a, (size_t)root)->owner == NO_OWNER ? (uint32_t)d : MANY_OWNERS;
		if (node_at(a, (size_t)root)->bad)
			r = note_lost_node(a, (size_t)root, -1);
	}
	return r;
}

static void settle_holes(struct adoption *a)
{
	for (size_t i = 0; i < a->s->nr_holes; i++) {
		struct hole *h = &a->s->holes[i];

		h->owner = node_at(a, h->node)->owner;
		if (h->slot == WHOLE_NODE) {
			h->begin = a->ranges[h->node].begin;
			h->end = a->ranges[h->node].end;
		}
		if (h->owner < a->s->nr_devices)
			a->holes_in[h->owner]++;
	}
}

/* ---- who could have stood there */

static int find_candidates(struct adoption *a)
{
	const struct salvage *s = a->s;

	a->candidates = alloc_array(s->table.nr_nodes, sizeof(*a->candidates));
	a->fitting = alloc_array(s->table.nr_nodes, sizeof(*a->fitting));
	if (!a->candidates || !a->fitting)
		return -ENOMEM;
	for (size_t i = 0; i < s->table.nr_nodes; i++) {
		const struct node *n = node_at(a, i);
		bool held_only = i >= s->nr_live && i < s->nr_held;

		if (n->kind == KIND_MAPPING && !n->bad && !held_only && n->nr_values &&
		    s->deficit[i])
			a->candidates[a->nr_candidates++] = (uint32_t)i;
	}
	qsort_r(a->candidates, a->nr_candidates, sizeof(*a->candidates), by_first_key,
		s->table.nodes);
	return 0;
}

/* Are there mappings below that the device would overwrite although others have them too? */
static bool shared_against_time(const struct adoption *a, const struct hole *h, size_t candidate)
{
	const struct salvage *s = a->s;
	const struct salvage_device *d;
	bool shared = s->deficit[candidate] > 1 ||
		      ref_counts_get(&s->table.refs, node_at(a, candidate)->block);

	if (h->owner >= s->nr_devices)
		return false;
	d = &s->devices[h->owner];
	return d->has_details &&
	       salvage_latest_shared(s, candidate, shared) > d->details.snapshotted_time;
}

/* height: of what is lost. */
static bool fits(const struct adoption *a, const struct hole *h, int height, uint32_t candidate)
{
	const struct node *n = node_at(a, candidate);
	int wanted = h->slot == WHOLE_NODE ? height - 1 : height;

	return a->s->deficit[candidate] && n->height == wanted && n->first_key >= h->begin &&
	       (n->last_key < h->end || h->end == RANGE_OPEN) && n->max_time <= a->s->sb.time &&
	       n->block != node_at(a, h->node)->block && !shared_against_time(a, h, candidate);
}

static void find_fitting(struct adoption *a, const struct hole *h, int height)
{
	a->nr_fitting = 0;
	for (size_t i = 0; i < a->nr_candidates; i++) {
		if (fits(a, h, height, a->candidates[i]))
			a->fitting[a->nr_fitting++] = a->candidates[i];
	}
}

/* How many mappings the hole has to bring, or UINT64_MAX: not known. */
static uint64_t needed(const struct adoption *a, const struct hole *h)
{
	const struct salvage_device *d;
	int64_t root;
	uint64_t known;

	if (h->owner >= a->s->nr_devices || a->holes_in[h->owner] != 1)
		return UINT64_MAX;
	d = &a->s->devices[h->owner];
	root = node_table_find(&a->s->table, d->root, KIND_MAPPING);
	if (!d->has_details || root < 0)
		return UINT64_MAX;
	known = node_at(a, (size_t)root)->bad ? 0 : node_at(a, (size_t)root)->nr_values;
	known -= known < h->nr_foreign ? known : h->nr_foreign;
	return d->details.mapped_blocks > known ? d->details.mapped_blocks - known : UINT64_MAX;
}

static bool disjoint(const struct adoption *a)
{
	for (size_t i = 1; i < a->nr_fitting; i++) {
		if (node_at(a, a->fitting[i])->first_key <= node_at(a, a->fitting[i - 1])->last_key)
			return false;
	}
	return true;
}

static uint64_t total(const struct adoption *a)
{
	uint64_t sum = 0;

	for (size_t i = 0; i < a->nr_fitting; i++)
		sum += node_at(a, a->fitting[i])->nr_values;
	return sum;
}

/* No node has more children than there is room for: then they are not those of one node. */
static bool too_many(const struct adoption *a)
{
	return a->nr_fitting > btree_max_entries(BTREE_CHILD_SIZE);
}

static int note_adoption(struct adoption *a, const struct hole *h, enum salvage_evidence evidence)
{
	const struct salvage *s = a->s;
	struct salvage_result *result = s->result;
	struct salvage_adoption *grown = alloc_grow(result->adoptions, &result->adoptions_capacity,
						    result->nr_adoptions, sizeof(*grown));

	if (!grown)
		return -ENOMEM;
	result->adoptions = grown;
	if (result->nr_adoptions == SALVAGE_MAX_LOSSES)
		return 0;
	grown[result->nr_adoptions++] = (struct salvage_adoption){
		.block = node_at(a, h->node)->block,
		.first_child = node_at(a, h->children[0])->block,
		.nr_children = h->nr_children,
		.device = h->owner < s->nr_devices ? s->devices[h->owner].id : NO_DEVICE,
		.evidence = s->nr_hidden ? EVIDENCE_LIKELIHOOD : evidence,
	};
	return 0;
}

/* With those that fit. */
static int fill(struct adoption *a, struct hole *h, enum salvage_evidence evidence)
{
	const size_t nr = a->nr_fitting;

	h->children = alloc_array(nr, sizeof(*h->children));
	if (!h->children)
		return -ENOMEM;
	for (size_t i = 0; i < nr; i++) {
		h->children[i] = a->fitting[i];
		a->s->deficit[a->fitting[i]]--;
	}
	h->nr_children = (uint32_t)nr;
	h->filled = true;
	a->s->result->nr_adopted += nr;
	a->s->result->nr_guessed += a->s->nr_hidden ? nr : 0;
	return note_adoption(a, h, evidence);
}

/* ---- choosing some of them so that the number of mappings is right */

/* ways[i][sum]: in how many ways, 2 for several, do disjoint ones from number i on add up to sum?
 */
struct choice {
	const struct adoption *a;
	uint64_t sum;
	uint8_t *ways; /* owned: nr_fitting + 1 rows of sum + 1 */
	size_t *next;  /* owned: the first one that lies behind number i */
};

static uint8_t *ways_from(const struct choice *c, size_t i)
{
	return c->ways + i * (c->sum + 1);
}

static void find_next(struct choice *c)
{
	const struct adoption *a = c->a;

	for (size_t i = 0; i < a->nr_fitting; i++) {
		size_t j = i + 1;

		while (j < a->nr_fitting &&
		       node_at(a, a->fitting[j])->first_key <= node_at(a, a->fitting[i])->last_key)
			j++;
		c->next[i] = j;
	}
}

static void count_ways(struct choice *c)
{
	ways_from(c, c->a->nr_fitting)[0] = 1;
	for (size_t i = c->a->nr_fitting; i-- > 0;) {
		const uint8_t *without = ways_from(c, i + 1), *with = ways_from(c, c->next[i]);
		uint64_t values = node_at(c->a, c->a->fitting[i])->nr_values;

		for (uint64_t sum = 0; sum <= c->sum; sum++) {
			unsigned int nr = without[sum];

			nr += sum >= values ? with[sum - values] : 0u;
			ways_from(c, i)[sum] = (uint8_t)(nr < 2 ? nr : 2);
		}
	}
}

/* Keep those of the one way that there is. */
static void take_the_way(struct adoption *a, const struct choice *c)
{
	uint64_t sum = c->sum;
	size_t i = 0, nr = 0;

	while (sum && i < a->nr_fitting) {
		uint64_t values = node_at(a, a->fitting[i])->nr_values;

		if (values <= sum && ways_from(c, c->next[i])[sum - values]) {
			size_t next = c->next[i];

			a->fitting[nr++] = a->fitting[i];
			sum -= values;
			i = next;
		} else {
			i++;
		}
	}
	a->nr_fitting = nr;
}

static int choose_some(struct adoption *a, uint64_t sum, bool *ret_found)
{
	struct choice c = { .a = a, .sum = sum };

	c.ways = alloc_array(a->nr_fitting + 1, sum + 1);
	c.next = alloc_array(a->nr_fitting, sizeof(*c.next));
	if (c.ways && c.next) {
		find_next(&c);
		count_ways(&c);
		*ret_found = ways_from(&c, 0)[sum] == 1;
		if (*ret_found)
			take_the_way(a, &c);
	}
	alloc_free(c.ways);
	alloc_free(c.next);
	return c.ways && c.next ? 0 : -ENOMEM;
}

/* Reduce what fits to the only selection with that sum.  *ret_found: there is exactly one. */
static int choose(struct adoption *a, uint64_t sum, bool *ret_found)
{
	*ret_found = disjoint(a) && total(a) == sum;
	if (*ret_found || total(a) < sum || sum >= MAX_WAYS / (a->nr_fitting + 1))
		return 0;
	return choose_some(a, sum, ret_found);
}

/* A lost leaf has nothing below; a root may have any height. */
static bool nothing_below(const struct hole *h)
{
	return h->slot == WHOLE_NODE && h->height == 0;
}

static int first_height(const struct hole *h)
{
	if (h->height >= 0)
		return h->height;
	return h->slot == WHOLE_NODE ? 1 : 0;
}

static int last_height(const struct hole *h)
{
	return h->height >= 0 ? h->height : MAX_HEIGHT;
}

/* Does anybody else want one of those that fit, so that there are not enough? */
static bool contested(const struct adoption *a, const struct hole *h)
{
	for (size_t i = 0; i < a->nr_fitting; i++) {
		uint32_t nr = 0;

		for (size_t o = 0; o < a->s->nr_holes; o++) {
			const struct hole *other = &a->s->holes[o];
			bool wants = false;

			if (other == h || other->filled || nothing_below(other))
				continue;
			for (int height = first_height(other);
			     height <= last_height(other) && !wants; height++)
				wants = fits(a, other, height, a->fitting[i]);
			nr += wants;
		}
		if (nr >= a->s->deficit[a->fitting[i]])
			return true;
	}
	return false;
}

/* Where the device's details say how many mappings there have to be, and one way gives them. */
static int fill_exactly(struct adoption *a, struct hole *h, bool *ret_progress)
{
	uint64_t sum = needed(a, h);
	int fitting_height = -1, r = 0;
	size_t nr_all;

	if (sum == UINT64_MAX)
		return 0;
	for (int height = first_height(h); height <= last_height(h) && !r; height++) {
		bool found;

		find_fitting(a, h, height);
		r = choose(a, sum, &found);
		if (!found || r)
			continue;
		if (fitting_height >= 0)
			return 0; /* two heights, two ways */
		fitting_height = height;
	}
	if (r || fitting_height < 0)
		return r;
	find_fitting(a, h, fitting_height);
	nr_all = a->nr_fitting;
	r = choose(a, sum, ret_progress);
	/* A sum may come about by chance, where something of the device is lost as well. */
	if (r || !*ret_progress || too_many(a) || (h->slot != WHOLE_NODE && a->nr_fitting != 1) ||
	    (a->nr_fitting != nr_all && contested(a, h))) {
		*ret_progress = false;
		return r;
	}
	return fill(a, h, EVIDENCE_NUMBERS);
}

/* Where nobody else can have lost them. */
static int fill_plausibly(struct adoption *a, struct hole *h, bool *ret_progress)
{
	uint64_t sum = needed(a, h);
	int fitting_height = -1;

	for (int height = first_height(h); height <= last_height(h); height++) {
		find_fitting(a, h, height);
		if (!a->nr_fitting)
			continue;
		if (fitting_height >= 0)
			return 0;
		fitting_height = height;
	}
	if (fitting_height < 0)
		return 0;
	find_fitting(a, h, fitting_height);
	if (!disjoint(a) || too_many(a) || total(a) > sum || contested(a, h) ||
	    (h->slot != WHOLE_NODE && a->nr_fitting != 1))
		return 0;
	*ret_progress = true;
	return fill(a, h, EVIDENCE_ONLY_WAY);
}

typedef int (*fill_fn)(struct adoption *a, struct hole *h, bool *ret_progress);

static int try_all(struct adoption *a, fill_fn how, bool *ret_progress)
{
	int r = 0;

	for (size_t i = 0; i < a->s->nr_holes && !r; i++) {
		bool progress = false;

		if (a->s->holes[i].filled || nothing_below(&a->s->holes[i]))
			continue;
		r = how(a, &a->s->holes[i], &progress);
		*ret_progress |= progress;
	}
	return r;
}

/* What one hole takes is gone for the others, which may settle them in turn. */
static int fill_all(struct adoption *a)
{
	bool progress = true;
	int r = 0;

	while (progress && !r) {
		progress = false;
		r = try_all(a, fill_exactly, &progress);
		if (!r && !progress)
			r = try_all(a, fill_plausibly, &progress);
	}
	return r;
}

static int prepare(struct adoption *a)
{
	size_t nr = a->s->table.nr_nodes;

	a->ranges = alloc_array(nr, sizeof(*a->ranges));
	a->holes_in = alloc_array(a->s->nr_devices, sizeof(*a->holes_in));
	return a->ranges && a->holes_in ? 0 : -ENOMEM;
}

int salvage_adopt(struct salvage *s)
{
	struct adoption a = { .s = s };
	int r = prepare(&a);

	if (!r) {
		begin_orphans(&a);
		r = begin_roots(&a);
	}
	if (!r)
		r = visit_all(&a);
	if (!r) {
		settle_holes(&a);
		r = find_candidates(&a);
	}
	/* What nobody leads to may belong below what nobody knows of. */
	if (!r && s->nr_holes && (!s->nr_hidden || s->options->aggressive))
		r = fill_all(&a);
	alloc_free(a.ranges);
	alloc_free(a.holes_in);
	alloc_free(a.candidates);
	alloc_free(a.fitting);
	return r;
}
