/* SPDX-License-Identifier: MIT
 * deletion.h: which devices may be deleted, and the only commands that do it.
 *
 * Whatever a finding says, it is proven here once more, from the table of devices and from Docker's
 * state: nobody needs the device, or those alone who go with it; all places were read where
 * somebody may; and it is that device.
 */
#ifndef DOCKER_META_ANSWERS_DELETION_H
#define DOCKER_META_ANSWERS_DELETION_H

#include "docker_meta/answers/steps.h"
#include "docker_meta/facts/layer_names.h"

/* What was found out once about all. */
struct deletion {
	const struct device_table *t; /* borrowed */
	const char *closed;           /* why no device at all may go: a constant; NULL: some may */
	struct layer_names names;     /* all that are referred to */
	uint8_t *reached;             /* owned, by layer: an image, a container or a build has it */
};

/* Linear but for sorting.  0 or -ENOMEM; to be destroyed in any case. */
must_check int deletion_init(const struct device_table *t, struct deletion *ret_deletion);
void deletion_destroy(struct deletion *d);

/*
 * Why this device has to stay, a constant for people; NULL: it may go.  A reference from `layer` or
 * from `mount`, which may be NULL, does not keep it where nobody has that layer or mount either:
 * whoever deletes it moves that out of the way as well.
 */
const char *deletion_forbidden(const struct deletion *d, const struct device_row *row,
			       const struct layer *layer, const struct mount *mount);

/*
 * The commands that delete a device and move its file out of the way, into the last step; where it
 * has to stay, a remark that says why.  Whether it may go.
 */
bool deletion_add(const struct deletion *d, struct mend_steps *s, const struct device_row *row,
		  const struct layer *layer, const struct mount *mount);

#endif
