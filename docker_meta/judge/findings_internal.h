/* SPDX-License-Identifier: MIT
 * findings_internal.h: what the finders share.  Included by docker_meta/judge/ alone.
 */
#ifndef DOCKER_META_JUDGE_FINDINGS_INTERNAL_H
#define DOCKER_META_JUDGE_FINDINGS_INTERNAL_H

#include "docker_meta/judge/findings.h"

struct finder {
	const struct meta_facts *facts;
	const struct device_table *t; /* of the facts */
	const struct docker_state *d; /* of the table */
	struct meta_findings *list;
	struct meta_finding spare; /* given out where there is no memory for another */
	bool failed;               /* there was none: all that was added is void */
};

/* Add one.  It is there until the next one is added. */
struct meta_finding *finder_add(struct finder *f, enum meta_row_id id, struct subject subject);

/* One about a device: its exclusive bytes are at stake. */
struct meta_finding *finder_add_of_device(struct finder *f, enum meta_row_id id,
					  const struct device_row *row);

/* It is about this device as well. */
void finder_add_device(struct finder *f, struct meta_finding *x, const struct device_row *row);

/* Its evidence; file is the finding's then, and NULL where there was no memory for it. */
void finder_found(struct finder *f, struct meta_finding *x, char *file, const char *format, ...)
	printf_like(4, 5);
void finder_against(struct finder *f, struct meta_finding *x, char *file, const char *format, ...)
	printf_like(4, 5);

void finding_destroy(struct meta_finding *x);

/* It is of the pool alone, or of the whole host. */
static inline struct subject the_pool(void)
{
	return subject_named(SUBJECT_POOL, NULL);
}

static inline struct subject the_host(void)
{
	return subject_named(SUBJECT_HOST, NULL);
}

/* It is not known, and no more than an info. */
static inline void finding_doubt(struct meta_finding *x)
{
	x->unproven = true;
	x->severity = META_INFO;
}

/* Other devices may be in this one's set, and share something with it. */
void finder_tell_set(struct finder *f, struct meta_finding *x, const struct device_row *row);

/* The directory that a layer stands in, for people. */
static inline const char *layer_place(const struct layer *l)
{
	return l->graph ? "graph" : "layerdb/sha256";
}

/* It is told alone: nothing that was compared with it is worth a word. */
void find_another_pool(struct finder *f);
void find_problems(struct finder *f);
void find_in_pool(struct finder *f);
void find_in_transactions(struct finder *f);
void find_in_records(struct finder *f);
void find_in_devices(struct finder *f);
void find_in_layers(struct finder *f);
void find_in_images(struct finder *f);
void find_in_containers(struct finder *f);
void find_in_capacity(struct finder *f);
void find_in_setup(struct finder *f);
void find_in_config(struct finder *f);
void find_in_lineage(struct finder *f);
void find_in_leftovers(struct finder *f);
void find_in_file_systems(struct finder *f);
void find_in_running_host(struct finder *f);
void find_in_mount_points(struct finder *f);
void find_in_host_pool(struct finder *f);

/* What is active or mounted cannot be deleted: say so, and doubt what Docker may be making. */
void judge_busy(struct finder *f);

/* What was compared with something that is not there is no evidence. */
void judge_sources(struct finder *f);

/* The pool's metadata are of an earlier time: nothing that was compared with them is told. */
void judge_stale(struct finder *f);

/* What was read at several moments proves nothing where it is compared. */
void judge_torn(struct finder *f);

/* How bad it is that a file system has so few bytes left for a loop file that may grow by more. */
enum meta_severity severity_of_room(uint64_t fs_bytes, uint64_t fs_free);

#endif
