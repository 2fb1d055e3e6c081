/* SPDX-License-Identifier: MIT
 * salvage_match.c: which mapping tree belongs to which device, where the tree that says so is lost.
 *
 * The roots are the nodes that the last commit counted and that nobody refers to.  A root fits a
 * device that has as many mappings and whose last snapshot is younger than what the tree shares.
 * What is left is told by earlier versions of the lost tree: a device whose root is still in use
 * has it still, unless somebody who did not exist then could have it now.
 */
#include <errno.h>
#include <stdlib.h>

#include "common/base/alloc.h"
#include "common/thin/salvage_internal.h"

#define MAX_COMPARISONS (UINT64_C(1) << 29) /* of devices with roots: some seconds */

struct root {
	uint32_t node;
	uint32_t uses;          /* how many devices have it */
	uint32_t latest_shared; /* salvage_latest_shared() */
};

/* An earlier version of a leaf of the top level. */
struct version {
	uint64_t block;
	uint32_t nr_hits; /* entries that still fit */
};

struct matching {
	struct salvage *s;
	struct root *roots; /* owned */
	size_t nr_roots;
	struct u64_map root_at; /* by block: 1 + index */
	uint32_t *devices;      /* owned: those without a root */
	size_t nr_devices;
	struct version *versions; /* owned, best first */
	size_t nr_versions, versions_capacity;
	void *raw;       /* owned */
	uint64_t budget; /* of comparisons */
};

static const struct node *node_of(const struct matching *m, const struct root *r)
{
	return &m->s->table.nodes[r->node];
}

/* ---- the roots */

static int find_roots(struct matching *m)
{
	const struct salvage *s = m->s;

	m->roots = alloc_array(s->table.nr_nodes, sizeof(*m->roots));
	if (!m->roots)
		return -ENOMEM;
	for (size_t i = 0; i < s->table.nr_nodes; i++) {
		const struct node *n = &s->table.nodes[i];
		uint64_t *index;
		bool shared = s->deficit[i] > 1 || ref_counts_get(&s->table.refs, n->block);

		if (n->kind != KIND_MAPPING || n->bad || !s->deficit[i])
			continue;
		index = u64_map_at(&m->root_at, n->block);
		if (!index)
			return -ENOMEM;
		*index = m->nr_roots + 1;
		m->roots[m->nr_roots++] =
			(struct root){ .node = (uint32_t)i,
				       .uses = s->deficit[i],
				       .latest_shared = salvage_latest_shared(s, i, shared) };
	}
	return 0;
}

/* ---- who could have it */

static bool fits(const struct matching *m, const struct root *r, const struct salvage_device *d)
{
	const struct node *n = node_of(m, r);

	if (!r->uses || d->has_root || !d->has_details)
		return false;
	/* A tree with holes may have had any number more. */
	if (n->incomplete ? n->nr_values > d->details.mapped_blocks
			  : n->nr_values != d->details.mapped_blocks)
		return false;
	return r->latest_shared <= d->details.snapshotted_time;
}

static void assign(struct matching *m, struct root *r, struct salvage_device *d,
		   enum salvage_evidence evidence)
{
	d->evidence = evidence;
	d->has_root = true;
	d->matched_root = true;
	d->root = node_of(m, r)->block;
	r->uses--;
	m->s->deficit[r->node]--;
}

/* A device that only one root fits. */
static bool match_devices(struct matching *m)
{
	bool progress = false;

	for (size_t i = 0; i < m->nr_devices; i++) {
		struct salvage_device *d = &m->s->devices[m->devices[i]];
		struct root *only = NULL;
		size_t nr = 0;

		for (size_t r = 0; r < m->nr_roots; r++) {
			if (!fits(m, &m->roots[r], d))
				continue;
			only = &m->roots[r];
			nr++;
		}
		if (nr != 1)
			continue;
		assign(m, only, d, EVIDENCE_NUMBERS);
		progress = true;
	}
	return progress;
}

