/* SPDX-License-Identifier: MIT */
#include "common/thin/metadata_write.h"

#include <errno.h>
#include <stdlib.h>

#include "common/base/alloc.h"
#include "common/base/u64_map.h"
#include "common/io/block_writer.h"
#include "common/io/checksum.h"
#include "common/pdata/btree_node.h"
#include "common/pdata/space_map_build.h"
#include "common/thin/superblock.h"

/* Mappings in a leaf, btree_max_entries(MAPPING_VALUE_SIZE); one that is no root has a third. */
#define LEAF_ENTRIES 252u
#define MIN_LEAF_ENTRIES 84u

/* A def: leaves that several devices may share. */
struct run {
	size_t first, nr; /* in run_leaves */
	uint32_t newest;  /* the latest time in it */
};

struct written_device {
	uint64_t id, root;
	struct device_details details;
};

enum {
	DEFERRED = 64,
	LONG_RUN = 16,          /* mappings: shorter ones take no longer to count than to read */
	EXACT_BEYOND = 1 << 16, /* blocks that are still counted one by one once it is too much */
};

struct metadata_writer {
	struct metadata_visitor visitor; /* first: the calls come here */
	struct block_sink sink;
	struct block_engine *engine; /* NULL: only counting */
	uint64_t nr_blocks;
	struct block_writer *out;
	void *last; /* the block that was allocated last, in out */
	void *raw;  /* owned: a leaf that is read back, at the end the superblock */
	struct pool_header header;
	uint32_t newest; /* the latest time that came */
	struct ref_counts data, metadata;
	uint64_t deferred[DEFERRED]; /* data blocks that are still to be counted there: see queued()
				      */
	unsigned int next_deferred;
	uint32_t snap_time;   /* of the open device; in a def no time is as late */
	uint32_t newest_here; /* of the open def's mappings */
	bool exposed_ref;     /* some device would overwrite blocks of a def in place */
	struct btree_builder *mappings;
	struct leaf_list run_leaves;
	struct run *runs; /* owned */
	size_t nr_runs, runs_capacity;
	struct u64_map run_of; /* by name: 1 + index of the run */
	uint64_t nr_unseen; /* mappings of leaves that could not be read back: nothing is written */
	bool rough;         /* far too much came: what follows is only estimated, from below */
	uint64_t rough_mappings; /* of the open def or device: those that are in no leaf */
	uint64_t rough_nodes;    /* what they take at least, of all before */
	bool lone;               /* the only leaf so far has too few entries for one of several */
	struct written_device *devices; /* owned */
	size_t nr_devices, devices_capacity;
};

static struct metadata_writer *to_writer(struct metadata_visitor *v)
{
	return (struct metadata_writer *)v;
}

/* ---- blocks */

static struct metadata_writer *sink_writer(struct block_sink *s)
{
	char *p = (char *)s - offsetof(struct metadata_writer, sink);

	return (struct metadata_writer *)(void *)p;
}

static int allocate(struct block_sink *s, uint64_t *ret_block)
{
	struct metadata_writer *w = sink_writer(s);

	return block_writer_next(w->out, ret_block, &w->last);
}

static int write_last(struct block_sink *s, uint64_t block, void *raw, uint32_t salt)
{
	struct metadata_writer *w = sink_writer(s);

	(void)block;
	if (!w->engine)
		return 0;
	memcpy(w->last, raw, MD_BLOCK_SIZE);
	block_checksum_set(w->last, salt);
	return 0;
}

static int refer(struct block_sink *s, uint64_t block)
{
	return ref_counts_add(&sink_writer(s)->metadata, block, false);
}

/* What was written to block; *ret_raw is NULL where nothing is. */
static int read_back(struct metadata_writer *w, uint64_t block, void **ret_raw)
{
	int e;

	*ret_raw = NULL;
	if (!w->engine)
		return 0;
	e = block_writer_drain(w->out);
	if (!e)
		e = block_read(w->engine, block, w->raw);
	*ret_raw = w->raw;
	return e;
}

