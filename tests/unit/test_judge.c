/* SPDX-License-Identifier: MIT
 * test_judge.c: a healthy host, of which one thing is changed that no file can say: the row of it,
 * and no other above info.  What files say is changed in tests/cases/docker_meta*.sh.
 */
#include <criterion/criterion.h>
#include <string.h>

#include "common/base/alloc.h"
#include "common/tool/tool.h"
#include "docker_meta/conclude.h"
#include "docker_meta/read/read_record.h"
#include "docker_meta/say/out_place.h"
#include "tests/support/docker_host.h"
#include "tests/support/leaks.h"

TestSuite(judge, .fini = fail_on_leaks);

#define EXITED "57a04caa8ded0af18c54eeee9b42dc64aecc0559f7ba96d86d53ea4192c53e22"

struct world {
	struct docker_host host;
	struct docker_meta_options options;
	struct read_record record;
	struct out_places places;
	struct gathered g;
	struct conclusions c;
};

static void look(struct world *w, const struct docker_host *host, void (*prepare)(struct world *))
{
	w->host = *host;
	docker_host_kernel_says(&w->host);
	w->places = NO_OUT_PLACES;
	w->options = docker_host_options(&w->host);
	w->options.no_dm = w->options.no_mounts = false;
	w->options.metadata_snap = true;
	w->options.table = w->host.table;
	w->options.status = w->host.status;
	w->options.mountinfo = w->host.mountinfo;
	w->options.reading.record = &w->record;
	if (prepare)
		prepare(w);
	cr_assert_eq(gather(&w->options, &w->places, &w->g), STATUS_NONE);
}

static void forget(struct world *w)
{
	conclusions_destroy(&w->c);
	cr_assert_eq(gather_end(&w->g), STATUS_NONE);
	read_record_destroy(&w->record);
}

/* ---- what is changed */

static struct host_device *active(struct world *w, const char *hash)
{
	for (size_t i = 0; i < w->g.host.nr_devices; i++) {
		if (w->g.host.devices[i].hash && !strcmp(w->g.host.devices[i].hash, hash))
			return &w->g.host.devices[i];
	}
	cr_assert_fail("%s is not active", hash);
	return NULL;
}

static struct host_device *first_of_dockers(struct world *w, bool is_pool)
{
	for (size_t i = 0; i < w->g.host.nr_devices; i++) {
		if (w->g.host.devices[i].is_own && w->g.host.devices[i].is_pool == is_pool)
			return &w->g.host.devices[i];
	}
	cr_assert_fail("nothing of Docker's is active");
	return NULL;
}

static void suspend(struct world *w)
{
	first_of_dockers(w, false)->suspended = true;
}

static void suspend_pool(struct world *w)
{
	first_of_dockers(w, true)->suspended = true;
}

static void defer(struct world *w)
{
	first_of_dockers(w, false)->deferred_remove = true;
}

/* One more active device, which is not mounted. */
static void activate(struct world *w)
{
	FILE *table = fopen(w->host.table, "ae");

	cr_assert(table &&
		  fputs("docker-254:16-16386-" EXITED ": 0 2097152 thin 253:0 23\n", table) >= 0 &&
		  !fclose(table));
}

static void open_it(struct world *w)
{
	struct host_device *d = active(w, EXITED);

	d->has_info = true;
	d->open_count = 1;
	w->g.host.mounts.all_namespaces = true;
}

static void add_loop(struct world *w, const char *file, bool deleted)
{
	struct host *h = &w->g.host;
	struct host_loop *grown =
		alloc_grow(h->loops, &h->loops_capacity, h->nr_loops, sizeof(*grown));

	cr_assert_not_null(grown);
	h->loops = grown;
	grown[h->nr_loops] =
		(struct host_loop){ 7, (unsigned int)h->nr_loops, alloc_string(file), deleted };
	h->nr_loops++;
	h->is_home = true;
}

static void lose_loop_file(struct world *w)
{
	add_loop(w, "/var/lib/docker/devicemapper/devicemapper/data", true);
}

