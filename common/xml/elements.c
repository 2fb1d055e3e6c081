/* SPDX-License-Identifier: MIT */
#include "common/xml/elements.h"

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "common/base/alloc.h"
#include "common/base/number.h"
#include "common/thin/superblock.h"

enum { MAX_ATTRIBUTES = 8 };

struct attribute {
	const char *name;
	uint64_t max; /* of a text: bytes, unless 0 */
	bool optional;
	bool text; /* no number */
};

/*
 * A superblock has 16 bytes for the uuid, and no dump ever shows them.  38 characters are the
 * longest way to write so many: that of LVM.
 */
#define UUID_MAX 38

struct element_type {
	const char *name;
	enum element parents[2];
	struct attribute attributes[MAX_ATTRIBUTES];
};

/* Where an element's attributes stand among its values. */
enum {
	SB_UUID,
	SB_TIME,
	SB_TRANSACTION,
	SB_FLAGS,
	SB_VERSION,
	SB_BLOCK_SIZE,
	SB_NR_BLOCKS,
	SB_SNAP
};
enum { DEV_ID, DEV_MAPPED, DEV_TRANSACTION, DEV_CREATION, DEV_SNAP };
enum { SINGLE_THIN, SINGLE_DATA, SINGLE_TIME };
enum { RANGE_THIN, RANGE_DATA, RANGE_LENGTH, RANGE_TIME };

/*
 * LVM leaves out flags and version, thin-provisioning-tools 1.x leaves out flags that are 0.  The
 * version is of the metadata that were dumped: ours are of one version, and the kernel does not
 * read it.
 */
static const struct element_type types[NR_ELEMENTS] = {
	[SUPERBLOCK] = { "superblock",
			 { NO_ELEMENT },
			 { [SB_UUID] = { .name = "uuid", .max = UUID_MAX, .text = true },
			   [SB_TIME] = { .name = "time", .max = MAX_TIME },
			   [SB_TRANSACTION] = { .name = "transaction", .max = UINT64_MAX },
			   [SB_FLAGS] = { .name = "flags",
					  .max = SUPERBLOCK_NEEDS_CHECK,
					  .optional = true },
			   [SB_VERSION] = { .name = "version",
					    .max = UINT32_MAX,
					    .optional = true },
			   [SB_BLOCK_SIZE] = { .name = "data_block_size", .max = UINT32_MAX },
			   [SB_NR_BLOCKS] = { .name = "nr_data_blocks", .max = MAX_DATA_BLOCKS },
			   [SB_SNAP] = { .name = "metadata_snap",
					 .max = UINT64_MAX,
					 .optional = true } } },
	[DEF] = { "def", { SUPERBLOCK }, { { .name = "name", .text = true } } },
	[DEVICE] = { "device",
		     { SUPERBLOCK },
		     { [DEV_ID] = { .name = "dev_id", .max = MAX_DEV_ID },
		       [DEV_MAPPED] = { .name = "mapped_blocks", .max = UINT64_MAX },
		       [DEV_TRANSACTION] = { .name = "transaction", .max = UINT64_MAX },
		       [DEV_CREATION] = { .name = "creation_time", .max = UINT32_MAX },
		       [DEV_SNAP] = { .name = "snap_time", .max = UINT32_MAX } } },
	[SINGLE_MAPPING] = { "single_mapping",
			     { DEF, DEVICE },
			     { [SINGLE_THIN] = { .name = "origin_block", .max = UINT64_MAX - 1 },
			       [SINGLE_DATA] = { .name = "data_block", .max = MAX_DATA_BLOCKS - 1 },
			       [SINGLE_TIME] = { .name = "time", .max = MAX_TIME } } },
	[RANGE_MAPPING] = { "range_mapping",
			    { DEF, DEVICE },
			    { [RANGE_THIN] = { .name = "origin_begin", .max = UINT64_MAX - 1 },
			      [RANGE_DATA] = { .name = "data_begin", .max = MAX_DATA_BLOCKS - 1 },
			      [RANGE_LENGTH] = { .name = "length", .max = MAX_DATA_BLOCKS },
			      [RANGE_TIME] = { .name = "time", .max = MAX_TIME } } },
	[REF] = { "ref", { DEVICE }, { { .name = "name", .text = true } } },
};

