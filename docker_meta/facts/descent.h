/* SPDX-License-Identifier: MIT
 * descent.h: which device each device was made from.
 *
 * Docker knows of most (join/parent.h).  Of those that it says nothing of, the pool's times may
 * tell it (join/origin.h).
 */
#ifndef DOCKER_META_FACTS_DESCENT_H
#define DOCKER_META_FACTS_DESCENT_H

#include "docker_meta/facts/devices.h"
#include "docker_meta/facts/origin.h"

#define NO_ROW UINT32_MAX

enum lineage_proof {
	LINEAGE_NONE,   /* no parent: the base device, or what was not made as a snapshot */
	LINEAGE_DOCKER, /* Docker says so */
	LINEAGE_TIMES,  /* the pool's times say so */
	LINEAGE_GUESS,  /* so they say, unless the origin is gone */
	LINEAGE_LOST,   /* it is a snapshot; its origin is gone, or was snapshotted since */
};

/* "none", "docker", "times", "guess", "lost". */
const char *descent_proof_name(enum lineage_proof proof);

/* Arrays by row of the table, owned; numbers are of rows.  It is a forest, whatever Docker says. */
struct descent {
	uint32_t *parent;             /* or NO_ROW */
	uint8_t *proof;               /* enum lineage_proof */
	struct origins origins;       /* what the pool says; empty without one */
	uint32_t *first_child, *next; /* or NO_ROW; by number */
	uint32_t *order;              /* all rows, each before its descendants, which follow it */
	uint32_t base;                /* the base device, or NO_ROW */
	uint32_t *row_of_layer;       /* by layer of the store; NO_ROW: its device is not known */
	/*
	 * Data blocks, 0 without a pool (pool_lineage.h).  A snapshot whose origin is not known
	 * counts as one of the base device: all of Docker's descend from it.
	 */
	uint64_t *added;   /* came in with it */
	uint64_t *with;    /* or with it and all its descendants: come back when all of them go */
	uint64_t nr_apart; /* with nobody: of devices that have no ancestor in common */
};

/* Who was made from whom, without the bytes.  0 or -ENOMEM; to be destroyed in any case. */
must_check int descent_trace(const struct device_table *t, struct descent *ret_descent);

/* With the bytes: one pass over what is mapped.  0 or -ENOMEM; to be destroyed in any case. */
must_check int descent_make(const struct device_table *t, struct descent *ret_descent);
void descent_destroy(struct descent *l);

#endif
