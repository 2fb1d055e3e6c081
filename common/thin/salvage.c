/* SPDX-License-Identifier: MIT
 * salvage.c: the order of the salvage, and the superblock.
 */
#include "common/thin/salvage.h"

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>

#include "common/base/alloc.h"
#include "common/io/overlay_engine.h"
#include "common/thin/salvage_internal.h"

enum { MAX_ROUNDS = 16 }; /* of looking for what is not current */

static void set_fault(struct salvage *s, const char *format, ...) printf_like(2, 3);

static void set_fault(struct salvage *s, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	(void)vsnprintf(s->fault->text, sizeof(s->fault->text), format, args);
	va_end(args);
}

/* An expression, so that every analyser sees the value. */
#define hopeless(...) (set_fault(__VA_ARGS__), -EUCLEAN)

static int open_salvage(struct salvage *s, struct block_engine *e)
{
	int r = overlay_engine_create(e, &s->overlay);

	s->nr_blocks = e->nr_blocks < METADATA_MAX_BLOCKS ? e->nr_blocks : METADATA_MAX_BLOCKS;
	if (!r)
		r = block_reader_create(s->overlay, &s->reader);
	if (!r)
		r = node_table_init(&s->table, s->overlay, s->reader, NULL, s->nr_blocks);
	if (!r)
		r = bitset_init(&s->mended, s->nr_blocks);
	s->shapes = alloc_array(s->nr_blocks, sizeof(*s->shapes));
	s->nr_entries = alloc_array(s->nr_blocks, sizeof(*s->nr_entries));
	if (!r && (!s->shapes || !s->nr_entries))
		r = -ENOMEM;
	return r;
}

static void close_salvage(struct salvage *s)
{
	for (size_t i = 0; i < s->nr_holes; i++)
		alloc_free(s->holes[i].children);
	alloc_free(s->holes);
	u64_map_destroy(&s->hole_at);
	alloc_free(s->shapes);
	alloc_free(s->nr_entries);
	alloc_free(s->strays);
	alloc_free(s->counts);
	bitset_destroy(&s->sound_bitmaps);
	bitset_destroy(&s->mended);
	ref_counts_destroy(&s->ledger.claims);
	u64_map_destroy(&s->ledger.excess_at);
	alloc_free(s->ledger.excess);
	alloc_free(s->deficit);
	alloc_free(s->latest_shared);
	alloc_free(s->devices);
	for (size_t i = 0; i < s->nr_undecided; i++)
		alloc_free(s->undecided[i].roots);
	alloc_free(s->undecided);
	alloc_free(s->resolved);
	alloc_free(s->loss_nodes);
	bitset_destroy(&s->lossy);
	node_table_destroy(&s->table);
	block_reader_destroy(s->reader);
}

/* A superblock whose checksum is wrong, but which leads to whole roots, is believed. */
static bool believable(const struct salvage *s, const struct superblock *sb)
{
	return sb->magic == SUPERBLOCK_MAGIC && sb->mapping_root < s->nr_blocks &&
	       sb->details_root < s->nr_blocks &&
	       (s->shapes[sb->mapping_root] == SHAPE_TOP_LEVEL_LEAF ||
		s->shapes[sb->mapping_root] == SHAPE_INTERNAL) &&
	       (s->shapes[sb->details_root] == SHAPE_DETAILS_LEAF ||
		s->shapes[sb->details_root] == SHAPE_INTERNAL);
}

static int read_superblock(struct salvage *s)
{
	void *raw = alloc_aligned(MD_BLOCK_SIZE);
	int r;

	if (!raw)
		return -ENOMEM;
	r = block_read(s->overlay, SUPERBLOCK_LOCATION, raw);
	if (!r)
		s->sb = superblock_decode(raw);
	alloc_free(raw);
	if (r && r != -EIO)
		return r;
	if (!r && (s->sb.checksum_ok || believable(s, &s->sb)))
		return 0;
	s->result->superblock_found_out = true;
	r = salvage_find_superblock(s);
	if ((r == -EUCLEAN || r == -ENODATA) && s->options->has_roots) {
		s->sb = (struct superblock){ .magic = SUPERBLOCK_MAGIC,
					     .version = SUPERBLOCK_VERSION };
		return 0;
	}
	if (r == -ENODATA)
		return -EUCLEAN; /* it said why */
	return r == -EUCLEAN ? hopeless(s, "the superblock is lost, and no trees of a pool are "
					   "left: is it a pool's metadata?")
			     : r;
}

