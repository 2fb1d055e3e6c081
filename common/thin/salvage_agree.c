/* SPDX-License-Identifier: MIT
 * salvage_agree.c: trees of which nobody can tell whose is which.  What they agree on, each of the
 * devices has.
 */
#include <errno.h>

#include "common/base/alloc.h"
#include "common/pdata/btree_build.h"
#include "common/thin/salvage_internal.h"
#include "common/thin/tree_reader.h"

struct pair {
	uint64_t key;
	__le64 value;
};

struct agreement {
	struct pair *pairs; /* owned, by key */
	size_t nr, capacity;
	size_t nr_seen, nr_kept; /* of pairs, while another tree is compared */
};

static int take(void *context, uint64_t key, const void *value)
{
	struct agreement *a = context;
	struct pair *grown = alloc_grow(a->pairs, &a->capacity, a->nr, sizeof(*grown));

	if (!grown)
		return -ENOMEM;
	a->pairs = grown;
	grown[a->nr].key = key;
	memcpy(&grown[a->nr++].value, value, sizeof(grown->value));
	return 0;
}

/* Keeps the pairs that the other tree has as well, in place. */
static int compare(void *context, uint64_t key, const void *value)
{
	struct agreement *a = context;

	while (a->nr_seen < a->nr && a->pairs[a->nr_seen].key < key)
		a->nr_seen++;
	if (a->nr_seen == a->nr || a->pairs[a->nr_seen].key != key)
		return 0;
	if (!memcmp(&a->pairs[a->nr_seen].value, value, sizeof(a->pairs->value)))
		a->pairs[a->nr_kept++] = a->pairs[a->nr_seen];
	a->nr_seen++;
	return 0;
}

static int build(const struct agreement *a, struct block_sink *sink, uint64_t *ret_root)
{
	struct btree_builder *b = NULL;
	int r = btree_builder_create(sink, MAPPING_VALUE_SIZE, &b);

	for (size_t i = 0; i < a->nr && !r; i++)
		r = btree_builder_add(b, a->pairs[i].key, &a->pairs[i].value);
	if (!r)
		r = btree_builder_finish(b, ret_root);
	btree_builder_destroy(b);
	return r;
}

static int read_roots(struct salvage *s, const struct undecided *u, struct agreement *a)
{
	struct read_fault fault;
	struct tree_reader reader;
	int r = tree_reader_init(&reader, s->overlay, s->nr_blocks, &fault);

	for (size_t i = 0; i < u->nr_roots && !r; i++) {
		struct tree tree = { .kind = KIND_MAPPING,
				     .value_size = MAPPING_VALUE_SIZE,
				     .root = s->table.nodes[u->roots[i]].block,
				     .device = NO_DEVICE };

		a->nr_seen = a->nr_kept = 0;
		r = tree_reader_values(&reader, &tree, i ? compare : take, a);
		if (i)
			a->nr = a->nr_kept;
	}
	tree_reader_destroy(&reader);
	return r;
}

int salvage_agree(struct salvage *s, struct undecided *u, struct block_sink *sink)
{
	struct agreement a = { .nr = 0 };
	int r = read_roots(s, u, &a);

	/* A tree that cannot be read agrees with none. */
	if (r == -EUCLEAN || r == -EIO) {
		a.nr = 0;
		r = 0;
	}
	if (!r)
		r = build(&a, sink, &u->root);
	u->nr_mappings = a.nr;
	u->built = true;
	alloc_free(a.pairs);
	return r;
}
