/* SPDX-License-Identifier: MIT
 * block.h: where a thin block leads to, who wrote it, who shares it, what a write there does; and
 * the other way round: who maps a data block.
 *
 * What a write does the kernel decides by two times (Linux: drivers/md/dm-thin-metadata.c,
 * __snapshotted_since(); dm-thin.c, process_bio()): a mapping that is older than the last snapshot
 * of its device counts as shared, and the write goes to a copy; else it goes to the data block
 * itself.  The time of a mapping is that of its allocation or copy: overwriting in place leaves it.
 */
#ifndef DOCKER_META_ANSWERS_BLOCK_H
#define DOCKER_META_ANSWERS_BLOCK_H

#include <stdio.h>

#include "common/pool/pool_find.h"
#include "docker_meta/answers/lineage.h"
#include "docker_meta/answers/subject.h"
#include "docker_meta/view.h"

enum write_kind {
	WRITE_UNKNOWN,
	WRITE_FAILS,     /* beyond the device's end, or there is no device */
	WRITE_ALLOCATES, /* nothing is mapped */
	WRITE_COPIES,
	WRITE_IN_PLACE,
};

/* "allocates", "copies", … */
const char *write_kind_name(enum write_kind kind);

/* What a write through a mapping of that time does. */
enum write_kind write_kind_of(const struct pool_device *device, uint32_t time);

struct block_answer {
	const struct device_table *t;
	const char *name;             /* what was asked for; NULL: a data block */
	const struct device_row *row; /* NULL: likewise */
	uint64_t thin_block;          /* of the device */
	uint64_t nr_blocks;           /* of the device, when has_size */
	uint64_t data_block;          /* when it is mapped */

	struct lineage lineage;
	const struct device_row *writer; /* NULL: not told by the times */
	const struct device_row *gone;   /* between writer and row, and not in the pool: or it */
	struct pool_users users;

	uint32_t time; /* when it is mapped */
	enum write_kind write;
	bool has_size, beyond; /* the device's size is known; the block is not in it */
	bool known, mapped;    /* unless known, fault says why it is not */
	bool writer_maps;      /* it still has the same mapping */
	bool users_known;      /* all of them: nothing was damaged; else fault says why */
	bool unsafe;           /* several map it, and one of them would overwrite it in place */
	bool torn;             /* the pool changed while it was read */
	struct pool_fault fault;
};

/* STATUS_NONE, or usage: what `block` is about is missing, or too much, or no number. */
must_check int block_accept(const struct docker_meta_options *o);

/* The command in its forms.  0, -ENOMEM or -EIO; *status is what to end with. */
must_check int block_text(const struct meta_view *v, FILE *out, int *status);
must_check int block_json(const struct meta_view *v, FILE *out, int *status);

/* For these two: STATUS_NONE, or the status to end with, when all was said.  Destroy always. */
must_check int block_find(const struct meta_view *v, struct block_answer *ret_answer);
void block_destroy(struct block_answer *a);
int block_status(const struct block_answer *a);

/* Data blocks that nobody uses; false: not known. */
bool block_free(const struct block_answer *a, uint64_t *ret_nr);

/* The data block lies behind the pool's end; false also where that is not known. */
bool block_beyond_pool(const struct block_answer *a);

/* The user's mapping was meant by the question. */
bool block_is_own(const struct block_answer *a, const struct pool_user *u);

enum write_kind block_write_of(const struct block_answer *a, const struct pool_user *u);

#endif
