/* SPDX-License-Identifier: MIT
 * node_link.c: how nodes hang together, and what a fault harms.
 */
#include "common/base/alloc.h"
#include "common/pdata/node_table.h"

struct frame {
	size_t node;
	uint32_t slot;
	uint64_t begin, end; /* keys that may stand below; for traces */
};

/* The child in this slot, or -1 when the slot leads nowhere. */
static int64_t child_of(const struct node_table *t, size_t parent, const struct btree_node *p,
			uint32_t slot)
{
	return node_table_find(t, btree_node_u64(p, slot), t->nodes[parent].kind);
}

static int slot_fault(struct node_table *t, size_t node, enum finding_id id, uint32_t slot,
		      uint64_t expected, uint64_t found)
{
	struct fault f = {
		.id = id, .slot = slot, .end = RANGE_OPEN, .expected = expected, .found = found
	};

	return node_table_fault(t, node, &f);
}

static int check_child_keys(struct node_table *t, size_t parent, const struct btree_node *p,
			    uint32_t slot, const struct node *child)
{
	uint64_t low = btree_node_key(p, slot);

	if (!child->nr_values)
		return 0;
	if (child->first_key < low)
		return slot_fault(t, parent, FINDING_CHILD_KEYS, slot, low, child->first_key);
	if (slot + 1 < p->nr_entries && child->last_key >= btree_node_key(p, slot + 1))
		return slot_fault(t, parent, FINDING_CHILD_KEYS, slot, btree_node_key(p, slot + 1),
				  child->last_key);
	return 0;
}

/* A node's fill is judged once, however many parents it has: a root may hold less. */
static int check_fill(struct node_table *t, size_t child)
{
	struct node *c = &t->nodes[child];

	if (c->judged || !c->underfull)
		return 0;
	c->judged = true;
	return slot_fault(t, child, c->leaf ? FINDING_LEAF_UNDERFULL : FINDING_NODE_UNDERFULL,
			  WHOLE_NODE, 0, c->nr_entries);
}

static void sum_up(struct node *p, const struct node *child)
{
	p->damaged |= child->damaged;
	p->incomplete |= child->incomplete;
	if (!child->nr_values)
		return;
	if (!p->nr_values || child->first_key < p->first_key)
		p->first_key = child->first_key;
	if (!p->nr_values || child->last_key > p->last_key)
		p->last_key = child->last_key;
	p->nr_values += child->nr_values;
}

/* The child is linked: what does that mean for its parent? */
static int join(struct node_table *t, size_t parent, const struct btree_node *p, uint32_t slot,
		size_t child)
{
	uint8_t height = (uint8_t)(t->nodes[child].height + 1);
	int r = 0;

	if (t->nodes[child].bad) {
		sum_up(&t->nodes[parent], &t->nodes[child]);
		return 0;
	}
	if (!t->nodes[parent].height)
		t->nodes[parent].height = height;
	else if (t->nodes[parent].height != height)
		r = slot_fault(t, parent, FINDING_CHILD_HEIGHT, slot, t->nodes[parent].height - 1u,
			       height - 1u);
	if (!r && !t->nodes[parent].unsorted)
		r = check_child_keys(t, parent, p, slot, &t->nodes[child]);
	if (!r)
		r = check_fill(t, child);
	sum_up(&t->nodes[parent], &t->nodes[child]);
	return r;
}

static void enter(struct node_table *t, struct frame *stack, unsigned int *depth, size_t node)
{
	t->nodes[node].state = LINKING;
	stack[(*depth)++] = (struct frame){ .node = node };
}

/* One entry of the node on top of the stack: go down, or join what is below. */
static int link_entry(struct node_table *t, struct frame *stack, unsigned int *depth)
{
	struct frame *top = &stack[*depth - 1];
	struct btree_node p = node_table_decoded(t, &t->nodes[top->node]);
	int64_t child = child_of(t, top->node, &p, top->slot);
	uint32_t slot = top->slot;

	if (child < 0) { /* refused when it was read */
		top->slot++;
		return 0;
	}
	if (t->nodes[child].state == LINKING) {
		top->slot++;
		return slot_fault(t, top->node, FINDING_CHILD_LOOP, slot, 0, t->nodes[child].block);
	}
	if (t->nodes[child].state == NOT_LINKED) {
		if (*depth < BTREE_MAX_DEPTH) {
			enter(t, stack, depth, (size_t)child);
			return 0;
		}
		top->slot++;
		return slot_fault(t, top->node, FINDING_TREE_DEPTH, slot, BTREE_MAX_DEPTH,
				  BTREE_MAX_DEPTH + 1);
	}
	top->slot++;
	return join(t, top->node, &p, slot, (size_t)child);
}

int node_table_link(struct node_table *t, size_t root)
{
	struct frame stack[BTREE_MAX_DEPTH];
	unsigned int depth = 0;
	int r = 0;

	if (t->nodes[root].state != NOT_LINKED)
		return 0;
	enter(t, stack, &depth, root);
	while (depth && !r) {
		struct node *n = &t->nodes[stack[depth - 1].node];

		if (n->bad || n->leaf || stack[depth - 1].slot >= n->nr_entries) {
			n->state = LINKED;
			depth--;
		} else {
			r = link_entry(t, stack, &depth);
		}
	}
	return r;
}

