/* SPDX-License-Identifier: MIT
 * findings_internal.h: what the finders share.  Included by docker_meta/judge/ alone.
 */
#ifndef DOCKER_META_JUDGE_FINDINGS_INTERNAL_H
#define DOCKER_META_JUDGE_FINDINGS_INTERNAL_H

#include "docker_meta/judge/findings.h"

struct finder {
	const struct meta_facts *facts;
	const struct device_table *t; /* of the facts */
	struct meta_findings *list;
};

/*
 * Add one, about the whole or about object, which may be NULL.  *ret_finding, when it is wanted, is
 * valid until the next one.
 */
must_check int finder_add(struct finder *f, enum meta_row_id id, const char *object,
			  struct meta_finding **ret_finding, const char *format, ...)
	printf_like(5, 6);

/* The last one added is about this device as well. */
must_check int finder_add_device(struct finder *f, const struct device_row *row);

/* One about a device: its exclusive bytes are at stake. */
must_check int finder_add_of_device(struct finder *f, enum meta_row_id id,
				    const struct device_row *row, const char *format, ...)
	printf_like(4, 5);

/* The directory that a layer stands in, for people. */
static inline const char *layer_place(const struct layer *l)
{
	return l->graph ? "graph" : "layerdb/sha256";
}

/*
 * Of the last one added: what comes back is that of the whole set which this device is in; where
 * there are others in it, the evidence names them.
 */
must_check int finder_tell_set(struct finder *f, const struct device_row *row);

must_check int find_problems(struct finder *f);
must_check int find_in_pool(struct finder *f);
must_check int find_in_transactions(struct finder *f);
must_check int find_in_records(struct finder *f);
must_check int find_in_devices(struct finder *f);
must_check int find_in_layers(struct finder *f);
must_check int find_in_images(struct finder *f);
must_check int find_in_containers(struct finder *f);
must_check int find_in_capacity(struct finder *f);
must_check int find_in_setup(struct finder *f);
must_check int find_in_config(struct finder *f);
must_check int find_in_lineage(struct finder *f);
must_check int find_in_leftovers(struct finder *f);
must_check int find_in_file_systems(struct finder *f);
must_check int find_in_running_host(struct finder *f);
must_check int find_in_mount_points(struct finder *f);
must_check int find_in_host_pool(struct finder *f);

/* What is active or mounted cannot be deleted: say so, and doubt what Docker may be making. */
must_check int judge_busy(struct finder *f);

/* What was compared with something that is not there is no evidence. */
void judge_sources(struct finder *f);

/* What was read at several moments proves nothing where it is compared. */
void judge_torn(struct finder *f);

/* How bad it is that a file system has so few bytes left for a loop file that may grow by more. */
enum meta_severity severity_of_room(uint64_t fs_bytes, uint64_t fs_free);

#endif