static void double_loop(struct world *w)
{
	add_loop(w, "/var/lib/docker/devicemapper/devicemapper/data", false);
	add_loop(w, "/var/lib/docker/devicemapper/devicemapper/data", false);
}

static void other_loops(struct world *w)
{
	add_loop(w, "/root/a.img", true);
	add_loop(w, "/root/b.img", false);
	add_loop(w, "/root/b.img", false);
}

static void take_cookies(struct world *w)
{
	w->g.host.semaphores = (struct host_semaphores){
		.known = true, .nr = 32000, .nr_cookies = 32000, .max = 32000
	};
}

static void retry_for_ever(struct world *w)
{
	w->g.host.nr_endless_xfs = 2;
}

static void fill(struct world *w)
{
	FILE *f = fopen(w->host.status, "we");

	cr_assert(f &&
		  fputs("docker-254:16-16386-pool: 0 4194304 thin-pool 59 496/4096 31000/32768 - "
			"rw discard_passdown error_if_no_space - 1024 \n",
			f) >= 0 &&
		  !fclose(f));
}

static void ask_for_lint(struct world *w)
{
	w->options.lint = true;
}

static void lack_programs(struct world *w)
{
	w->g.config.lacks_lvm = w->g.config.lacks_thin_check = true;
}

static void lack_space(struct world *w)
{
	w->g.config.has_space = true;
	w->g.config.space_total = 1000 << 20;
	w->g.config.space_free = 5 << 20;
}

static void lack_some_space(struct world *w)
{
	lack_space(w);
	w->g.config.space_free = 40 << 20;
}

/* Of a snapshot it is not known how much metadata there are. */
static void release_snapshot(struct world *w)
{
	ask_for_lint(w);
	w->options.metadata_snap = false;
}

static void leave_the_kernel_out(struct world *w)
{
	release_snapshot(w);
	w->options.no_dm = w->options.no_mounts = true;
	w->options.table = w->options.status = w->options.mountinfo = NULL;
}

static void release(struct world *w)
{
	w->g.pool.reading.held_root = 0;
}

static void shrink_metadata(struct world *w)
{
	release(w);
	w->g.pool.reading.metadata_blocks = 500;
	w->g.pool.reading.metadata_blocks_free = 100;
}

static void grow_data(struct world *w)
{
	release(w);
	w->g.pool.header.nr_data_blocks = UINT64_C(1) << 30;
}

static void fill_largest_metadata(struct world *w)
{
	release(w);
	w->g.pool.reading.metadata_blocks = 4161600;
	w->g.pool.reading.metadata_blocks_free = 1000;
}

static const struct change {
	const char *name;
	enum meta_row_id row;
	enum meta_severity severity;
	void (*prepare)(struct world *); /* what files say, before it is looked at */
	void (*change)(struct world *);  /* what was seen */
} changes[] = {
	{ "a suspended device", ROW_M8, META_ERROR, NULL, suspend },
	{ "a suspended pool", ROW_M8, META_ERROR, NULL, suspend_pool },
	{ "a device to be removed", ROW_M9, META_INFO, NULL, defer },
	{ "an open device", ROW_M10, META_WARNING, activate, open_it },
	{ "a loop file that is gone", ROW_M14, META_ERROR, NULL, lose_loop_file },
	{ "two loop devices of a file", ROW_M14, META_ERROR, NULL, double_loop },
	{ "no semaphores", ROW_M11, META_ERROR, NULL, take_cookies },
	{ "xfs that retries for ever", ROW_M15, META_INFO, fill, retry_for_ever },
	{ "no programs", ROW_G16, META_WARNING, ask_for_lint, lack_programs },
	{ "no space", ROW_G17, META_ERROR, ask_for_lint, lack_space },
	{ "little space", ROW_G17, META_WARNING, ask_for_lint, lack_some_space },
	{ "small metadata", ROW_P9, META_WARNING, release_snapshot, shrink_metadata },
	{ "much data", ROW_P9, META_WARNING, leave_the_kernel_out, grow_data },
	{ "metadata that cannot grow", ROW_P9, META_WARNING, release_snapshot,
	  fill_largest_metadata },
};

