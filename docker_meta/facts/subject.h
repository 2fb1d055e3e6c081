/* SPDX-License-Identifier: MIT
 * subject.h: the one thing that something is said of.
 */
#ifndef DOCKER_META_FACTS_SUBJECT_H
#define DOCKER_META_FACTS_SUBJECT_H

#include "docker_meta/facts/devices.h"

/* All is borrowed from the stores, or from the host or the configuration. */
struct subject {
	enum subject_kind kind;
	union {
		const void *thing; /* NULL: it is not there, or none of these kinds */
		const struct device_row *device;
		const struct image *image;
		const struct container *container;
		const struct layer *layer;
		const struct mount *mount;
	};
	const char *id;   /* within its kind, for ever the same; NULL: it has none but a device's */
	const char *name; /* for people; NULL: it is called by its kind, or by its device */
};

struct subject subject_of_device(const struct device_row *row);
struct subject subject_of_layer(const struct layer *l);
struct subject subject_of_container(const struct container *c);

/* It is called as its first name, or by its id. */
struct subject subject_of_image(const struct docker_state *d, const struct image *image);

/* It is called as its container. */
struct subject subject_of_mount(const struct docker_state *d, const struct mount *m);

/* Of a kind that has no store, or of one whose id is in no store; name may be NULL. */
struct subject subject_named(enum subject_kind kind, const char *name);

/* The same, looked up in the stores. */
struct subject subject_find(const struct docker_state *d, enum subject_kind kind, const char *id);

#endif
