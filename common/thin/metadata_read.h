/* SPDX-License-Identifier: MIT
 * metadata_read.h: undamaged metadata to a visitor, in constant memory.
 *
 * First the internal nodes are read, to find which leaves are shared; then every leaf once, in the
 * order of its mappings.  The first thing that is wrong ends it: nothing is left out silently.
 * Memory: 25 bytes a metadata block and about 6 MiB, however many mappings there are.
 */
#ifndef THINMEND_THIN_METADATA_READ_H
#define THINMEND_THIN_METADATA_READ_H

#include "common/base/progress.h"
#include "common/io/block_io.h"
#include "common/thin/metadata_visitor.h"

struct read_options {
	bool metadata_snap;      /* the metadata snapshot instead of the live metadata */
	uint64_t snap_block;     /* where it is expected; 0: wherever */
	bool skip_mappings;      /* devices without their mappings */
	const uint64_t *dev_ids; /* only these; all where nr_dev_ids is 0 */
	size_t nr_dev_ids;
	uint64_t transaction_id; /* at least this in the header; likewise: */
	uint64_t nr_data_blocks;
	uint32_t data_block_size; /* this in the header, unless 0 */
	uint64_t nr_blocks; /* metadata blocks; 0: as the device has, at most METADATA_MAX_BLOCKS */
};

struct metadata_reader;

/* Why reading ended, for one line of text. */
struct read_fault {
	char text[256];
};

/*
 * Read everything but leaves.  The engine stays the caller's and must outlive the reader.
 * 0; or with ret_fault filled: -EUCLEAN damage, -ENODATA what was asked for is not there, -EIO;
 * -ENOMEM or another -errno of the engine.
 */
must_check int metadata_reader_open(struct block_engine *e, const struct read_options *options,
				    struct metadata_reader **ret_reader,
				    struct read_fault *ret_fault);

/* Read the leaves and call the visitor.  As above; or the visitor's own -errno, with empty text. */
must_check int metadata_reader_run(struct metadata_reader *r, struct metadata_visitor *v,
				   struct progress *progress, struct read_fault *ret_fault);

void metadata_reader_destroy(struct metadata_reader *r);

#endif