static const struct meta_finding *find(const struct world *w, enum meta_row_id row)
{
	for (size_t i = 0; i < w->c.findings.nr; i++) {
		if (w->c.findings.items[i].row == meta_row(row))
			return &w->c.findings.items[i];
	}
	return NULL;
}

/* Nothing above info but this, and what the configuration alone gives. */
static void expect_alone(const struct world *w, const struct change *c)
{
	const struct meta_finding *found = find(w, c->row);

	cr_assert_not_null(found, "%s", c->name);
	cr_expect_eq(found->severity, c->severity, "%s: %d", c->name, (int)found->severity);
	cr_expect_not_null(found->evidence.line, "%s", c->name);
	for (size_t i = 0; i < w->c.findings.nr; i++) {
		const struct meta_finding *f = &w->c.findings.items[i];

		if (meta_row_number(f->row) != c->row && !(f->row->traits & TRAIT_LINT) &&
		    f->severity > META_INFO)
			cr_expect_fail("%s: %s too: %s", c->name, f->row->id, f->evidence.line);
	}
}

static void try(const struct docker_host *host, const struct change *c, bool is_changed)
{
	struct world w = { 0 };

	look(&w, host, c->prepare);
	if (is_changed)
		c->change(&w);
	cr_assert_eq(conclude(&w.g, &w.c), STATUS_NONE, "%s", c->name);
	if (is_changed)
		expect_alone(&w, c);
	else
		cr_expect_null(find(&w, c->row), "%s: without it", c->name);
	forget(&w);
}

Test(judge, what_no_file_can_say)
{
	struct docker_host host;

	docker_host_make("docker-live", &host);
	for (size_t i = 0; i < ARRAY_SIZE(changes); i++) {
		try(&host, &changes[i], false);
		try(&host, &changes[i], true);
	}
	docker_host_forget(&host);
}

Test(judge, what_is_not_dockers)
{
	static const struct change others = { "others' loop files", ROW_M14, META_ERROR, NULL,
					      other_loops };
	struct docker_host host;
	struct world w = { 0 };

	docker_host_make("docker-live", &host);
	look(&w, &host, NULL);
	others.change(&w);
	cr_assert_eq(conclude(&w.g, &w.c), STATUS_NONE);
	cr_expect_null(find(&w, ROW_M14));
	forget(&w);
	docker_host_forget(&host);
}

/* An orphan that BuildKit turns out to have is none, and counts as the build cache. */
Test(judge, what_builds_have)
{
	struct docker_host host;
	struct world w = { 0 };
	const struct meta_finding *orphan, *cache;
	uint64_t bytes;
	struct snapshot_record *record = alloc_array(1, sizeof(*record));

	docker_host_make("docker-kill9-2", &host);
	w.places = NO_OUT_PLACES;
	w.options = docker_host_options(&host);
	w.options.reading.record = &w.record;
	cr_assert_eq(gather(&w.options, &w.places, &w.g), STATUS_NONE);
	cr_assert_eq(conclude(&w.g, &w.c), STATUS_NONE);
	orphan = find(&w, ROW_X8);
	cr_assert(orphan && orphan->nr_devices == 1 && record && !find(&w, ROW_B5));
	*record = (struct snapshot_record){ .key = alloc_string(orphan->devices[0]->hash) };
	bytes = orphan->bytes;
	conclusions_destroy(&w.c);
	snapshots_destroy(&w.g.docker.snapshots);
	w.g.docker.snapshots = (struct snapshot_table){
		.records = record, .nr = 1, .capacity = 1, .complete = true
	};
	w.g.docker.has_buildkit = true;
	w.c = (struct conclusions){ 0 };
	cr_assert_eq(conclude(&w.g, &w.c), STATUS_NONE);
	cr_expect_null(find(&w, ROW_X8));
	cache = find(&w, ROW_B5);
	cr_assert_not_null(cache);
	cr_expect(cache->severity == META_INFO && cache->bytes == bytes);
	forget(&w);
	docker_host_forget(&host);
}
