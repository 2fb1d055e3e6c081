/* SPDX-License-Identifier: MIT
 * check_superblock.c: every field of the superblock and of its copy in a metadata snapshot.
 */
#include <errno.h>

#include "common/base/alloc.h"
#include "common/thin/check_internal.h"

/* One superblock under judgement. */
struct subject {
	struct check *c;
	enum block_kind kind;
	uint64_t block;
};

/* The superblock of a metadata snapshot that nobody asked for. */
static bool is_beside(const struct subject *s)
{
	return s->kind == KIND_SNAPSHOT_SUPERBLOCK && !s->c->options->metadata_snap;
}

/* What the kernel refuses a pool for is less there: it does not look, and the pool works. */
static enum finding_id beside(enum finding_id id)
{
	static const struct {
		enum finding_id of_pool, of_snapshot;
	} pairs[] = {
		{ FINDING_SUPERBLOCK_BLOCKNR, FINDING_SNAPSHOT_BLOCKNR },
		{ FINDING_SUPERBLOCK_MAGIC, FINDING_SNAPSHOT_MAGIC },
		{ FINDING_SUPERBLOCK_INCOMPAT, FINDING_SNAPSHOT_FEATURES },
		{ FINDING_SUPERBLOCK_COMPAT_RO, FINDING_SNAPSHOT_FEATURES },
	};

	for (size_t i = 0; i < ARRAY_SIZE(pairs); i++) {
		if (pairs[i].of_pool == id)
			return pairs[i].of_snapshot;
	}
	return id;
}

static void complain(const struct subject *s, enum finding_id id, uint64_t expected, uint64_t found)
{
	if (is_beside(s))
		id = beside(id);
	check_block_finding(s->c, s->kind, s->block, id, expected, found, NULL);
}

static void expect(const struct subject *s, enum finding_id id, uint64_t expected, uint64_t found)
{
	if (found != expected)
		complain(s, id, expected, found);
}

static void check_identity(const struct subject *s, const struct superblock *sb)
{
	expect(s, FINDING_SUPERBLOCK_BLOCKNR, s->block, sb->blocknr);
	expect(s, FINDING_SUPERBLOCK_MAGIC, SUPERBLOCK_MAGIC, sb->magic);
	if (sb->version < 1 || sb->version > SUPERBLOCK_VERSION)
		complain(s, FINDING_SUPERBLOCK_VERSION, SUPERBLOCK_VERSION, sb->version);
	/* A snapshot's is compared with the pool's; so is its data block size. */
	if (sb->time > MAX_TIME && !is_beside(s))
		complain(s, FINDING_SUPERBLOCK_TIME, MAX_TIME, sb->time);
	if (sb->flags & ~SUPERBLOCK_NEEDS_CHECK)
		complain(s, FINDING_SUPERBLOCK_FLAGS, sb->flags & SUPERBLOCK_NEEDS_CHECK,
			 sb->flags);
	expect(s, FINDING_SUPERBLOCK_INCOMPAT, 0, sb->incompat_flags);
	expect(s, FINDING_SUPERBLOCK_COMPAT_RO, 0, sb->compat_ro_flags);
	expect(s, FINDING_SUPERBLOCK_COMPAT, 0, sb->compat_flags);
	if (!sb->trailing_zero)
		complain(s, FINDING_SUPERBLOCK_TRAILING, 0, 1);
}

static void check_sizes(const struct subject *s, const struct superblock *sb)
{
	uint64_t nr_blocks = s->c->sb.metadata_space_map.nr_blocks;

	if (!data_block_size_valid(sb->data_block_size) && !is_beside(s))
		complain(s, FINDING_SUPERBLOCK_DATA_BLOCK_SIZE, DATA_BLOCK_SIZE_MIN,
			 sb->data_block_size);
	expect(s, FINDING_SUPERBLOCK_METADATA_BLOCK_SIZE, METADATA_BLOCK_SECTORS,
	       sb->metadata_block_size);
	/* Growing the device leaves the field as it was. */
	if (sb->metadata_nr_blocks > nr_blocks || !sb->metadata_nr_blocks)
		complain(s, FINDING_SUPERBLOCK_METADATA_NR_BLOCKS, nr_blocks,
			 sb->metadata_nr_blocks);
}

