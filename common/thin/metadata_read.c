/* SPDX-License-Identifier: MIT */
#include "common/thin/metadata_read.h"

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>

#include "common/base/alloc.h"
#include "common/base/u64_map.h"
#include "common/io/block_reader.h"
#include "common/thin/leaf_runs.h"
#include "common/thin/superblock.h"
#include "common/thin/tree_reader.h"

enum { BATCH = 128 }; /* leaves read together */

/* Keys [begin, end); end 0: the leaf was not met yet. */
struct key_range {
	uint64_t begin, end;
};

struct read_device {
	uint64_t id, root;
	struct device_details details;
	bool has_root;
};

struct metadata_reader {
	struct block_engine *engine;
	uint64_t nr_blocks;
	const struct read_options *options; /* only until open returns */
	struct superblock sb;               /* of the metadata snapshot, where that is read */
	struct pool_header header;
	uint64_t nr_data_blocks; /* mappings must lie below it */
	struct read_device *devices;
	size_t nr_devices, capacity;
	bool skip_mappings;
	struct tree_reader trees;
	struct leaf_runs runs;
	struct key_range *ranges;    /* owned, by block: where the keys of a leaf may lie */
	struct u64_map run_mappings; /* by name: how many mappings a def has */
};

static void set_text(struct read_fault *fault, const char *format, ...) printf_like(2, 3);

static void set_text(struct read_fault *fault, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	(void)vsnprintf(fault->text, sizeof(fault->text), format, args);
	va_end(args);
}

/* Expressions, so that every analyser sees the value. */
#define missing(...) (set_text(__VA_ARGS__), -ENODATA)
#define broken(...) (set_text(__VA_ARGS__), -EUCLEAN)

/* ---- opening */

/* What would make the dump mean something else. */
static int check_superblock(const struct metadata_reader *r, struct read_fault *fault)
{
	const struct superblock *sb = &r->sb;

	if (sb->incompat_flags)
		return broken(fault, "superblock: unknown incompatible features: 0x%" PRIx32,
			      sb->incompat_flags);
	if (sb->time > MAX_TIME)
		return broken(fault, "superblock: time %" PRIu32 " does not fit into a mapping",
			      sb->time);
	if (sb->data_space_map.nr_blocks > MAX_DATA_BLOCKS)
		return broken(fault,
			      "superblock: %" PRIu64 " data blocks are more than there can be",
			      sb->data_space_map.nr_blocks);
	if (!r->options->data_block_size && !data_block_size_valid(sb->data_block_size))
		return broken(fault,
			      "superblock: %" PRIu32
			      " sectors is no data block size; give --data-block-size",
			      sb->data_block_size);
	return 0;
}

static int read_superblock(struct metadata_reader *r, uint64_t block, struct read_fault *fault)
{
	void *raw = alloc_aligned(MD_BLOCK_SIZE);
	int e;

	if (!raw)
		return -ENOMEM;
	e = block_read(r->engine, block, raw);
	if (e)
		e = broken(fault, "the superblock cannot be read");
	else
		r->sb = superblock_decode(raw);
	alloc_free(raw);
	if (e)
		return e;
	if (!r->sb.checksum_ok)
		return broken(fault, "bad checksum in superblock");
	if (r->sb.magic != SUPERBLOCK_MAGIC)
		return broken(fault, "bad magic number in superblock");
	if (r->sb.blocknr != block)
		return broken(fault, "the superblock says that it is another block");
	return check_superblock(r, fault);
}

static int read_snapshot(struct metadata_reader *r, struct read_fault *fault)
{
	const struct read_options *o = r->options;
	uint64_t held = r->sb.held_root;

	if (!held)
		return missing(fault, "no current metadata snap");
	if (o->snap_block && o->snap_block != held)
		return missing(fault,
			       "metadata snapshot does not match that in superblock: it is at "
			       "block %" PRIu64 ", not %" PRIu64,
			       held, o->snap_block);
	return read_superblock(r, held, fault);
}

static uint64_t max_u64(uint64_t a, uint64_t b)
{
	return a > b ? a : b;
}

