/* SPDX-License-Identifier: MIT */
#include "docker_meta/gather.h"

#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "common/base/alloc.h"
#include "common/tool/open_metadata.h"
#include "common/tool/same_storage.h"
#include "docker_meta/commands.h"
#include "docker_meta/docker_meta.h"
#include "docker_meta/host/dm_names.h"
#include "docker_meta/read/read_record.h"
#include "docker_meta/source/docker/layout.h"
#include "docker_meta/source/docker/root_hint.h"
#include "docker_meta/walls.h"

#define DRIVER_METADATA "devicemapper/metadata"
#define TRANSACTION "transaction-metadata"

enum {
	MAX_LOOKS = 4,         /* at what changes meanwhile */
	PAUSE = 300000,        /* microseconds, before the next one */
	MAX_TRANSACTION = 4096 /* bytes of the file */
};

int gather_blind(const struct gathered *g, const char *what, const char *why)
{
	const char *root = g->root            ? g->root
			   : g->options->root ? g->options->root
					      : DEFAULT_DATA_ROOT;
	const struct out_inputs inputs = { g->options, root, g->metadata, &g->config, g->places };

	tool_error(&docker_meta_tool, "%s: %s", what, why);
	meta_command_blind(g->options, &inputs, what, why);
	return META_STATUS_BLIND;
}

/* ---- configuration and host */

/* A configuration can be looked at before there is anything that it is of. */
static bool is_lint(const struct gathered *g)
{
	return meta_command_has(g->options->command, COMMAND_LINTS);
}

static bool has_no_root(const struct gathered *g)
{
	return is_lint(g) && !g->options->root && access(g->root, F_OK);
}

static int read_config(struct gathered *g)
{
	int r = config_read(g->options, &g->config);

	g->root = g->config.root        ? g->config.root
		  : g->options->root    ? g->options->root
		  : g->config.data_root ? g->config.data_root
					: DEFAULT_DATA_ROOT;
	if (!r)
		return STATUS_NONE;
	return gather_blind(g, "configuration",
			    g->config.trouble ? g->config.trouble : strerror(-r));
}

static int read_host(struct gathered *g)
{
	struct host_fault fault = { "" };
	struct safe_dir dir;
	int r;

	if (has_no_root(g))
		return STATUS_NONE;
	r = safe_dir_open(g->root, &g->options->reading, &dir);
	if (r)
		return gather_blind(g, g->root, strerror(-r));
	safe_dir_close(&dir);
	r = host_read(g->options, g->root, config_thinpooldev(&g->config), &g->host, &fault);
	return r ? gather_blind(g, "host", *fault.text ? fault.text : strerror(-r)) : STATUS_NONE;
}

/* ---- Docker */

static bool has_state(const struct docker_state *d)
{
	return d->driver.present || d->layers.present || d->problems.nr;
}

static int read_docker(struct gathered *g)
{
	struct root_hint hint = { "" };
	struct safe_dir root;
	int r;

	if (has_no_root(g))
		return STATUS_NONE;
	r = safe_dir_open(g->root, &g->options->reading, &root);
	if (r)
		return gather_blind(g, g->root, strerror(-r));
	if (root_is_of_containers_storage(&root) && !is_lint(g)) {
		safe_dir_close(&root);
		return gather_blind(g, g->root,
				    "it is containers/storage's (podman, CRI-O), not Docker's");
	}
	r = docker_state_read(&root, &g->docker);
	if (!r && !has_state(&g->docker) && !is_lint(g))
		hint = root_hint_of(&root);
	safe_dir_close(&root);
	if (r)
		return gather_blind(g, g->root, strerror(-r));
	return *hint.text ? gather_blind(g, g->root, hint.text) : STATUS_NONE;
}

/* ---- the pool */

/* Nothing below the root leads out of it. */
static int look_for_loop_file(const struct gathered *g)
{
	struct safe_dir root;
	int r = safe_dir_open(g->root, &g->options->reading, &root);

	if (r)
		return r;
	r = safe_dir_has_file(&root, LOOP_METADATA);
	safe_dir_close(&root);
	return r;
}

static int find_loop_file(struct gathered *g)
{
	int r = look_for_loop_file(g);

	if (r == -ENOENT || r == -ENOTDIR)
		return STATUS_NONE;
	g->found = alloc_printf("%s/%s", g->root, LOOP_METADATA);
	if (!g->found)
		return gather_blind(g, g->root, strerror(ENOMEM));
	if (r == -ELOOP || r == -EXDEV)
		return gather_blind(g, g->found,
				    r == -ELOOP ? "it is a symbolic link: give what it leads to "
						  "with --metadata"
						: safe_dir_fault(r));
	return STATUS_NONE;
}

