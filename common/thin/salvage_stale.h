/* SPDX-License-Identifier: MIT
 * salvage_stale.h: one round of looking for what is not of the last commit.  Included by
 * common/thin/salvage_stale*.c alone.
 */
#ifndef THINMEND_THIN_SALVAGE_STALE_H
#define THINMEND_THIN_SALVAGE_STALE_H

#include "common/thin/salvage_internal.h"

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

static inline struct node *node_at(const struct trial *t, size_t i)
{
	return &t->s->table.nodes[i];
}

static inline bool accused(const struct trial *t, size_t node)
{
	return (t->says[node] & DOUBTED) && !(t->says[node] & VOUCHED);
}

/* Who is missed: to be called before the judges. */
must_check int trial_find_missed(struct trial *t);

/* Nodes that lead to nodes, and leaves that lead to data blocks, which are not current. */
must_check int trial_judge_nodes(struct trial *t);
must_check int trial_judge_leaves(struct trial *t);

/* As if it had never been there. */
must_check int trial_discard(struct trial *t, uint64_t block);

/* Take a mapping out of a leaf in the overlay. */
must_check int trial_drop_mapping(struct trial *t, const struct claim *c);

/* A leaf that had to be mended first may have entries that are none: only these go. */
must_check int trial_expel(struct trial *t, size_t node);

/* nodes: those that are to go.  One space map block against many of them is rather wrong itself. */
must_check int trial_discard_all(struct trial *t, uint32_t *nodes, size_t nr);

#endif