/* ---- data blocks */

/* Never 0.  mark: the device would overwrite the block in place (check_sharing.c). */
static uint64_t queued(uint64_t block, bool mark)
{
	return (block + 1) << 1 | mark;
}

static int count_queued(struct metadata_writer *w, uint64_t slot)
{
	return slot ? ref_counts_add(&w->data, (slot >> 1) - 1, slot & 1) : 0;
}

/*
 * Data blocks come in no order that a cache could guess: each is asked for ahead, and counted some
 * mappings later.  That halves the time of a copy.
 */
static int count_later(struct metadata_writer *w, uint64_t block, bool mark)
{
	uint64_t *slot = &w->deferred[w->next_deferred++ % DEFERRED];
	int e = count_queued(w, *slot);

	*slot = queued(block, mark);
	__builtin_prefetch(ref_counts_place(&w->data, block), 1);
	return e;
}

static int count_deferred(struct metadata_writer *w)
{
	int e = 0;

	for (unsigned int i = 0; i < DEFERRED && !e; i++) {
		e = count_queued(w, w->deferred[i]);
		w->deferred[i] = 0;
	}
	return e;
}

/* ---- leaves that cannot stay shared */

typedef int (*entry_fn)(struct metadata_writer *w, uint64_t key, __le64 value);

static int for_each_entry(struct metadata_writer *w, const struct leaf_ref *leaf, const void *raw,
			  entry_fn fn)
{
	struct btree_node n = { .nr_entries = 0 };
	struct node_fault ignored;
	int e = count_deferred(w);

	if (raw && btree_node_decode(raw, leaf->block, MAPPING_VALUE_SIZE, &n, &ignored))
		return -EIO;
	w->nr_unseen += raw ? 0 : leaf->nr_entries;
	for (uint32_t i = 0; i < n.nr_entries && !e; i++) {
		__le64 value;

		memcpy(&value, btree_node_value(&n, i), sizeof(value));
		e = fn(w, btree_node_key(&n, i), value);
	}
	return e;
}

static int count_again(struct metadata_writer *w, uint64_t key, __le64 value)
{
	(void)key;
	return ref_counts_add(&w->data, mapping_data_block(le64_to_cpu(value)), false);
}

static int count_no_more(struct metadata_writer *w, uint64_t key, __le64 value)
{
	(void)key;
	ref_counts_remove(&w->data, mapping_data_block(le64_to_cpu(value)));
	return 0;
}

static int add_entry(struct metadata_writer *w, uint64_t key, __le64 value)
{
	return btree_builder_add(w->mappings, key, &value);
}

/* The device gets the entries of its last leaf for itself, before those that are pending. */
static int unshare_last(struct metadata_writer *w)
{
	const struct leaf_list *leaves = btree_builder_leaves(w->mappings);
	const struct leaf_ref last = leaves->items[leaves->nr - 1];
	void *raw;
	int e = read_back(w, last.block, &raw);

	if (!e)
		e = for_each_entry(w, &last, raw, count_again);
	if (!e)
		btree_builder_take_back_leaf(w->mappings, raw);
	w->lone = false;
	return e;
}

/* The device gets the entries of this leaf for itself. */
static int copy_leaf(struct metadata_writer *w, const struct leaf_ref *leaf)
{
	void *raw;
	int e = read_back(w, leaf->block, &raw);

	if (!e)
		e = for_each_entry(w, leaf, raw, count_again);
	if (!e && raw)
		return for_each_entry(w, leaf, raw, add_entry);
	for (uint32_t i = 0; i < leaf->nr_entries && !e; i++)
		e = add_entry(w, 0, 0);
	return e;
}

static bool too_few(uint32_t nr_entries)
{
	return nr_entries < MIN_LEAF_ENTRIES;
}