/* What cannot be is replaced by what the options say. */
static int settle_superblock(struct salvage *s)
{
	const struct salvage_options *o = s->options;

	if (o->data_block_size)
		s->sb.data_block_size = o->data_block_size;
	if (!data_block_size_valid(s->sb.data_block_size))
		return hopeless(s, "the data block size is lost and needs to be provided: give "
				   "--data-block-size (LVM: lvs -o "
				   "chunk_size; else dmsetup table, or what manages the pool)");
	/* As thin-provisioning-tools 1.x has it: they raise what is there, and replace what is
	 * lost. */
	if (o->has_transaction_id &&
	    (s->result->superblock_found_out || o->transaction_id > s->sb.transaction_id))
		s->sb.transaction_id = o->transaction_id;
	if (o->nr_data_blocks > s->nr_blocks * BITMAP_ENTRIES)
		return hopeless(s, "--nr-data-blocks: the bitmaps of so many do not fit into this "
				   "metadata");
	if (o->nr_data_blocks > s->sb.data_space_map.nr_blocks ||
	    (o->nr_data_blocks && s->sb.data_space_map.nr_blocks > s->nr_blocks * BITMAP_ENTRIES))
		s->sb.data_space_map.nr_blocks = o->nr_data_blocks;
	s->result->kept_transaction_id =
		o->has_transaction_id && o->transaction_id != s->sb.transaction_id;
	s->result->kept_nr_data_blocks =
		o->nr_data_blocks && o->nr_data_blocks != s->sb.data_space_map.nr_blocks;
	s->time_lost = s->result->superblock_found_out || s->sb.time > MAX_TIME;
	if (s->sb.time > MAX_TIME)
		s->sb.time = 0;
	/* No pool has more data blocks than bitmaps for them fit into its metadata. */
	s->nr_data_blocks_lost = !s->sb.data_space_map.nr_blocks ||
				 s->sb.data_space_map.nr_blocks > s->nr_blocks * BITMAP_ENTRIES;
	if (s->nr_data_blocks_lost)
		s->sb.data_space_map.nr_blocks = s->nr_blocks * BITMAP_ENTRIES;
	return 0;
}

static int report_devices(struct salvage *s)
{
	struct salvage_result *result = s->result;

	result->devices = alloc_array(s->nr_devices, sizeof(*result->devices));
	if (!result->devices)
		return -ENOMEM;
	result->nr_data_blocks_lost = s->nr_data_blocks_lost;
	result->nr_devices = s->nr_devices;
	for (size_t i = 0; i < s->table.nr_faults; i++)
		result->per_finding[s->table.faults[i].id]++;
	for (size_t i = 0; i < s->nr_devices; i++) {
		const struct salvage_device *d = &s->devices[i];

		result->devices[i] = (struct salvaged_device){
			.id = d->id,
			.nr_expected = d->details.mapped_blocks,
			.nr_mappings = d->nr_mappings,
			.rebuilt_details = d->rebuilt_details,
			.matched_root = d->matched_root,
			.evidence = d->undecided ? EVIDENCE_AGREEMENT : d->evidence,
			.undecided = d->undecided != 0,
		};
	}
	return 0;
}

