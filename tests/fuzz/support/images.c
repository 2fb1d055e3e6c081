/* SPDX-License-Identifier: MIT */
#include "tests/fuzz/support/images.h"

#include <stdlib.h>
#include <string.h>

#include "common/base/alloc.h"
#include "tests/support/pool.h"

enum {
	MAX_BLOCKS = 768,
	MAX_PATCHES = 64,
	MAX_RAW = 96 * 4096,
	/* The first byte; else it is one of the first bases. */
	RAW = 0xff,
	FULL = 0xfe, /* the last base, which is large: not as often as the others */
	NR_BASES = 6,
};

struct base {
	struct image clean;
	uint32_t salts[MAX_BLOCKS]; /* by which the checksums are right; 0: by none */
	uint64_t used[MAX_BLOCKS];  /* blocks that the metadata space map counts */
	uint64_t nr_used;
};

/* What is being made. */
struct maker {
	struct fuzz_bytes *in;
	const struct base *base;
	struct image *image;
	uint32_t salts[MAX_BLOCKS];
	bool touched[MAX_BLOCKS];
	bool keep_checksum; /* of the patch */
};

static uint8_t *work, *copy; /* MAX_BLOCKS each */
static size_t extent;        /* bytes of work that may be other than zero */

static uint8_t *block_of(const struct image *i, uint64_t block)
{
	return i->bytes + block * MD_BLOCK_SIZE;
}

/* ---- bases */

static uint32_t salt_of(const uint8_t *block)
{
	static const uint32_t salts[] = { SALT_SUPERBLOCK, SALT_BTREE_NODE, SALT_INDEX,
					  SALT_BITMAP };

	for (size_t s = 0; s < ARRAY_SIZE(salts); s++) {
		if (block_checksum_ok(block, salts[s]))
			return salts[s];
	}
	return 0;
}

static bool is_zero(const uint8_t *block)
{
	return !block[0] && !memcmp(block, block + 1, MD_BLOCK_SIZE - 1);
}

/*
 * Forget blocks that were never written to, but for some free ones.  That is what the space map's
 * number of blocks says alone: bitmaps and indexes count beyond the end anyhow.
 */
static void shrink(struct image *i)
{
	uint64_t nr = i->nr_blocks;

	while (nr > 1 && is_zero(block_of(i, nr - 1)))
		nr--;
	nr += 8;
	if (nr > i->nr_blocks)
		return;
	i->nr_blocks = nr;
	image_set_super(i, SUPER_METADATA_MAP + MAP_NR_BLOCKS, 8, nr);
	image_set_super(i, SUPER_METADATA_NR_BLOCKS, 8, nr);
}

static struct image random_image(unsigned int seed)
{
	struct random_pool p = random_pool_make(seed);
	struct image i = pool_restore(p.path);

	random_pool_destroy(&p);
	return i;
}

static void learn(struct base *b)
{
	const uint64_t bitmap = image_metadata_bitmap(&b->clean);
	const struct disk_bitmap *map = (const void *)block_of(&b->clean, bitmap);

	fuzz_require(b->clean.nr_blocks <= MAX_BLOCKS, "a base of too many blocks");
	for (uint64_t n = 0; n < b->clean.nr_blocks; n++) {
		b->salts[n] = salt_of(block_of(&b->clean, n));
		if (bitmap_entry(bitmap_word(map, (unsigned int)n / 32), n % 32))
			b->used[b->nr_used++] = n;
	}
}

/* Made when they are first asked for, and kept. */
static const struct base *base_get(unsigned int nr)
{
	/* By name, or a random pool by its seed; these two are small. */
	static const struct {
		const char *fixture;
		unsigned int seed;
	} kinds[NR_BASES] = { { "basic", 0 },       { "metadata-snapshot", 0 },
			      { "needs-check", 0 }, { NULL, 4 },
			      { NULL, 28 },         { "out-of-metadata", 0 } };
	static struct base bases[NR_BASES];
	struct base *b = &bases[nr];

	if (b->clean.bytes)
		return b;
	b->clean = kinds[nr].fixture ? image_load(kinds[nr].fixture) : random_image(kinds[nr].seed);
	shrink(&b->clean);
	learn(b);
	return b;
}

/* ---- patches */

static uint64_t any_block(struct maker *m)
{
	return fuzz_below(m->in, m->image->nr_blocks);
}

