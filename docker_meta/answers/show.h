/* SPDX-License-Identifier: MIT
 * show.h: all that is known of one device, image, container or layer.
 */
#ifndef DOCKER_META_ANSWERS_SHOW_H
#define DOCKER_META_ANSWERS_SHOW_H

#include <stdio.h>

#include "docker_meta/answers/about.h"
#include "docker_meta/answers/lineage.h"
#include "docker_meta/answers/rescue.h"
#include "docker_meta/answers/subject.h"
#include "docker_meta/view.h"

/* The command in its forms.  0, -ENOMEM or -EIO; *status is what to end with. */
must_check int show_text(const struct meta_view *v, FILE *out, int *status);
must_check int show_json(const struct meta_view *v, FILE *out, int *status);

/* For these two. */
struct show {
	const struct meta_view *v;
	const struct device_table *t;
	struct subject subject;
	const struct device_row *row;      /* its device; NULL: it has none that is known */
	const char *hash;                  /* that its device should have; NULL: nothing tells */
	const struct image *image;         /* the subject, or a container's; NULL: none */
	const struct layer *layer;         /* the subject, or a device's; NULL: none */
	const struct mount *mount;         /* the subject's, or its device's; NULL: none */
	const struct container *container; /* likewise */
	struct about about;
	struct lineage lineage; /* of its device */
	struct children children;
	struct rescue rescue; /* of its device */
	uint64_t set_blocks;  /* of an image: those that its layers alone map, together */
};

/* STATUS_NONE, or the status to end with, when all was said.  Destroy always. */
must_check int show_make(const struct meta_view *v, struct show *ret_show);
void show_destroy(struct show *s);

/* The image has the layer: its place from 1, else 0. */
size_t show_position(const struct image *image, const struct layer *layer);

/* "running", "dead", "removing", "stopped". */
const char *show_container_state(const struct container *c);

/* BuildKit's first record that has the device, or NULL. */
const struct snapshot_record *show_snapshot(const struct show *s, const struct device_row *row);

#endif
