/* SPDX-License-Identifier: MIT
 * node_table.c: the table itself, and reading.  Linking and tracing: node_link.c.
 */
#include "common/pdata/node_table.h"

#include <errno.h>
#include <string.h>

#include "common/base/alloc.h"
#include "common/io/checksum.h"

int node_table_init(struct node_table *t, struct block_engine *e, struct block_reader *reader,
		    struct progress *progress, uint64_t nr_blocks)
{
	*t = (struct node_table){
		.engine = e, .reader = reader, .progress = progress, .nr_blocks = nr_blocks
	};
	t->node_of = alloc_array(nr_blocks, sizeof(*t->node_of));
	t->kinds = alloc_array(nr_blocks, sizeof(*t->kinds));
	if (!t->node_of || !t->kinds)
		return -ENOMEM;
	return ref_counts_init(&t->refs, nr_blocks);
}

void node_table_destroy(struct node_table *t)
{
	for (size_t i = 0; i < t->nr_kept; i++)
		alloc_free(t->kept[i]);
	alloc_free(t->kept);
	alloc_free(t->nodes);
	alloc_free(t->node_of);
	alloc_free(t->kinds);
	alloc_free(t->faults);
	ref_counts_destroy(&t->refs);
	*t = (struct node_table){ 0 };
}

static int add_node(struct node_table *t, uint64_t block, enum block_kind kind)
{
	struct node *grown = alloc_grow(t->nodes, &t->nodes_capacity, t->nr_nodes, sizeof(*grown));

	if (!grown)
		return -ENOMEM;
	t->nodes = grown;
	t->nodes[t->nr_nodes++] = (struct node){ .block = (uint32_t)block,
						 .kind = (uint8_t)kind,
						 .owner = NO_OWNER,
						 .snap_time = NO_TIME };
	t->node_of[block] = (uint32_t)t->nr_nodes;
	return 0;
}

/*
 * The kernel follows a pointer to a node of another tree, and counts it down when what leads there
 * goes.  Where the checksum is of another kind it does not.
 */
static bool is_followed(const struct node_table *t, uint64_t block, enum block_kind wanted)
{
	return block_kind_salt((enum block_kind)t->kinds[block]) == block_kind_salt(wanted);
}

int node_table_refer(struct node_table *t, uint64_t block, enum block_kind kind,
		     enum reference *ret)
{
	int r = 0;

	if (block >= t->nr_blocks) {
		*ret = REFERENCE_OUT_OF_RANGE;
	} else if (t->kinds[block] == KIND_UNUSED) {
		*ret = REFERENCE_NEW;
		t->kinds[block] = (uint8_t)kind;
		r = add_node(t, block, kind);
	} else {
		*ret = t->kinds[block] == kind ? REFERENCE_KNOWN : REFERENCE_WRONG_KIND;
	}
	if (!r && *ret != REFERENCE_OUT_OF_RANGE && is_followed(t, block, kind))
		r = ref_counts_add(&t->refs, block, false);
	return r;
}

int64_t node_table_find(const struct node_table *t, uint64_t block, enum block_kind kind)
{
	if (block >= t->nr_blocks || t->kinds[block] != kind)
		return -1;
	return (int64_t)t->node_of[block] - 1;
}

/* Everything that was decoded can be reached; the rest cannot. */
static bool cuts_off(const struct node_table *t, size_t node, enum finding_id id)
{
	return t->nodes[node].bad || id == FINDING_CHILD_RANGE || id == FINDING_CHILD_KIND ||
	       id == FINDING_CHILD_LOOP || id == FINDING_TREE_DEPTH;
}

int node_table_fault(struct node_table *t, size_t node, const struct fault *f)
{
	struct fault *grown =
		alloc_grow(t->faults, &t->faults_capacity, t->nr_faults, sizeof(*grown));

	if (!grown)
		return -ENOMEM;
	t->faults = grown;
	t->faults[t->nr_faults] = *f;
	t->faults[t->nr_faults].next = t->nodes[node].first_fault;
	t->nodes[node].first_fault = (uint32_t)++t->nr_faults;
	t->nodes[node].damaged = true;
	if (cuts_off(t, node, f->id)) {
		t->nodes[node].incomplete = true;
		t->incomplete[t->nodes[node].kind] = true;
	}
	return 0;
}