struct values {
	uint64_t numbers[MAX_ATTRIBUTES];
	const char *texts[MAX_ATTRIBUTES]; /* NULL: the attribute is not there */
};

static void set_fault(struct elements *e, const char *format, ...) printf_like(2, 3);

static void set_fault(struct elements *e, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	(void)vsnprintf(e->fault, sizeof(e->fault), format, args);
	va_end(args);
}

/* An expression, so that every analyser sees the value. */
#define wrong(...) (set_fault(__VA_ARGS__), -EINVAL)

void elements_init(struct elements *e, const struct xml_options *options,
		   struct metadata_visitor *v)
{
	*e = (struct elements){ .options = options, .v = v };
}

void elements_destroy(struct elements *e)
{
	for (size_t i = 0; i < e->nr_defs; i++)
		alloc_free(e->defs[i].name);
	alloc_free(e->defs);
	u64_map_destroy(&e->def_of);
	u64_map_destroy(&e->devices);
}

/* ---- attributes */

static int take_attribute(struct elements *e, const struct element_type *type, const char *name,
			  const char *text, struct values *v)
{
	for (unsigned int i = 0; i < MAX_ATTRIBUTES && type->attributes[i].name; i++) {
		const struct attribute *a = &type->attributes[i];

		if (strcmp(a->name, name) != 0)
			continue;
		v->texts[i] = text;
		if (a->text && a->max && strlen(text) > a->max)
			return wrong(e, "%s of %zu bytes in <%s>: expected at most %" PRIu64, name,
				     strlen(text), type->name, a->max);
		if (a->text || (parse_u64(text, &v->numbers[i]) && v->numbers[i] <= a->max))
			return 0;
		return wrong(e,
			     "%s=\"%.40s\" in <%s>: expected a decimal number from 0 to %" PRIu64,
			     name, text, type->name, a->max);
	}
	return wrong(e, "unknown attribute '%.40s' in <%s>", name, type->name);
}

static int take_attributes(struct elements *e, const struct element_type *type,
			   const char *const *attributes, struct values *v)
{
	int r = 0;

	*v = (struct values){ .texts = { NULL } };
	for (; *attributes && !r; attributes += 2)
		r = take_attribute(e, type, attributes[0], attributes[1], v);
	for (unsigned int i = 0; i < MAX_ATTRIBUTES && type->attributes[i].name && !r; i++) {
		if (!v->texts[i] && !type->attributes[i].optional)
			r = wrong(e, "missing attribute '%s' in <%s>", type->attributes[i].name,
				  type->name);
	}
	return r;
}

/* ---- defs by name */

/* FNV-1a; names that collide take the next numbers. */
static uint64_t hash_name(const char *name)
{
	uint64_t hash = UINT64_C(0xcbf29ce484222325);

	for (; *name; name++)
		hash = (hash ^ (unsigned char)*name) * UINT64_C(0x100000001b3);
	return hash >> 1;
}

/* Where the def of this name stands in def_of, or would stand. */
static uint64_t *find_def(struct elements *e, const char *name)
{
	for (uint64_t hash = hash_name(name);; hash++) {
		uint64_t *slot = u64_map_at(&e->def_of, hash);

		if (!slot || !*slot || !strcmp(e->defs[*slot - 1].name, name))
			return slot;
	}
}

/* ---- mappings */

int elements_mapping(struct elements *e, const struct mapping_run *run)
{
	uint64_t end, data_end;

	if (!run->length)
		return wrong(e, "length=\"0\": expected at least one block");
	if (__builtin_add_overflow(run->thin_begin, run->length, &end))
		return wrong(e, "thin block %" PRIu64 " and %" PRIu64 " more: beyond any device",
			     run->thin_begin, run->length);
	if (run->thin_begin < e->next_thin)
		return wrong(e,
			     "thin block %" PRIu64 " after thin block %" PRIu64
			     ": mappings must ascend and not overlap",
			     run->thin_begin, e->next_thin - 1);
	data_end = run->data_begin + run->length;
	if (data_end > e->header.nr_data_blocks)
		return wrong(e, "data block %" PRIu64 ", but nr_data_blocks is %" PRIu64 "%s",
			     data_end - 1, e->header.nr_data_blocks,
			     e->header.nr_data_blocks ? "" : "; give --nr-data-blocks");
	if (!e->nr_mappings)
		e->first_thin = run->thin_begin;
	e->next_thin = end;
	e->nr_mappings += run->length;
	return e->v->map(e->v, run);
}

