/* SPDX-License-Identifier: MIT
 * lvm.h: what `lvs --reportformat json` says of thin pools, and when LVM extends them by itself.
 */
#ifndef DOCKER_META_CONFIG_LVM_H
#define DOCKER_META_CONFIG_LVM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "docker_meta/read/go_json.h"

/* The command that makes the file, for people. */
#define LVS_COMMAND "lvs -a -o vg_name,vg_free,lv_all,seg_all --units b --reportformat json"

/* A logical volume.  Texts are owned; NULL: lvs was not asked, "": it has nothing to say. */
struct lvm_volume {
	char *vg, *name; /* without the brackets of hidden ones */
	char *pool;      /* of a thin volume */
	char *attr, *monitor, *when_full, *health, *check_needed, *profile, *discards;
	bool has_data_percent, has_metadata_percent, has_transaction, has_size, has_chunk_size;
	bool has_vg_free, has_metadata_size, has_thin_id;
	bool size_is_exact; /* in bytes */
	bool tells_thin;    /* lvs was asked for pool_lv and thin_id */
	double data_percent, metadata_percent;
	uint64_t transaction_id, thin_id;
	uint64_t size, metadata_size, chunk_size, vg_free; /* bytes; rounded where lvs did */
};

struct lvm_report {
	struct lvm_volume *volumes; /* owned */
	size_t nr, capacity;
};

/* From the text of a file, behind which there is a NUL.  0; -EBADMSG with fault filled; -ENOMEM. */
must_check int lvm_report_parse(char *text, size_t size, struct lvm_report *ret_report,
				struct go_fault *fault);
void lvm_report_destroy(struct lvm_report *r);

/*
 * The thin pool that device-mapper calls so, "docker-thinpool"; for NULL the only one that there
 * is.  NULL: none, or nobody can tell.
 */
const struct lvm_volume *lvm_report_pool(const struct lvm_report *r, const char *dm_name);

/* One by its names, or NULL. */
const struct lvm_volume *lvm_report_find(const struct lvm_report *r, const char *vg,
					 const char *name);

/* Some volume is a thin pool. */
bool lvm_report_has_pools(const struct lvm_report *r);

/* lvs was asked for all volumes, hidden ones too. */
bool lvm_report_has_hidden(const struct lvm_report *r);

struct autoextend {
	bool has_threshold, has_percent;
	uint64_t threshold, percent;
};

/* The two settings in the text of lvm.conf or of a profile; comments do not count. */
void autoextend_parse(const char *text, struct autoextend *ret_autoextend);

/* "1.50g", "524288B", "512.00k": bytes.  Capital letters other than B are powers of 1000. */
must_check bool lvm_size_parse(const char *text, uint64_t *ret_bytes);

#endif
