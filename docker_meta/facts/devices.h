/* SPDX-License-Identifier: MIT
 * devices.h: every thin device, with all that the pool and Docker say of it, and whose it is.
 */
#ifndef DOCKER_META_FACTS_DEVICES_H
#define DOCKER_META_FACTS_DEVICES_H

#include "common/pool/pool_state.h"
#include "docker_meta/facts/doubts.h"
#include "docker_meta/facts/loss.h"
#include "docker_meta/source/docker/docker_state.h"

enum device_role {
	ROLE_BASE,      /* all others descend from it */
	ROLE_LAYER,     /* of an image */
	ROLE_INIT,      /* between the image and a container's own layer */
	ROLE_RW,        /* a container's own layer */
	ROLE_BUILD,     /* BuildKit's, or that of a build */
	ROLE_DELETING,  /* deferred deletion */
	ROLE_IN_FLIGHT, /* of the open transaction */
	ROLE_ORPHAN,    /* nobody refers to it */
	ROLE_PHANTOM,   /* nobody refers to it, and the pool does not have it */
	ROLE_FOREIGN,   /* something else than Docker made it: join/foreign.h */
	ROLE_UNPROVEN,  /* nobody is known to refer to it, but somebody may need it all the same */
	NR_ROLES
};

/* "base", "layer", … */
const char *role_name(enum device_role role);

/* A layer's place in an image. */
struct layer_place {
	const char *chain;
	const struct image *image;
	uint32_t position; /* from 1 */
	bool named;        /* the image has a name */
};

struct lvm_volume;

struct device_row {
	uint64_t id;
	const char *hash;                   /* NULL: only the pool knows it */
	const struct device_record *record; /* NULL: likewise, or it cannot be used */
	const struct pool_device *pool;     /* NULL: the pool has no such device */
	enum device_role role;
	bool referenced;           /* by an image, a container, a build, or it is the base */
	bool in_flight;            /* the open transaction names it */
	bool of_other_transaction; /* the pool made it in another one than its file says */
	bool may_be_misnamed; /* no file has it, and one with a wrong id is of its transaction */

	const struct layer *layer;    /* that has it as its device */
	const struct image *image;    /* the smallest that has the layer, with a name where one has;
					 NULL:    none */
	uint32_t position, nr_layers; /* in that image, from 1 */
	const struct layer_place *places; /* in all images that have the layer, that one first */
	size_t nr_places;
	const struct mount *mount;         /* that has it as its own or init device */
	const struct container *container; /* whose mount that is */

	/* By join/foreign.h. */
	const struct lvm_volume *volume; /* LVM's, which has this id; NULL: none is known */
	const char *active_volume; /* LVM's, active: its name for device-mapper; NULL: likewise */
	size_t nr_in_transaction;  /* devices, where that is too many for Docker; else 0 */
};

struct device_table {
	const struct docker_state *docker; /* borrowed, as are: */
	const struct pool_state *pool;     /* NULL: not looked at */
	const struct loss *loss;           /* what thin_repair could not save; NULL: not told */
	bool complete;                     /* whatever may refer to a device was read */
	struct device_doubts doubts;
	bool pending;     /* a transaction is open: the next start takes it back */
	bool ids_doubled; /* two files have one id, and both are needed: one has lost its own */
	bool files_old;   /* the pool has devices that Docker's files are too old to know */
	uint64_t newest;  /* transaction that Docker's files know of: the pool's of then, and one */
	/* Most devices are not in the pool, or were made in other transactions: it is another one;
	 * that is certain where ids and transactions agree in nothing. */
	bool another_pool, another_is_certain;
	uint64_t nr_odd, nr_settled; /* of these those */
	struct layer_place *places;  /* owned, by chain */
	size_t nr_places;
	struct device_row *rows; /* owned, by id, then by hash */
	size_t nr, capacity;
	const struct device_row **by_hash; /* owned */
	size_t nr_by_hash;
};

/*
 * All are borrowed as long as the table lives.  pool and loss may be NULL.  older: the pool is
 * known to be older than Docker's files; it is not taken for another one then.  0 or -ENOMEM.
 */
must_check int device_table_join(const struct docker_state *docker, const struct pool_state *pool,
				 const struct loss *loss, bool older,
				 struct device_table *ret_table);
void device_table_destroy(struct device_table *t);

/* It has a file that is neither of the open transaction nor marked as deleted. */
static inline bool device_is_settled(const struct device_row *row)
{
	return row->record && !row->record->deleted && !row->in_flight;
}

/*
 * No file has it, and the open transaction that names it did not make it: it is older.  Where the
 * pool alone knows a device, Docker may give its id to another, and take that back.
 */
static inline bool device_predates_open(const struct device_table *t, const struct device_row *row)
{
	return row->in_flight && !row->record && row->pool &&
	       row->pool->details.transaction_id != t->pool->header.transaction_id;
}

/*
 * thin_repair made its details anew: they tell nothing of where it comes from.  Its report says so;
 * else they are recognised: of the transaction and the time of the repair (thin_repair), or of
 * transaction 0 (thin-provisioning-tools).
 */
bool device_has_new_details(const struct device_table *t, const struct device_row *row);

/* Whoever has it is being removed: to delete it is what somebody asked for. */
static inline bool device_is_going(const struct device_row *row)
{
	return (row->layer && row->layer->removing) ||
	       (row->container && (row->container->dead || row->container->removing));
}

/* LVM has it, whoever else does. */
static inline bool device_is_volume(const struct device_row *row)
{
	return row->volume || row->active_volume;
}

/* Somebody needs a device of this id, by this name or by another: two files may name one device. */
bool device_is_shared(const struct device_table *t, const struct device_row *row);

/* "ok", "in flight", "phantom", "damaged", "unregistered", "deleting", "unread": no pool was. */
const char *device_state_name(const struct device_table *t, const struct device_row *row);

/* The row with this hash, or NULL. */
const struct device_row *device_table_find(const struct device_table *t, const char *hash);

/* The first row with this id, or NULL. */
const struct device_row *device_table_find_id(const struct device_table *t, uint64_t id);

/* Bytes of so many data blocks, or UINT64_MAX where there are more; 0 without a pool. */
uint64_t device_table_bytes(const struct device_table *t, uint64_t nr_data_blocks);

/* "ubuntu:16.04", "web", … as a human would say it; into text, "-" when nobody is known. */
void device_owner_name(const struct device_table *t, const struct device_row *row, char *text,
		       size_t size);

#endif
