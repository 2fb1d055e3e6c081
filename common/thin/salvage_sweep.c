/* SPDX-License-Identifier: MIT
 * salvage_sweep.c: every block of the device, for what it is by itself.
 */
#include <errno.h>
#include <stdlib.h>

#include "common/base/alloc.h"
#include "common/io/checksum.h"
#include "common/io/overlay_engine.h"
#include "common/thin/salvage_internal.h"

static uint64_t claimed_block(const void *raw)
{
	/* Nodes, bitmaps, index blocks and superblocks all have their number at the same place. */
	__le64 v;

	memcpy(&v, (const uint8_t *)raw + offsetof(struct node_header, blocknr), sizeof(v));
	return le64_to_cpu(v);
}

/* The values are blocks of this device: a leaf of the top level, or of nothing much. */
static bool leads_to_blocks(const struct salvage *s, const struct btree_node *n)
{
	for (uint32_t i = 0; i < n->nr_entries; i++) {
		uint64_t v = btree_node_u64(n, i);

		if (!v || v >= s->nr_blocks)
			return false;
	}
	return true;
}

static enum shape node_shape(const struct salvage *s, const void *raw, uint64_t claims)
{
	struct btree_node n;
	struct node_fault ignored;

	if (!btree_node_decode(raw, claims, DETAILS_SIZE, &n, &ignored)) {
		if (!n.leaf && btree_node_leads_nowhere(&n, s->nr_blocks))
			return SHAPE_NONE;
		return n.leaf ? SHAPE_DETAILS_LEAF : SHAPE_INTERNAL;
	}
	if (!btree_node_decode(raw, claims, MAPPING_VALUE_SIZE, &n, &ignored))
		return leads_to_blocks(s, &n) ? SHAPE_TOP_LEVEL_LEAF : SHAPE_MAPPING_LEAF;
	if (!btree_node_decode(raw, claims, INDEX_ENTRY_SIZE, &n, &ignored) ||
	    !btree_node_decode(raw, claims, REF_COUNT_SIZE, &n, &ignored))
		return SHAPE_OTHER_LEAF;
	return SHAPE_NONE;
}

static enum shape shape_of(const struct salvage *s, const void *raw, uint64_t claims)
{
	if (block_checksum_ok(raw, SALT_BTREE_NODE))
		return node_shape(s, raw, claims);
	if (block_checksum_ok(raw, SALT_BITMAP))
		return SHAPE_BITMAP;
	if (block_checksum_ok(raw, SALT_INDEX))
		return SHAPE_INDEX;
	return block_checksum_ok(raw, SALT_SUPERBLOCK) ? SHAPE_SUPERBLOCK : SHAPE_NONE;
}

static bool is_empty(const void *raw)
{
	static const uint8_t zeros[64];

	return !memcmp(raw, zeros, sizeof(zeros));
}

static int note_stray(struct salvage *s, uint64_t claims, uint64_t location)
{
	struct sighting *grown =
		alloc_grow(s->strays, &s->strays_capacity, s->nr_strays, sizeof(*grown));

	if (!grown)
		return -ENOMEM;
	s->strays = grown;
	grown[s->nr_strays++] = (struct sighting){ (uint32_t)claims, (uint32_t)location };
	return 0;
}

static void note_shape(struct salvage *s, uint64_t block, enum shape shape, const void *raw)
{
	__le32 nr;

	s->shapes[block] = (uint8_t)shape;
	if (shape < SHAPE_INTERNAL)
		return;
	memcpy(&nr, (const uint8_t *)raw + offsetof(struct node_header, nr_entries), sizeof(nr));
	s->nr_entries[block] = (uint16_t)le32_to_cpu(nr);
}

/* A node whose header cannot be, but whose checksum is right. */
static int mend(struct salvage *s, uint64_t block, const void *raw)
{
	void *copy = alloc_aligned(MD_BLOCK_SIZE);
	int r = 0;

	if (!copy)
		return -ENOMEM;
	memcpy(copy, raw, MD_BLOCK_SIZE);
	if (salvage_mend_header(s, copy) && shape_of(s, copy, block) != SHAPE_NONE) {
		note_shape(s, block, shape_of(s, copy, block), copy);
		bitset_set(&s->mended, block);
		r = overlay_engine_put(s->overlay, block, copy);
	}
	alloc_free(copy);
	return r;
}

static int visit(void *context, uint64_t block, const void *raw, int error)
{
	struct salvage *s = context;
	enum shape shape;
	uint64_t claims;

	if (error || is_empty(raw))
		return 0;
	claims = claimed_block(raw);
	shape = shape_of(s, raw, claims);
	if (claims >= s->nr_blocks)
		return 0;
	if (shape == SHAPE_NONE && claims == block && block_checksum_ok(raw, SALT_BTREE_NODE))
		return mend(s, block, raw);
	if (shape == SHAPE_NONE)
		return 0;
	if (claims != block)
		return note_stray(s, claims, block);
	note_shape(s, block, shape, raw);
	return 0;
}

/* A stray is taken where its place holds nothing whole, and no other claims to belong there. */
static int place_stray(struct salvage *s, const struct sighting *stray, void *raw)
{
	int r;

	if (s->shapes[stray->claims] != SHAPE_NONE)
		return 0;
	r = block_read(s->inner, stray->location, raw);
	if (r)
		return r == -EIO ? 0 : r;
	r = overlay_engine_put(s->overlay, stray->claims, raw);
	if (r)
		return r;
	note_shape(s, stray->claims, shape_of(s, raw, stray->claims), raw);
	s->result->nr_strays++;
	return 0;
}

static int by_claim(const void *a, const void *b)
{
	const struct sighting *sa = a, *sb = b;

	return (sa->claims > sb->claims) - (sa->claims < sb->claims);
}

static int place_strays(struct salvage *s)
{
	void *raw = alloc_aligned(MD_BLOCK_SIZE);
	const struct sighting *all = s->strays;
	const size_t nr = s->nr_strays;
	int r = raw ? 0 : -ENOMEM;

	if (nr)
		qsort(s->strays, nr, sizeof(*s->strays), by_claim);
	for (size_t i = 0; i < nr && !r; i++) {
		bool rivalled = (i && all[i - 1].claims == all[i].claims) ||
				(i + 1 < nr && all[i + 1].claims == all[i].claims);

		if (!rivalled)
			r = place_stray(s, &all[i], raw);
	}
	alloc_free(raw);
	return r;
}

int salvage_sweep(struct salvage *s)
{
	struct bitset all;
	int r = bitset_init(&all, s->nr_blocks);

	for (uint64_t b = 0; b < s->nr_blocks && !r; b++)
		bitset_set(&all, b);
	if (!r)
		r = block_reader_run(s->reader, &all, visit, s);
	bitset_destroy(&all);
	return r ? r : place_strays(s);
}