static uint64_t min_u64(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

/* The header as it is, with what the user wants it to say. */
static void make_header(struct metadata_reader *r)
{
	const struct read_options *o = r->options;
	const struct superblock *sb = &r->sb;

	r->header = (struct pool_header){
		.time = sb->time,
		.transaction_id = max_u64(sb->transaction_id, o->transaction_id),
		.needs_check = superblock_needs_check(sb),
		.version = sb->version,
		.data_block_size = o->data_block_size ? o->data_block_size : sb->data_block_size,
		.nr_data_blocks = max_u64(sb->data_space_map.nr_blocks, o->nr_data_blocks),
	};
}

static const struct tree details_tree = { .kind = KIND_DETAILS, .device = NO_DEVICE };

static int add_device(void *context, uint64_t key, const void *value)
{
	struct metadata_reader *r = context;
	struct read_device *grown;

	if (key > MAX_DEV_ID)
		return tree_fault(&r->trees, &details_tree, r->sb.details_root,
				  "device id %llu does not fit into 24 bits",
				  (unsigned long long)key);
	grown = alloc_grow(r->devices, &r->capacity, r->nr_devices, sizeof(*grown));
	if (!grown)
		return -ENOMEM;
	r->devices = grown;
	grown[r->nr_devices++] =
		(struct read_device){ .id = key, .details = device_details_decode(value) };
	return 0;
}

struct joining {
	struct metadata_reader *r;
	const struct tree *tree;
	size_t next; /* both trees come by ascending id */
};

static int join_root(void *context, uint64_t key, const void *value)
{
	struct joining *j = context;
	struct metadata_reader *r = j->r;
	__le64 root;

	if (j->next == r->nr_devices || r->devices[j->next].id != key)
		return tree_fault(&r->trees, j->tree, j->tree->root,
				  "it and the device details tree do not have the same devices, "
				  "see device %llu",
				  (unsigned long long)key);
	memcpy(&root, value, sizeof(root));
	r->devices[j->next].root = le64_to_cpu(root);
	r->devices[j->next++].has_root = true;
	return 0;
}

static int read_devices(struct metadata_reader *r)
{
	struct tree details = { .kind = KIND_DETAILS,
				.value_size = DETAILS_SIZE,
				.root = r->sb.details_root,
				.device = NO_DEVICE };
	struct tree top = { .kind = KIND_TOP_LEVEL,
			    .value_size = MAPPING_VALUE_SIZE,
			    .root = r->sb.mapping_root,
			    .device = NO_DEVICE };
	struct joining j = { .r = r, .tree = &top };
	int e = tree_reader_values(&r->trees, &details, add_device, r);

	if (!e)
		e = tree_reader_values(&r->trees, &top, join_root, &j);
	if (!e && j.next != r->nr_devices)
		e = tree_fault(&r->trees, &top, top.root, "device %llu has details but no mappings",
			       (unsigned long long)r->devices[j.next].id);
	return e;
}

static bool wanted(const struct read_options *o, uint64_t id)
{
	for (size_t i = 0; i < o->nr_dev_ids; i++) {
		if (o->dev_ids[i] == id)
			return true;
	}
	return !o->nr_dev_ids;
}

static bool exists(const struct metadata_reader *r, uint64_t id)
{
	for (size_t i = 0; i < r->nr_devices; i++) {
		if (r->devices[i].id == id)
			return true;
	}
	return false;
}

static int select_devices(struct metadata_reader *r, struct read_fault *fault)
{
	const struct read_options *o = r->options;
	size_t kept = 0;

	for (size_t i = 0; i < o->nr_dev_ids; i++) {
		if (!exists(r, o->dev_ids[i]))
			return missing(fault, "there is no device %" PRIu64, o->dev_ids[i]);
	}
	for (size_t i = 0; i < r->nr_devices; i++) {
		if (wanted(o, r->devices[i].id))
			r->devices[kept++] = r->devices[i];
	}
	r->nr_devices = kept;
	return 0;
}

static struct tree mapping_tree(const struct read_device *d)
{
	return (struct tree){ .kind = KIND_MAPPING,
			      .value_size = MAPPING_VALUE_SIZE,
			      .root = d->root,
			      .device = d->id };
}

/* A shared leaf has to fit below each of its parents: the tightest range counts. */
static int note_leaf(void *context, uint64_t block, uint64_t begin, uint64_t end)
{
	struct metadata_reader *r = context;
	struct key_range *range = &r->ranges[block];

	leaf_runs_add(&r->runs, block);
	if (begin > range->begin)
		range->begin = begin;
	if (!range->end || end < range->end)
		range->end = end;
	return 0;
}

static int find_runs(struct metadata_reader *r)
{
	int e = leaf_runs_init(&r->runs, r->nr_blocks);

	r->ranges = alloc_array(r->nr_blocks, sizeof(*r->ranges));
	if (!r->ranges)
		return -ENOMEM;
	for (size_t i = 0; i < r->nr_devices && !e; i++) {
		struct tree tree = mapping_tree(&r->devices[i]);

		e = tree_reader_leaves(&r->trees, &tree, note_leaf, r);
		leaf_runs_end(&r->runs);
	}
	return e;
}

static int open_reader(struct metadata_reader *r, struct read_fault *fault)
{
	int e = tree_reader_init(&r->trees, r->engine, r->nr_blocks, fault);

	if (!e)
		e = read_superblock(r, SUPERBLOCK_LOCATION, fault);
	if (!e)
		r->nr_data_blocks = r->sb.data_space_map.nr_blocks;
	if (!e && r->options->metadata_snap)
		e = read_snapshot(r, fault);
	if (e)
		return e;
	make_header(r);
	r->skip_mappings = r->options->skip_mappings;
	e = read_devices(r);
	if (!e)
		e = select_devices(r, fault);
	if (!e && !r->skip_mappings)
		e = find_runs(r);
	return e;
}

int metadata_reader_open(struct block_engine *e, const struct read_options *options,
			 struct metadata_reader **ret_reader, struct read_fault *ret_fault)
{
	struct metadata_reader *r = alloc_object(struct metadata_reader);
	int error;

	*ret_fault = (struct read_fault){ "" };
	if (!r)
		return -ENOMEM;
	r->engine = e;
	r->nr_blocks = options->nr_blocks ? options->nr_blocks
					  : min_u64(e->nr_blocks, METADATA_MAX_BLOCKS);
	r->options = options;
	error = open_reader(r, ret_fault);
	r->options = NULL;
	if (error)
		metadata_reader_destroy(r);
	else
		*ret_reader = r;
	return error;
}

void metadata_reader_destroy(struct metadata_reader *r)
{
	if (!r)
		return;
	tree_reader_destroy(&r->trees);
	leaf_runs_destroy(&r->runs);
	alloc_free(r->ranges);
	u64_map_destroy(&r->run_mappings);
	alloc_free(r->devices);
	alloc_free(r);
}

/* ---- emitting */

struct leaf_place {
	uint64_t begin, end;
};

/* One sequence of mappings on its way to the visitor: a def's or a device's. */
struct emission {
	struct metadata_reader *r;
	struct metadata_visitor *v;
	struct progress *progress;
	struct tree tree;
	void *slab; /* BATCH blocks */
	uint64_t blocks[BATCH];
	struct leaf_place places[BATCH];
	int errors[BATCH];
	unsigned int nr;         /* leaves that wait to be read */
	struct mapping_run run;  /* being built; length 0: none */
	uint64_t nr_mappings;    /* of the sequence */
	uint64_t next_thin;      /* the next mapping must not lie below it */
	uint64_t nr_leaves_done; /* for progress */
};

static int flush_run(struct emission *m)
{
	int e = m->run.length ? m->v->map(m->v, &m->run) : 0;

	m->run.length = 0;
	return e;
}

static int add_mapping(struct emission *m, uint64_t thin, uint64_t value)
{
	struct mapping_run *run = &m->run;
	uint64_t data = mapping_data_block(value);
	uint32_t time = mapping_time(value);
	int e;

	if (run->length && thin == run->thin_begin + run->length &&
	    data == run->data_begin + run->length && time == run->time) {
		run->length++;
		return 0;
	}
	e = flush_run(m);
	*run = (struct mapping_run){
		.thin_begin = thin, .data_begin = data, .length = 1, .time = time
	};
	return e;
}

static int emit_leaf(struct emission *m, const struct btree_node *leaf)
{
	struct metadata_reader *r = m->r;
	int e = 0;

	for (uint32_t i = 0; i < leaf->nr_entries && !e; i++) {
		uint64_t thin = btree_node_key(leaf, i), value = btree_node_u64(leaf, i);

		if (thin < m->next_thin)
			return tree_fault(&r->trees, &m->tree, leaf->block,
					  "thin block %llu comes after a higher one",
					  (unsigned long long)thin);
		if (mapping_data_block(value) >= r->nr_data_blocks)
			return tree_fault(&r->trees, &m->tree, leaf->block,
					  "thin block %llu is mapped beyond the data device",
					  (unsigned long long)thin);
		m->next_thin = thin + 1;
		e = add_mapping(m, thin, value);
	}
	m->nr_mappings += leaf->nr_entries;
	return e;
}

/* Read the leaves that wait, and emit them. */
static int flush_leaves(struct emission *m)
{
	struct metadata_reader *r = m->r;
	int e = block_read_list(r->engine, m->blocks, m->nr, m->slab, m->errors);

	for (unsigned int i = 0; i < m->nr && !e; i++) {
		const char *raw = (const char *)m->slab + (size_t)i * MD_BLOCK_SIZE;
		struct btree_node leaf = { 0 };

		e = tree_reader_leaf(&r->trees, &m->tree, m->blocks[i], raw, m->errors[i],
				     m->places[i].begin, m->places[i].end, &leaf);
		if (!e)
			e = emit_leaf(m, &leaf);
	}
	m->nr_leaves_done += m->nr;
	m->nr = 0;
	progress_at(m->progress, m->nr_leaves_done, 0);
	return e;
}

static int add_leaf(struct emission *m, uint64_t block, uint64_t begin, uint64_t end)
{
	m->blocks[m->nr] = block;
	m->places[m->nr++] = (struct leaf_place){ begin, end };
	return m->nr == BATCH ? flush_leaves(m) : 0;
}

static int end_sequence(struct emission *m)
{
	int e = flush_leaves(m);

	return e ? e : flush_run(m);
}

static void begin_sequence(struct emission *m, const struct tree *tree)
{
	m->tree = *tree;
	m->nr_mappings = 0;
	m->next_thin = 0;
}

static int emit_def(struct emission *m, uint64_t name)
{
	struct metadata_reader *r = m->r;
	struct tree tree = { .kind = KIND_MAPPING,
			     .value_size = MAPPING_VALUE_SIZE,
			     .device = NO_DEVICE };
	uint64_t *count = u64_map_at(&r->run_mappings, name);
	int e = count ? m->v->def(m->v, name) : -ENOMEM;

	begin_sequence(m, &tree);
	for (uint64_t b = name; b && !e; b = leaf_runs_next(&r->runs, b))
		e = add_leaf(m, b, r->ranges[b].begin, r->ranges[b].end);
	if (!e)
		e = end_sequence(m);
	if (e)
		return e;
	*count = m->nr_mappings;
	return m->v->def_end(m->v);
}

static int emit_defs(struct emission *m)
{
	const struct leaf_runs *runs = &m->r->runs;
	int e = 0;

	for (uint64_t b = 1; b < runs->nr_blocks && !e; b++) {
		if (leaf_runs_is_shared(runs, b) && leaf_runs_is_first(runs, b))
			e = emit_def(m, b);
	}
	return e;
}

static int emit_ref(struct emission *m, uint64_t name)
{
	const uint64_t *count = u64_map_find(&m->r->run_mappings, name);
	int e = end_sequence(m);

	m->nr_mappings += count ? *count : 0;
	return e ? e : m->v->ref(m->v, name);
}

/* A leaf of a device: its own, the first of a shared run, or one that the ref to it covers. */
static int device_leaf(void *context, uint64_t block, uint64_t begin, uint64_t end)
{
	struct emission *m = context;

	if (!leaf_runs_is_shared(&m->r->runs, block))
		return add_leaf(m, block, begin, end);
	return leaf_runs_is_first(&m->r->runs, block) ? emit_ref(m, block) : 0;
}

static int emit_mappings(struct emission *m, const struct read_device *d)
{
	struct tree tree = mapping_tree(d);
	int e;

	begin_sequence(m, &tree);
	e = tree_reader_leaves(&m->r->trees, &tree, device_leaf, m);
	if (!e)
		e = end_sequence(m);
	if (e || m->nr_mappings == d->details.mapped_blocks)
		return e;
	return tree_fault(
		&m->r->trees, &tree, d->root, "%llu mappings, but the device details say %llu",
		(unsigned long long)m->nr_mappings, (unsigned long long)d->details.mapped_blocks);
}

static int emit_device(struct emission *m, const struct read_device *d)
{
	int e = m->v->device(m->v, d->id, &d->details);

	if (!e && !m->r->skip_mappings)
		e = emit_mappings(m, d);
	return e ? e : m->v->device_end(m->v);
}

static int emit_all(struct emission *m)
{
	struct metadata_reader *r = m->r;
	int e = m->v->superblock(m->v, &r->header);

	progress_phase(m->progress, "leaves");
	if (!e && !r->skip_mappings)
		e = emit_defs(m);
	for (size_t i = 0; i < r->nr_devices && !e; i++)
		e = emit_device(m, &r->devices[i]);
	return e ? e : m->v->superblock_end(m->v);
}

int metadata_reader_run(struct metadata_reader *r, struct metadata_visitor *v,
			struct progress *progress, struct read_fault *ret_fault)
{
	struct emission *m = alloc_object(struct emission);
	int e = -ENOMEM;

	*ret_fault = (struct read_fault){ "" };
	r->trees.fault = ret_fault;
	if (!m)
		return e;
	m->r = r;
	m->v = v;
	m->progress = progress;
	m->slab = alloc_aligned((size_t)BATCH * MD_BLOCK_SIZE);
	if (m->slab)
		e = emit_all(m);
	alloc_free(m->slab);
	alloc_free(m);
	return e;
}
