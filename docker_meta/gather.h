/* SPDX-License-Identifier: MIT
 * gather.h: all that is looked at: the configuration, the running host, what Docker wrote, the
 * pool.
 *
 * A host that goes on while it is looked at is looked at again; what is of several moments all the
 * same is said to be torn.
 */
#ifndef DOCKER_META_GATHER_H
#define DOCKER_META_GATHER_H

#include "common/pool/pool_state.h"
#include "docker_meta/config/config.h"
#include "docker_meta/facts/loss.h"
#include "docker_meta/host/host.h"
#include "docker_meta/host/snap.h"
#include "docker_meta/source/docker/docker_state.h"

struct out_places;

struct gathered {
	const struct docker_meta_options *options;
	struct out_places *places;
	const char *root;     /* path of Docker's data-root */
	const char *metadata; /* path; NULL: not looked at */
	const char *torn;     /* why it is not of one moment, in one line; NULL: it is */
	char stale[160];      /* how much older than the pool the metadata are; "": they are not */
	struct config config;
	struct host host;
	struct docker_state docker;
	struct pool_source *source; /* NULL: not open, or not needed any more */
	bool has_pool;
	struct pool_state pool;
	struct pool_fault fault; /* why the pool was not read, where that stops nobody; or empty */
	bool is_damaged, is_blank; /* that is why */
	bool has_loss;
	struct loss loss; /* what thin_repair could not save, by --loss */
	bool is_checked;
	struct pool_check check;

	/* Of gather.c alone. */
	char *found; /* owned: metadata, where it was not given */
	struct snap_guard snap;
	bool unreadable; /* the pool went on, and nothing could be made of it */
	struct {
		char *docker; /* owned: what is in transaction-metadata; NULL: it cannot be read */
		uint64_t pool;
	} transaction; /* of before */
};

/* STATUS_NONE, or the status to end with: then all has been said.  To be ended in any case. */
must_check int gather(const struct docker_meta_options *o, struct out_places *places,
		      struct gathered *ret_gathered);

/* Let go of it, and of a snapshot of the pool.  STATUS_NONE, or the status to end with. */
must_check int gather_end(struct gathered *g);

/* Say that something could not be looked at, in the form that was asked for.  The status for it. */
int gather_blind(const struct gathered *g, const char *what, const char *why);

#endif