/* Roots that lead to trees of another kind: exchanged, or one that is no longer what it says. */
static int settle_roots(struct salvage *s)
{
	void *raws = alloc_aligned((size_t)BTREE_MAX_DEPTH * MD_BLOCK_SIZE);
	enum block_kind details, mapping;
	int r = 0;

	if (!raws)
		return -ENOMEM;
	details = salvage_kind_of(s, s->sb.details_root, raws);
	mapping = salvage_kind_of(s, s->sb.mapping_root, raws);
	alloc_free(raws);
	if (s->options->has_roots && mapping != KIND_TOP_LEVEL)
		return hopeless(s,
				"block %" PRIu64 " is no root of a mapping tree: --candidates "
				"lists those that are left",
				s->sb.mapping_root);
	if (s->options->has_roots && details != KIND_DETAILS)
		return hopeless(s,
				"block %" PRIu64 " is no root of device details: --candidates "
				"lists those that are left",
				s->sb.details_root);
	if (details == KIND_TOP_LEVEL && mapping == KIND_DETAILS) {
		uint64_t root = s->sb.details_root;

		s->sb.details_root = s->sb.mapping_root;
		s->sb.mapping_root = root;
	} else if (mapping == KIND_MAPPING && s->shapes[s->sb.mapping_root] == SHAPE_INTERNAL) {
		r = salvage_set_leaf_flag(s, s->sb.mapping_root);
	}
	return r;
}

/* What is not of the last commit is taken out, which may show more of it. */
static int scan_current(struct salvage *s)
{
	bool found = true;
	int r = salvage_scan(s);

	for (unsigned int n = 0; n < MAX_ROUNDS && found && !r; n++) {
		r = salvage_discard_stale(s, &found);
		if (!r && found)
			r = salvage_reset_scan(s);
		if (!r && found)
			r = salvage_scan(s);
	}
	return r;
}

/*
 * Roots that were chosen.  Where they are not those of the last commit, what that counted says
 * nothing of them.
 */
static void choose_roots(struct salvage *s)
{
	const struct salvage_options *o = s->options;
	struct superblock *sb = &s->sb;

	const bool others = o->has_roots && (sb->mapping_root != o->mapping_root ||
					     sb->details_root != o->details_root);

	s->result->older |= others;
	if (others) {
		sb->mapping_root = o->mapping_root;
		sb->details_root = o->details_root;
		sb->held_root = 0;
		sb->metadata_space_map.bitmap_root = s->nr_blocks;
		sb->metadata_space_map.ref_count_root = s->nr_blocks;
		sb->data_space_map.bitmap_root = sb->data_space_map.ref_count_root = 0;
	}
	s->result->mapping_root = sb->mapping_root;
	s->result->details_root = sb->details_root;
}

/* Whatever can be said before anything is put right. */
static int begin(struct salvage *s)
{
	int r = salvage_sweep(s);

	if (!r)
		r = read_superblock(s);
	if (!r)
		choose_roots(s);
	return r;
}

static int run(struct salvage *s)
{
	int r = begin(s);

	if (!r)
		r = settle_superblock(s);
	if (!r)
		r = settle_roots(s);
	if (!r)
		r = salvage_load_counts(s, s->sb.metadata_space_map.bitmap_root,
					s->sb.metadata_space_map.ref_count_root);
	if (!r && s->result->superblock_found_out && !s->result->older)
		r = salvage_find_space_maps(s);
	if (!r)
		r = scan_current(s);
	if (!r)
		r = salvage_count_hidden(s);
	if (!r)
		r = salvage_find_sharing(s);
	if (!r)
		r = salvage_adopt(s);
	if (!r)
		r = salvage_match_devices(s);
	if (!r && !s->nr_devices && s->details_lost && s->top_level_lost)
		r = hopeless(
			s, "both the device details and the mapping tree are lost at their roots, "
			   "and nothing tells which devices there were; thin_repair --candidates "
			   "lists earlier commits, --allow-older takes the newest");
	if (!r)
		r = salvage_patch(s);
	if (!r)
		r = report_devices(s);
	return r;
}

typedef int (*salvage_fn)(struct salvage *s);

/* *ret_engine, when it is wanted, gets what was made on top of the device. */
static int with_salvage(struct block_engine *e, const struct salvage_options *options,
			salvage_fn fn, struct candidate_list *candidates,
			struct block_engine **ret_engine, struct salvage_result *ret_result,
			struct salvage_fault *ret_fault)
{
	struct salvage *s = alloc_object(struct salvage);
	int r;