static int keep_raw(struct node_table *t, size_t node, const void *raw)
{
	void **grown = alloc_grow(t->kept, &t->kept_capacity, t->nr_kept, sizeof(*grown));
	void *copy;

	if (!grown)
		return -ENOMEM;
	t->kept = grown;
	copy = alloc_array(1, MD_BLOCK_SIZE);
	if (!copy)
		return -ENOMEM;
	memcpy(copy, raw, MD_BLOCK_SIZE);
	t->kept[t->nr_kept++] = copy;
	t->nodes[node].raw = (uint32_t)t->nr_kept;
	return 0;
}

struct btree_node node_table_decoded(const struct node_table *t, const struct node *n)
{
	/* It was decoded and checked before it was kept: only the pointers are new. */
	const uint8_t *raw = t->kept[n->raw - 1];
	struct node_header h;
	struct btree_node d;

	memcpy(&h, raw, sizeof(h));
	d = (struct btree_node){ .block = n->block,
				 .nr_entries = n->nr_entries,
				 .max_entries = le32_to_cpu(h.max_entries),
				 .value_size = le32_to_cpu(h.value_size),
				 .leaf = n->leaf,
				 .keys = raw + sizeof(h) };
	d.values = d.keys + 8 * (size_t)d.max_entries;
	return d;
}

struct scan_state {
	struct node_table *t;
	const void *raw; /* of the node that is visited */
	const struct scan *scan;
	struct bitset *next;
};

static int bad_node(struct node_table *t, size_t node, enum finding_id id, uint64_t expected,
		    uint64_t found)
{
	struct fault f = { .id = id,
			   .slot = WHOLE_NODE,
			   .end = RANGE_OPEN,
			   .expected = expected,
			   .found = found };

	t->nodes[node].bad = true;
	return node_table_fault(t, node, &f);
}

void node_table_inherit(struct node_table *t, size_t parent, size_t child)
{
	const struct node *p = &t->nodes[parent];
	struct node *c = &t->nodes[child];

	if (p->owner == NO_OWNER)
		return;
	if (c->owner == NO_OWNER)
		c->owner = p->owner;
	else if (c->owner != p->owner)
		c->owner = MANY_OWNERS;
	if (p->snap_time < c->snap_time)
		c->snap_time = p->snap_time;
}

static int refer_child(struct scan_state *s, size_t parent, uint32_t slot, uint64_t child)
{
	struct fault f = { .slot = slot, .end = RANGE_OPEN, .found = child };
	struct node_table *t = s->t;
	enum reference ref;
	int r = node_table_refer(t, child, s->scan->kind, &ref);

	if (r)
		return r;
	switch (ref) {
	case REFERENCE_NEW:
		bitset_set(s->next, child);
		break;
	case REFERENCE_KNOWN:
		break;
	case REFERENCE_OUT_OF_RANGE:
		f.id = FINDING_CHILD_RANGE;
		f.expected = t->nr_blocks;
		return node_table_fault(t, parent, &f);
	case REFERENCE_WRONG_KIND:
		f.id = FINDING_CHILD_KIND;
		f.expected = t->kinds[child];
		return node_table_fault(t, parent, &f);
	}
	if (ref == REFERENCE_NEW)
		t->nodes[t->node_of[child] - 1].parent = t->nodes[parent].block;
	node_table_inherit(t, parent, t->node_of[child] - 1);
	return 0;
}

static int soft_faults(struct node_table *t, size_t node, const struct btree_node *n)
{
	struct fault f = { .slot = WHOLE_NODE, .end = RANGE_OPEN };
	int r = 0;

	if (n->padding) {
		f.id = FINDING_NODE_PADDING;
		f.found = n->padding;
		r = node_table_fault(t, node, &f);
	}
	if (!r && n->first_unsorted < n->nr_entries) {
		t->nodes[node].unsorted = true;
		f.id = FINDING_NODE_KEY_ORDER;
		f.expected = btree_node_key(n, n->first_unsorted - 1);
		f.found = btree_node_key(n, n->first_unsorted);
		r = node_table_fault(t, node, &f);
	}
	return r;
}

static int visit_internal(struct scan_state *s, size_t node, const struct btree_node *n)
{
	int r = keep_raw(s->t, node, s->raw);

	for (uint32_t i = 0; i < n->nr_entries && !r; i++)
		r = refer_child(s, node, i, btree_node_u64(n, i));
	return r;
}

static void summarise_leaf(struct node *node, const struct btree_node *n)
{
	node->nr_values = n->nr_entries;
	if (!n->nr_entries)
		return;
	node->first_key = btree_node_key(n, 0);
	node->last_key = btree_node_key(n, n->nr_entries - 1);
}

