/* SPDX-License-Identifier: MIT
 * subject.h: what people call things, and which thing that is.
 *
 * A name is one of
 *   23                  the id of a device
 *   base, HASH          a device, or the layer or mount that names it; also a prefix of the hash,
 *                       with "-init" behind it for the init device: without, the other one is meant
 *   ubuntu:16.04        an image; "ubuntu" is "ubuntu:latest", else the only image of that name
 *   ubuntu@sha256:…     likewise, or a prefix of it
 *   [sha256:]HEX        an image by its id, or a layer by its chain id; also prefixes
 *   web, /web, HEX      a container by its name, its id, or a prefix of that
 * A kind before it, as in "container:web", leaves only things of that kind; "id:" is a device by
 * its id alone.  What it is exactly beats what it is a prefix of.  Cost: one pass over all there
 * is.
 */
#ifndef DOCKER_META_ANSWERS_SUBJECT_H
#define DOCKER_META_ANSWERS_SUBJECT_H

#include "docker_meta/facts/subject.h"

struct subjects {
	struct subject *items; /* owned, each once, by kind */
	size_t nr, capacity;
};

/* All that the name may be, equally well: none, one, or several.  0 or -ENOMEM. */
must_check int subjects_find(const struct device_table *t, const char *name,
			     struct subjects *ret_subjects);
void subjects_destroy(struct subjects *s);

#define MAX_NEAR 5u

/* Names of images and containers that are near it; borrowed.  Returns how many. */
size_t subject_near(const struct device_table *t, const char *name,
		    const char *ret_names[MAX_NEAR]);

/* "device 23, rw of exited", with names as the files have them: text_print() it. */
void subject_describe(const struct device_table *t, const struct subject *s, char *text,
		      size_t size);

/*
 * The one thing that the name is.  STATUS_NONE; else it was said on standard error why not, and the
 * status to end with is returned: usage where there is no such thing, or several; and where there
 * is none, but not every place could be read where it may be, META_STATUS_BLIND.
 */
must_check int subject_resolve(const struct device_table *t, const char *name,
			       struct subject *ret_subject);

/*
 * The device that is meant by it: a container's own layer, an image's top layer, …; NULL where it
 * has none, or none that the driver knows: then *ret_hash is what it should be, or NULL.
 */
const struct device_row *subject_device(const struct device_table *t, const struct subject *s,
					const char **ret_hash);

#endif
