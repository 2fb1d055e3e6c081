/* SPDX-License-Identifier: MIT
 * docker_meta.c: gather all sides, join them, conclude.
 */
#include "docker_meta/docker_meta.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "common/base/alloc.h"
#include "docker_meta/commands.h"
#include "docker_meta/state/root_hint.h"

#define LOOP_METADATA "devicemapper/devicemapper/metadata"

struct look {
	const struct docker_meta_options *options;
	const char *root;
	const char *metadata; /* path; NULL: not looked at */
	char *loop;           /* owned: the loop file's path, when it is used */
	struct pool_source *source;
	struct pool_fault fault; /* why the pool was not read, where that stops nobody */
	bool has_pool;
	struct config config;
	struct host host;
	struct docker_state docker;
	struct pool_state pool;
	struct pool_check check;
	bool is_checked;
	struct device_table devices;
	struct device_sets sets;
	struct pool_data data;
	struct meta_findings findings;
	struct forecast forecast;
};

static int blind(const struct look *l, const char *what, const char *why)
{
	const char *root = l->root            ? l->root
			   : l->options->root ? l->options->root
					      : DEFAULT_DATA_ROOT;

	tool_error(&docker_meta_tool, "%s: %s", what, why);
	meta_command_blind(l->options, root, what, why);
	return META_STATUS_BLIND;
}

/* ---- the sides */

static int read_config(struct look *l)
{
	int r = config_read(l->options, &l->config);

	l->root = l->options->root      ? l->options->root
		  : l->config.data_root ? l->config.data_root
					: DEFAULT_DATA_ROOT;
	if (r && l->config.trouble) {
		tool_error(&docker_meta_tool, "%s", l->config.trouble);
		return META_STATUS_BLIND;
	}
	return r ? blind(l, "configuration", strerror(-r)) : STATUS_NONE;
}

/* A configuration can be looked at before there is anything that it is of. */
static bool is_lint(const struct look *l)
{
	return l->options->command == COMMAND_LINT;
}

static bool has_state(const struct docker_state *d)
{
	return d->driver.present || d->layers.present || d->problems.nr;
}

static int read_docker(struct look *l)
{
	struct root_hint hint = { "" };
	struct safe_dir root;
	int r = safe_dir_open(l->root, &root);

	if (r == -ENOENT && is_lint(l) && !l->options->root)
		return STATUS_NONE;
	if (r)
		return blind(l, l->root, strerror(-r));
	r = docker_state_read(&root, &l->docker);
	if (!r && !has_state(&l->docker) && !is_lint(l))
		hint = root_hint_of(&root);
	safe_dir_close(&root);
	if (r)
		return blind(l, l->root, strerror(-r));
	return *hint.text ? blind(l, l->root, hint.text) : STATUS_NONE;
}

static int read_host(struct look *l)
{
	int r = host_read(l->options, l->root, &l->host);

	return r ? blind(l, "host", strerror(-r)) : STATUS_NONE;
}

static int find_pool(struct look *l, struct pool_source_options *ret_source)
{
	const struct docker_meta_options *o = l->options;

	*ret_source = (struct pool_source_options){ .kind = o->xml ? POOL_XML : POOL_RAW,
						    .path = o->xml ? o->xml : o->metadata,
						    .metadata_snap = o->metadata_snap,
						    .live = true };
	if (ret_source->path)
		return STATUS_NONE;
	l->loop = alloc_printf("%s/%s", l->root, LOOP_METADATA);
	if (!l->loop)
		return blind(l, l->root, strerror(ENOMEM));
	if (!access(l->loop, F_OK))
		ret_source->path = l->loop;
	else if (!is_lint(l))
		return blind(l, l->root,
			     "the pool's metadata are not below it: give --metadata DEV or "
			     "--xml FILE");
	return STATUS_NONE;
}

/* These two say how a pool is mended that nobody can read. */
static bool goes_on_without_pool(const struct look *l, int error)
{
	const enum meta_command c = l->options->command;

	return (c == COMMAND_SURVIVORS && error != -ENOMEM) ||
	       (c == COMMAND_PLAN &&
		(error == -EUCLEAN || error == -EINVAL || error == -EIO || error == -EBADMSG));
}

