/* SPDX-License-Identifier: MIT
 * docker_meta.c: read both sides, join them, say what is wrong.
 */
#include "docker_meta/docker_meta.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "common/base/alloc.h"

#define DEFAULT_ROOT "/var/lib/docker"
#define LOOP_METADATA "devicemapper/devicemapper/metadata"

struct look {
	const struct docker_meta_options *options;
	const char *root;
	char *loop; /* owned: the loop file's path, when it is used */
	struct docker_state docker;
	struct pool_state pool;
	bool has_pool;
	struct device_table devices;
	struct meta_findings findings;
	struct forecast forecast;
};

static int blind(const char *what, const char *why)
{
	tool_error(&docker_meta_tool, "%s: %s", what, why);
	return META_STATUS_BLIND;
}

/* ---- the two sides */

static int read_docker(struct look *l)
{
	struct safe_dir root;
	int r = safe_dir_open(l->root, &root);

	if (r)
		return blind(l->root, strerror(-r));
	r = docker_state_read(&root, &l->docker);
	safe_dir_close(&root);
	if (r)
		return blind(l->root, strerror(-r));
	if (!l->docker.driver.present && !l->docker.layers.present && !l->docker.problems.nr)
		return blind(l->root, "there is no state of Docker's devicemapper driver in it");
	return STATUS_NONE;
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
		return blind(l->root, strerror(ENOMEM));
	ret_source->path = l->loop;
	if (access(l->loop, F_OK))
		return blind(l->root,
			     "the pool's metadata are not below it: give --metadata DEV or "
			     "--xml FILE");
	return STATUS_NONE;
}

static int read_pool(struct look *l)
{
	struct pool_source_options options;
	struct pool_fault fault = { "" };
	struct pool_source *source;
	int status = find_pool(l, &options), r;

	if (status != STATUS_NONE)
		return status;
	r = pool_source_open(&options, &source, &fault);
	if (!r) {
		r = pool_state_read(source, NULL, &l->pool, &fault);
		l->has_pool = true;
		pool_source_close(source);
	}
	return r ? blind(options.path, *fault.text ? fault.text : strerror(-r)) : STATUS_NONE;
}

static int join(struct look *l)
{
	int r = device_table_join(&l->docker, &l->pool, &l->devices);

	if (!r)
		r = meta_findings_find(&l->devices, &l->findings);
	if (!r)
		r = forecast_make(&l->devices, &l->findings, &l->forecast);
	return r ? blind(l->root, strerror(-r)) : STATUS_NONE;
}

/* ---- the answer */

static int status_of(const struct look *l)
{
	if (l->findings.nr_of[META_FATAL] || l->findings.nr_of[META_ERROR])
		return META_STATUS_ERROR;
	return l->findings.nr_of[META_WARNING] ? META_STATUS_WARNING : META_STATUS_OK;
}

static int print_text(const struct look *l, const struct meta_report *r)
{
	switch (l->options->command) {
	case COMMAND_CHECK:
		output_check(r, stdout);
		return status_of(l);
	case COMMAND_LIST:
		output_list(r, stdout);
		return META_STATUS_OK;
	case COMMAND_PREDICT:
		output_forecast(r, stdout);
		return l->forecast.worst == STEP_OK ? META_STATUS_OK : META_STATUS_ERROR;
	}
	return META_STATUS_BLIND;
}

static int answer(const struct look *l)
{
	const struct docker_meta_options *o = l->options;
	const struct meta_report r = {
		.root = l->root,
		.metadata = o->xml        ? o->xml
			    : o->metadata ? o->metadata
					  : l->loop,
		.devices = &l->devices,
		.findings = &l->findings,
		.forecast = &l->forecast,
	};
	int e;

	if (o->quiet && status_of(l) == META_STATUS_OK)
		return META_STATUS_OK;
	if (o->form == OUTPUT_TEXT)
		return print_text(l, &r);
	e = output_json(&r, stdout);
	return e ? blind("standard output", strerror(-e)) : status_of(l);
}

int docker_meta_run(const struct docker_meta_options *o)
{
	struct look l = { .options = o, .root = o->root ? o->root : DEFAULT_ROOT };
	int status = read_docker(&l);

	if (status == STATUS_NONE)
		status = read_pool(&l);
	if (status == STATUS_NONE)
		status = join(&l);
	if (status == STATUS_NONE)
		status = answer(&l);
	forecast_destroy(&l.forecast);
	meta_findings_destroy(&l.findings);
	device_table_destroy(&l.devices);
	pool_state_destroy(&l.pool);
	docker_state_destroy(&l.docker);
	alloc_free(l.loop);
	return status;
}