static int leaf_entries(const struct btree_node *leaf, entry_fn fn, void *context)
{
	int r = 0;

	for (uint32_t i = 0; i < leaf->nr_entries && !r; i++)
		r = fn(context, leaf->block, btree_node_key(leaf, i), btree_node_value(leaf, i));
	return r;
}

int node_table_entries(const struct node_table *t, size_t root, entry_fn fn, void *context)
{
	struct frame stack[BTREE_MAX_DEPTH] = { { .node = root } };
	unsigned int depth = 1;
	uint64_t budget = t->nr_nodes; /* a tree visits each node once; a loop would not end */
	int r = 0;

	while (depth && !r) {
		struct frame *top = &stack[depth - 1];
		const struct node *n = &t->nodes[top->node];
		struct btree_node d;
		int64_t child;

		if (n->bad || !n->raw || top->slot >= n->nr_entries) {
			depth--;
			continue;
		}
		d = node_table_decoded(t, n);
		if (n->leaf) {
			r = leaf_entries(&d, fn, context);
			depth--;
			continue;
		}
		child = child_of(t, top->node, &d, top->slot++);
		if (child >= 0 && depth < BTREE_MAX_DEPTH && budget) {
			stack[depth++] = (struct frame){ .node = (size_t)child };
			budget--;
		}
	}
	return r;
}

struct trace {
	struct node_table *t;
	harm_fn fn;
	void *context;
	struct frame stack[BTREE_MAX_DEPTH];
	unsigned int depth;
};

static uint64_t max_u64(uint64_t a, uint64_t b)
{
	return a > b ? a : b;
}

static uint64_t min_u64(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

/* The keys that stand below a slot. */
static void slot_range(const struct btree_node *p, uint32_t slot, const struct frame *frame,
		       uint64_t *ret_begin, uint64_t *ret_end)
{
	*ret_begin = max_u64(frame->begin, btree_node_key(p, slot));
	*ret_end = frame->end;
	if (slot + 1 < p->nr_entries)
		*ret_end = min_u64(frame->end, btree_node_key(p, slot + 1));
	if (*ret_end < *ret_begin)
		*ret_end = *ret_begin;
}

/* Values below a node that cannot be read: nodes are two thirds full on average. */
static uint64_t guess_values(unsigned int height, uint64_t begin, uint64_t end)
{
	uint64_t guess = 168;

	for (unsigned int i = 0; i < height && guess < UINT64_MAX / 168; i++)
		guess *= 168;
	return end == RANGE_OPEN ? guess : min_u64(guess, end - begin);
}

static int harm(struct trace *tr, const struct frame *frame, size_t fault)
{
	const struct node *n = &tr->t->nodes[frame->node];
	const struct fault *f = &tr->t->faults[fault];
	uint64_t begin = max_u64(frame->begin, f->begin), end = min_u64(frame->end, f->end);
	uint64_t values = f->nr_values;

	if (f->slot != WHOLE_NODE && n->raw) {
		struct btree_node p = node_table_decoded(tr->t, n);

		slot_range(&p, f->slot, frame, &begin, &end);
		if (!values)
			values = guess_values(n->height ? n->height - 1u : 0, begin, end);
	} else if (!values) {
		values = n->bad ? guess_values(n->height, begin, end) : n->nr_values;
	}
	return tr->fn(tr->context, n, fault, begin, end, values);
}

static int harm_all(struct trace *tr, const struct frame *frame)
{
	int r = 0;

	for (uint32_t f = tr->t->nodes[frame->node].first_fault; f && !r;
	     f = tr->t->faults[f - 1].next)
		r = harm(tr, frame, f - 1);
	return r;
}

/* Go down into the next child that has something wrong and was not visited for this root. */
static void descend(struct trace *tr)
{
	struct frame *top = &tr->stack[tr->depth - 1];
	const struct node *n = &tr->t->nodes[top->node];
	struct btree_node p = node_table_decoded(tr->t, n);

	while (top->slot < n->nr_entries) {
		uint32_t slot = top->slot++;
		int64_t child = child_of(tr->t, top->node, &p, slot);
		struct node *c = child < 0 ? NULL : &tr->t->nodes[child];
		struct frame *frame = &tr->stack[tr->depth];

		if (!c || !c->damaged || c->stamp == tr->t->stamp || tr->depth == BTREE_MAX_DEPTH)
			continue;
		c->stamp = tr->t->stamp;
		if (c->bad && !c->height && n->height)
			c->height = (uint8_t)(n->height - 1);
		*frame = (struct frame){ .node = (size_t)child };
		slot_range(&p, slot, top, &frame->begin, &frame->end);
		tr->depth++;
		return;
	}
	tr->depth--;
}

int node_table_trace(struct node_table *t, size_t root, harm_fn fn, void *context)
{
	struct trace tr = { .t = t, .fn = fn, .context = context, .depth = 1 };
	int r = 0;

	if (!t->nodes[root].damaged)
		return 0;
	t->nodes[root].stamp = ++t->stamp;
	tr.stack[0] = (struct frame){ .node = root, .end = RANGE_OPEN };
	while (tr.depth && !r) {
		struct frame *top = &tr.stack[tr.depth - 1];
		const struct node *n = &t->nodes[top->node];

		if (!top->slot)
			r = harm_all(&tr, top);
		if (n->bad || n->leaf)
			tr.depth--;
		else if (!r)
			descend(&tr);
	}
	return r;
}
