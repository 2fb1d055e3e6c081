/* SPDX-License-Identifier: MIT
 * elements.h: what the elements of a dump mean, whoever finds them.  Included by common/xml alone.
 */
#ifndef THINMEND_XML_ELEMENTS_H
#define THINMEND_XML_ELEMENTS_H

#include "common/base/u64_map.h"
#include "common/xml/parse.h"

enum element {
	NO_ELEMENT, /* outside of all */
	SUPERBLOCK,
	DEF,
	DEVICE,
	SINGLE_MAPPING,
	RANGE_MAPPING,
	REF,
	NR_ELEMENTS
};

/* A def that was read. */
struct def {
	char *name;                     /* owned */
	uint64_t first_thin, next_thin; /* its mappings lie in [first_thin, next_thin) */
	uint64_t nr_mappings;
};

/* All that was read so far, as far as it matters for what may come. */
struct elements {
	const struct xml_options *options;
	struct metadata_visitor *v;
	enum element open[4]; /* from the root inwards */
	unsigned int depth;
	bool had_superblock;
	struct pool_header header;
	struct def *defs; /* owned */
	size_t nr_defs, defs_capacity;
	struct u64_map def_of;             /* by hash of the name: 1 + index */
	struct u64_map devices;            /* by id: 1 */
	uint64_t device_id, mapped_blocks; /* of the open device */
	uint64_t first_thin, next_thin; /* of the open def or device: the next may not be lower */
	uint64_t nr_mappings;           /* of it */
	char fault[256];                /* what is wrong: set when -EINVAL is returned */
};

void elements_init(struct elements *e, const struct xml_options *options,
		   struct metadata_visitor *v);
void elements_destroy(struct elements *e);

/*
 * A start tag; attributes are pairs of name and value, with NULL at the end.  0, -EINVAL with
 * e->fault, or -errno of the visitor.
 */
must_check int elements_start(struct elements *e, const char *name, const char *const *attributes);
/* The end tag of the element that is open. */
must_check int elements_end(struct elements *e);

/* May mappings come here? */
static inline bool elements_take_mappings(const struct elements *e)
{
	return e->depth && (e->open[e->depth - 1] == DEF || e->open[e->depth - 1] == DEVICE);
}

/* A whole mapping element, found by whoever reads faster than expat. */
must_check int elements_mapping(struct elements *e, const struct mapping_run *run);

#endif