/*
 * Pending mappings become leaves before a shared one comes.  If they are too few for a leaf, they
 * take a neighbour's along.  *first is the first leaf of the run that is still to come.
 */
static int flush_before(struct metadata_writer *w, const struct run *run, size_t *first)
{
	uint32_t pending = btree_builder_nr_pending(w->mappings);
	int e = 0;

	if (pending && too_few(pending) && btree_builder_leaves(w->mappings)->nr) {
		e = unshare_last(w);
	} else if (pending && too_few(pending)) {
		e = copy_leaf(w, &w->run_leaves.items[run->first]);
		++*first;
	}
	return e || *first == run->nr ? e : btree_builder_flush(w->mappings);
}

static int append_run(struct metadata_writer *w, const struct run *run)
{
	const struct leaf_ref *leaves = w->run_leaves.items + run->first;
	bool empty =
		!btree_builder_nr_pending(w->mappings) && !btree_builder_leaves(w->mappings)->nr;
	size_t i = 0;
	int e = w->lone ? unshare_last(w) : 0;

	if (e)
		return e;
	if (run->nr == 1 && too_few(leaves->nr_entries) && !empty)
		return copy_leaf(w, leaves);
	e = flush_before(w, run, &i);
	for (; i < run->nr && !e; i++)
		e = btree_builder_append_leaf(w->mappings, &leaves[i]);
	w->lone = empty && run->nr == 1 && too_few(leaves->nr_entries);
	return e;
}

static int finish_device_tree(struct metadata_writer *w, uint64_t *ret_root)
{
	uint32_t pending = btree_builder_nr_pending(w->mappings);
	int e = 0;

	if (pending && too_few(pending) && btree_builder_leaves(w->mappings)->nr)
		e = unshare_last(w);
	w->lone = false;
	return e ? e : btree_builder_finish(w->mappings, ret_root);
}

/* A leaf of a def that is in no tree after all was counted for nothing. */
static int discount_unused(struct metadata_writer *w)
{
	int e = 0;

	for (size_t i = 0; i < w->run_leaves.nr && !e; i++) {
		const struct leaf_ref *leaf = &w->run_leaves.items[i];
		void *raw;

		if (ref_counts_get(&w->metadata, leaf->block))
			continue;
		e = read_back(w, leaf->block, &raw);
		if (!e)
			e = for_each_entry(w, leaf, raw, count_no_more);
	}
	return e;
}

/* ---- what the visitor is told */

/* A device may have a time that no pool can have: it stays as it was. */
static void saw_time(struct metadata_writer *w, uint32_t time)
{
	if (time > w->newest && time <= MAX_TIME)
		w->newest = time;
}

static int on_superblock(struct metadata_visitor *v, const struct pool_header *header)
{
	struct metadata_writer *w = to_writer(v);

	w->header = *header;
	return ref_counts_init(&w->data, header->nr_data_blocks);
}

/*
 * A line of XML can stand for any number of mappings.  When nothing is written and the device is
 * far too small already, they are no longer made one by one to know precisely by how much.
 */
static bool estimate(struct metadata_writer *w, uint64_t nr_mappings)
{
	if (!w->engine && block_writer_position(w->out) + nr_mappings / LEAF_ENTRIES >
				  w->nr_blocks + EXACT_BEYOND)
		w->rough = true;
	if (w->rough)
		w->rough_mappings += nr_mappings;
	return w->rough;
}

/* The end of a def or a device; of a device none of whose mappings is in a leaf, the tree is known.
 */
static void end_estimate(struct metadata_writer *w, bool whole_tree)
{
	if (whole_tree && w->rough_mappings) /* but for the empty leaf that stands for it */
		w->rough_nodes += btree_nr_nodes(w->rough_mappings, MAPPING_VALUE_SIZE) - 1;
	else
		w->rough_nodes += w->rough_mappings / LEAF_ENTRIES;
	w->rough_mappings = 0;
}

