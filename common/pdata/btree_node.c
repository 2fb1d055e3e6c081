/* SPDX-License-Identifier: MIT */
#include "common/pdata/btree_node.h"

#include <errno.h>
#include <stddef.h>

#include "common/io/checksum.h"

_Static_assert(sizeof(struct node_header) == 32, "layout of the node header");
_Static_assert(offsetof(struct node_header, blocknr) == 8, "layout of the node header");
_Static_assert(offsetof(struct node_header, nr_entries) == 16, "layout of the node header");
_Static_assert(offsetof(struct node_header, value_size) == 24, "layout of the node header");

uint32_t btree_max_entries(uint32_t value_size)
{
	uint32_t fit = (MD_BLOCK_SIZE - (uint32_t)sizeof(struct node_header)) / (8 + value_size);

	return fit / 3 * 3;
}

static int broken_rule(struct node_fault *ret, enum finding_id id, uint64_t expected,
		       uint64_t found)
{
	*ret = (struct node_fault){ .id = id, .expected = expected, .found = found };
	return -EUCLEAN;
}

static int check_header(const struct node_header *h, uint64_t block, uint32_t leaf_value_size,
			struct node_fault *ret_fault)
{
	uint32_t flags = le32_to_cpu(h->flags), nr_entries = le32_to_cpu(h->nr_entries);
	uint32_t value_size = flags == BTREE_LEAF_NODE ? leaf_value_size : BTREE_CHILD_SIZE;
	uint32_t max_entries = btree_max_entries(value_size);

	if (le64_to_cpu(h->blocknr) != block)
		return broken_rule(ret_fault, FINDING_BLOCK_BLOCKNR, block,
				   le64_to_cpu(h->blocknr));
	if (flags != BTREE_INTERNAL_NODE && flags != BTREE_LEAF_NODE)
		return broken_rule(ret_fault, FINDING_NODE_FLAGS, 0, flags);
	if (le32_to_cpu(h->value_size) != value_size)
		return broken_rule(ret_fault, FINDING_NODE_VALUE_SIZE, value_size,
				   le32_to_cpu(h->value_size));
	if (le32_to_cpu(h->max_entries) != max_entries)
		return broken_rule(ret_fault, FINDING_NODE_MAX_ENTRIES, max_entries,
				   le32_to_cpu(h->max_entries));
	if (nr_entries > max_entries || (!nr_entries && flags == BTREE_INTERNAL_NODE))
		return broken_rule(ret_fault, FINDING_NODE_NR_ENTRIES, max_entries, nr_entries);
	return 0;
}

static uint32_t first_unsorted(const struct btree_node *n)
{
	uint64_t previous = 0;

	for (uint32_t i = 0; i < n->nr_entries; i++) {
		uint64_t key = btree_node_key(n, i);

		if (i && key <= previous)
			return i;
		previous = key;
	}
	return n->nr_entries;
}

int btree_node_decode(const void *raw, uint64_t block, uint32_t leaf_value_size,
		      struct btree_node *ret_node, struct node_fault *ret_fault)
{
	struct node_header h;
	struct btree_node n;
	int r;

	if (!block_checksum_ok(raw, SALT_BTREE_NODE))
		return broken_rule(ret_fault, FINDING_BLOCK_CHECKSUM, 0, 0);
	memcpy(&h, raw, sizeof(h));
	r = check_header(&h, block, leaf_value_size, ret_fault);
	if (r)
		return r;
	n = (struct btree_node){ .block = block,
				 .nr_entries = le32_to_cpu(h.nr_entries),
				 .max_entries = le32_to_cpu(h.max_entries),
				 .value_size = le32_to_cpu(h.value_size),
				 .leaf = le32_to_cpu(h.flags) == BTREE_LEAF_NODE,
				 .padding = le32_to_cpu(h.padding) };
	n.keys = (const uint8_t *)raw + sizeof(h);
	n.values = n.keys + 8 * (size_t)n.max_entries;
	n.first_unsorted = first_unsorted(&n);
	*ret_node = n;
	return 0;
}

bool btree_node_leads_nowhere(const struct btree_node *n, uint64_t nr_blocks)
{
	uint32_t nr_inside = 0;

	for (uint32_t i = 0; i < n->nr_entries; i++)
		nr_inside += btree_node_u64(n, i) < nr_blocks;
	return n->nr_entries > 2 && nr_inside < 2;
}