/* A disk on which nothing but Docker's files is left. */
static int find_nothing(struct gathered *g)
{
	static const char why[] = "the pool's metadata are not below it, and no active pool is "
				  "known: give --metadata DEV or --xml FILE, or --pool NAME";

	if (meta_command_has(g->options->command, COMMAND_WANTS_POOL) ||
	    meta_command_has(g->options->command, COMMAND_WANTS_PLACE))
		return gather_blind(g, g->root, why);
	(void)snprintf(g->fault.text, sizeof(g->fault.text), "%s", why);
	tool_error(&docker_meta_tool, "%s: %s", g->root, why);
	return STATUS_NONE;
}

/* The loop file, unless the user names a pool; else what the active pool has. */
static int find_metadata(struct gathered *g)
{
	const bool by_name = g->options->pool && g->host.pool_metadata;
	int status = by_name ? STATUS_NONE : find_loop_file(g);

	if (status != STATUS_NONE || g->found)
		return status;
	if (g->host.pool_metadata) {
		g->found = alloc_string(g->host.pool_metadata);
		return g->found ? STATUS_NONE : gather_blind(g, g->root, strerror(ENOMEM));
	}
	return is_lint(g) ? STATUS_NONE : find_nothing(g);
}

/* What a pool can be that nobody can read. */
static bool is_damage(const struct gathered *g, int error)
{
	return !g->options->xml &&
	       (error == -EUCLEAN || error == -EINVAL || error == -EIO || error == -EBADMSG);
}

/* Docker's files tell something without the pool, too: damage is a finding (P7). */
static int miss_pool(struct gathered *g, int error)
{
	const enum meta_command c = g->options->command;

	if (!*g->fault.text)
		(void)snprintf(g->fault.text, sizeof(g->fault.text), "%s", strerror(-error));
	g->is_damaged = is_damage(g, error);
	g->is_blank = g->is_damaged && pool_source_is_blank(g->metadata);
	if (g->is_blank)
		(void)snprintf(
			g->fault.text, sizeof(g->fault.text),
			"its first block is blank: the kernel takes that for a new pool, and "
			"formats it");
	if (meta_command_has(c, COMMAND_WANTS_POOL) || error == -ENOMEM ||
	    (!meta_command_has(c, COMMAND_TAKES_LOSS) && !g->is_damaged))
		return gather_blind(g, g->metadata, g->fault.text);
	tool_error(&docker_meta_tool, "%s: %s", g->metadata, g->fault.text);
	if (g->source)
		pool_source_close(g->source);
	g->source = NULL;
	return STATUS_NONE;
}

/* The pool's own data, or their loop file. */
static bool is_data(const struct gathered *g)
{
	const struct host_device *pool = g->host.pool;
	char path[PATH_MAX], number[32] = "";
	struct stat st;

	(void)snprintf(path, sizeof(path), "%s/%s", g->root, LOOP_DATA);
	if (!access(path, F_OK) && same_storage(g->metadata, path))
		return true;
	if (!stat(g->metadata, &st) && S_ISBLK(st.st_mode))
		(void)snprintf(number, sizeof(number), "%u:%u", major(st.st_rdev),
			       minor(st.st_rdev));
	return pool && *number && !strcmp(number, pool->target->thin_pool.data);
}

/* What the user named is no metadata at all: it is nothing to be repaired. */
static bool is_something_else(const struct gathered *g)
{
	const char *what = is_data(g) ? "it is the pool's data; name its metadata"
				      : what_no_metadata_is(g->metadata);

	if (what)
		(void)gather_blind(g, g->metadata, what);
	return what != NULL;
}

static int open_pool(struct gathered *g)
{
	const struct docker_meta_options *o = g->options;
	const char *given = o->xml ? o->xml : o->metadata;
	int status = given ? STATUS_NONE : find_metadata(g), r;

	if (status != STATUS_NONE)
		return meta_command_has(o->command, COMMAND_TAKES_LOSS) ? STATUS_NONE : status;
	g->metadata = given ? given : g->found;
	if (!g->metadata)
		return STATUS_NONE;
	const struct pool_source_options options = { .kind = o->xml ? POOL_XML : POOL_RAW,
						     .path = g->metadata,
						     .metadata_snap =
							     o->metadata_snap || g->snap.held,
						     .live = true };
	if (o->metadata && is_something_else(g))
		return META_STATUS_BLIND;
	r = pool_source_open(&options, &g->source, &g->fault);
	return r ? miss_pool(g, r) : STATUS_NONE;
}

