/* SPDX-License-Identifier: MIT
 * docker_meta.c: gather, join, conclude, answer.
 */
#include "docker_meta/docker_meta.h"

#include <errno.h>
#include <string.h>

#include "docker_meta/commands.h"
#include "docker_meta/facts/fate.h"
#include "docker_meta/facts/foreign.h"
#include "docker_meta/gather.h"
#include "docker_meta/read/read_record.h"
#include "docker_meta/say/out_place.h"
#include "docker_meta/walls.h"

struct conclusions {
	struct device_table devices;
	struct device_sets sets;
	struct pool_data data;
	struct meta_findings findings;
	struct forecast forecast;
};

static int conclude(const struct gathered *g, struct conclusions *c)
{
	const struct meta_facts facts = { .options = g->options,
					  .check = g->is_checked ? &g->check : NULL,
					  .devices = &c->devices,
					  .sets = &c->sets,
					  .data = &c->data,
					  .host = &g->host,
					  .config = &g->config,
					  .torn = g->torn,
					  .stale = *g->stale ? g->stale : NULL,
					  .damage = g->is_damaged ? g->fault.text : NULL,
					  .superblock_lost = !g->pool.reading.data_block_size,
					  .blank = g->is_blank };
	int r = device_table_join(&g->docker, g->has_pool ? &g->pool : NULL,
				  g->has_loss ? &g->loss : NULL, *g->stale, &c->devices);

	if (!r && g->has_loss && loss_is_of_another(&g->loss, &c->devices))
		return gather_blind(g, g->options->loss,
				    "it is of another pool, or of metadata that were used since: "
				    "most devices have other mappings than it says were kept");

	if (!r)
		r = device_table_find_foreign(&c->devices, &g->config, &g->host);
	if (!r)
		r = device_sets_make(&c->devices, &c->sets);
	if (!r)
		r = pool_data_read(g->options->data, g->root, &g->options->reading, &c->devices,
				   &c->data);
	if (!r && *c->data.fault && c->data.named)
		return gather_blind(g, g->options->data, c->data.fault);
	if (!r)
		r = meta_findings_find(&facts, &c->findings);
	if (!r)
		r = forecast_make(&facts, &c->findings, &c->forecast);
	return r ? gather_blind(g, g->root, strerror(-r)) : STATUS_NONE;
}

static int answer(const struct gathered *g, const struct conclusions *c)
{
	const struct meta_view view = {
		.options = g->options,
		.root = g->root,
		.metadata = g->metadata,
		.reading = &g->pool.reading,
		.pool_fault = !g->has_pool && *g->fault.text ? g->fault.text : NULL,
		.source = g->source,
		.check = g->is_checked ? &g->check : NULL,
		.torn = g->torn,
		.stale = *g->stale ? g->stale : NULL,
		.devices = &c->devices,
		.data = &c->data,
		.host = &g->host,
		.config = &g->config,
		.sets = &c->sets,
		.findings = &c->findings,
		.forecast = &c->forecast,
		.places = g->places,
	};

	return meta_command_run(&view);
}

static void forget(struct conclusions *c)
{
	forecast_destroy(&c->forecast);
	meta_findings_destroy(&c->findings);
	pool_data_destroy(&c->data);
	device_sets_destroy(&c->sets);
	device_table_destroy(&c->devices);
}

static int look_and_answer(const struct docker_meta_options *o, struct out_places *places)
{
	struct conclusions c = { 0 };
	struct gathered g;
	int status, ended;

	walls_raise(o, places);
	status = gather(o, places, &g);
	if (status == STATUS_NONE)
		status = conclude(&g, &c);
	/* Whoever took a lack of memory for something that is not there is not to be believed. */
	if (status == STATUS_NONE && o->reading.record->short_of_memory)
		status = gather_blind(&g, g.root, strerror(ENOMEM));
	if (status == STATUS_NONE)
		status = answer(&g, &c);
	forget(&c);
	ended = gather_end(&g);
	return ended == STATUS_NONE ? status : ended;
}

int docker_meta_run(const struct docker_meta_options *o)
{
	struct out_places places = NO_OUT_PLACES;
	struct read_record record = { 0 };
	struct docker_meta_options noted = *o;
	int status = meta_command_accept(o, &places);

	noted.reading.record = &record;
	if (status == STATUS_NONE)
		status = look_and_answer(&noted, &places);
	read_record_destroy(&record);
	out_places_abandon(&places);
	return status;
}
