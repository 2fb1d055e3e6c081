/* SPDX-License-Identifier: MIT
 * pool_source.h: where a pool's metadata come from, and reading them as often as one likes.
 *
 * Raw metadata may belong to an active pool: then the superblock is looked at before and after, for
 * a commit in between makes what was read a mixture of two states.
 */
#ifndef THINMEND_POOL_POOL_SOURCE_H
#define THINMEND_POOL_POOL_SOURCE_H

#include "common/base/progress.h"
#include "common/base/report.h"
#include "common/io/block_io.h"
#include "common/thin/metadata_visitor.h"

enum pool_source_kind {
	POOL_RAW, /* a metadata device, or a copy of one */
	POOL_XML, /* what thin_dump makes of it, plain or gzip'd */
};

struct pool_source_options {
	enum pool_source_kind kind;
	const char *path;        /* for XML, "-" is standard input; only until open returns */
	bool metadata_snap;      /* raw: the metadata snapshot instead of the live metadata */
	bool live;               /* raw: the pool may be active; implied by metadata_snap */
	uint64_t nr_data_blocks; /* XML: instead of what it says; 0: as it says */
};

/* Why something could not be read, in one line without the path. */
struct pool_fault {
	char text[320];
};

/* What was learnt beside the sequence of calls. */
struct pool_reading {
	/* Of a superblock that could be read, whatever is behind it: sectors, data blocks; else 0.
	 */
	uint64_t data_block_size, nr_data_blocks;
	bool raw;                                       /* all but this is false and 0 for XML */
	uint64_t transaction_before, transaction_after; /* of the superblock in block 0 */
	bool torn;          /* the pool committed, or dropped the snapshot, while it was read */
	uint64_t held_root; /* metadata block of the metadata snapshot, 0: none is held */
	uint64_t metadata_blocks, metadata_blocks_free;
	uint64_t data_blocks_allocated; /* as the data space map has it */
};

/*
 * As the kernel counts, who keeps a tenth of the metadata, at most 4096 blocks, for itself: where
 * all is used, the pool takes no more (drivers/md/dm-thin-metadata.c,
 * dm_pool_get_free_metadata_block_count()).
 */
static inline uint64_t pool_metadata_used(const struct pool_reading *r)
{
	const uint64_t tenth = r->metadata_blocks / 10, reserve = tenth < 4096 ? tenth : 4096;
	const uint64_t used = r->metadata_blocks - r->metadata_blocks_free;

	return used + reserve < r->metadata_blocks ? used + reserve : r->metadata_blocks;
}

struct pool_source;

/*
 * Open what the options name, for reading.  0; or with *ret_fault filled: -errno of opening;
 * -EBUSY: in use, and neither live nor metadata_snap was asked for.
 */
must_check int pool_source_open(const struct pool_source_options *options,
				struct pool_source **ret_source, struct pool_fault *ret_fault);

/* Raw metadata behind an engine, which becomes the source's where this succeeds.  0 or -ENOMEM. */
must_check int pool_source_on_engine(struct block_engine *e, bool metadata_snap,
				     struct pool_source **ret_source);

void pool_source_close(struct pool_source *s);

enum pool_source_kind pool_source_kind(const struct pool_source *s);
bool pool_source_of_snapshot(const struct pool_source *s);

/* What need not be read.  XML is read whole all the same: a visitor has to bear more. */
struct pool_selection {
	bool skip_mappings;
	const uint64_t *dev_ids; /* only these; all where nr_dev_ids is 0 */
	size_t nr_dev_ids;
};

/*
 * One pass over everything, or what is selected (NULL: everything).  *ret_reading is filled as far
 * as it got, whatever is returned.  0; or with *ret_fault filled:
 *   -EUCLEAN  raw metadata are damaged
 *   -ENODATA  there is no metadata snapshot, or no such device
 *   -EINVAL   the XML is not what it should be
 *   -EIO, -EBADMSG and another -errno of reading
 * or -errno of the visitor, with an empty text.  progress may be NULL.
 */
must_check int pool_source_run(struct pool_source *s, const struct pool_selection *selection,
			       struct metadata_visitor *v, struct progress *progress,
			       struct pool_reading *ret_reading, struct pool_fault *ret_fault);

struct pool_check {
	enum severity worst;
	uint64_t nr_by_id[NR_FINDINGS];
	bool space_maps_checked;        /* not those of a metadata snapshot: it has none */
	uint64_t nr_leaked_data_blocks; /* the data space map counts them, nobody maps them */
	uint64_t nr_leaked_metadata_blocks;
	bool torn; /* the pool committed meanwhile: what was found may be the mixture's */
};

/*
 * Check raw metadata completely.  0, however damaged they are; -ENOTSUP for XML, -ENODATA without
 * the metadata snapshot that was asked for, else an -errno of our own.
 */
must_check int pool_check(struct pool_source *s, struct progress *progress,
			  struct pool_check *ret_check);

/*
 * Metadata whose first block is blank, in a file or a block device: the kernel takes them for those
 * of a new pool, and formats them (Linux: drivers/md/dm-thin-metadata.c, __superblock_all_zeroes).
 */
bool pool_source_is_blank(const char *path);

#endif