static int visit_leaf(struct scan_state *s, size_t node, const struct btree_node *n)
{
	struct node_table *t = s->t;
	struct node_fault f;
	int r = 0;

	if (s->scan->refuse && s->scan->refuse(n, t->nr_blocks, &f))
		return bad_node(t, node, f.id,
				f.id == FINDING_BLOCK_KIND ? t->nodes[node].parent : f.expected,
				f.found);
	if (s->scan->keep_leaves)
		r = keep_raw(t, node, s->raw);
	summarise_leaf(&t->nodes[node], n);
	if (r || !s->scan->fn)
		return r;
	return s->scan->fn(s->scan->context, t, &t->nodes[node], n);
}

static int visit_good(struct scan_state *s, size_t node, const struct btree_node *n)
{
	struct node_table *t = s->t;
	int r;

	if (!n->leaf && btree_node_leads_nowhere(n, t->nr_blocks))
		return bad_node(t, node, FINDING_NODE_FLAGS, BTREE_LEAF_NODE, BTREE_INTERNAL_NODE);
	t->nodes[node].leaf = n->leaf;
	t->nodes[node].nr_entries = (uint16_t)n->nr_entries;
	t->nodes[node].underfull = n->nr_entries < n->max_entries / 3;
	r = soft_faults(t, node, n);
	if (r)
		return r;
	return n->leaf ? visit_leaf(s, node, n) : visit_internal(s, node, n);
}

/* A checksum that is wrong for a node may be right for something else. */
static enum block_kind other_kind(const void *raw)
{
	if (block_checksum_ok(raw, SALT_BITMAP))
		return KIND_DATA_BITMAP;
	if (block_checksum_ok(raw, SALT_INDEX))
		return KIND_METADATA_INDEX;
	return block_checksum_ok(raw, SALT_SUPERBLOCK) ? KIND_SUPERBLOCK : KIND_UNUSED;
}

static int bad_content(struct node_table *t, size_t node, const void *raw,
		       const struct node_fault *f)
{
	enum block_kind kind = KIND_UNUSED;

	if (f->id == FINDING_BLOCK_CHECKSUM)
		kind = other_kind(raw);
	if (kind != KIND_UNUSED)
		return bad_node(t, node, FINDING_BLOCK_KIND, t->nodes[node].parent, kind);
	return bad_node(t, node, f->id, f->expected, f->found);
}

static int visit(void *context, uint64_t block, const void *data, int error)
{
	struct scan_state *s = context;
	size_t node = s->t->node_of[block] - 1;
	struct node_fault nf;
	struct btree_node n;

	s->t->nodes[node].read = true;
	if (++s->t->nr_read % 1024 == 0)
		progress_at(s->t->progress, s->t->nr_read, s->t->nr_nodes);
	if (error)
		return bad_node(s->t, node, FINDING_BLOCK_UNREADABLE, 0, 0);
	if (btree_node_decode(data, block, s->scan->value_size, &n, &nf))
		return bad_content(s->t, node, data, &nf);
	s->raw = data;
	return visit_good(s, node, &n);
}

/* Nodes that were referred to from too deep are never read. */
static int refuse_depth(struct node_table *t, const struct bitset *frontier)
{
	int r = 0;

	for (uint64_t b = bitset_next(frontier, 0); b < frontier->nr_bits && !r;
	     b = bitset_next(frontier, b + 1))
		r = bad_node(t, t->node_of[b] - 1, FINDING_TREE_DEPTH, BTREE_MAX_DEPTH,
			     BTREE_MAX_DEPTH + 1);
	return r;
}

int node_table_scan(struct node_table *t, const struct scan *scan, struct bitset *frontier)
{
	struct bitset a = *frontier, b;
	int r = bitset_init(&b, frontier->nr_bits);

	for (unsigned int depth = 0; !r && a.nr_set && depth < BTREE_MAX_DEPTH; depth++) {
		struct scan_state s = { .t = t, .scan = scan, .next = &b };
		struct bitset done;

		r = block_reader_run(t->reader, &a, visit, &s);
		done = a;
		a = b;
		b = done;
		bitset_clear_all(&b);
	}
	if (!r && a.nr_set)
		r = refuse_depth(t, &a);
	bitset_clear_all(&a);
	*frontier = a;
	bitset_destroy(&b);
	return r;
}