/* ---- starts */

static int start_superblock(struct elements *e, const struct values *v)
{
	const struct xml_options *o = e->options;
	uint64_t size = o->data_block_size ? o->data_block_size : v->numbers[SB_BLOCK_SIZE];

	if (!data_block_size_valid(size))
		return wrong(e,
			     "data_block_size=\"%" PRIu64
			     "\": expected a multiple of %u from %u to %u sectors",
			     size, DATA_BLOCK_SIZE_MIN, DATA_BLOCK_SIZE_MIN, DATA_BLOCK_SIZE_MAX);
	e->had_superblock = true;
	e->header = (struct pool_header){
		.time = (uint32_t)v->numbers[SB_TIME],
		.transaction_id =
			o->has_transaction_id ? o->transaction_id : v->numbers[SB_TRANSACTION],
		.needs_check = v->numbers[SB_FLAGS] == SUPERBLOCK_NEEDS_CHECK,
		.version = SUPERBLOCK_VERSION,
		.data_block_size = (uint32_t)size,
		.nr_data_blocks = o->nr_data_blocks ? o->nr_data_blocks : v->numbers[SB_NR_BLOCKS],
	};
	return e->v->superblock(e->v, &e->header);
}

static void begin_sequence(struct elements *e)
{
	e->first_thin = e->next_thin = e->nr_mappings = 0;
}

static int start_def(struct elements *e, const struct values *v)
{
	struct def *grown = alloc_grow(e->defs, &e->defs_capacity, e->nr_defs, sizeof(*grown));
	uint64_t *slot;

	if (!grown)
		return -ENOMEM;
	e->defs = grown;
	slot = find_def(e, v->texts[0]);
	if (!slot)
		return -ENOMEM;
	if (*slot)
		return wrong(e, "a second def named '%.40s'", v->texts[0]);
	grown[e->nr_defs] = (struct def){ .name = alloc_string(v->texts[0]) };
	if (!grown[e->nr_defs].name)
		return -ENOMEM;
	*slot = ++e->nr_defs;
	begin_sequence(e);
	return e->v->def(e->v, e->nr_defs);
}

static int start_device(struct elements *e, const struct values *v)
{
	const uint64_t id = v->numbers[DEV_ID];
	struct device_details details = {
		.mapped_blocks = v->numbers[DEV_MAPPED],
		.transaction_id = v->numbers[DEV_TRANSACTION],
		.creation_time = (uint32_t)v->numbers[DEV_CREATION],
		.snapshotted_time = (uint32_t)v->numbers[DEV_SNAP],
	};
	uint64_t *seen = u64_map_at(&e->devices, id);

	if (!seen)
		return -ENOMEM;
	if (*seen)
		return wrong(e, "a second device %" PRIu64, id);
	*seen = 1;
	e->device_id = id;
	e->mapped_blocks = details.mapped_blocks;
	begin_sequence(e);
	return e->v->device(e->v, id, &details);
}

static int start_single(struct elements *e, const struct values *v)
{
	const struct mapping_run run = { .thin_begin = v->numbers[SINGLE_THIN],
					 .data_begin = v->numbers[SINGLE_DATA],
					 .length = 1,
					 .time = (uint32_t)v->numbers[SINGLE_TIME] };

	return elements_mapping(e, &run);
}

static int start_range(struct elements *e, const struct values *v)
{
	const struct mapping_run run = { .thin_begin = v->numbers[RANGE_THIN],
					 .data_begin = v->numbers[RANGE_DATA],
					 .length = v->numbers[RANGE_LENGTH],
					 .time = (uint32_t)v->numbers[RANGE_TIME] };

	return elements_mapping(e, &run);
}