/* One of those in use, mostly. */
static uint64_t chosen_block(struct maker *m)
{
	uint64_t n = fuzz_take(m->in, 1);

	if (n == 0xff)
		return any_block(m);
	n = m->base->used[n % m->base->nr_used];
	return n < m->image->nr_blocks ? n : 0;
}

/* A number, or one that means something where block numbers stand. */
static uint64_t value(struct maker *m)
{
	uint64_t v = fuzz_number(m->in);

	return v == UINT64_MAX ? chosen_block(m) : v;
}

static void set(struct maker *m, uint64_t block, size_t offset, size_t bytes, uint64_t v)
{
	if (offset + bytes > MD_BLOCK_SIZE)
		return;
	image_set(m->image, block, offset, bytes, v);
	m->touched[block] |= !m->keep_checksum;
}

static void add(struct maker *m, uint64_t block, size_t offset, size_t bytes, uint64_t delta)
{
	if (offset + bytes <= MD_BLOCK_SIZE)
		set(m, block, offset, bytes, image_get(m->image, block, offset, bytes) + delta);
}

static uint64_t small_delta(struct maker *m)
{
	return (uint64_t)(int64_t)(int8_t)fuzz_take(m->in, 1);
}

static void patch_bytes(struct maker *m)
{
	uint64_t block = chosen_block(m), offset = fuzz_below(m->in, MD_BLOCK_SIZE);

	for (uint64_t n = 1 + fuzz_below(m->in, 16); n; n--)
		set(m, block, offset++, 1, fuzz_take(m->in, 1));
}

/* The header of a node; what is an index or a bitmap has its own first numbers there. */
static void patch_header(struct maker *m)
{
	static const struct {
		uint8_t offset, bytes;
	} fields[] = { { NODE_FLAGS, 4 },       { NODE_BLOCKNR, 8 },    { NODE_NR_ENTRIES, 4 },
		       { NODE_MAX_ENTRIES, 4 }, { NODE_VALUE_SIZE, 4 }, { NODE_PADDING, 4 } };
	uint64_t block = chosen_block(m), f = fuzz_below(m->in, ARRAY_SIZE(fields));

	set(m, block, fields[f].offset, fields[f].bytes, value(m));
}

static uint64_t chosen_entry(struct maker *m, uint64_t block)
{
	unsigned int nr = node_nr_entries(m->image, block);

	return fuzz_below(m->in, nr && nr < 256 ? nr + 1 : 256);
}

static void patch_key(struct maker *m)
{
	uint64_t block = chosen_block(m), entry = chosen_entry(m, block);

	set(m, block, NODE_KEYS + 8 * entry, 8, value(m));
}

static void patch_value(struct maker *m)
{
	uint64_t block = chosen_block(m), entry = chosen_entry(m, block);

	set(m, block, node_value_offset(m->image, block, (unsigned int)entry), 8, value(m));
}

/* A key, a value; of a mapping the data block or the time. */
static void patch_delta(struct maker *m)
{
	uint64_t block = chosen_block(m), entry = chosen_entry(m, block),
		 how = fuzz_below(m->in, 6), delta = small_delta(m);
	size_t at = node_value_offset(m->image, block, (unsigned int)entry);

	switch (how) {
	case 0:
		add(m, block, NODE_KEYS + 8 * entry, 8, delta);
		return;
	case 1:
		add(m, block, at, 8, delta << 24);
		return;
	default: /* the fields of device details are 8, 8, 4 and 4 bytes */
		add(m, block, at + (how > 3 ? 4 * how : 8 * (how - 2)), how > 3 ? 4 : 8, delta);
	}
}

