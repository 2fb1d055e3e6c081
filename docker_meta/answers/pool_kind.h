/* SPDX-License-Identifier: MIT
 * pool_kind.h: what the pool stands on, and what thin_repair has to be told of it.
 */
#ifndef DOCKER_META_ANSWERS_POOL_KIND_H
#define DOCKER_META_ANSWERS_POOL_KIND_H

#include "docker_meta/view.h"

enum pool_kind { KIND_UNKNOWN, KIND_LOOP, KIND_LVM };

struct mend_pool {
	enum pool_kind kind;
	const char *why; /* a constant: what tells so */
	char name[128];  /* of device-mapper; "": not known */
	bool name_is_guess;
	char group[128], volume[128]; /* of LVM; "": not known */
};

/* From the files below the root and the options. */
void mend_pool_find(const struct meta_view *v, struct mend_pool *ret_pool);

/* For --transaction-id, --data-block-size and --nr-data-blocks; 0: not known. */
struct repair_hints {
	uint64_t transaction_id;
	const char *transaction_from; /* a constant */
	bool may_be_pending;          /* the last transaction: else it was finished */
	uint64_t data_block_size;     /* sectors */
	const char *block_size_from;
	uint64_t nr_data_blocks;
	const char *nr_blocks_from;
};

/*
 * The transaction is the last that Docker opened.  Whether it was finished only the pool tells; but
 * with this id, Docker takes nothing back at its next start: at worst a device leaks.  With one
 * less, it might delete a device that is needed.
 */
void repair_hints_find(const struct meta_view *v, struct repair_hints *ret_hints);

/* As options; into text, "" where nothing is known. */
void repair_hints_print(const struct repair_hints *h, char *text, size_t size);

#endif