static int start_ref(struct elements *e, const struct values *v)
{
	uint64_t *slot = find_def(e, v->texts[0]);
	const struct def *def;

	if (!slot)
		return -ENOMEM;
	if (!*slot)
		return wrong(e, "no def named '%.40s' came before", v->texts[0]);
	def = &e->defs[*slot - 1];
	if (def->first_thin < e->next_thin)
		return wrong(e,
			     "def '%.40s' begins with thin block %" PRIu64
			     ", after thin block %" PRIu64 ": mappings must ascend and not overlap",
			     def->name, def->first_thin, e->next_thin - 1);
	e->next_thin = def->next_thin;
	e->nr_mappings += def->nr_mappings;
	return e->v->ref(e->v, *slot);
}

static enum element element_named(const char *name)
{
	for (enum element el = SUPERBLOCK; el < NR_ELEMENTS; el++) {
		if (!strcmp(types[el].name, name))
			return el;
	}
	return NO_ELEMENT;
}

static enum element innermost(const struct elements *e)
{
	return e->depth ? e->open[e->depth - 1] : NO_ELEMENT;
}

static int wrong_place(struct elements *e, enum element el)
{
	const struct element_type *type = &types[el];

	if (el == SUPERBLOCK && e->had_superblock)
		return wrong(e, "a second <superblock>");
	if (innermost(e) == NO_ELEMENT)
		return wrong(e, "<%s> outside of <superblock>", type->name);
	return wrong(
		e, "<%s> in <%s>: it belongs into <%s>%s%s%s", type->name, types[innermost(e)].name,
		type->parents[0] ? types[type->parents[0]].name : "nothing",
		type->parents[1] ? " or <" : "",
		type->parents[1] ? types[type->parents[1]].name : "", type->parents[1] ? ">" : "");
}

static int start(struct elements *e, enum element el, const struct values *v)
{
	switch (el) {
	case SUPERBLOCK:
		return start_superblock(e, v);
	case DEF:
		return start_def(e, v);
	case DEVICE:
		return start_device(e, v);
	case SINGLE_MAPPING:
		return start_single(e, v);
	case RANGE_MAPPING:
		return start_range(e, v);
	case REF:
		return start_ref(e, v);
	case NO_ELEMENT:
	case NR_ELEMENTS:
		break;
	}
	return -EINVAL;
}

int elements_start(struct elements *e, const char *name, const char *const *attributes)
{
	enum element el = element_named(name), parent = innermost(e);
	struct values v;
	int r;

	if (el == NO_ELEMENT)
		return wrong(e, "unknown element <%.40s>", name);
	if (parent != types[el].parents[0] && (!parent || parent != types[el].parents[1]))
		return wrong_place(e, el);
	r = take_attributes(e, &types[el], attributes, &v);
	if (!r)
		r = start(e, el, &v);
	e->open[e->depth++] = el; /* no element stands deeper than the third level */
	return r;
}

/* ---- ends */

static int end_def(struct elements *e)
{
	struct def *def = &e->defs[e->nr_defs - 1];

	if (!e->nr_mappings)
		return wrong(e, "def '%.40s' is empty", def->name);
	def->first_thin = e->first_thin;
	def->next_thin = e->next_thin;
	def->nr_mappings = e->nr_mappings;
	return e->v->def_end(e->v);
}

static int end_device(struct elements *e)
{
	if (e->nr_mappings != e->mapped_blocks)
		return wrong(e,
			     "device %" PRIu64 " has %" PRIu64
			     " mappings, but its mapped_blocks is %" PRIu64,
			     e->device_id, e->nr_mappings, e->mapped_blocks);
	return e->v->device_end(e->v);
}

int elements_end(struct elements *e)
{
	switch (e->open[--e->depth]) {
	case SUPERBLOCK:
		return e->v->superblock_end(e->v);
	case DEF:
		return end_def(e);
	case DEVICE:
		return end_device(e);
	case SINGLE_MAPPING:
	case RANGE_MAPPING:
	case REF:
	case NO_ELEMENT:
	case NR_ELEMENTS:
		break;
	}
	return 0;
}