static int on_map(struct metadata_visitor *v, const struct mapping_run *run)
{
	struct metadata_writer *w = to_writer(v);
	const bool mark = run->time >= w->snap_time;
	uint64_t end;
	int e;

	saw_time(w, run->time);
	if (run->time > w->newest_here)
		w->newest_here = run->time;
	if (__builtin_add_overflow(run->data_begin, run->length, &end) ||
	    end > w->header.nr_data_blocks)
		return -EINVAL;
	if ((w->rough || run->length >= LONG_RUN) && estimate(w, run->length))
		return 0;
	if (run->length / LEAF_ENTRIES > METADATA_MAX_BLOCKS)
		return -ENOSPC;
	e = w->lone ? unshare_last(w) : 0;
	for (uint64_t i = 0; i < run->length && !e; i++) {
		__le64 value = cpu_to_le64(mapping_value(run->data_begin + i, run->time));

		e = count_later(w, run->data_begin + i, mark);
		if (!e)
			e = btree_builder_add(w->mappings, run->thin_begin + i, &value);
	}
	return e;
}

static int on_def(struct metadata_visitor *v, uint64_t name)
{
	struct metadata_writer *w = to_writer(v);
	struct run *grown = alloc_grow(w->runs, &w->runs_capacity, w->nr_runs, sizeof(*grown));
	uint64_t *number = u64_map_at(&w->run_of, name);

	if (grown)
		w->runs = grown;
	if (!grown || !number)
		return -ENOMEM;
	if (*number)
		return -EINVAL;
	w->snap_time = UINT32_MAX;
	w->newest_here = 0;
	grown[w->nr_runs++] = (struct run){ .first = w->run_leaves.nr };
	*number = w->nr_runs;
	return 0;
}

static int on_def_end(struct metadata_visitor *v)
{
	struct metadata_writer *w = to_writer(v);
	const struct leaf_list *leaves = btree_builder_leaves(w->mappings);
	int e = btree_builder_flush(w->mappings);

	for (size_t i = 0; i < leaves->nr && !e; i++)
		e = leaf_list_append(&w->run_leaves, &leaves->items[i]);
	end_estimate(w, false);
	w->runs[w->nr_runs - 1].nr = leaves->nr;
	w->runs[w->nr_runs - 1].newest = w->newest_here;
	btree_builder_reset(w->mappings);
	return e;
}

static int on_ref(struct metadata_visitor *v, uint64_t name)
{
	struct metadata_writer *w = to_writer(v);
	const uint64_t *number = u64_map_find(&w->run_of, name);

	if (!number || !*number)
		return -EINVAL;
	if (w->runs[*number - 1].newest >= w->snap_time)
		w->exposed_ref = true;
	if (estimate(w, 0))
		return 0;
	return w->runs[*number - 1].nr ? append_run(w, &w->runs[*number - 1]) : 0;
}

static int on_device(struct metadata_visitor *v, uint64_t id, const struct device_details *details)
{
	struct metadata_writer *w = to_writer(v);
	struct written_device *grown =
		alloc_grow(w->devices, &w->devices_capacity, w->nr_devices, sizeof(*grown));

	if (!grown)
		return -ENOMEM;
	saw_time(w, details->creation_time);
	saw_time(w, details->snapshotted_time);
	w->devices = grown;
	w->snap_time = details->snapshotted_time;
	grown[w->nr_devices++] = (struct written_device){ .id = id, .details = *details };
	return 0;
}

static int on_device_end(struct metadata_visitor *v)
{
	struct metadata_writer *w = to_writer(v);
	uint64_t root = 0;
	int e;

	end_estimate(w, !btree_builder_nr_pending(w->mappings) &&
				!btree_builder_leaves(w->mappings)->nr);
	e = finish_device_tree(w, &root);
	if (!e)
		e = refer(&w->sink, root);
	w->devices[w->nr_devices - 1].root = root;
	return e;
}

