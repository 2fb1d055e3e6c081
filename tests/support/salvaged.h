/* SPDX-License-Identifier: MIT
 * salvaged.h: what a salvage makes of an image, against what was there before it was harmed.
 */
#ifndef THINMEND_TESTS_SALVAGED_H
#define THINMEND_TESTS_SALVAGED_H

#include "common/thin/salvage.h"
#include "tests/support/content.h"
#include "tests/support/image.h"

struct salvaged {
	int error; /* what salvage() gave; with one of them everything is lost */
	struct salvage_result result;
	struct content content; /* of what was salvaged */
	struct content_difference difference;
};

/* What an image means that is whole.  Aborts the test when it is not; so does salvage_image(). */
struct content image_content(struct image *i);

/* Salvage i; options may be NULL. */
struct salvaged salvage_image(struct image *i, const struct salvage_options *options,
			      const struct content *truth);
void salvaged_destroy(struct salvaged *s);

/* Zeros in the place of a block. */
void image_lose(struct image *i, uint64_t block);

/*
 * How many mappings of the truth are gone although no loss that the result names covers them, for
 * their device itself or for one that shares it.
 */
uint64_t salvaged_nr_unnamed(const struct salvaged *s, const struct content *truth);

#endif