/* Where the superblock alone is looked at, there may be no more than that to look at. */
static void check_root(const struct subject *s, enum block_kind tree, uint64_t root)
{
	const uint64_t claimed = s->c->sb.metadata_space_map.nr_blocks;
	uint64_t nr_blocks = s->c->table.nr_blocks;

	if (s->c->options->superblock_only && nr_blocks < claimed)
		nr_blocks = claimed < METADATA_MAX_BLOCKS ? claimed : METADATA_MAX_BLOCKS;
	if (root == SUPERBLOCK_LOCATION || root >= nr_blocks)
		check_block_finding(s->c, tree, s->block, FINDING_SUPERBLOCK_ROOT, nr_blocks, root,
				    NULL);
}

static void judge(const struct subject *s, const struct superblock *sb)
{
	check_identity(s, sb);
	check_sizes(s, sb);
	check_root(s, KIND_TOP_LEVEL, sb->mapping_root);
	check_root(s, KIND_DETAILS, sb->details_root);
}

static int read_superblock(const struct subject *s, struct superblock *ret_sb, bool *ret_usable)
{
	void *raw = alloc_aligned(MD_BLOCK_SIZE);
	int r;

	*ret_usable = false;
	if (!raw)
		return -ENOMEM;
	r = block_read(s->c->engine, s->block, raw);
	if (r) {
		complain(s, FINDING_SUPERBLOCK_UNREADABLE, 0, 0);
	} else {
		*ret_sb = superblock_decode(raw);
		*ret_usable = ret_sb->checksum_ok;
		if (!*ret_usable)
			complain(s, FINDING_SUPERBLOCK_CHECKSUM, 0, 0);
	}
	alloc_free(raw);
	return 0;
}

int check_superblock(struct check *c, bool *ret_usable)
{
	struct subject s = { .c = c, .kind = KIND_SUPERBLOCK, .block = SUPERBLOCK_LOCATION };
	enum reference ref;
	int r = node_table_refer(&c->table, SUPERBLOCK_LOCATION, KIND_SUPERBLOCK, &ref);

	if (!r)
		r = read_superblock(&s, &c->sb, ret_usable);
	if (r || !*ret_usable)
		return r;
	c->result->has_superblock = true;
	c->result->sb = c->sb;
	if (c->options->override_mapping_root)
		c->sb.mapping_root = c->options->mapping_root;
	if (c->options->override_details_root)
		c->sb.details_root = c->options->details_root;
	judge(&s, &c->sb);
	return 0;
}

static bool is_zero(const struct space_map_root *root)
{
	return !root->nr_blocks && !root->nr_allocated && !root->bitmap_root &&
	       !root->ref_count_root;
}

/* The metadata snapshot is a copy of what the pool was before. */
static void compare_with_live(const struct subject *s)
{
	const struct superblock *snap = &s->c->snap, *live = &s->c->sb;

	if (snap->time > live->time)
		complain(s, FINDING_SNAPSHOT_NEWER, live->time, snap->time);
	if (snap->transaction_id > live->transaction_id)
		complain(s, FINDING_SNAPSHOT_NEWER, live->transaction_id, snap->transaction_id);
	expect(s, FINDING_SNAPSHOT_BLOCK_SIZE, live->data_block_size, snap->data_block_size);
	if (!is_zero(&snap->data_space_map) || !is_zero(&snap->metadata_space_map) ||
	    snap->held_root)
		complain(s, FINDING_SNAPSHOT_SPACE_MAP, 0, 1);
}

int check_snapshot_superblock(struct check *c)
{
	struct subject s = { .c = c, .kind = KIND_SNAPSHOT_SUPERBLOCK, .block = c->sb.held_root };
	enum reference ref;
	int r;

	if (!c->sb.held_root)
		return 0;
	c->snap_lost = true;
	r = node_table_refer(&c->table, s.block, s.kind, &ref);
	if (r)
		return r;
	if (ref != REFERENCE_NEW) {
		complain(&s, FINDING_SNAPSHOT_ROOT, c->table.nr_blocks, s.block);
		return 0;
	}
	r = read_superblock(&s, &c->snap, &c->has_snap);
	if (r)
		return r;
	if (!c->has_snap) {
		/* It may as well be the pointer that is wrong, and nobody counts the block. */
		ref_counts_remove(&c->table.refs, s.block);
		return 0;
	}
	c->snap_lost = false;
	judge(&s, &c->snap);
	compare_with_live(&s);
	return 0;
}
