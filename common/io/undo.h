/* SPDX-License-Identifier: MIT
 * undo.h: what blocks were before they were changed in place, so that it can be put back.
 *
 * An undo file has a header and a record for each block that was written, in the order of the
 * writes.  A record is on stable storage before its block is written, so whatever interrupts the
 * change, the file has all of it.  Integers are little-endian; checksums are CRC32C, begun with all
 * ones, not inverted.
 *
 *     header   0 "thinmend undo 1\n"   16 le64 blocks on the device
 *              24 le32 checksum of block 0 before   28 le32 checksum of bytes 0..27
 *     record   0 le64 block   8 le32 number of the record, from 0
 *              12 le32 checksum of bytes 0..11 and 16..8207
 *              16 the block before (4096 bytes)   4112 the block after
 *
 * Block 0, the superblock, tells whether the file has all: it is the last block of a change that is
 * written, so it is as before, or the file has the record of its being written.
 */
#ifndef THINMEND_IO_UNDO_H
#define THINMEND_IO_UNDO_H

#include "common/io/block_io.h"

struct undo_fault {
	char text[240];
};

/*
 * Find the place of the undo file, where nothing may stand, and make an engine that notes there
 * what is written through it once it has begun; nothing is to be seen of the file before.  inner
 * stays the caller's and must outlive the engine; requests are carried out at once.  0 or -errno:
 * -EEXIST where there is a file already.
 */
must_check int undo_engine_create(struct block_engine *inner, const char *path,
				  struct block_engine **ret_engine);

/* From now on no file has to be opened any more for it: it has to get its name alone. */
bool undo_engine_is_open(const struct block_engine *e);

/*
 * Give the file its name, before anything is written.  0 or -errno: -EEXIST where somebody else has
 * it meanwhile; once it has failed it fails for ever.  A file that nothing was noted in is removed
 * with the engine.
 */
must_check int undo_engine_begin(struct block_engine *e);

/* Why the file could not be written: 0 or -errno. */
int undo_engine_error(const struct block_engine *e);

/* How many blocks were noted. */
uint64_t undo_engine_nr_noted(const struct block_engine *e);

/*
 * Put back what the undo file at path has.  Every block has to be as it was before or after the
 * change, or half of each where a write of it was torn, and so has block 0 where the file has no
 * record of it: else the device is another one or was used since, or the file was cut off, and
 * nothing is written.  *ret_nr: how many blocks were put back.  An undo that was
 * interrupted may be done again. 0; -EUCLEAN with fault filled; or another -errno.
 */
must_check int undo_apply(struct block_engine *e, const char *path, uint64_t *ret_nr,
			  struct undo_fault *fault);

#endif