static int on_superblock_end(struct metadata_visitor *v)
{
	(void)v;
	return 0;
}

/* ---- the end */

static int by_id(const void *a, const void *b)
{
	const struct written_device *da = a, *db = b;

	return (da->id > db->id) - (da->id < db->id);
}

static int sort_devices(struct metadata_writer *w)
{
	if (w->nr_devices)
		qsort(w->devices, w->nr_devices, sizeof(*w->devices), by_id);
	for (size_t i = 1; i < w->nr_devices; i++) {
		if (w->devices[i].id == w->devices[i - 1].id)
			return -EINVAL;
	}
	return 0;
}

static int write_details(struct metadata_writer *w, uint64_t *ret_root)
{
	struct btree_builder *b = NULL;
	int e = btree_builder_create(&w->sink, DETAILS_SIZE, &b);

	for (size_t i = 0; i < w->nr_devices && !e; i++) {
		struct disk_device_details raw;

		device_details_encode(&w->devices[i].details, &raw);
		e = btree_builder_add(b, w->devices[i].id, &raw);
	}
	if (!e)
		e = btree_builder_finish(b, ret_root);
	btree_builder_destroy(b);
	return e ? e : refer(&w->sink, *ret_root);
}

static int write_top_level(struct metadata_writer *w, uint64_t *ret_root)
{
	struct btree_builder *b = NULL;
	int e = btree_builder_create(&w->sink, MAPPING_VALUE_SIZE, &b);

	for (size_t i = 0; i < w->nr_devices && !e; i++) {
		__le64 root = cpu_to_le64(w->devices[i].root);

		e = btree_builder_add(b, w->devices[i].id, &root);
	}
	if (!e)
		e = btree_builder_finish(b, ret_root);
	btree_builder_destroy(b);
	return e ? e : refer(&w->sink, *ret_root);
}

static int write_trees(struct metadata_writer *w, struct superblock *sb)
{
	int e = sort_devices(w);

	if (!e)
		e = write_details(w, &sb->details_root);
	if (!e)
		e = write_top_level(w, &sb->mapping_root);
	return e ? e : discount_unused(w);
}

static int write_superblock(struct metadata_writer *w, const struct superblock *sb)
{
	int e = block_writer_drain(w->out);

	if (!e)
		e = block_flush(w->engine);
	if (e)
		return e;
	superblock_encode(sb, w->raw);
	e = block_write(w->engine, SUPERBLOCK_LOCATION, w->raw);
	return e ? e : block_flush(w->engine);
}

static int write_space_maps(struct metadata_writer *w, struct superblock *sb)
{
	int e = space_map_write_data(&w->sink, &w->data, w->header.nr_data_blocks,
				     &sb->data_space_map);

	return e ? e
		 : space_map_write_metadata(&w->sink, &w->metadata, w->nr_blocks,
					    &sb->metadata_space_map);
}

/* A larger device has a larger space map: where this one is too small, the next may need more. */
static uint64_t needed_blocks(const struct metadata_writer *w)
{
	const uint64_t unseen = w->rough ? 0 : w->nr_unseen; /* they are at most so many */
	const uint64_t used =
		block_writer_position(w->out) + w->rough_nodes +
		space_map_data_size(w->header.nr_data_blocks, w->data.nr_above_two + unseen);
	uint64_t device = w->nr_blocks, nr;

	for (;;) {
		nr = used + space_map_metadata_size(device, w->metadata.nr_above_two);
		if (nr <= device || device >= METADATA_MAX_BLOCKS)
			return nr;
		device = nr < METADATA_MAX_BLOCKS ? nr : METADATA_MAX_BLOCKS;
	}
}

bool metadata_writer_estimated(const struct metadata_writer *w)
{
	return w->rough;
}

bool metadata_writer_repeats(const struct metadata_writer *w)
{
	return w->data.nr_marked_repeated != 0;
}