static int read_pool(struct gathered *g)
{
	int r;

	if (!g->source)
		return STATUS_NONE;
	r = pool_state_read(g->source, NULL, &g->pool, &g->fault);
	g->has_pool = !r;
	/* Metadata that change while they are read look damaged: it is tried again. */
	g->unreadable = r && g->pool.reading.torn && r != -ENOMEM;
	return r && !g->unreadable ? miss_pool(g, r) : STATUS_NONE;
}

/*
 * Of XML there is nothing to check.  What a pool that goes on working shows proves nothing: while
 * it discards, it keeps counts of blocks that are not mapped any more.
 */
static int check_pool(struct gathered *g)
{
	const bool at_rest = !g->host.pool || g->pool.from_snapshot;
	const bool checkable =
		g->has_pool && pool_source_kind(g->source) == POOL_RAW && !g->torn && at_rest;
	int r = checkable ? pool_check(g->source, NULL, &g->check) : 0;

	g->is_checked = checkable && !r && !g->check.torn;
	return r ? gather_blind(g, g->metadata, strerror(-r)) : STATUS_NONE;
}

/* ---- what thin_repair has told */

static int read_loss(struct gathered *g)
{
	const char *path = g->options->loss;
	char fault[200] = "";
	int r = path ? loss_read(path, &g->loss, fault, sizeof(fault)) : 0;

	g->has_loss = path && !r;
	return r ? gather_blind(g, path, *fault ? fault : strerror(-r)) : STATUS_NONE;
}

/* ---- a snapshot of the pool's metadata, where it was asked for */

static int reserve_snap(struct gathered *g)
{
	struct host_fault fault;

	if (!g->options->reserve_snap || !snap_guard_begin(&g->host, &g->snap, &fault))
		return STATUS_NONE;
	return gather_blind(g, "--reserve-snap", fault.text);
}

static int release_snap(struct gathered *g)
{
	struct host_fault fault;

	if (!snap_guard_end(&g->snap, &fault))
		return STATUS_NONE;
	tool_error(&docker_meta_tool, "%s", fault.text);
	return META_STATUS_BLIND;
}

/* ---- a host that goes on while it is looked at */

static int stop_at_superblock(struct metadata_visitor *v, const struct pool_header *header)
{
	(void)v;
	(void)header;
	return -ECANCELED;
}

static uint64_t transaction_of_pool(struct gathered *g)
{
	struct metadata_visitor v = { .superblock = stop_at_superblock };
	const struct pool_selection selection = { .skip_mappings = true };
	struct pool_reading reading;
	struct pool_fault fault;

	if (!g->source || pool_source_kind(g->source) != POOL_RAW)
		return 0;
	if (pool_source_run(g->source, &selection, &v, NULL, &reading, &fault) == -ENOMEM)
		return 0;
	return reading.transaction_before;
}

static char *transaction_of_docker(const struct gathered *g)
{
	struct safe_dir root, dir;
	char *text = NULL;
	size_t size;

	if (safe_dir_open(g->root, &g->options->reading, &root))
		return NULL;
	if (!safe_dir_enter(&root, DRIVER_METADATA, &dir)) {
		if (safe_dir_read(&dir, TRANSACTION, MAX_TRANSACTION, &text, &size))
			text = NULL;
		safe_dir_close(&dir);
	}
	safe_dir_close(&root);
	return text;
}

static int note_transactions(struct gathered *g)
{
	g->transaction.pool = transaction_of_pool(g);
	g->transaction.docker = transaction_of_docker(g);
	return STATUS_NONE;
}

static bool has_changed(const struct gathered *g)
{
	const struct pool_reading *reading = &g->pool.reading;
	char *now = transaction_of_docker(g), *before = g->transaction.docker;
	bool same = now && before ? !strcmp(now, before) : !now && !before;

	alloc_free(now);
	return !same || reading->torn ||
	       (reading->raw && reading->transaction_after != g->transaction.pool);
}

/*
 * The transaction that the pool is at now, where something else than the metadata tells it: the
 * live superblock beside a metadata snapshot, or the status of the active pool.
 */