	*ret_result = (struct salvage_result){ 0 };
	*ret_fault = (struct salvage_fault){ "" };
	if (!s)
		return -ENOMEM;
	s->options = options;
	s->inner = e;
	s->fault = ret_fault;
	s->result = ret_result;
	s->candidates = candidates;
	r = open_salvage(s, e);
	if (!r)
		r = fn(s);
	if (s->overlay)
		s->result->nr_unreadable = overlay_engine_nr_unreadable(s->overlay);
	close_salvage(s);
	if (r || !ret_engine)
		block_engine_destroy(s->overlay);
	else
		*ret_engine = s->overlay;
	alloc_free(s);
	return r;
}

/* ---- earlier commits */

/* With the live trees, as far as there are any, to tell what was reused since. */
static int list(struct salvage *s)
{
	int r = begin(s);

	if (r == -EUCLEAN) {
		s->sb = (struct superblock){ .magic = SUPERBLOCK_MAGIC };
		r = 0;
	}
	if (!r && s->sb.data_space_map.nr_blocks > s->nr_blocks * BITMAP_ENTRIES)
		s->sb.data_space_map.nr_blocks = s->nr_blocks * BITMAP_ENTRIES;
	if (!r)
		r = salvage_load_counts(s, s->sb.metadata_space_map.bitmap_root,
					s->sb.metadata_space_map.ref_count_root);
	if (!r)
		r = salvage_scan(s);
	return r ? r : salvage_list_candidates(s, s->candidates);
}

int salvage_find_candidates(struct block_engine *e, struct candidate_list *ret_list,
			    struct salvage_fault *ret_fault)
{
	const struct salvage_options options = { .has_roots = false };
	struct salvage_result result;
	int r;

	*ret_list = (struct candidate_list){ 0 };
	r = with_salvage(e, &options, list, ret_list, NULL, &result, ret_fault);
	ret_list->nr_unreadable = result.nr_unreadable;
	salvage_result_destroy(&result);
	return r;
}

static bool nothing_left(int error, const struct salvage_result *result)
{
	uint64_t nr = 0;

	for (size_t i = 0; i < result->nr_devices; i++)
		nr += result->devices[i].nr_mappings;
	return error == -EUCLEAN || (!error && !nr && result->nr_lost_devices);
}

/* The newest earlier commit, if there is one: *ret_found. */
static int choose_older(struct block_engine *e, struct salvage_options *options, bool *ret_found)
{
	struct candidate_list list;
	struct salvage_fault ignored;
	int r = salvage_find_candidates(e, &list, &ignored);

	*ret_found = false;
	for (size_t i = 0; i < list.nr && !r && !*ret_found; i++) {
		if (list.items[i].current)
			continue;
		*ret_found = options->has_roots = true;
		options->mapping_root = list.items[i].mapping_root;
		options->details_root = list.items[i].details_root;
	}
	candidate_list_destroy(&list);
	return r == -EUCLEAN ? 0 : r;
}

int salvage(struct block_engine *e, const struct salvage_options *options,
	    struct block_engine **ret_engine, struct salvage_result *ret_result,
	    struct salvage_fault *ret_fault)
{
	struct salvage_options older = *options;
	bool found;
	int r = with_salvage(e, options, run, NULL, ret_engine, ret_result, ret_fault), o;

	if (!options->allow_older || options->has_roots || !nothing_left(r, ret_result))
		return r;
	o = choose_older(e, &older, &found);
	if (o || !found)
		return o ? o : r;
	if (!r)
		block_engine_destroy(*ret_engine);
	salvage_result_destroy(ret_result);
	return with_salvage(e, &older, run, NULL, ret_engine, ret_result, ret_fault);
}

void salvage_result_destroy(struct salvage_result *result)
{
	alloc_free(result->devices);
	alloc_free(result->losses);
	alloc_free(result->shares);
	alloc_free(result->adoptions);
	*result = (struct salvage_result){ 0 };
}