bool metadata_writer_repeated(const struct metadata_writer *w, uint64_t block)
{
	return ref_counts_marked_repeated(&w->data, block);
}

bool metadata_writer_suspicious(const struct metadata_writer *w)
{
	return metadata_writer_repeats(w) || w->exposed_ref;
}

bool metadata_writer_raised_time(const struct metadata_writer *w, uint32_t *ret_time)
{
	*ret_time = w->newest > w->header.time ? w->newest : w->header.time;
	return *ret_time != w->header.time;
}

int metadata_writer_commit(struct metadata_writer *w, uint64_t *ret_nr_blocks)
{
	struct superblock sb = { .flags = w->header.needs_check ? SUPERBLOCK_NEEDS_CHECK : 0,
				 .transaction_id = w->header.transaction_id,
				 .data_block_size = w->header.data_block_size,
				 .metadata_nr_blocks = w->nr_blocks };
	int e = write_trees(w, &sb);

	if (!e)
		e = count_deferred(w);
	(void)metadata_writer_raised_time(w, &sb.time);
	if (e)
		return e;
	*ret_nr_blocks = needed_blocks(w);
	if (!w->engine)
		return 0;
	if (*ret_nr_blocks > w->nr_blocks)
		return -ENOSPC;
	e = write_space_maps(w, &sb);
	return e ? e : write_superblock(w, &sb);
}

static const struct metadata_visitor calls = { .superblock = on_superblock,
					       .superblock_end = on_superblock_end,
					       .def = on_def,
					       .def_end = on_def_end,
					       .device = on_device,
					       .device_end = on_device_end,
					       .map = on_map,
					       .ref = on_ref };

static int open_writer(struct metadata_writer *w)
{
	const uint64_t end = w->engine ? w->nr_blocks : METADATA_MAX_BLOCKS;
	int e = block_writer_create(w->engine, SUPERBLOCK_LOCATION + 1, end, &w->out);

	w->raw = alloc_aligned(MD_BLOCK_SIZE);
	if (!e && !w->raw)
		e = -ENOMEM;
	if (!e)
		e = ref_counts_init(&w->metadata, end);
	if (!e)
		e = ref_counts_add(&w->metadata, SUPERBLOCK_LOCATION, false);
	return e ? e : btree_builder_create(&w->sink, MAPPING_VALUE_SIZE, &w->mappings);
}

int metadata_writer_create(struct block_engine *e, uint64_t nr_blocks,
			   struct metadata_writer **ret_writer)
{
	struct metadata_writer *w = alloc_object(struct metadata_writer);
	int r;

	if (!w)
		return -ENOMEM;
	w->visitor = calls;
	w->sink = (struct block_sink){ allocate, write_last, refer };
	w->engine = e;
	w->nr_blocks = nr_blocks;
	r = open_writer(w);
	if (r)
		metadata_writer_destroy(w);
	else
		*ret_writer = w;
	return r;
}

void metadata_writer_destroy(struct metadata_writer *w)
{
	if (!w)
		return;
	block_writer_destroy(w->out);
	btree_builder_destroy(w->mappings);
	ref_counts_destroy(&w->data);
	ref_counts_destroy(&w->metadata);
	u64_map_destroy(&w->run_of);
	alloc_free(w->run_leaves.items);
	alloc_free(w->runs);
	alloc_free(w->devices);
	alloc_free(w->raw);
	alloc_free(w);
}

struct metadata_visitor *metadata_writer_visitor(struct metadata_writer *w)
{
	return &w->visitor;
}

int metadata_destroy_superblock(struct block_engine *e)
{
	/* Not from the heap: it has to go also when there is no memory left. */
	static const uint8_t zeroes[MD_BLOCK_SIZE] __attribute__((aligned(4096)));
	int r = block_write(e, SUPERBLOCK_LOCATION, zeroes);

	return r ? r : block_flush(e);
}