/* A root that only as many devices can have as do have it. */
static bool match_roots(struct matching *m)
{
	bool progress = false;

	for (size_t r = 0; r < m->nr_roots; r++) {
		struct root *root = &m->roots[r];
		size_t nr = 0;

		for (size_t i = 0; i < m->nr_devices; i++)
			nr += fits(m, root, &m->s->devices[m->devices[i]]);
		if (!nr || nr != root->uses)
			continue;
		for (size_t i = 0; i < m->nr_devices; i++) {
			if (fits(m, root, &m->s->devices[m->devices[i]]))
				assign(m, root, &m->s->devices[m->devices[i]], EVIDENCE_NUMBERS);
		}
		progress = true;
	}
	return progress;
}

/*
 * As many roots as devices, nothing else that nobody refers to, and nothing lost that may have led
 * to these: then numbers and times tell whose each is.  Else some other root with the same number
 * of mappings may be lost.
 */
static bool all_accounted_for(const struct matching *m)
{
	uint64_t nr_uses = 0, nr_devices = 0;

	for (size_t r = 0; r < m->nr_roots; r++)
		nr_uses += m->roots[r].uses;
	for (size_t i = 0; i < m->nr_devices; i++)
		nr_devices += !m->s->devices[m->devices[i]].has_root;
	return !m->s->nr_hidden && nr_uses == nr_devices;
}

/* Comparing every device with every root takes long where there are many: it is not done for ever.
 */
static bool afford(struct matching *m)
{
	uint64_t cost = 3 * (uint64_t)m->nr_devices * m->nr_roots;

	if (m->budget < cost)
		return false;
	m->budget -= cost;
	return true;
}

static void propagate(struct matching *m)
{
	bool progress = all_accounted_for(m);

	while (progress && afford(m)) {
		progress = match_devices(m);
		progress |= match_roots(m);
	}
}

/* ---- earlier versions */

static struct root *root_in(const struct matching *m, uint64_t block)
{
	const uint64_t *index = u64_map_find(&m->root_at, block);

	return index && *index ? &m->roots[*index - 1] : NULL;
}

/* Devices come by ascending id. */
static struct salvage_device *device_with(const struct matching *m, uint64_t id)
{
	size_t low = 0, high = m->nr_devices;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (m->s->devices[m->devices[middle]].id < id)
			low = middle + 1;
		else
			high = middle;
	}
	return low < m->nr_devices && m->s->devices[m->devices[low]].id == id
		       ? &m->s->devices[m->devices[low]]
		       : NULL;
}

static int read_version(struct matching *m, uint64_t block, struct btree_node *ret_leaf)
{
	struct node_fault ignored;

	if (block_read(m->s->overlay, block, m->raw))
		return -EIO;
	return btree_node_decode(m->raw, block, MAPPING_VALUE_SIZE, ret_leaf, &ignored);
}

static uint32_t count_hits(struct matching *m, const struct btree_node *leaf)
{
	uint32_t nr = 0;

	for (uint32_t i = 0; i < leaf->nr_entries; i++) {
		const struct salvage_device *d = device_with(m, btree_node_key(leaf, i));
		const struct root *r = root_in(m, btree_node_u64(leaf, i));

		nr += d && r && fits(m, r, d);
	}
	return nr;
}

static int best_first(const void *a, const void *b)
{
	const struct version *va = a, *vb = b;

	return (va->nr_hits < vb->nr_hits) - (va->nr_hits > vb->nr_hits);
}

static int find_versions(struct matching *m)
{
	for (uint64_t b = 0; b < m->s->nr_blocks; b++) {
		struct version *grown;
		struct btree_node leaf;
		uint32_t nr;

		if (m->s->shapes[b] != SHAPE_TOP_LEVEL_LEAF || read_version(m, b, &leaf))
			continue;
		nr = count_hits(m, &leaf);
		if (!nr)
			continue;
		grown = alloc_grow(m->versions, &m->versions_capacity, m->nr_versions,
				   sizeof(*grown));
		if (!grown)
			return -ENOMEM;
		m->versions = grown;
		grown[m->nr_versions++] = (struct version){ b, nr };
	}
	if (m->nr_versions)
		qsort(m->versions, m->nr_versions, sizeof(*m->versions), best_first);
	return 0;
}

