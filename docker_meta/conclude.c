/* SPDX-License-Identifier: MIT */
#include "docker_meta/conclude.h"

#include <errno.h>
#include <string.h>

#include "docker_meta/docker_meta.h"
#include "docker_meta/facts/fate.h"
#include "docker_meta/facts/foreign.h"

int conclude(const struct gathered *g, struct conclusions *c)
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

void conclusions_destroy(struct conclusions *c)
{
	forecast_destroy(&c->forecast);
	meta_findings_destroy(&c->findings);
	pool_data_destroy(&c->data);
	device_sets_destroy(&c->sets);
	device_table_destroy(&c->devices);
}
