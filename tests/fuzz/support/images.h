/* SPDX-License-Identifier: MIT
 * images.h: metadata devices from a few bytes: a sound base, and patches on it.
 *
 * The first byte chooses the base, or that the rest is a device as it is.  Bases are those of the
 * fixtures that a kernel wrote, cut to the blocks that were ever used, and random pools as
 * thin_restore writes them.  Each patch is an operation, a block and what belongs to it (images.c).
 * In the end every block that was touched gets its checksum anew, unless the patch says no.
 */
#ifndef THINMEND_FUZZ_IMAGES_H
#define THINMEND_FUZZ_IMAGES_H

#include "tests/fuzz/support/fuzz.h"
#include "tests/support/image.h"

struct fuzz_image {
	struct image image;  /* what is tested; owned by images.c, until the next one is made */
	const uint8_t *copy; /* what it was; likewise */
	bool is_base;        /* no patch was taken, and nothing was leaked */
};

/* Take all of the bytes.  False: they describe no device. */
bool fuzz_image_make(struct fuzz_bytes *in, struct fuzz_image *ret);

/* Nothing has written to it. */
void fuzz_image_require_unchanged(const struct fuzz_image *f);

/* Nothing that thin_check calls wrong by its exit status. */
bool fuzz_image_is_sound(struct image *i);

#endif
