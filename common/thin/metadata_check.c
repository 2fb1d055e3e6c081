/* SPDX-License-Identifier: MIT
 * metadata_check.c: the order of the check.
 */
#include "common/thin/metadata_check.h"

#include <errno.h>

#include "common/base/alloc.h"
#include "common/thin/check_internal.h"

static uint64_t usable_blocks(const struct block_engine *e)
{
	return e->nr_blocks < METADATA_MAX_BLOCKS ? e->nr_blocks : METADATA_MAX_BLOCKS;
}

static int open_check(struct check *c)
{
	int r = block_reader_create(c->engine, &c->reader);

	if (!r)
		r = node_table_init(&c->table, c->engine, c->reader, c->progress,
				    usable_blocks(c->engine));
	if (!r)
		r = bitset_init(&c->new_roots, c->table.nr_blocks);
	return r;
}

static void close_check(struct check *c)
{
	alloc_free(c->live.devices);
	alloc_free(c->held.devices);
	bitset_destroy(&c->new_roots);
	ref_counts_destroy(&c->data);
	node_table_destroy(&c->table);
	block_reader_destroy(c->reader);
}

/* What the superblock claims, until the bitmaps have been counted. */
static void claimed_figures(struct check *c)
{
	const struct space_map_root *m = &c->sb.metadata_space_map, *d = &c->sb.data_space_map;
	struct check_result *result = c->result;
	uint64_t nr = m->nr_blocks;

	/* A copy of the first block alone tells as much of the superblock. */
	if (nr > c->table.nr_blocks && !c->options->superblock_only)
		nr = c->table.nr_blocks;
	result->metadata_blocks = nr;
	result->free_metadata_blocks = m->nr_allocated < nr ? nr - m->nr_allocated : 0;
	result->data_blocks = d->nr_blocks;
	result->used_data_blocks = d->nr_allocated;
}

/*
 * Each bitmap of the data space map takes a metadata block, so that no pool has more data blocks
 * than this.  Mappings beyond are out of range, whatever the superblock says.
 */
static int prepare_data_counts(struct check *c)
{
	uint64_t most = c->table.nr_blocks * BITMAP_ENTRIES;

	c->nr_data_blocks = c->sb.data_space_map.nr_blocks;
	if (c->nr_data_blocks > most)
		c->nr_data_blocks = most;
	return ref_counts_init(&c->data, c->nr_data_blocks);
}

static int check_live(struct check *c)
{
	int r = check_read_devices(c, &c->sb, false, &c->live);

	if (r)
		return r;
	c->result->nr_devices = c->live.nr;
	check_devices(c, &c->sb, &c->live);
	if (c->options->skip_mappings)
		return 0;
	r = check_mappings(c, &c->live, true);
	if (!r)
		r = check_sharing(c);
	if (!r)
		check_mapped_blocks(c, &c->live);
	return r;
}

static int check_held(struct check *c)
{
	int r = check_read_devices(c, &c->snap, true, &c->held);

	if (r)
		return r;
	check_devices(c, &c->snap, &c->held);
	if (c->options->metadata_snap)
		c->result->nr_devices = c->held.nr;
	if (c->options->skip_mappings)
		return 0;
	r = check_mappings(c, &c->held, false);
	if (!r)
		check_mapped_blocks(c, &c->held);
	return r;
}

static void count_mappings(struct check *c)
{
	const struct device_set *set = c->options->metadata_snap ? &c->held : &c->live;

	for (size_t i = 0; i < set->nr; i++) {
		if (set->devices[i].node >= 0)
			c->result->nr_mappings += c->table.nodes[set->devices[i].node].nr_values;
	}
}

static int check_snapshot(struct check *c)
{
	int r;

	c->report->snapshot = c->options->metadata_snap ? SNAPSHOT_ASKED : SNAPSHOT_BESIDE;
	r = check_snapshot_superblock(c);
	if (!r && c->has_snap && !c->options->superblock_only)
		r = check_held(c);
	c->report->snapshot = SNAPSHOT_NONE;
	return r;
}

static int check_trees(struct check *c)
{
	const struct check_options *o = c->options;
	const bool with_space_maps = !o->metadata_snap && !o->skip_mappings && !o->skip_space_maps;
	struct space_maps_check *maps = NULL;
	int r = prepare_data_counts(c);

	if (!r && !o->metadata_snap)
		r = check_live(c);
	if (!r && with_space_maps)
		r = check_read_space_maps(c, &maps);
	/* After all that is live: a held root that leads into that must not be believed. */
	if (!r)
		r = check_snapshot(c);
	if (!r && with_space_maps)
		r = check_space_maps(c, maps);
	check_destroy_space_maps(maps);
	count_mappings(c);
	return r;
}

static int run_check(struct check *c)
{
	bool usable;
	int r = check_superblock(c, &usable);

	if (r || !usable)
		return r;
	claimed_figures(c);
	if (c->options->metadata_snap && !c->sb.held_root)
		return -ENODATA;
	if (c->options->superblock_only)
		r = c->options->metadata_snap ? check_snapshot(c) : 0;
	else
		r = check_trees(c);
	c->result->snapshot_lost = c->snap_lost;
	if (c->options->superblock_only)
		return r;
	if (!r)
		r = check_report_faults(c);
	return r;
}

int metadata_check(struct block_engine *e, const struct check_options *options,
		   struct report *report, struct progress *progress,
		   struct check_result *ret_result)
{
	struct check c = { .options = options,
			   .engine = e,
			   .report = report,
			   .progress = progress,
			   .result = ret_result,
			   .live = { .details_node = -1, .top_level_node = -1 },
			   .held = { .details_node = -1, .top_level_node = -1 } };
	int r;

	*ret_result = (struct check_result){ 0 };
	r = open_check(&c);
	if (!r)
		r = run_check(&c);
	close_check(&c);
	if (!r && report->out_of_memory)
		r = -ENOMEM;
	report_sort(report);
	return r;
}

void check_result_destroy(struct check_result *result)
{
	alloc_free(result->leaks);
	*result = (struct check_result){ 0 };
}
