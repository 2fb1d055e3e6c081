/* SPDX-License-Identifier: MIT
 * rows.h: the catalogue of all that can be wrong between a pool and Docker (rows.def).
 */
#ifndef DOCKER_META_CATALOGUE_ROWS_H
#define DOCKER_META_CATALOGUE_ROWS_H

#include <stdbool.h>

enum meta_severity { META_INFO, META_WARNING, META_ERROR, META_FATAL };

/* "info", "warning", "error", "fatal". */
const char *meta_severity_name(enum meta_severity severity);

enum meta_row_id {
#define ROW(id, severity, subject, traits, recipe, title, predicted, remedy) ROW_##id,
#include "docker_meta/catalogue/rows.def"
#undef ROW
	NR_ROWS
};

/* What a finding is about. */
enum subject_kind {
	SUBJECT_DEVICE,
	SUBJECT_IMAGE,
	SUBJECT_CONTAINER,
	SUBJECT_LAYER,
	SUBJECT_MOUNT,  /* a writable layer */
	NR_ASKED_KINDS, /* those above can be asked for by name (answers/subject.h) */
	SUBJECT_HOST = NR_ASKED_KINDS, /* none of these: all there is */
	SUBJECT_POOL,
	SUBJECT_FILE,     /* one of Docker's own files */
	SUBJECT_TAG,      /* a name that an image has */
	SUBJECT_SNAPSHOT, /* BuildKit's */
	SUBJECT_DRIVER,   /* a storage driver */
	SUBJECT_OPTION,   /* a key of the configuration */
	SUBJECT_VOLUME,   /* LVM's */
	SUBJECT_ACTIVE,   /* a device of device-mapper */
	SUBJECT_MNT_DIR,  /* ROOT/devicemapper/mnt/NAME */
	SUBJECT_LOOP,     /* the file of a loop device */
	NR_SUBJECT_KINDS
};

/* "device", "image", … */
const char *subject_kind_name(enum subject_kind kind);

enum row_trait {
	/* It compares one side with another, or rests on all of the metadata: of several moments
	 * that proves nothing. */
	TRAIT_COMPARES = 1 << 0,
	TRAIT_OF_POOL = 1 << 1, /* it is of the pool as a whole */
	TRAIT_SAVES = 1 << 2,   /* what mends it keeps what there is: that asks for no proof */
	/* Mending it deletes devices, which cannot be while somebody uses them. */
	TRAIT_DELETES = 1 << 3,
	/* Nobody needs the device, as far as is known: whoever makes it may say so later. */
	TRAIT_OWNER_LATER = 1 << 4,
	/* Docker makes a device before it notes whose it is: of the newest nobody knows yet. */
	TRAIT_OF_THE_MOMENT = 1 << 5,
	TRAIT_ORPHAN = 1 << 6, /* one of the devices that thresholds may tolerate */
	/* Without these nothing of the kind can be concluded. */
	TRAIT_NEEDS_POOL = 1 << 7,
	TRAIT_NEEDS_DRIVER = 1 << 8,
	TRAIT_NEEDS_LAYERS = 1 << 9,
	TRAIT_NEEDS_MOUNTS = 1 << 10,
	TRAIT_NEEDS_IMAGES = 1 << 11,
	TRAIT_NEEDS_CONTAINERS = 1 << 13,
	TRAIT_LINT = 1 << 12, /* it is the configuration's */
};

struct meta_row {
	const char *id;
	enum meta_severity severity;
	enum subject_kind subject;
	unsigned int traits; /* enum row_trait */
	const char *title, *predicted, *remedy;
};

const struct meta_row *meta_row(enum meta_row_id id);

static inline enum meta_row_id meta_row_number(const struct meta_row *row)
{
	return (enum meta_row_id)(row - meta_row((enum meta_row_id)0));
}

static inline bool row_has(const struct meta_row *row, enum row_trait trait)
{
	return (row->traits & (unsigned int)trait) != 0;
}

#endif
