/* SPDX-License-Identifier: MIT
 * salvage_losses.c: what is lost, and of whom.
 */
#include <errno.h>
#include <stdlib.h>

#include "common/base/alloc.h"
#include "common/thin/salvage_internal.h"

static int remember_node(struct salvage *s, uint32_t node)
{
	uint32_t *grown = alloc_grow(s->loss_nodes, &s->loss_nodes_capacity, s->result->nr_losses,
				     sizeof(*grown));

	if (!grown)
		return -ENOMEM;
	s->loss_nodes = grown;
	grown[s->result->nr_losses] = node;
	if (node != NO_NODE)
		bitset_set(&s->lossy, node);
	return 0;
}

int salvage_note_loss(struct salvage *s, uint32_t node, const struct salvage_loss *loss)
{
	struct salvage_result *result = s->result;
	struct salvage_loss *grown = alloc_grow(result->losses, &result->losses_capacity,
						result->nr_losses, sizeof(*grown));
	int r;

	if (!grown)
		return -ENOMEM;
	result->losses = grown;
	if (result->nr_losses == SALVAGE_MAX_LOSSES) {
		result->nr_losses_left_out++;
		return 0;
	}
	r = remember_node(s, node);
	if (!r)
		grown[result->nr_losses++] = *loss;
	return r;
}

/* ---- whose they are */

struct search {
	struct salvage *s;
	uint32_t *first; /* owned, by node: 1 + the first loss that was noted there */
	uint32_t *next;  /* owned, by loss: 1 + the next one of the same node */
	uint32_t *seen;  /* owned, by node: 1 + the last device that came by */
	uint32_t device; /* index */
};

static int add_share(struct search *q, size_t loss)
{
	struct salvage_result *result = q->s->result;
	struct salvage_share *grown = alloc_grow(result->shares, &result->shares_capacity,
						 result->nr_shares, sizeof(*grown));

	if (!grown)
		return -ENOMEM;
	result->shares = grown;
	if (result->nr_shares == SALVAGE_MAX_LOSSES)
		result->nr_shares_left_out++;
	else
		grown[result->nr_shares++] =
			(struct salvage_share){ loss, q->s->devices[q->device].id };
	return 0;
}

static int visit(struct search *q, size_t node, unsigned int depth);

/* NOLINTNEXTLINE(misc-no-recursion): at most BTREE_MAX_DEPTH deep */
static int visit_filled(struct search *q, const struct hole *h, unsigned int depth)
{
	int r = 0;

	for (uint32_t i = 0; i < h->nr_children && !r; i++)
		r = visit(q, h->children[i], depth + 1);
	return r;
}

/* NOLINTNEXTLINE(misc-no-recursion): at most BTREE_MAX_DEPTH deep */
static int visit_children(struct search *q, size_t node, unsigned int depth)
{
	const struct salvage *s = q->s;
	const struct node *n = &s->table.nodes[node];
	const struct hole *lost = hole_at(s, node, WHOLE_NODE);
	struct btree_node p;
	int r = lost && lost->filled ? visit_filled(q, lost, depth) : 0;

	if (n->bad || n->leaf)
		return r;
	p = node_table_decoded(&s->table, n);
	for (uint32_t i = 0; i < p.nr_entries && !r; i++) {
		int64_t child = node_table_find(&s->table, btree_node_u64(&p, i), KIND_MAPPING);
		const struct hole *h = hole_at(s, node, i);

		if (h && h->filled)
			r = visit_filled(q, h, depth);
		else if (!h && child >= 0)
			r = visit(q, (size_t)child, depth + 1);
	}
	return r;
}

/* NOLINTNEXTLINE(misc-no-recursion): at most BTREE_MAX_DEPTH deep */
static int visit(struct search *q, size_t node, unsigned int depth)
{
	int r = 0;

	if (depth > BTREE_MAX_DEPTH || !bitset_test(&q->s->lossy, node) ||
	    q->seen[node] == q->device + 1)
		return 0;
	q->seen[node] = q->device + 1;
	for (uint32_t l = q->first[node]; l && !r; l = q->next[l - 1])
		r = add_share(q, l - 1);
	return r ? r : visit_children(q, node, depth);
}

static void index_losses(struct search *q)
{
	for (size_t l = q->s->result->nr_losses; l-- > 0;) {
		uint32_t node = q->s->loss_nodes[l];

		if (node == NO_NODE || q->s->result->losses[l].device != NO_DEVICE)
			continue;
		q->next[l] = q->first[node];
		q->first[node] = (uint32_t)l + 1;
	}
}

static int visit_devices(struct search *q)
{
	int r = 0;

	for (q->device = 0; q->device < q->s->nr_devices && !r; q->device++) {
		const struct salvage_device *d = &q->s->devices[q->device];
		int64_t root =
			d->has_root ? node_table_find(&q->s->table, d->root, KIND_MAPPING) : -1;

		if (root >= 0)
			r = visit(q, (size_t)root, 0);
	}
	return r;
}

static int by_loss(const void *a, const void *b)
{
	const struct salvage_share *sa = a, *sb = b;

	if (sa->loss != sb->loss)
		return sa->loss < sb->loss ? -1 : 1;
	return (sa->device > sb->device) - (sa->device < sb->device);
}

int salvage_share_losses(struct salvage *s)
{
	struct search q = { .s = s };
	struct salvage_result *result = s->result;
	int r = -ENOMEM;

	q.first = alloc_array(s->table.nr_nodes, sizeof(*q.first));
	q.seen = alloc_array(s->table.nr_nodes, sizeof(*q.seen));
	q.next = alloc_array(result->nr_losses, sizeof(*q.next));
	if (q.first && q.seen && q.next) {
		index_losses(&q);
		r = visit_devices(&q);
	}
	if (result->nr_shares)
		qsort(result->shares, result->nr_shares, sizeof(*result->shares), by_loss);
	alloc_free(q.first);
	alloc_free(q.seen);
	alloc_free(q.next);
	return r;
}