/* The root that a device has in a version, or NO_BLOCK. */
static uint64_t root_of(const struct btree_node *leaf, uint64_t id)
{
	for (uint32_t i = 0; i < leaf->nr_entries; i++) {
		if (btree_node_key(leaf, i) == id)
			return btree_node_u64(leaf, i);
	}
	return NO_BLOCK;
}

/*
 * Everybody who could have this root now existed when the version was written, and had it then no
 * more often than it is missed now.
 */
static bool knows_rivals(const struct matching *m, const struct btree_node *leaf,
			 const struct root *r)
{
	uint32_t nr_owners = 0;

	for (size_t i = 0; i < m->nr_devices; i++) {
		const struct salvage_device *d = &m->s->devices[m->devices[i]];
		uint64_t root;

		if (!fits(m, r, d))
			continue;
		root = root_of(leaf, d->id);
		if (root == NO_BLOCK)
			return false;
		nr_owners += root == node_of(m, r)->block;
	}
	return nr_owners <= r->uses;
}

static bool use_version(struct matching *m, uint64_t block)
{
	struct btree_node leaf;
	bool progress = false;

	if (read_version(m, block, &leaf))
		return false;
	for (uint32_t i = 0; i < leaf.nr_entries; i++) {
		struct salvage_device *d = device_with(m, btree_node_key(&leaf, i));
		struct root *r = root_in(m, btree_node_u64(&leaf, i));

		if (!d || !r || !fits(m, r, d) || !knows_rivals(m, &leaf, r))
			continue;
		assign(m, r, d, EVIDENCE_VERSION);
		progress = true;
	}
	return progress;
}

/* A tree that an earlier version names may still be in use for a metadata snapshot alone. */
static void use_versions(struct matching *m)
{
	for (size_t v = 0; v < m->nr_versions && !m->s->nr_held_lost; v++) {
		if (use_version(m, m->versions[v].block))
			propagate(m);
	}
}

/* ---- what stays undecided */

/* The likeliest way: the first that fits, whole trees first. */
static void guess(struct matching *m, bool incomplete)
{
	for (size_t i = 0; i < m->nr_devices; i++) {
		struct salvage_device *d = &m->s->devices[m->devices[i]];

		for (size_t r = 0; r < m->nr_roots && !d->has_root; r++) {
			if (node_of(m, &m->roots[r])->incomplete != incomplete ||
			    !fits(m, &m->roots[r], d))
				continue;
			assign(m, &m->roots[r], d, EVIDENCE_LIKELIHOOD);
			m->s->result->nr_guessed++;
		}
	}
}

/* Devices and roots that hang together: each fits one of the others. */
struct group {
	uint8_t *devices, *roots; /* owned: 1 in it, 2 in an earlier one */
	size_t *queue;            /* owned: devices of it whose roots are to be looked at */
	size_t nr_queued;
};

static void add_devices_of(struct matching *m, struct group *g, const struct root *root)
{
	for (size_t i = 0; i < m->nr_devices; i++) {
		if (g->devices[i] || !fits(m, root, &m->s->devices[m->devices[i]]))
			continue;
		g->devices[i] = 1;
		g->queue[g->nr_queued++] = i;
	}
}

/* Each device and each root is looked at once. */
static void find_group(struct matching *m, struct group *g, size_t first)
{
	g->nr_queued = 0;
	g->devices[first] = 1;
	g->queue[g->nr_queued++] = first;
	for (size_t n = 0; n < g->nr_queued; n++) {
		const struct salvage_device *d = &m->s->devices[m->devices[g->queue[n]]];

		for (size_t r = 0; r < m->nr_roots; r++) {
			if (g->roots[r] || !fits(m, &m->roots[r], d))
				continue;
			g->roots[r] = 1;
			add_devices_of(m, g, &m->roots[r]);
		}
	}
}

static void leave_group(struct matching *m, struct group *g)
{
	for (size_t n = 0; n < g->nr_queued; n++)
		g->devices[g->queue[n]] = 2;
	for (size_t r = 0; r < m->nr_roots; r++)
		g->roots[r] = g->roots[r] ? 2 : 0;
}