static size_t super_field(struct maker *m, size_t *ret_bytes)
{
	static const struct {
		uint16_t offset;
		uint8_t bytes;
	} fields[] = {
		{ SUPER_FLAGS, 4 },
		{ SUPER_BLOCKNR, 8 },
		{ SUPER_MAGIC, 8 },
		{ SUPER_VERSION, 4 },
		{ SUPER_TIME, 4 },
		{ SUPER_TRANSACTION, 8 },
		{ SUPER_HELD_ROOT, 8 },
		{ SUPER_MAPPING_ROOT, 8 },
		{ SUPER_DETAILS_ROOT, 8 },
		{ SUPER_DATA_BLOCK_SIZE, 4 },
		{ SUPER_METADATA_BLOCK_SIZE, 4 },
		{ SUPER_METADATA_NR_BLOCKS, 8 },
		{ SUPER_COMPAT, 4 },
		{ SUPER_COMPAT_RO, 4 },
		{ SUPER_INCOMPAT, 4 },
		{ SUPER_DATA_MAP + MAP_NR_BLOCKS, 8 },
		{ SUPER_DATA_MAP + MAP_NR_ALLOCATED, 8 },
		{ SUPER_DATA_MAP + MAP_BITMAP_ROOT, 8 },
		{ SUPER_DATA_MAP + MAP_REF_COUNT_ROOT, 8 },
		{ SUPER_METADATA_MAP + MAP_NR_BLOCKS, 8 },
		{ SUPER_METADATA_MAP + MAP_NR_ALLOCATED, 8 },
		{ SUPER_METADATA_MAP + MAP_BITMAP_ROOT, 8 },
		{ SUPER_METADATA_MAP + MAP_REF_COUNT_ROOT, 8 },
	};
	uint64_t f = fuzz_below(m->in, ARRAY_SIZE(fields));

	*ret_bytes = fields[f].bytes;
	return fields[f].offset;
}

static void patch_super(struct maker *m)
{
	size_t bytes, offset = super_field(m, &bytes);

	set(m, 0, offset, bytes, value(m));
}

static void patch_super_delta(struct maker *m)
{
	size_t bytes, offset = super_field(m, &bytes);

	add(m, 0, offset, bytes, small_delta(m));
}

static void move(struct maker *m, uint64_t to, const uint8_t *from, uint32_t salt, bool renumber)
{
	memcpy(block_of(m->image, to), from, MD_BLOCK_SIZE);
	m->salts[to] = salt;
	m->touched[to] = false;
	if (renumber)
		set(m, to, NODE_BLOCKNR, 8, to);
}

/* Any block, which may be an older version of another one, comes to stand in another's place. */
static void patch_copy(struct maker *m)
{
	uint64_t from = any_block(m), to = chosen_block(m), how = fuzz_take(m->in, 1);
	uint8_t was[MD_BLOCK_SIZE];
	uint32_t salt = m->salts[to];

	memcpy(was, block_of(m->image, to), sizeof(was));
	move(m, to, block_of(m->image, from), m->salts[from], how & 1);
	if (how & 2)
		move(m, from, was, salt, how & 1);
}

static void patch_fill(struct maker *m)
{
	uint64_t block = chosen_block(m), with = fuzz_take(m->in, 1);

	memset(block_of(m->image, block), (int)with, MD_BLOCK_SIZE);
	m->touched[block] = with & 1;
}

static void patch_bitmap(struct maker *m)
{
	uint64_t block = chosen_block(m), entry = fuzz_below(m->in, BITMAP_ENTRIES);

	bitmap_set_entry((void *)block_of(m->image, block), (unsigned int)entry,
			 (unsigned int)fuzz_below(m->in, 4));
	m->touched[block] |= !m->keep_checksum;
}

static void patch_index(struct maker *m)
{
	static const uint8_t offsets[] = { 0, 8, 12 };
	uint64_t block = chosen_block(m), entry = fuzz_below(m->in, 256),
		 field = fuzz_below(m->in, ARRAY_SIZE(offsets));
	size_t at = 16 + 16 * entry + offsets[field];

	if (fuzz_take(m->in, 1) & 1)
		set(m, block, at, field ? 4 : 8, value(m));
	else
		add(m, block, at, field ? 4 : 8, small_delta(m));
}

static void patch_size(struct maker *m)
{
	uint64_t nr = fuzz_take(m->in, 1);

	if (nr & 1)
		m->image->nr_blocks -= fuzz_below(m->in, m->image->nr_blocks);
	else if (m->image->nr_blocks + nr / 2 <= MAX_BLOCKS)
		m->image->nr_blocks += nr / 2;
}

static void patch_unreadable(struct maker *m)
{
	m->image->unreadable = chosen_block(m);
}

/* What a checksum is made by: as if it were of another kind. */
static void patch_kind(struct maker *m)
{
	static const uint32_t salts[] = { SALT_SUPERBLOCK, SALT_BTREE_NODE, SALT_INDEX,
					  SALT_BITMAP };
	uint64_t block = chosen_block(m);

	m->salts[block] = salts[fuzz_below(m->in, ARRAY_SIZE(salts))];
	m->touched[block] = true;
}