static uint64_t transaction_now(const struct gathered *g)
{
	const struct pool_state *p = &g->pool;
	const struct pool_status *active = g->host.status;
	const bool is_copy = !p->reading.raw || g->options->metadata;

	if (p->from_snapshot)
		return p->reading.transaction_after;
	return active && active->health == POOL_IS_WELL && g->host.dm_concerns && is_copy
		       ? active->transaction_id
		       : p->header.transaction_id;
}

/* Metadata of an earlier time than the pool's, and so than Docker's files. */
static void note_age(struct gathered *g)
{
	const uint64_t then = g->pool.header.transaction_id,
		       now = g->has_pool ? transaction_now(g) : then;

	if (now > then)
		(void)snprintf(g->stale, sizeof(g->stale),
			       "they are of transaction %" PRIu64 ", the pool is at %" PRIu64
			       ": %" PRIu64 " transaction%s older",
			       then, now, now - then, now - then == 1 ? "" : "s");
}

/* ---- all of it */

static int gather_once(struct gathered *g)
{
	static int (*const sides[])(struct gathered *) = { read_host,   reserve_snap,
							   open_pool,   note_transactions,
							   read_docker, read_pool };
	int status = STATUS_NONE;

	for (size_t i = 0; i < ARRAY_SIZE(sides) && status == STATUS_NONE; i++)
		status = sides[i](g);
	return status;
}

static void forget(struct gathered *g)
{
	if (g->source)
		pool_source_close(g->source);
	g->source = NULL;
	pool_state_destroy(&g->pool);
	docker_state_destroy(&g->docker);
	host_destroy(&g->host);
	read_record_forget(g->options->reading.record);
	alloc_free(g->transaction.docker);
	g->transaction.docker = NULL;
	alloc_free(g->found);
	g->found = NULL;
	g->metadata = NULL;
}

static int gather_at_rest(struct gathered *g)
{
	int status = gather_once(g);

	for (int looks = 1; status == STATUS_NONE && has_changed(g); looks++) {
		if (looks == MAX_LOOKS) {
			g->torn = "Docker and the pool went on while they were read";
			return g->unreadable
				       ? gather_blind(g, g->metadata,
						      "the pool goes on while it is read: use "
						      "--reserve-snap, or --metadata-snap")
				       : STATUS_NONE;
		}
		status = release_snap(g);
		forget(g);
		(void)usleep(PAUSE);
		if (status == STATUS_NONE)
			status = gather_once(g);
	}
	return status;
}

/*
 * What the host, the user, or the path of the metadata calls it: "/dev/mapper/NAME_tmeta".  Of that
 * it is not known whether LVM has volumes in it, for which it calls a pool NAME-tpool.
 */
static void note_pool(struct gathered *g)
{
	const char *path = g->metadata ? g->metadata : "";
	const size_t n = dm_name_of_metadata(path);
	char layered[160] = "";

	if (n)
		(void)snprintf(layered, sizeof(layered), "%.*s" LVM_POOL_LAYER, (int)n,
			       dm_name_strip(path));
	config_note_pool(&g->config, g->host.pool && *g->host.pool->name ? g->host.pool->name
				     : g->options->pool ? dm_name_strip(g->options->pool)
							: layered);
}

/* For nothing but being read once more is the snapshot worth holding. */
static int end_reading(struct gathered *g)
{
	if (!g->snap.held || meta_command_has(g->options->command, COMMAND_READS_AGAIN))
		return STATUS_NONE;
	pool_source_close(g->source);
	g->source = NULL;
	return release_snap(g);
}

int gather(const struct docker_meta_options *o, struct out_places *places,
	   struct gathered *ret_gathered)
{
	struct gathered *g = ret_gathered;
	int status;

	*g = (struct gathered){ .options = o, .places = places };
	status = read_config(g);
	walls_close(o, places, g->root);
	if (status == STATUS_NONE)
		status = read_loss(g);
	if (status == STATUS_NONE)
		status = gather_at_rest(g);
	if (status == STATUS_NONE) {
		note_pool(g);
		status = check_pool(g);
	}
	if (status == STATUS_NONE)
		note_age(g);
	return status == STATUS_NONE ? end_reading(g) : status;
}

int gather_end(struct gathered *g)
{
	int status;

	/* The source reads the snapshot. */
	if (g->source)
		pool_source_close(g->source);
	g->source = NULL;
	status = release_snap(g);
	forget(g);
	loss_destroy(&g->loss);
	config_destroy(&g->config);
	return status;
}
