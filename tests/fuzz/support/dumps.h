/* SPDX-License-Identifier: MIT
 * dumps.h: what thin_dump makes of a device, and thin_restore of that.
 */
#ifndef THINMEND_FUZZ_DUMPS_H
#define THINMEND_FUZZ_DUMPS_H

#include "common/thin/metadata_read.h"
#include "common/xml/emit.h"
#include "tests/fuzz/support/fuzz.h"
#include "tests/support/image.h"

/* As metadata_reader_open() and metadata_reader_run(). */
int fuzz_dump_read(struct image *i, const struct read_options *o, struct metadata_visitor *v,
		   struct read_fault *fault);

/* The same, as text in a file; to be closed whatever is returned. */
int fuzz_dump_emit(struct image *i, const struct read_options *o,
		   const struct metadata_visitor *format, bool compress, struct fuzz_file *ret);

/* The dump, read as XML again, says the same, call by call. */
void fuzz_dump_require_restorable(struct image *i);

#endif