static void apply_patch(struct maker *m)
{
	static void (*const patches[])(struct maker *) = {
		patch_bytes, patch_header, patch_key,  patch_value,       patch_delta,
		patch_super, patch_copy,   patch_fill, patch_super_delta, patch_bitmap,
		patch_index, patch_size,   patch_kind, patch_unreadable,
	};
	uint64_t op = fuzz_take(m->in, 1);

	m->keep_checksum = op & 0x80;
	patches[(op & 0x7f) % ARRAY_SIZE(patches)](m);
}

static void seal_all(struct maker *m)
{
	for (uint64_t n = 0; n < m->image->nr_blocks; n++) {
		uint32_t salt = m->salts[n];

		if (!m->touched[n])
			continue;
		if (!salt)
			salt = n ? SALT_BTREE_NODE : SALT_SUPERBLOCK;
		image_seal(m->image, n, salt);
	}
}

/* ---- whole devices */

static void begin_work(struct image *i, uint64_t nr_blocks)
{
	if (!work) {
		work = alloc_aligned((size_t)MAX_BLOCKS * MD_BLOCK_SIZE);
		copy = alloc_aligned((size_t)MAX_BLOCKS * MD_BLOCK_SIZE);
		fuzz_require(work && copy, "no memory");
	}
	memset(work, 0, extent);
	extent = 0;
	*i = (struct image){ .bytes = work, .nr_blocks = nr_blocks, .unreadable = NO_BLOCK };
}

static bool make_raw(struct fuzz_bytes *in, struct image *i)
{
	const size_t bytes = fuzz_left(in);

	if (!bytes || bytes > MAX_RAW)
		return false;
	begin_work(i, (bytes + MD_BLOCK_SIZE - 1) / MD_BLOCK_SIZE);
	memcpy(work, in->p, bytes);
	extent = bytes;
	/* As what it says, where it says something. */
	for (uint64_t n = 0; n < i->nr_blocks; n++) {
		uint64_t flags = image_get(i, n, NODE_FLAGS, 4);

		if (!salt_of(block_of(i, n)))
			image_seal(i, n,
				   !n                           ? SALT_SUPERBLOCK
				   : flags == 1 || flags == 2   ? SALT_BTREE_NODE
				   : image_get(i, n, 16, 8) < n ? SALT_INDEX
								: SALT_BITMAP);
	}
	return true;
}

static void make_patched(const struct base *b, struct fuzz_bytes *in, struct fuzz_image *f)
{
	struct maker m = { .in = in, .base = b, .image = &f->image };
	const size_t bytes = (size_t)b->clean.nr_blocks * MD_BLOCK_SIZE;
	uint64_t leaks = fuzz_take(in, 1);

	begin_work(&f->image, b->clean.nr_blocks);
	memcpy(work, b->clean.bytes, bytes);
	extent = bytes;
	memcpy(m.salts, b->salts, sizeof(m.salts));
	f->is_base = !(leaks & 15) && !fuzz_left(in);
	for (uint64_t n = leaks & 3; n; n--)
		image_leak_data(&f->image);
	for (uint64_t n = leaks >> 2 & 3; n; n--)
		image_leak_metadata(&f->image);
	for (unsigned int n = 0; n < MAX_PATCHES && fuzz_left(in); n++)
		apply_patch(&m);
	seal_all(&m);
}

/* A patch may have made it smaller. */
static size_t largest_extent(const struct fuzz_image *f)
{
	const size_t now = (size_t)f->image.nr_blocks * MD_BLOCK_SIZE;

	return now > extent ? now : extent;
}

bool fuzz_image_make(struct fuzz_bytes *in, struct fuzz_image *ret)
{
	uint64_t first = fuzz_take(in, 1);

	*ret = (struct fuzz_image){ .is_base = false };
	if (first != RAW)
		make_patched(base_get(first == FULL ? NR_BASES - 1
						    : (unsigned int)first % (NR_BASES - 1)),
			     in, ret);
	else if (!make_raw(in, &ret->image))
		return false;
	extent = largest_extent(ret);
	memcpy(copy, work, extent);
	ret->copy = copy;
	return true;
}

void fuzz_image_require_unchanged(const struct fuzz_image *f)
{
	fuzz_require(!memcmp(work, f->copy, extent), "the input was changed");
}

bool fuzz_image_is_sound(struct image *i)
{
	return image_worst(i) < SEVERITY_NON_FATAL;
}