static int read_pool(struct look *l)
{
	struct pool_source_options options;
	int status = find_pool(l, &options), r;

	if (status != STATUS_NONE)
		return l->options->command == COMMAND_SURVIVORS ? STATUS_NONE : status;
	if (!options.path)
		return STATUS_NONE;
	l->metadata = options.path;
	r = pool_source_open(&options, &l->source, &l->fault);
	if (!r)
		r = pool_state_read(l->source, NULL, &l->pool, &l->fault);
	l->has_pool = !r;
	if (r && !*l->fault.text)
		(void)snprintf(l->fault.text, sizeof(l->fault.text), "%s", strerror(-r));
	if (r)
		status = blind(l, options.path, l->fault.text);
	return r && goes_on_without_pool(l, r) ? STATUS_NONE : status;
}

/* Of XML there is nothing to check; what a pool that goes on working shows proves nothing. */
static int check_pool(struct look *l)
{
	int r;

	if (!l->has_pool)
		return STATUS_NONE;
	r = pool_source_kind(l->source) == POOL_RAW ? pool_check(l->source, NULL, &l->check) : 0;
	l->is_checked = pool_source_kind(l->source) == POOL_RAW && !r && !l->check.torn &&
			!l->pool.reading.torn;
	return r ? blind(l, l->metadata, strerror(-r)) : STATUS_NONE;
}

static int gather(struct look *l)
{
	static int (*const sides[])(struct look *) = { read_config, read_docker, read_host,
						       read_pool, check_pool };
	int status = STATUS_NONE;

	for (size_t i = 0; i < ARRAY_SIZE(sides) && status == STATUS_NONE; i++)
		status = sides[i](l);
	return status;
}

/* ---- what it comes to */

static int conclude(struct look *l)
{
	const struct meta_facts facts = { .options = l->options,
					  .check = l->is_checked ? &l->check : NULL,
					  .devices = &l->devices,
					  .sets = &l->sets,
					  .data = &l->data,
					  .host = &l->host,
					  .config = &l->config };
	int r = device_table_join(&l->docker, l->has_pool ? &l->pool : NULL, &l->devices);

	if (!r)
		r = device_sets_make(&l->devices, &l->sets);
	if (!r)
		r = pool_data_read(l->options->data, l->root, &l->devices, &l->data);
	if (!r && *l->data.fault && l->data.named)
		return blind(l, l->options->data, l->data.fault);
	if (!r)
		r = meta_findings_find(&facts, &l->findings);
	if (!r)
		r = forecast_make(&facts, &l->findings, &l->forecast);
	return r ? blind(l, l->root, strerror(-r)) : STATUS_NONE;
}

static int answer(const struct look *l)
{
	const struct meta_view view = {
		.options = l->options,
		.root = l->root,
		.metadata = l->metadata,
		.pool_fault = *l->fault.text ? l->fault.text : NULL,
		.source = l->source,
		.check = l->is_checked ? &l->check : NULL,
		.devices = &l->devices,
		.data = &l->data,
		.host = &l->host,
		.config = &l->config,
		.sets = &l->sets,
		.findings = &l->findings,
		.forecast = &l->forecast,
	};

	return meta_command_run(&view);
}

int docker_meta_run(const struct docker_meta_options *o)
{
	struct look l = { .options = o };
	int status = meta_command_accept(o);

	if (status == STATUS_NONE)
		status = gather(&l);
	if (status == STATUS_NONE)
		status = conclude(&l);
	if (status == STATUS_NONE)
		status = answer(&l);
	forecast_destroy(&l.forecast);
	meta_findings_destroy(&l.findings);
	pool_data_destroy(&l.data);
	device_sets_destroy(&l.sets);
	device_table_destroy(&l.devices);
	if (l.source)
		pool_source_close(l.source);
	pool_state_destroy(&l.pool);
	host_destroy(&l.host);
	docker_state_destroy(&l.docker);
	config_destroy(&l.config);
	alloc_free(l.loop);
	return status;
}
