/* SPDX-License-Identifier: MIT
 * sharing.h: data blocks that one device would overwrite in place while they are mapped at another
 * place too.  While all is well, this costs nothing: the writer counts them as it goes.
 */
#ifndef THINMEND_THIN_RESTORE_SHARING_H
#define THINMEND_THIN_RESTORE_SHARING_H

#include "common/thin/metadata_write.h"
#include "thin_restore/thin_restore.h"

/* One of those that several devices have. */
struct shared_block {
	bool found;
	uint64_t block;
	uint64_t first, second; /* devices; DEF_HOLDER for a def */
};

#define DEF_HOLDER UINT64_MAX

/*
 * Read the XML again, to the place where a device or a def maps such a block twice.  w is what it
 * was measured with, after the commit.  0; -EINVAL with ret_fault filled; or as xml_parse().
 */
must_check int sharing_read_again(const struct xml_options *options, struct input *in,
				  const struct metadata_writer *w, struct xml_fault *ret_fault,
				  struct shared_block *ret_shared);

/* Check what was written, and warn of what thin_check will find. */
void sharing_warn(const struct thin_restore_options *o, struct block_engine *e,
		  const struct shared_block *shared);

#endif
