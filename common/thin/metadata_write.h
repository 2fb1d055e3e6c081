/* SPDX-License-Identifier: MIT
 * metadata_write.h: new metadata from a visitor's calls.
 *
 * Everything is written once, to blocks that follow each other, while it comes; a def's leaves are
 * shared by all that refer to it.  Nothing counts until metadata_writer_commit() writes the
 * superblock: whoever is interrupted before leaves a device without one.
 * Memory: 24 bytes a leaf of the def or device that is being written and of all defs, 48 bytes a
 * device, half a byte a block of either device, and about 3 MiB.
 */
#ifndef THINMEND_THIN_METADATA_WRITE_H
#define THINMEND_THIN_METADATA_WRITE_H

#include "common/io/block_io.h"
#include "common/thin/metadata_visitor.h"

struct metadata_writer;

/*
 * Write to e, of which nr_blocks are to be used; or, where e is NULL, write nothing and find out
 * whether nr_blocks are enough.  e stays the caller's, and nothing else may use it until the writer
 * is destroyed.  0 or -ENOMEM.
 */
must_check int metadata_writer_create(struct block_engine *e, uint64_t nr_blocks,
				      struct metadata_writer **ret_writer);
void metadata_writer_destroy(struct metadata_writer *w);

/*
 * The writer's.  What it is called with has to be in order: devices in any order but each id once,
 * mappings ascending and their data blocks below the header's nr_data_blocks, refs to defs that
 * were ended.  Its calls return 0, -ENOSPC when the metadata does not fit, -EINVAL for what is not
 * in order, -ENOMEM, or an -errno of writing.
 */
struct metadata_visitor *metadata_writer_visitor(struct metadata_writer *w);

/*
 * Everything came, and superblock_end was called.  Without an engine only *ret_nr_blocks is set:
 * how many blocks a device needs at least, at most a few too many where leaves could not stay
 * shared. Else all is written and flushed, then the superblock, and flushed again.  As above.
 */
must_check int metadata_writer_commit(struct metadata_writer *w, uint64_t *ret_nr_blocks);

/*
 * Is *ret_nr_blocks no more than a lower bound?  So when nothing is written and the metadata is
 * larger than nr_blocks by 256 MiB and more: the time and memory that this takes stay within what
 * nr_blocks can hold, and not what a line of XML can claim.
 */
bool metadata_writer_estimated(const struct metadata_writer *w);

/*
 * After the commit: are there data blocks that one device would overwrite in place while they are
 * mapped at another place too?  Is this one of them?  Nothing that the kernel wrote has any.  Those
 * of defs count once, however many devices refer to them.
 */
bool metadata_writer_repeats(const struct metadata_writer *w);
bool metadata_writer_repeated(const struct metadata_writer *w, uint64_t block);
/* May there be any, those of defs included?  Then a check of the result tells. */
bool metadata_writer_suspicious(const struct metadata_writer *w);

/*
 * Is the superblock's time not the header's, because newer ones came?  Were it below the time of a
 * mapping, the next snapshot would not protect that block from being written to.
 */
bool metadata_writer_raised_time(const struct metadata_writer *w, uint32_t *ret_time);

/* Make sure that nobody takes what is on e for metadata: its first block becomes zero. */
must_check int metadata_destroy_superblock(struct block_engine *e);

#endif