static int add_undecided(struct matching *m, const struct group *g)
{
	struct salvage *s = m->s;
	struct undecided *grown =
		alloc_grow(s->undecided, &s->undecided_capacity, s->nr_undecided, sizeof(*grown));
	struct undecided u = { .roots = alloc_array(m->nr_roots, sizeof(*u.roots)) };

	if (grown)
		s->undecided = grown;
	if (!grown || !u.roots) {
		alloc_free(u.roots);
		return -ENOMEM;
	}
	for (size_t r = 0; r < m->nr_roots; r++) {
		if (g->roots[r] != 1)
			continue;
		u.roots[u.nr_roots++] = m->roots[r].node;
		m->roots[r].uses = 0;
	}
	grown[s->nr_undecided++] = u;
	for (size_t n = 0; n < g->nr_queued; n++)
		s->devices[m->devices[g->queue[n]]].undecided = (uint32_t)s->nr_undecided;
	return 0;
}

static uint64_t nr_uses(const struct matching *m, const struct group *g)
{
	uint64_t nr = 0;

	for (size_t r = 0; r < m->nr_roots; r++)
		nr += g->roots[r] == 1 ? m->roots[r].uses : 0;
	return nr;
}

/* Everybody who could have a tree of device i's, if they have as many trees as they are. */
static int decide_nothing(struct matching *m, struct group *g, size_t i)
{
	int r = 0;

	find_group(m, g, i);
	if (g->nr_queued == nr_uses(m, g))
		r = add_undecided(m, g);
	leave_group(m, g);
	return r;
}

static int find_undecided(struct matching *m)
{
	struct group g = { .devices = alloc_array(m->nr_devices, 1),
			   .roots = alloc_array(m->nr_roots, 1),
			   .queue = alloc_array(m->nr_devices, sizeof(*g.queue)) };
	bool accounted = all_accounted_for(m) && afford(m);
	int r = g.devices && g.roots && g.queue ? 0 : -ENOMEM;

	for (size_t i = 0; i < m->nr_devices && accounted && !r; i++) {
		if (!m->s->devices[m->devices[i]].has_root && !g.devices[i])
			r = decide_nothing(m, &g, i);
	}
	alloc_free(g.devices);
	alloc_free(g.roots);
	alloc_free(g.queue);
	return r;
}

/* ---- all together */

static int collect_devices(struct matching *m)
{
	m->devices = alloc_array(m->s->nr_devices, sizeof(*m->devices));
	if (!m->devices)
		return -ENOMEM;
	for (size_t i = 0; i < m->s->nr_devices; i++) {
		if (!m->s->devices[i].has_root && m->s->devices[i].details.mapped_blocks)
			m->devices[m->nr_devices++] = (uint32_t)i;
	}
	return 0;
}

/* ---- devices of which nothing is left but their mappings */

/*
 * The newest snapshot that there ever was, told by earlier versions of the details.  A version of
 * the top level that names it is so young that nobody can have got a share of a tree since.
 * NO_DEVICE: not to be told, or no matter.
 */
static uint64_t newest_snapshot(struct matching *m)
{
	for (uint64_t b = 0; b < m->s->nr_blocks; b++) {
		struct node_fault ignored;
		struct btree_node leaf;

		if (m->s->shapes[b] != SHAPE_DETAILS_LEAF || block_read(m->s->overlay, b, m->raw) ||
		    btree_node_decode(m->raw, b, DETAILS_SIZE, &leaf, &ignored))
			continue;
		for (uint32_t i = 0; i < leaf.nr_entries; i++) {
			struct device_details d = device_details_decode(btree_node_value(&leaf, i));

			if (d.creation_time == m->s->sb.time)
				return btree_node_key(&leaf, i);
		}
	}
	return NO_DEVICE;
}

static uint32_t nr_with_root(const struct btree_node *leaf, uint64_t root)
{
	uint32_t nr = 0;

	for (uint32_t i = 0; i < leaf->nr_entries; i++)
		nr += btree_node_u64(leaf, i) == root;
	return nr;
}

