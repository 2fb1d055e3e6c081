/* SPDX-License-Identifier: MIT
 * docker_meta.c: gather, join, conclude, answer.
 */
#include "docker_meta/docker_meta.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "docker_meta/commands.h"
#include "docker_meta/conclude.h"
#include "docker_meta/gather.h"
#include "docker_meta/read/read_record.h"
#include "docker_meta/say/out_place.h"
#include "docker_meta/walls.h"

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
	conclusions_destroy(&c);
	ended = gather_end(&g);
	return ended == STATUS_NONE ? status : ended;
}

/* What was read is listed there; and standard output must not lead to it. */
static struct read_record record_for(const struct docker_meta_options *o)
{
	struct read_record record = { .keeps_names =
					      meta_command_has(o->command, COMMAND_LISTS_INPUTS) ||
					      o->form == OUTPUT_JSON || o->form == OUTPUT_HTML };
	struct stat st;

	if (!o->output && !fstat(STDOUT_FILENO, &st) && S_ISREG(st.st_mode)) {
		record.watched_device = st.st_dev;
		record.watched_inode = st.st_ino;
	}
	return record;
}

int docker_meta_run(const struct docker_meta_options *o)
{
	struct out_places places = NO_OUT_PLACES;
	struct read_record record = record_for(o);
	struct docker_meta_options noted = *o;
	int status = meta_command_accept(o, &places);

	noted.reading.record = &record;
	if (status == STATUS_NONE)
		status = look_and_answer(&noted, &places);
	read_record_destroy(&record);
	out_places_abandon(&places);
	return status;
}
