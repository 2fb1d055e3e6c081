/* SPDX-License-Identifier: MIT
 * decoders.c: what decodes metadata blocks, over every block there can be.
 *
 * Frama-C's Eva runs each function below over all values that the 4096 bytes and the numbers from
 * Frama_C_*_interval can have, and alarms where one of them could read or write outside of an
 * object, read what was never written, shift by too much, overflow or divide by zero.  What callers
 * do with the result (each key, each value, each entry) is done here too: that nr_entries keeps it
 * inside the block is what decoding promises.  tests/prove/prove.sh runs it, everything but
 * prove_checksum() with any_checksum.c.
 */
#include "common/io/checksum.h"
#include "common/pdata/btree_node.h"
#include "common/pdata/space_map.h"
#include "common/thin/device_details.h"
#include "common/thin/superblock.h"
#include "tests/prove/prove.h"

static uint8_t raw[MD_BLOCK_SIZE];
static volatile uint64_t sink; /* a use: what is put here has been computed */

static void any_block(void)
{
	Frama_C_make_unknown((char *)raw, sizeof(raw));
}

static uint64_t any_number(void)
{
	return Frama_C_unsigned_long_interval(0, UINT64_MAX);
}

void prove_checksum(void)
{
	any_block();
	sink = block_checksum_ok(raw, SALT_SUPERBLOCK);
	block_checksum_set(raw, SALT_SUPERBLOCK);
}

void prove_superblock(void)
{
	struct superblock sb;

	any_block();
	sb = superblock_decode(raw);
	sink = sb.checksum_ok;
	sink = sb.trailing_zero;
	sink = superblock_needs_check(&sb);
	sink = data_block_size_valid(sb.data_block_size);
	sink = superblock_max_thin_blocks(&sb);
	sink = space_map_nr_bitmaps(sb.metadata_space_map.nr_blocks);
	superblock_set_flags(raw, sb.flags & ~SUPERBLOCK_NEEDS_CHECK);
	superblock_set_space_maps(raw, &sb.data_space_map, &sb.metadata_space_map);
	superblock_encode(&sb, raw);
}

static void use_values(const struct btree_node *n)
{
	for (uint32_t i = 0; i < n->nr_entries; i++) {
		const void *value = btree_node_value(n, i);
		struct index_entry entry;
		struct device_details details;
		__le32 count;

		sink = btree_node_key(n, i);
		switch (n->value_size) {
		case REF_COUNT_SIZE:
			memcpy(&count, value, sizeof(count));
			sink = le32_to_cpu(count);
			break;
		case MAPPING_VALUE_SIZE:
			sink = btree_node_u64(n, i);
			sink = mapping_data_block(sink) + mapping_time(sink);
			break;
		case INDEX_ENTRY_SIZE:
			entry = index_entry_decode(value);
			sink = entry.blocknr + entry.nr_free + entry.none_free_before;
			break;
		case DETAILS_SIZE:
			details = device_details_decode(value);
			sink = details.mapped_blocks + details.transaction_id +
			       details.creation_time + details.snapshotted_time;
			break;
		default:
			/*@ assert false; */
			break;
		}
	}
}

static void prove_node(uint32_t value_size)
{
	struct node_fault fault;
	struct btree_node n;

	any_block();
	if (btree_node_decode(raw, any_number(), value_size, &n, &fault)) {
		sink = fault.id + fault.expected + fault.found;
		return;
	}
	/*@ assert n.nr_entries <= n.max_entries <= BTREE_MAX_ENTRIES; */
	if (n.first_unsorted < n.nr_entries)
		sink = btree_node_key(&n, n.first_unsorted);
	/* One state for leaves and one for internal nodes, whose values lie elsewhere. */
	/*@ split n.value_size; */
	if (n.value_size == BTREE_CHILD_SIZE)
		sink = btree_node_leads_nowhere(&n, any_number());
	use_values(&n);
}

void prove_nodes(void)
{
	prove_node(REF_COUNT_SIZE);
	prove_node(MAPPING_VALUE_SIZE);
	prove_node(INDEX_ENTRY_SIZE);
	prove_node(DETAILS_SIZE);
}

void prove_bitmap(void)
{
	struct disk_bitmap *b = (void *)raw;
	struct space_map_fault fault;
	unsigned int i = Frama_C_unsigned_int_interval(0, BITMAP_ENTRIES - 1);

	any_block();
	if (bitmap_check(raw, any_number(), &fault)) {
		sink = fault.id + fault.expected + fault.found;
		return;
	}
	sink = bitmap_entry(bitmap_word(b, i / 32), i % 32);
	bitmap_set_entry(b, i, Frama_C_unsigned_int_interval(0, BITMAP_OVERFLOW));
}

void prove_index(void)
{
	struct disk_index *index = (void *)raw;
	struct space_map_fault fault;
	unsigned int i = Frama_C_unsigned_int_interval(0, METADATA_MAX_BITMAPS - 1);
	struct index_entry e;

	any_block();
	if (index_check(raw, any_number(), &fault)) {
		sink = fault.id + fault.expected + fault.found;
		return;
	}
	e = index_entry_decode(&index->entries[i]);
	sink = e.blocknr + e.nr_free + e.none_free_before;
	index_entry_encode(&e, &index->entries[i]);
}