static bool is_known(const struct salvage *s, uint64_t id)
{
	for (size_t i = 0; i < s->nr_devices; i++) {
		if (s->devices[i].id == id)
			return true;
	}
	return false;
}

static int add_device(struct matching *m, struct root *root, uint64_t id)
{
	struct salvage *s = m->s;
	struct salvage_device *grown =
		alloc_grow(s->devices, &s->devices_capacity, s->nr_devices, sizeof(*grown));

	if (!grown)
		return -ENOMEM;
	s->devices = grown;
	grown[s->nr_devices] = (struct salvage_device){ .id = id };
	assign(m, root, &grown[s->nr_devices++], EVIDENCE_VERSION);
	return 0;
}

static int take_devices(struct matching *m, const struct btree_node *leaf)
{
	int r = 0;

	for (uint32_t i = 0; i < leaf->nr_entries && !r; i++) {
		uint64_t id = btree_node_key(leaf, i), block = btree_node_u64(leaf, i);
		struct root *root = root_in(m, block);

		if (root && id <= MAX_DEV_ID && root->uses >= nr_with_root(leaf, block) &&
		    !is_known(m->s, id))
			r = add_device(m, root, id);
	}
	return r;
}

/*
 * Where both trees of devices are lost, what is still in use of the roots that an earlier version
 * names belongs to whom it names.
 */
static int find_unknown_devices(struct matching *m)
{
	uint64_t newest = NO_DEVICE;
	int r = 0;

	if (!m->s->details_lost || !m->s->top_level_lost || m->s->time_lost || m->s->nr_held_lost)
		return 0;
	if (m->s->sb.time) {
		newest = newest_snapshot(m);
		if (newest == NO_DEVICE)
			return 0;
	}
	for (uint64_t b = 0; b < m->s->nr_blocks && !r; b++) {
		struct btree_node leaf;

		if (m->s->shapes[b] == SHAPE_TOP_LEVEL_LEAF && !read_version(m, b, &leaf) &&
		    (newest == NO_DEVICE || root_of(&leaf, newest) != NO_BLOCK))
			r = take_devices(m, &leaf);
	}
	salvage_join_devices(m->s);
	return r;
}

static void count_homeless(struct matching *m)
{
	for (size_t i = 0; i < m->nr_roots; i++) {
		if (!m->roots[i].uses || !node_of(m, &m->roots[i])->nr_values)
			continue;
		m->s->result->nr_homeless += m->roots[i].uses;
		m->s->result->nr_homeless_mappings +=
			m->roots[i].uses * node_of(m, &m->roots[i])->nr_values;
	}
}

/*
 * Details that are lost: created and snapshotted now, so that whatever may be shared is copied
 * before it is written.
 */
static void rebuild_details(struct salvage *s)
{
	for (size_t i = 0; i < s->nr_devices; i++) {
		struct salvage_device *d = &s->devices[i];

		if (d->has_details)
			continue;
		d->rebuilt_details = true;
		d->details = (struct device_details){ .mapped_blocks = UINT64_MAX,
						      .transaction_id = s->sb.transaction_id,
						      .creation_time = s->sb.time,
						      .snapshotted_time = s->sb.time };
	}
}

int salvage_match_devices(struct salvage *s)
{
	struct matching m = { .s = s, .budget = MAX_COMPARISONS };
	int r = collect_devices(&m);

	if (!r && (m.nr_devices || s->details_lost || s->top_level_lost)) {
		m.raw = alloc_aligned(MD_BLOCK_SIZE);
		r = m.raw ? find_roots(&m) : -ENOMEM;
		if (!r) {
			propagate(&m);
			r = find_versions(&m);
		}
		if (!r) {
			use_versions(&m);
			if (s->options->aggressive) {
				guess(&m, false);
				guess(&m, true);
			}
			r = find_undecided(&m);
		}
		if (!r)
			r = find_unknown_devices(&m);
		if (!r)
			count_homeless(&m);
	}
	rebuild_details(s);
	alloc_free(m.roots);
	u64_map_destroy(&m.root_at);
	alloc_free(m.devices);
	alloc_free(m.versions);
	alloc_free(m.raw);
	return r;
}
